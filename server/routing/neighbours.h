// Neighbours: the past outcomes whose prompts mean nearly the same.
//
// Vectors of 64 signed bytes in lists, each around a centre (an inverted file). A list that grows
// too long is cut in two by two-means; so the lists follow the traffic, and nothing is ever built
// anew. A search looks at the lists whose centres are nearest, until it has seen kScannedMax
// outcomes: with fewer outcomes than that it misses nothing.
//
// Threads: one writer, or any number of readers. Errors: none. Complexity: O(lists + kScannedMax) a
// search, O(lists) a change, O(kListMax) now and then. Units: cosine. Limits: kScannedMax,
// kListMax; what is stored is the caller's to bound.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace reprise::routing {

inline constexpr std::size_t kPlaceWidth = 64;
inline constexpr std::size_t kListMax = 512;
inline constexpr std::size_t kScannedMax = 3'072;

// Where a prompt stands among others: one unit long.
using Place = std::array<float, kPlaceWidth>;
using PackedPlace = std::array<std::int8_t, kPlaceWidth>;
PackedPlace Packed(const Place& place);

struct Neighbour {
  std::uint32_t slot = 0;  // as it was added
  float similarity = 0;
};

class Neighbours {
 public:
  // `slot` is the caller's name for it, small and used again after Remove.
  void Add(std::uint32_t slot, const PackedPlace& place);
  void Remove(std::uint32_t slot);
  // The nearest `count`, in no order; replaces `nearest`.
  void Search(const PackedPlace& place, std::size_t count, std::vector<Neighbour>& nearest) const;

  std::size_t size() const { return size_; }
  std::size_t lists() const { return lists_.size(); }
  std::size_t bytes() const;

 private:
  struct List {
    Place centre{};
    std::vector<PackedPlace> places;
    std::vector<std::uint32_t> slots;
  };
  // Where a slot stands.
  struct Home {
    std::uint32_t list = kNowhere;
    std::uint32_t position = 0;
  };
  static constexpr std::uint32_t kNowhere = ~std::uint32_t{0};

  std::size_t NearestList(const PackedPlace& place) const;
  void Append(std::uint32_t list, std::uint32_t slot, const PackedPlace& place);
  void Split(std::uint32_t list);
  void DropList(std::uint32_t list);

  std::vector<List> lists_;
  std::vector<Home> homes_;  // by slot
  std::size_t size_ = 0;
};

}  // namespace reprise::routing
