// EvictionOrder: which entry of a namespace goes when there is no room.
//
//   lru   the one not used for longest.
//   lfu   the one used least, where a use counts half after five others for each entry.
//   cost  the same times the fourth root of what the answer cost; when it is bytes that are short,
//         times that to the 3/8, over its bytes.
//
// lfu and cost look at a sample: 16 entries by chance, the one not used for longest, and the oldest
// of the window. The window holds the newest hundredth of all entries, which the sample spares: a
// new entry always comes in, and stays or goes by what it was used meanwhile, so that questions
// asked once push each other out and not the popular ones. A question that had left remembers its
// uses (FrequencySketch). Why so: notes/0008-eviction.md.
//
// An entry whose cost is 0 (unknown) counts as one of typical cost. The order is not durable: after
// a restart it starts from the order in which the entries are inserted.
//
// Units: bytes, nano-dollars. Threads: one owner at a time (Space's mutex). Errors: none.
// Complexity: O(1), but for the growth of tables; Candidates O(sample). Memory: 28 bytes an entry,
// and 16 to 32 for the sketch unless the policy is lru.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

#include "server/cache/bounds.h"
#include "server/cache/frequency_sketch.h"
#include "server/config/options.h"

namespace reprise::cache {

using SlotNumber = std::uint32_t;
inline constexpr SlotNumber kNoSlot = std::numeric_limits<SlotNumber>::max();

// As in the configuration.
std::string_view NameOf(config::EvictionPolicy policy);

class EvictionOrder {
 public:
  // What the order needs to know of an entry.
  struct Entry {
    std::uint64_t hash = 0;  // of the question; keyed
    std::uint64_t cost_nano = 0;
    std::uint32_t bytes = 0;
  };
  // Entries that may go, in no order.
  class Sample {
   public:
    void Add(SlotNumber slot) { slots_[count_++] = slot; }
    const SlotNumber* begin() const { return slots_.data(); }
    const SlotNumber* end() const { return slots_.data() + count_; }

   private:
    std::array<SlotNumber, 18> slots_{};
    std::size_t count_ = 0;
  };

  // Takes effect for all entries from now on.
  void SetPolicy(config::EvictionPolicy policy) { policy_ = policy; }

  void Insert(SlotNumber slot, const Entry& entry);
  void Touch(SlotNumber slot);
  void Prefetch(SlotNumber slot) const { __builtin_prefetch(&nodes_[slot]); }
  // `hash` as it was inserted.
  void Remove(SlotNumber slot, std::uint64_t hash);

  // Who could go; the one with the lowest Score should. Empty when there are no entries.
  Sample Candidates();
  double Score(SlotNumber slot, Short what) const;

  std::size_t MemoryBytes() const;

 private:
  enum class Part : std::uint8_t { kNone, kWindow, kMain };
  struct Node {
    SlotNumber newer = kNoSlot;  // neighbours in order of use, within its part
    SlotNumber older = kNoSlot;
    std::uint32_t used_at = 0;  // in uses of the namespace; wraps
    float uses = 0;             // as of `used_at`
    float worth = 0;            // fourth root of the cost; 0: unknown
    std::uint32_t bytes = 0;
    Part part = Part::kNone;
  };
  struct List {
    SlotNumber newest = kNoSlot;
    SlotNumber oldest = kNoSlot;
    std::size_t count = 0;
  };

  std::size_t count() const { return window_.count + main_.count; }
  List& ListOf(Part part) { return part == Part::kWindow ? window_ : main_; }
  std::size_t WindowMax() const;
  double UsesNow(const Node& node) const;
  void Link(SlotNumber slot, Part part);
  void Unlink(SlotNumber slot);
  void Tick();
  std::uint64_t Random();

  config::EvictionPolicy policy_ = config::EvictionPolicy::kLru;
  std::vector<Node> nodes_;  // by slot number
  List window_;
  List main_;
  FrequencySketch gone_;
  std::uint32_t now_ = 0;  // uses so far
  std::uint32_t aged_at_ = 0;
  double typical_worth_ = 0;  // mean of those that are known
  std::uint32_t known_worths_ = 0;
  std::uint64_t random_ = 0;  // a fixed seed: nothing secret depends on it
};

}  // namespace reprise::cache
