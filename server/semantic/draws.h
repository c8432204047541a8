// Draws: pseudo-random numbers that follow from a seed (SplitMix64, Steele, Lea and Flood 2014).
// Threads: any. Errors: none.
#pragma once

#include <cstdint>

namespace reprise::semantic {

inline constexpr std::uint64_t kDrawStep = 0x9E3779B97F4A7C15;

// The draw of one state; the next state is kDrawStep further. Every bit of the state changes half
// of the draw's.
inline std::uint64_t DrawOf(std::uint64_t state) {
  state = (state ^ (state >> 30U)) * 0xBF58476D1CE4E5B9;
  state = (state ^ (state >> 27U)) * 0x94D049BB133111EB;
  return state ^ (state >> 31U);
}

}  // namespace reprise::semantic
