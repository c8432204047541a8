// HashedModel: expected quality as a sum of weights of n-grams and surface figures, for several
// models ("columns") side by side, learned from one outcome after the other.
//
// AdaGrad on squared error: a weight that was seen often moves less. The table begins small and
// doubles with what was learned; both halves begin with what the slot knew, so nothing is
// forgotten. Weights of one n-gram stand together for all columns, for a prompt is asked about all
// of them.
//
// Threads: one writer, or any number of readers. Errors: none. Complexity: O(n-grams * columns) to
// predict, O(n-grams) to learn; doubling is O(slots * columns). Units: quality, 0 to 1. Limits:
// kSlotBitsMax, kColumnsMax.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "server/routing/surface.h"

namespace reprise::routing {

inline constexpr unsigned kSlotBitsMin = 10;
inline constexpr unsigned kSlotBitsMax = 17;
inline constexpr std::size_t kColumnsMax = 32;

// Figures that the caller knows beside the text.
inline constexpr std::size_t kCallFigures = 2;  // tokens of context, tokens of the answer
inline constexpr std::size_t kLinearFigures = kTextFigures + kCallFigures;

// What one prompt is to this model.
struct SparseInput {
  std::span<const std::uint32_t> grams;
  std::array<float, kLinearFigures> figures{};
};

class HashedModel {
 public:
  // Adds to `sums`, one for each column.
  void Predict(const SparseInput& input, std::span<float> sums) const;
  // `error` is how far the outcome is above what was expected.
  void Learn(const SparseInput& input, std::size_t column, float error);
  // What single n-grams and figures add, for explanations.
  float GramTerm(std::uint32_t gram, std::size_t column, std::size_t grams) const;
  float FigureTerm(std::size_t figure, float value, std::size_t column) const;

  std::size_t columns() const { return columns_; }
  void SetColumns(std::size_t columns);
  // Forgets what one column has learned.
  void ClearColumn(std::size_t column);
  // Makes the column learn as fast as at the beginning.
  void Loosen(std::size_t column);
  // The table has room for what so many outcomes say.
  void GrowFor(std::uint64_t outcomes);
  // A small step towards learning faster again: what was learned long ago counts less.
  void Age(float share);

  // For snapshots: all numbers, in this order.
  unsigned slot_bits() const { return slot_bits_; }
  std::size_t NumbersIn() const { return 2 * (weights_.size() + figure_weights_.size()); }
  void Save(std::vector<float>& numbers) const;
  // Takes NumbersIn() numbers of a table of this shape.
  void Load(unsigned slot_bits, std::size_t columns, std::span<const float> numbers);
  std::size_t bytes() const { return NumbersIn() * sizeof(float); }

 private:
  std::size_t SlotOf(std::uint32_t gram) const { return gram & ((1U << slot_bits_) - 1U); }
  void Resize(unsigned slot_bits, std::size_t columns);

  unsigned slot_bits_ = kSlotBitsMin;
  std::size_t columns_ = 0;
  // By slot, then by column.
  std::vector<float> weights_;
  std::vector<float> squares_;  // of gradients, summed
  // By figure, then by column.
  std::vector<float> figure_weights_;
  std::vector<float> figure_squares_;
};

}  // namespace reprise::routing
