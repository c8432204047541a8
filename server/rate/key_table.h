// KeyTable: what is remembered of each key of a namespace's limits.
//
// Entries stand side by side and stay where they are as long as they live; a Place names one, and
// is given to another entry when it has gone. The index over them is a hash table in parts, so that
// no insertion has to move more than one part. A lookup costs two cache misses: one of the index,
// one of the entry.
//
// Threads: one owner. Errors: none. Complexity: O(1) expected; an insertion that makes its part of
// the index grow, O(entries / 8). Limits: 2^32 - 2 entries; the caller bounds their number.
// Lifetime: references are valid until the entry is erased.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "server/rate/gcra.h"
#include "server/rate/key_bytes.h"
#include "server/rate/slots.h"
#include "server/rate/window.h"

namespace reprise::rate {

enum class Place : std::uint32_t {};

struct alignas(64) Entry {
  // What a call looks at; one cache line.
  KeyBytes key;  // StateKey (state_key.h)
  Gcra gcra;
  Instant saved_as{0};  // the arrival that is saved of gcra, or will be: never before it
  Place place{0};
  bool dirty = false;  // it is in the list of what has to be saved
  bool is_used = false;

  std::uint64_t hash = 0;
  // One of them instead of gcra, by the algorithm in the key.
  std::unique_ptr<Window> window;
  std::unique_ptr<Slots> slots;
  std::int64_t given_back_ns = 0;  // of gcra, since it was born
  std::uint32_t born = 0;          // differs from that of all entries before

  Algorithm algorithm() const { return static_cast<Algorithm>(key.view()[0]); }
  // The same as a key that was never seen.
  bool IsIdle(Instant now) const {
    switch (algorithm()) {
      case Algorithm::kGcra:
        return gcra.IsIdle(now);
      case Algorithm::kWindow:
        return window->IsIdle(now);
      case Algorithm::kConcurrency:
        break;
    }
    return slots->IsIdle(now);
  }
};

class KeyTable {
 public:
  Entry* Find(std::uint64_t hash, std::string_view key);
  // There must be none with this key. The entry has its key and nothing else.
  Entry& Insert(std::uint64_t hash, std::string_view key);
  void Erase(const Entry& entry);
  // Null when its entry has gone.
  Entry* At(Place place) {
    Entry* entry = EntryAt(static_cast<std::uint32_t>(place));
    return entry != nullptr && entry->is_used ? entry : nullptr;
  }
  std::size_t size() const { return size_; }
  void Clear();

  // A way round all places.
  struct Cursor {
    std::uint32_t slot = 0;
  };
  // The next place: its entry, or null when it has none. False at the end: the cursor is at the
  // beginning again then. The entry may be erased before the next call.
  bool Next(Cursor& cursor, Entry*& entry);

 private:
  static constexpr std::size_t kParts = 8;
  static constexpr std::uint32_t kBlock = 16;  // entries that are made together
  using Block = std::array<Entry, kBlock>;

  struct Reference {
    std::uint32_t slot = 0;  // plus 1; 0: free
    std::uint32_t tag = 0;   // of the hash: says where it belongs, and whether to look at the entry
  };
  struct Part {
    std::vector<Reference> index;  // its size is a power of two
    std::size_t used = 0;
  };

  static std::uint32_t TagOf(std::uint64_t hash) { return static_cast<std::uint32_t>(hash); }
  // Not the highest bits, by which whole tables are told apart, nor those of the tag.
  Part& PartOf(std::uint64_t hash) { return parts_[hash >> 50U & (kParts - 1)]; }
  Entry* EntryAt(std::uint32_t slot) {
    return slot < slots_ ? &(*blocks_[slot / kBlock])[slot % kBlock] : nullptr;
  }
  // Where the key is in the index, or where the run that it would stand in ends.
  std::size_t Locate(const Part& part, std::uint32_t tag, std::string_view key);
  static void Grow(Part& part);
  std::uint32_t TakeSlot();

  std::array<Part, kParts> parts_;
  std::vector<std::unique_ptr<Block>> blocks_;
  std::vector<std::uint32_t> free_;
  std::uint32_t slots_ = 0;  // that were ever used
  std::size_t size_ = 0;
};

}  // namespace reprise::rate
