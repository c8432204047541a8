// The learner as bytes, and back (FORMAT.md, "learned").
#include <cstring>
#include <limits>
#include <span>
#include <utility>

#include "server/routing/learner.h"
#include "server/routing/prior.h"
#include "server/routing/reader.h"

namespace reprise::routing {
namespace {

constexpr std::uint8_t kVersion = 1;

void AppendFloats(std::span<const float> numbers, std::string& bytes) {
  const auto* const begin = reinterpret_cast<const char*>(numbers.data());
  bytes.append(begin, numbers.size() * sizeof(float));
}

template <std::size_t kCount>
void AppendDoubles(const std::array<double, kCount>& numbers, std::string& bytes) {
  for (const double number : numbers) {
    AppendNumber(number, bytes);
  }
}

std::vector<float> TakeFloats(std::size_t count, Cursor& bytes) {
  const std::string_view taken = bytes.TakeBytes(count * sizeof(float));
  std::vector<float> numbers(taken.size() / sizeof(float));
  if (!taken.empty()) {
    std::memcpy(numbers.data(), taken.data(), taken.size());
  }
  return numbers;
}

template <std::size_t kCount>
std::array<double, kCount> TakeDoubles(Cursor& bytes) {
  std::array<double, kCount> numbers{};
  for (double& number : numbers) {
    number = bytes.Take<double>();
  }
  return numbers;
}

// Weights mean nothing to another shape of input, and little to another prior.
void AppendShape(std::string& bytes) {
  AppendNumber(kVersion, bytes);
  AppendNumber(PriorVersion(), bytes);
  AppendNumber(static_cast<std::uint32_t>(kDenseWidth), bytes);
  AppendNumber(static_cast<std::uint32_t>(kLinearFigures), bytes);
}

bool TakeShape(Cursor& bytes) {
  const bool version = bytes.Take<std::uint8_t>() == kVersion;
  const bool prior = bytes.Take<std::uint32_t>() == PriorVersion();
  const bool dense = bytes.Take<std::uint32_t>() == kDenseWidth;
  const bool figures = bytes.Take<std::uint32_t>() == kLinearFigures;
  return version && prior && dense && figures;
}

std::size_t HashedNumbers(unsigned slot_bits, std::size_t columns) {
  return 2 * columns * ((std::size_t{1} << slot_bits) + kLinearFigures);
}

}  // namespace

void Learner::SaveColumn(const Column& column, std::string& bytes) {
  std::vector<float> numbers;
  column.dense.Save(numbers);
  AppendNumber(static_cast<std::uint8_t>(column.dense.has_learned() ? 1 : 0), bytes);
  AppendFloats(numbers, bytes);
  AppendNumber(column.mean, bytes);
  AppendNumber(column.outcomes, bytes);
  AppendNumber(column.loosened_at, bytes);
  AppendDoubles(column.weights, bytes);
  AppendDoubles(column.quality.Save(), bytes);
  AppendDoubles(column.good_enough.Save(), bytes);
  AppendDoubles(column.drift.Save(), bytes);
  AppendFloats(column.type_errors, bytes);
  AppendFloats(column.type_outcomes, bytes);
}

Learner::Column Learner::LoadColumn(Cursor& bytes) {
  Column column(0);
  const bool has_learned = bytes.Take<std::uint8_t>() != 0;
  const std::size_t size = column.dense.size();
  const std::vector<float> dense = TakeFloats(size + (has_learned ? size * size : 0), bytes);
  if (!bytes.failed()) {
    column.dense.Load(dense);
  }
  column.mean = bytes.Take<double>();
  column.outcomes = bytes.Take<std::uint64_t>();
  column.loosened_at = bytes.Take<std::uint64_t>();
  column.weights = TakeDoubles<kViews>(bytes);
  column.quality.Load(TakeDoubles<Platt::kNumbers>(bytes));
  column.good_enough.Load(TakeDoubles<Platt::kNumbers>(bytes));
  column.drift.Load(TakeDoubles<Drift::kNumbers>(bytes));
  for (std::array<float, kTypesMax>* const by_type : {&column.type_errors, &column.type_outcomes}) {
    for (float& number : *by_type) {
      number = bytes.Take<float>();
    }
  }
  return column;
}

void Learner::Save(std::string& bytes) const {
  AppendShape(bytes);
  AppendNumber(event_, bytes);
  AppendNumber(drifts_, bytes);
  AppendNumber(static_cast<std::uint8_t>(hashed_.slot_bits()), bytes);
  AppendNumber(static_cast<std::uint8_t>(columns_.size()), bytes);
  std::vector<float> numbers;
  hashed_.Save(numbers);
  AppendFloats(numbers, bytes);
  for (const Column& column : columns_) {
    SaveColumn(column, bytes);
  }
}

bool Learner::Load(Cursor& bytes) {
  if (!TakeShape(bytes)) {
    return false;
  }
  Learner loaded(settings_);
  loaded.event_ = bytes.Take<std::uint64_t>();
  loaded.drifts_ = bytes.Take<std::uint64_t>();
  const unsigned slot_bits = bytes.Take<std::uint8_t>();
  const std::size_t columns = bytes.Take<std::uint8_t>();
  if (bytes.failed() || slot_bits < kSlotBitsMin || slot_bits > kSlotBitsMax ||
      columns > kColumnsMax) {
    return false;
  }
  const std::vector<float> numbers = TakeFloats(HashedNumbers(slot_bits, columns), bytes);
  if (bytes.failed()) {
    return false;
  }
  loaded.hashed_.Load(slot_bits, columns, numbers);
  for (std::size_t i = 0; i < columns; ++i) {
    loaded.columns_.push_back(LoadColumn(bytes));
    loaded.qualities_.emplace_back();
  }
  if (bytes.failed()) {
    return false;
  }
  columns_ = std::move(loaded.columns_);
  hashed_ = std::move(loaded.hashed_);
  qualities_ = std::move(loaded.qualities_);
  event_ = loaded.event_;
  drifts_ = loaded.drifts_;
  return true;
}

std::size_t Learner::bytes() const {
  std::size_t bytes = hashed_.bytes() + neighbours_.bytes() +
                      placed_at_.size() * sizeof(placed_at_[0]) + columns_.size() * sizeof(Column);
  for (const Column& column : columns_) {
    bytes += column.dense.bytes();
  }
  for (const std::vector<std::uint8_t>& qualities : qualities_) {
    bytes += qualities.size();
  }
  return bytes;
}

}  // namespace reprise::routing
