// Prior: what the server knows of prompts before it has seen a single outcome.
//
// Fitted to public outcomes by bench/quality/routing/fit.py and compiled in (prior.inc). A few
// "traits" of a prompt, linear in its surface, its curves (fourier.h) and its place: the first is
// how well a cheap model of the public sets answered prompts like it, the second how well an
// expensive one did, as differences from their means; the others are what else of the public
// models' results goes together. A model begins with a mix of the first two, by its rank, and
// learns what the traits are worth to it.
//
// Threads: constants. Errors: none. Complexity: O(width of the input). Units: quality. Limits:
// none.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace reprise::routing {

inline constexpr std::size_t kTraits = 8;
// Grows with every change of the shipped tables; weights learned on another are not used.
std::uint32_t PriorVersion();

class Prior {
 public:
  Prior();
  // `input` is the dense input in front of the traits; writes kTraits numbers.
  void TraitsOf(std::span<const float> input, float* traits) const;

 private:
  std::vector<float> weights_;  // a row for each trait
};

// Of a model at this rank, 0 the cheapest, 1 the strongest.
struct FirstGuess {
  float quality = 0;  // on average
  std::array<float, kTraits> weights{};
};
FirstGuess FirstGuessOf(float rank);

}  // namespace reprise::routing
