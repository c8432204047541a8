#include "server/routing/hashed_model.h"

#include <algorithm>
#include <cmath>

namespace reprise::routing {
namespace {

constexpr float kRate = 0.04F;
constexpr float kFirstSquare = 0.01F;
constexpr float kFigureScale = 0.07F;

float GramValue(std::size_t grams) {
  return 1.0F / std::sqrt(static_cast<float>(std::max<std::size_t>(grams, 1)));
}

void Step(float gradient, float& weight, float& squares) {
  squares += gradient * gradient;
  weight += kRate * gradient / std::sqrt(squares);
}

}  // namespace

void HashedModel::Predict(const SparseInput& input, std::span<float> sums) const {
  const std::size_t count = std::min(sums.size(), columns_);
  std::array<float, kColumnsMax> totals{};
  for (const std::uint32_t gram : input.grams) {
    const float* const row = weights_.data() + SlotOf(gram) * columns_;
    for (std::size_t column = 0; column < count; ++column) {
      totals[column] += row[column];
    }
  }
  const float value = GramValue(input.grams.size());
  for (std::size_t column = 0; column < count; ++column) {
    float figures = 0;
    for (std::size_t i = 0; i < kLinearFigures; ++i) {
      figures += input.figures[i] * figure_weights_[i * columns_ + column];
    }
    sums[column] += totals[column] * value + figures * kFigureScale;
  }
}

void HashedModel::Learn(const SparseInput& input, std::size_t column, float error) {
  const float gradient = error * GramValue(input.grams.size());
  for (const std::uint32_t gram : input.grams) {
    const std::size_t place = SlotOf(gram) * columns_ + column;
    Step(gradient, weights_[place], squares_[place]);
  }
  for (std::size_t i = 0; i < kLinearFigures; ++i) {
    const std::size_t place = i * columns_ + column;
    Step(error * kFigureScale * input.figures[i], figure_weights_[place], figure_squares_[place]);
  }
}

float HashedModel::GramTerm(std::uint32_t gram, std::size_t column, std::size_t grams) const {
  return column < columns_ ? weights_[SlotOf(gram) * columns_ + column] * GramValue(grams) : 0.0F;
}

float HashedModel::FigureTerm(std::size_t figure, float value, std::size_t column) const {
  return column < columns_ ? figure_weights_[figure * columns_ + column] * value * kFigureScale
                           : 0.0F;
}

void HashedModel::SetColumns(std::size_t columns) {
  if (columns > columns_) {
    Resize(slot_bits_, columns);
  }
}

void HashedModel::ClearColumn(std::size_t column) {
  for (std::size_t place = column; place < weights_.size(); place += columns_) {
    weights_[place] = 0;
  }
  for (std::size_t place = column; place < figure_weights_.size(); place += columns_) {
    figure_weights_[place] = 0;
  }
  Loosen(column);
}

void HashedModel::Loosen(std::size_t column) {
  for (std::size_t place = column; place < squares_.size(); place += columns_) {
    squares_[place] = kFirstSquare;
  }
  for (std::size_t place = column; place < figure_squares_.size(); place += columns_) {
    figure_squares_[place] = kFirstSquare;
  }
}

void HashedModel::GrowFor(std::uint64_t outcomes) {
  constexpr std::uint64_t kSlotsAnOutcome = 16;
  unsigned bits = slot_bits_;
  while (bits < kSlotBitsMax && (std::uint64_t{1} << bits) < outcomes * kSlotsAnOutcome) {
    ++bits;
  }
  if (bits != slot_bits_) {
    Resize(bits, columns_);
  }
}

void HashedModel::Age(float share) {
  const float kept = 1 - share;
  for (std::vector<float>* squares : {&squares_, &figure_squares_}) {
    for (float& square : *squares) {
      square = std::max(square * kept, kFirstSquare);
    }
  }
}

void HashedModel::Resize(unsigned slot_bits, std::size_t columns) {
  const std::size_t slots = std::size_t{1} << slot_bits;
  const std::size_t old_mask = (std::size_t{1} << slot_bits_) - 1;
  const auto copied = [&](const std::vector<float>& from, std::size_t rows, std::size_t mask,
                          float otherwise) {
    std::vector<float> to(rows * columns, otherwise);
    for (std::size_t row = 0; row < rows && columns_ > 0; ++row) {
      const auto begin = from.begin() + static_cast<std::ptrdiff_t>((row & mask) * columns_);
      std::copy(begin, begin + static_cast<std::ptrdiff_t>(columns_),
                to.begin() + static_cast<std::ptrdiff_t>(row * columns));
    }
    return to;
  };
  constexpr std::size_t kAll = ~std::size_t{0};
  weights_ = copied(weights_, slots, old_mask, 0);
  squares_ = copied(squares_, slots, old_mask, kFirstSquare);
  figure_weights_ = copied(figure_weights_, kLinearFigures, kAll, 0);
  figure_squares_ = copied(figure_squares_, kLinearFigures, kAll, kFirstSquare);
  slot_bits_ = slot_bits;
  columns_ = columns;
}

void HashedModel::Save(std::vector<float>& numbers) const {
  for (const std::vector<float>* part :
       {&weights_, &squares_, &figure_weights_, &figure_squares_}) {
    numbers.insert(numbers.end(), part->begin(), part->end());
  }
}

void HashedModel::Load(unsigned slot_bits, std::size_t columns, std::span<const float> numbers) {
  columns_ = 0;
  Resize(slot_bits, columns);
  for (std::vector<float>* part : {&weights_, &squares_, &figure_weights_, &figure_squares_}) {
    std::copy_n(numbers.begin(), part->size(), part->begin());
    numbers = numbers.subspan(part->size());
  }
}

}  // namespace reprise::routing
