// What a search is asked and what it answers; ids of entries and partitions.
//
// Units: similarity is a cosine. Threads: values. Errors: none. Limits: kMatchesMax.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>

namespace reprise::vector {

using EntryId = std::uint64_t;

// Vectors of two partitions never meet. 128 bits that the caller has hashed.
struct PartitionId {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  // NOLINTNEXTLINE(modernize-use-nullptr): a false alarm inside the operator that is made.
  auto operator<=>(const PartitionId&) const = default;
};

inline constexpr std::size_t kMatchesMax = 16;

struct Match {
  EntryId id = 0;
  float similarity = 0;
};

// The best `limit` of all that was offered, best first.
class Matches {
 public:
  explicit Matches(std::size_t limit) : limit_(limit < kMatchesMax ? limit : kMatchesMax) {}

  void Offer(Match match) {
    std::size_t i = size_;
    if (size_ < limit_) {
      ++size_;
    } else if (size_ == 0 || match.similarity <= matches_[size_ - 1].similarity) {
      return;
    } else {
      --i;
    }
    for (; i > 0 && matches_[i - 1].similarity < match.similarity; --i) {
      matches_[i] = matches_[i - 1];
    }
    matches_[i] = match;
  }

  std::size_t limit() const { return limit_; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const Match& operator[](std::size_t i) const { return matches_[i]; }
  const Match* begin() const { return matches_.data(); }
  const Match* end() const { return matches_.data() + size_; }

 private:
  std::array<Match, kMatchesMax> matches_{};
  std::size_t size_ = 0;
  std::size_t limit_;
};

// A vector one unit long, and the same as an item.
struct Query {
  std::span<const float> vector;
  const char* item = nullptr;
};

}  // namespace reprise::vector
