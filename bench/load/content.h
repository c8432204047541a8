// Content: what the keys, values and prompts of a run look like, so that every reply can be checked
// against the key that was asked for.
//
// A key is a number, written as twelve digits. Its value is those digits followed by a window of a
// fixed pool of letters; the window depends on the key, so that neighbours on disk do not look the
// same to a compressor. Values do not depend on the seed of a run: what one run stored the next can
// check.
//
// Threads: const methods from any thread. Errors: none. Limits: a value has at least kDigits bytes,
// key numbers stay below 10^12. Complexity: O(value bytes).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace reprise::bench {

inline constexpr std::size_t kDigits = 12;

// Writes `number` as exactly twelve digits.
void WriteDigits(std::uint64_t number, char* out);
std::string Digits(std::uint64_t number);

// A small generator that gives the same numbers for the same seed on every machine.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t Next() {  // SplitMix64
    state_ += 0x9e3779b97f4a7c15U;
    std::uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9U;
    mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebU;
    return mixed ^ (mixed >> 31U);
  }
  // Evenly from 0 to bound - 1. The bias of the product is below bound / 2^32.
  std::uint64_t Below(std::uint64_t bound) {
    return bound > (std::uint64_t{1} << 31U) ? Next() % bound : ((Next() >> 32U) * bound) >> 32U;
  }
  // Evenly from [0, 1).
  double Fraction() { return static_cast<double>(Next() >> 11U) * 0x1.0p-53; }

 private:
  std::uint64_t state_;
};

class Content {
 public:
  explicit Content(std::size_t value_bytes);

  std::size_t value_bytes() const { return value_bytes_; }
  // What follows the digits in the value of `key`.
  std::string_view Body(std::uint64_t key) const {
    return {pool_.data() + (key * 2654435761U) % kPoolBytes, value_bytes_ - kDigits};
  }
  std::string ValueOf(std::uint64_t key) const;
  bool Matches(std::uint64_t key, std::string_view value) const;

 private:
  static constexpr std::size_t kPoolBytes = 65536;

  std::size_t value_bytes_;
  std::string pool_;
};

}  // namespace reprise::bench
