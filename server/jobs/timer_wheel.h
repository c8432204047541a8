// TimerWheel: which of many items are due, by the millisecond (hierarchical timing wheels, Varghese
// and Lauck, SOSP 1987).
//
// Level 0 has a bucket for each of the next 256 ms; each of six further levels has 64 buckets, each
// as long as all of the level below, which is 557 years together. When the time comes to a bucket
// of a higher level, its items move down. Items are linked through their own TimerNode, so an item
// costs nothing besides, and is put in and taken out in O(1).
//
// Units: milliseconds since 1970. Threads: one owner. Errors: none; an item is in the wheel at most
// once. Complexity: Add, Remove O(1); Advance O(due + levels) with a bitmap of the buckets in use,
// and each item moves at most once a level. Time never goes back: Advance with an earlier time does
// nothing.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <limits>
#include <optional>

#include "server/jobs/slab.h"

namespace reprise::jobs {

struct TimerNode {
  Slot previous = kNoSlot;
  Slot next = kNoSlot;
  std::uint16_t bucket = kNowhere;

  static constexpr std::uint16_t kNowhere = 0xffff;
  bool is_set() const { return bucket != kNowhere; }
};

// `Node` is the member with the TimerNode, `When` the one with the time at which the item is due.
template <auto Node, auto When>
class TimerWheel {
 public:
  explicit TimerWheel(std::int64_t now_ms) : now_ms_(now_ms) { heads_.fill(kNoSlot); }

  std::size_t size() const { return size_; }

  // An item that is due already comes out with the next Advance.
  template <typename Table>
  void Add(Slot slot, Table& table) {
    DENSURE(!(table[slot].*Node).is_set());
    Link(slot, BucketFor(table[slot].*When), table);
    ++size_;
  }

  template <typename Table>
  void Remove(Slot slot, Table& table) {
    Unlink(slot, table);
    --size_;
  }

  // Takes out up to `items_max` items that are due at `now_ms`, in order of their time, and gives
  // each to `due`, which may add items. True when all that are due have come out.
  template <typename Table, typename Due>
  bool Advance(std::int64_t now_ms, std::size_t items_max, Table& table, const Due& due) {
    while (now_ms_ <= now_ms) {
      const Slot head = heads_[BucketOfNow()];
      if (head != kNoSlot) {
        if (items_max == 0) {
          return false;
        }
        --items_max;
        Remove(head, table);
        due(head);
        continue;
      }
      if (now_ms_ == now_ms) {
        return true;
      }
      Step(now_ms, table);
    }
    return true;
  }

  // No item is due before this; absent when there is none. The time may be early by what a bucket
  // of a higher level spans.
  std::optional<std::int64_t> NextMs() const {
    if (size_ == 0) {
      return std::nullopt;
    }
    return NextStop(std::numeric_limits<std::int64_t>::max());
  }

 private:
  static constexpr unsigned kFirstBits = 8;
  static constexpr unsigned kBits = 6;
  static constexpr unsigned kLevels = 6;  // above the first
  static constexpr std::uint16_t kFirst = 1U << kFirstBits;
  static constexpr std::uint16_t kEach = 1U << kBits;
  static constexpr std::size_t kBuckets = kFirst + std::size_t{kLevels} * kEach;

  static constexpr unsigned ShiftOf(unsigned level) { return kFirstBits + kBits * level; }

  std::uint16_t BucketOfNow() const {
    return static_cast<std::uint16_t>(static_cast<std::uint64_t>(now_ms_) % kFirst);
  }

  std::uint16_t BucketFor(std::int64_t when_ms) const {
    const auto when = static_cast<std::uint64_t>(std::max(when_ms, now_ms_));
    const auto now = static_cast<std::uint64_t>(now_ms_);
    if (when >> kFirstBits == now >> kFirstBits) {
      return static_cast<std::uint16_t>(when % kFirst);
    }
    for (unsigned level = 0; level < kLevels; ++level) {
      const unsigned shift = ShiftOf(level);
      if (when >> (shift + kBits) == now >> (shift + kBits)) {
        return static_cast<std::uint16_t>(kFirst + level * kEach + (when >> shift) % kEach);
      }
    }
    // Beyond all levels: the last bucket that comes before the last level begins anew.
    return static_cast<std::uint16_t>(kBuckets - 1);
  }

  // The next moment, up to `limit_ms`, at which a bucket has to be looked at.
  std::int64_t NextStop(std::int64_t limit_ms) const {
    const auto now = static_cast<std::uint64_t>(now_ms_);
    if (const auto bucket = NextUsed(now % kFirst)) {
      return std::min(limit_ms,
                      static_cast<std::int64_t>((now & ~std::uint64_t{kFirst - 1}) | *bucket));
    }
    for (unsigned level = 0; level < kLevels; ++level) {
      const unsigned shift = ShiftOf(level);
      const std::uint64_t place = (now >> shift) % kEach;
      const std::uint64_t after = place + 1 < kEach ? used_[level] >> (place + 1) : 0;
      if (after != 0) {
        const std::uint64_t found = place + 1 + static_cast<std::uint64_t>(std::countr_zero(after));
        const std::uint64_t base = now >> (shift + kBits) << (shift + kBits);
        return std::min(limit_ms, static_cast<std::int64_t>(base | found << shift));
      }
    }
    // Only what lies beyond all levels: the last level begins anew.
    const unsigned top = ShiftOf(kLevels);
    return std::min(limit_ms, static_cast<std::int64_t>(((now >> top) + 1) << top));
  }

  // The first bucket of level 0 from `from` on that is in use.
  std::optional<std::uint64_t> NextUsed(std::uint64_t from) const {
    constexpr std::uint64_t kWord = 64;
    for (std::uint64_t word = from / kWord; word < first_used_.size(); ++word) {
      std::uint64_t bits = first_used_[word];
      if (word == from / kWord) {
        bits &= ~std::uint64_t{0} << (from % kWord);
      }
      if (bits != 0) {
        return word * kWord + static_cast<std::uint64_t>(std::countr_zero(bits));
      }
    }
    return std::nullopt;
  }

  // To the next bucket in use, or to `limit_ms`; what stands in buckets that begin there moves
  // down.
  template <typename Table>
  void Step(std::int64_t limit_ms, Table& table) {
    const std::int64_t next = size_ == 0 ? limit_ms : NextStop(limit_ms);
    const auto before = static_cast<std::uint64_t>(now_ms_);
    now_ms_ = next;
    const auto now = static_cast<std::uint64_t>(now_ms_);
    if (before >> ShiftOf(kLevels) != now >> ShiftOf(kLevels)) {
      MoveDown(static_cast<std::uint16_t>(kBuckets - 1), table);
    }
    for (unsigned level = kLevels; level-- > 0;) {
      const unsigned shift = ShiftOf(level);
      if (before >> shift != now >> shift) {
        MoveDown(static_cast<std::uint16_t>(kFirst + level * kEach + (now >> shift) % kEach),
                 table);
      }
    }
  }

  template <typename Table>
  void MoveDown(std::uint16_t bucket, Table& table) {
    Slot slot = heads_[bucket];
    heads_[bucket] = kNoSlot;
    Mark(bucket, false);
    while (slot != kNoSlot) {
      TimerNode& node = table[slot].*Node;
      const Slot next = node.next;
      node = TimerNode();
      Link(slot, BucketFor(table[slot].*When), table);
      slot = next;
    }
  }

  template <typename Table>
  void Link(Slot slot, std::uint16_t bucket, Table& table) {
    TimerNode& node = table[slot].*Node;
    node.bucket = bucket;
    node.previous = kNoSlot;
    node.next = heads_[bucket];
    if (node.next != kNoSlot) {
      (table[node.next].*Node).previous = slot;
    }
    heads_[bucket] = slot;
    Mark(bucket, true);
  }

  template <typename Table>
  void Unlink(Slot slot, Table& table) {
    TimerNode& node = table[slot].*Node;
    if (node.previous == kNoSlot) {
      heads_[node.bucket] = node.next;
    } else {
      (table[node.previous].*Node).next = node.next;
    }
    if (node.next != kNoSlot) {
      (table[node.next].*Node).previous = node.previous;
    }
    if (heads_[node.bucket] == kNoSlot) {
      Mark(node.bucket, false);
    }
    node = TimerNode();
  }

  void Mark(std::uint16_t bucket, bool used) {
    constexpr std::uint16_t kWord = 64;
    std::uint64_t& word =
        bucket < kFirst ? first_used_[bucket / kWord] : used_[(bucket - kFirst) / kEach];
    const std::uint64_t bit = std::uint64_t{1}
                              << (bucket < kFirst ? bucket % kWord : (bucket - kFirst) % kEach);
    word = used ? word | bit : word & ~bit;
  }

  std::int64_t now_ms_;  // all before it has come out
  std::size_t size_ = 0;
  std::array<Slot, kBuckets> heads_{};
  std::array<std::uint64_t, kFirst / 64> first_used_{};
  std::array<std::uint64_t, kLevels> used_{};
};

}  // namespace reprise::jobs
