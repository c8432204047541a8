// KeyTable: what is remembered of each key of a namespace's limits.
//
// A hash table in parts, so that no insertion has to move more than one part. Entries stay where
// they are as long as they live; a Place names one, and is given to another entry when it has gone.
//
// Threads: one owner. Errors: none. Complexity: O(1) expected; an insertion that makes its part
// grow, O(entries of the part). Limits: 2^26 entries of a part; the caller bounds their number.
// Lifetime: references are valid until the entry is erased.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "server/rate/gcra.h"
#include "server/rate/slots.h"
#include "server/rate/window.h"

namespace reprise::rate {

enum class Place : std::uint32_t {};

struct Entry {
  std::string key;  // StateKey (state_key.h)
  std::uint64_t hash = 0;
  // One of them, by the algorithm in the key.
  Gcra gcra;
  std::unique_ptr<Window> window;
  std::unique_ptr<Slots> slots;
  std::int64_t given_back_ns = 0;  // of gcra, since it was born
  std::uint32_t born = 0;          // differs from that of all entries before
  Place place{0};
  bool dirty = false;  // it is in the list of what has to be saved
  bool is_used = false;

  // The same as a key that was never seen.
  bool IsIdle(Instant now) const {
    if (slots != nullptr) {
      return slots->IsIdle(now);
    }
    return window != nullptr ? window->IsIdle(now) : gcra.IsIdle(now);
  }
};

class KeyTable {
 public:
  Entry* Find(std::uint64_t hash, std::string_view key);
  // There must be none with this key. The entry has its key and nothing else.
  Entry& Insert(std::uint64_t hash, std::string_view key);
  void Erase(const Entry& entry);
  // Null when its entry has gone.
  Entry* At(Place place);
  std::size_t size() const { return size_; }
  void Clear();

  // A way round all places.
  struct Cursor {
    std::uint32_t part = 0;
    std::uint32_t slot = 0;
  };
  // The next place: its entry, or null when it has none. False at the end: the cursor is at the
  // beginning again then. The entry may be erased before the next call.
  bool Next(Cursor& cursor, Entry*& entry);

 private:
  static constexpr std::uint32_t kParts = 64;
  static constexpr std::uint32_t kSlotBits = 26;
  static constexpr std::uint32_t kBlock = 16;  // entries that are made together

  struct Reference {
    std::uint32_t slot = 0;  // plus 1; 0: free
    std::uint32_t tag = 0;   // bits of the hash, to look at fewer entries
  };
  struct Part {
    std::vector<std::unique_ptr<std::array<Entry, kBlock>>> blocks;
    std::vector<Reference> index;  // its size is a power of two
    std::vector<std::uint32_t> free;
    std::uint32_t slots = 0;  // that were ever used
    std::uint32_t used = 0;

    Entry& At(std::uint32_t slot) { return (*blocks[slot / kBlock])[slot % kBlock]; }
    const Entry& At(std::uint32_t slot) const { return (*blocks[slot / kBlock])[slot % kBlock]; }
  };

  static Place MakePlace(std::uint32_t part, std::uint32_t slot) {
    return Place{part << kSlotBits | slot};
  }
  static std::uint32_t PartOf(std::uint64_t hash) {
    return static_cast<std::uint32_t>(hash >> 58U);
  }
  static std::uint32_t TagOf(std::uint64_t hash) { return static_cast<std::uint32_t>(hash >> 26U); }
  std::uint32_t SlotsOf(std::uint32_t part) const {
    return parts_ == nullptr ? 0 : (*parts_)[part].slots;
  }
  // Where the key is in the index, or where the run that it would stand in ends.
  static std::size_t Locate(const Part& part, std::uint64_t hash, std::string_view key);
  static void Grow(Part& part);
  static std::uint32_t TakeSlot(Part& part);

  std::unique_ptr<std::array<Part, kParts>> parts_;  // null: empty
  std::size_t size_ = 0;
};

}  // namespace reprise::rate
