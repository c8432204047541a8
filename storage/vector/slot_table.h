// SlotTable: hash -> 32-bit number, with the keys kept elsewhere: four bytes a place, at most 80 %
// full, so 5 to 8 bytes an entry.
//
// The caller compares keys (`equal(number)`) and can hash the key of a number again
// (`hash_of(number)`). Growing makes a second table beside the first, so that a writer holds its
// lock only for the exchange. Threads: as the caller locks. Errors: none. Complexity: O(1).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "protocol/base/ensure.h"

namespace reprise::vector {

class SlotTable {
 public:
  template <typename Equal>
  std::optional<std::uint32_t> Find(std::uint64_t hash, const Equal& equal) const {
    if (places_.empty()) {
      return std::nullopt;
    }
    for (std::size_t i = Home(hash); places_[i] != kEmpty; i = Next(i)) {
      if (equal(places_[i])) {
        return places_[i];
      }
    }
    return std::nullopt;
  }

  // Whether one more number would make it too full.
  bool full() const { return (size_ + 1) * 5 > places_.size() * 4; }
  std::size_t size() const { return size_; }
  std::size_t bytes() const { return places_.capacity() * sizeof(std::uint32_t); }

  template <typename HashOf>
  SlotTable Grown(const HashOf& hash_of) const {
    SlotTable grown;
    grown.places_.assign(places_.size() + places_.size() / 2 + kPlacesMin, kEmpty);
    for (const std::uint32_t number : places_) {
      if (number != kEmpty) {
        grown.Insert(hash_of(number), number);
      }
    }
    return grown;
  }

  void Insert(std::uint64_t hash, std::uint32_t number) {
    ENSURE(!full() && number != kEmpty);
    std::size_t i = Home(hash);
    while (places_[i] != kEmpty) {
      i = Next(i);
    }
    places_[i] = number;
    ++size_;
  }

  // In place of `number`, under the same key.
  void Replace(std::uint64_t hash, std::uint32_t number, std::uint32_t with) {
    places_[PlaceOf(hash, number)] = with;
  }

  // Numbers behind the hole move up: no tombstones.
  template <typename HashOf>
  void Erase(std::uint64_t hash, std::uint32_t number, const HashOf& hash_of) {
    std::size_t hole = PlaceOf(hash, number);
    for (std::size_t i = Next(hole); places_[i] != kEmpty; i = Next(i)) {
      const std::size_t home = Home(hash_of(places_[i]));
      const bool is_between = hole <= i ? (hole < home && home <= i) : (hole < home || home <= i);
      if (!is_between) {
        places_[hole] = places_[i];
        hole = i;
      }
    }
    places_[hole] = kEmpty;
    --size_;
  }

 private:
  static constexpr std::uint32_t kEmpty = 0xFFFFFFFF;
  static constexpr std::size_t kPlacesMin = 16;

  std::size_t Home(std::uint64_t hash) const {
    return static_cast<std::size_t>((hash >> 32U) * places_.size() >> 32U);
  }
  std::size_t Next(std::size_t i) const { return i + 1 == places_.size() ? 0 : i + 1; }
  std::size_t PlaceOf(std::uint64_t hash, std::uint32_t number) const {
    std::size_t i = Home(hash);
    while (places_[i] != number) {
      ENSURE(places_[i] != kEmpty);
      i = Next(i);
    }
    return i;
  }

  std::vector<std::uint32_t> places_;
  std::size_t size_ = 0;
};

// Spreads a number over 64 bits (splitmix64).
inline std::uint64_t Mix(std::uint64_t number) {
  number += 0x9E3779B97F4A7C15ULL;
  number = (number ^ (number >> 30U)) * 0xBF58476D1CE4E5B9ULL;
  number = (number ^ (number >> 27U)) * 0x94D049BB133111EBULL;
  return number ^ (number >> 31U);
}

}  // namespace reprise::vector
