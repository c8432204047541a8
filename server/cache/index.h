// Index: the entries of one namespace in memory: found by exact or normalized hash, ranked by use.
//
// It holds what a lookup decides on, not the answers (those are rows of the store). About 200 bytes
// an entry. Hash tables use open addressing with linear probing and backward-shift deletion over
// 4-byte slot numbers; the hashes are keyed, so nobody can choose them to collide. Who goes when
// there is no room is decided in eviction.h.
//
// Threads: one owner at a time (Cache holds the namespace's mutex). Errors: none. Complexity: O(1)
// expected for all but Reserve. Limits: 2^31 entries.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "protocol/base/clock.h"
#include "server/cache/bounds.h"
#include "server/cache/eviction.h"
#include "server/cache/identity.h"
#include "server/cache/labels.h"
#include "server/cache/row.h"

namespace reprise::cache {

struct Slot {
  KeyHash exact;
  KeyHash normalized;
  std::uint64_t id = 0;
  std::uint64_t commit = 0;  // readers may see it once the store has committed this batch
  base::UnixMillis created_at{0};
  base::UnixMillis expires_at{0};
  base::UnixMillis fresh_until{0};  // from here to expires_at it is stale
  std::int64_t sliding_ms = 0;      // 0: a hit changes nothing
  Worth worth;
  std::uint64_t partition = 0;
  std::uint32_t bytes = 0;  // what it takes of a bound
  LabelSet labels = 0;      // what it can be invalidated by
  std::uint16_t type = 0;   // number in the namespace's list of types
  bool used = false;
  bool slides = false;  // a hit is about to make it fresh for longer

 private:
  friend class Index;
  SlotNumber next_alike_ = kNoSlot;  // entries with the same normalized hash, newest first
  SlotNumber previous_alike_ = kNoSlot;
};

// Slot numbers by one of a slot's hashes.
class HashTable {
 public:
  // `hash_of(slot)` gives the low half of the hash that the table is about.
  template <typename Equal>
  SlotNumber Find(std::uint64_t hash, const Equal& equal) const {
    if (cells_.empty()) {
      return kNoSlot;
    }
    for (std::size_t i = hash & mask_;; i = (i + 1) & mask_) {
      if (cells_[i] == kNoSlot || equal(cells_[i])) {
        return cells_[i];
      }
    }
  }
  template <typename HashOf>
  void Insert(SlotNumber slot, const HashOf& hash_of) {
    if ((count_ + 1) * 2 > cells_.size()) {
      Grow(hash_of);
    }
    std::size_t i = hash_of(slot) & mask_;
    while (cells_[i] != kNoSlot) {
      i = (i + 1) & mask_;
    }
    cells_[i] = slot;
    ++count_;
  }
  template <typename HashOf>
  void Replace(SlotNumber slot, SlotNumber with, const HashOf& hash_of) {
    cells_[CellOf(slot, hash_of)] = with;
  }
  template <typename HashOf>
  void Erase(SlotNumber slot, const HashOf& hash_of) {
    std::size_t hole = CellOf(slot, hash_of);
    for (std::size_t i = (hole + 1) & mask_; cells_[i] != kNoSlot; i = (i + 1) & mask_) {
      const std::size_t home = hash_of(cells_[i]) & mask_;
      if (((i - home) & mask_) >= ((i - hole) & mask_)) {  // Its home is not behind the hole.
        cells_[hole] = cells_[i];
        hole = i;
      }
    }
    cells_[hole] = kNoSlot;
    --count_;
  }

 private:
  template <typename HashOf>
  std::size_t CellOf(SlotNumber slot, const HashOf& hash_of) const {
    std::size_t i = hash_of(slot) & mask_;
    while (cells_[i] != slot) {
      i = (i + 1) & mask_;
    }
    return i;
  }
  template <typename HashOf>
  void Grow(const HashOf& hash_of) {
    std::vector<SlotNumber> old = std::move(cells_);
    cells_.assign(old.empty() ? 64 : old.size() * 2, kNoSlot);
    mask_ = cells_.size() - 1;
    count_ = 0;
    for (const SlotNumber slot : old) {
      if (slot != kNoSlot) {
        Insert(slot, hash_of);
      }
    }
  }

  std::vector<SlotNumber> cells_;
  std::size_t mask_ = 0;
  std::size_t count_ = 0;
};

class Index {
 public:
  std::size_t size() const { return count_; }
  Room held() const { return {count_, bytes_}; }
  const Slot& at(SlotNumber slot) const { return slots_[slot]; }

  SlotNumber FindExact(const KeyHash& hash) const;
  // The newest entry with this normalized hash; NextAlike gives the others.
  SlotNumber FindNormalized(const KeyHash& hash) const;
  SlotNumber FindId(std::uint64_t id) const;
  SlotNumber NextAlike(SlotNumber slot) const { return slots_[slot].next_alike_; }
  // The entry that should go first when there is too much of `what`: an expired one, or as the
  // policy says. kNoSlot when there is none.
  SlotNumber Victim(Short what, base::UnixMillis now);
  void SetPolicy(config::EvictionPolicy policy) { order_.SetPolicy(policy); }

  // Adds an entry as the most recently used. There must be none with its exact hash.
  SlotNumber Insert(const Slot& entry);
  void Remove(SlotNumber slot);
  void Touch(SlotNumber slot);
  void SetLife(SlotNumber slot, base::UnixMillis fresh_until, base::UnixMillis expires_at);
  void SetSlides(SlotNumber slot, bool slides) { slots_[slot].slides = slides; }
  void Clear() { *this = Index(); }

  // Slots that may be in use: 0 to slots() - 1; at(i).used says whether one is.
  SlotNumber slots() const { return static_cast<SlotNumber>(slots_.size()); }
  std::size_t MemoryBytes() const;

 private:
  void Prefetch(SlotNumber slot) const;
  void AddAlike(SlotNumber slot);
  void RemoveAlike(SlotNumber slot);

  std::vector<Slot> slots_;
  std::vector<SlotNumber> free_;
  HashTable exact_;
  HashTable ids_;
  HashTable normalized_;  // the newest of each chain of alike entries
  EvictionOrder order_;
  std::size_t count_ = 0;
  std::uint64_t bytes_ = 0;  // of all entries
};

}  // namespace reprise::cache
