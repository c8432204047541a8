// IndexedHeap: a binary heap of slots whose items know their place in it, so that any of them can
// be moved or removed.
//
//   IndexedHeap<&Task::rank_place> heap;
//   heap.Push(slot, tasks, before);    // before(a, b): item a comes out before item b
//   heap.Update(slot, tasks, before);  // after what `before` looks at has changed
//
// `Place` is the member that holds the item's place; kNoSlot while it is in no heap. An item is in
// at most one heap for each of its members. Threads: one owner. Errors: none. Complexity: O(log n),
// top O(1). Lifetime: the table outlives nothing here; it is given with each call.
#pragma once

#include <utility>
#include <vector>

#include "server/jobs/slab.h"

namespace reprise::jobs {

template <auto Place>
class IndexedHeap {
 public:
  bool empty() const { return slots_.empty(); }
  std::size_t size() const { return slots_.size(); }
  Slot Top() const { return slots_.front(); }
  const std::vector<Slot>& slots() const { return slots_; }
  std::size_t MemoryBytes() const { return slots_.capacity() * sizeof(Slot); }

  template <typename Table>
  static bool Contains(Slot slot, const Table& table) {
    return table[slot].*Place != kNoSlot;
  }

  template <typename Table, typename Before>
  void Push(Slot slot, Table& table, const Before& before) {
    DENSURE(table[slot].*Place == kNoSlot);
    slots_.push_back(slot);
    table[slot].*Place = static_cast<Slot>(slots_.size() - 1);
    Raise(static_cast<Slot>(slots_.size() - 1), table, before);
  }

  template <typename Table, typename Before>
  void Remove(Slot slot, Table& table, const Before& before) {
    const Slot place = table[slot].*Place;
    DENSURE(place < slots_.size() && slots_[place] == slot);
    table[slot].*Place = kNoSlot;
    const Slot last = slots_.back();
    slots_.pop_back();
    if (last != slot) {
      slots_[place] = last;
      table[last].*Place = place;
      Settle(place, table, before);
    }
    if (slots_.empty()) {
      slots_ = std::vector<Slot>();
    }
  }

  template <typename Table, typename Before>
  void Update(Slot slot, Table& table, const Before& before) {
    Settle(table[slot].*Place, table, before);
  }

 private:
  template <typename Table, typename Before>
  void Settle(Slot place, Table& table, const Before& before) {
    if (!Raise(place, table, before)) {
      Sink(place, table, before);
    }
  }

  template <typename Table, typename Before>
  bool Raise(Slot place, Table& table, const Before& before) {
    bool moved = false;
    while (place > 0) {
      const Slot parent = (place - 1) / 2;
      if (!before(slots_[place], slots_[parent])) {
        break;
      }
      Swap(place, parent, table);
      place = parent;
      moved = true;
    }
    return moved;
  }

  template <typename Table, typename Before>
  void Sink(Slot place, Table& table, const Before& before) {
    const auto count = static_cast<Slot>(slots_.size());
    for (;;) {
      Slot first = place;
      for (const Slot child : {2 * place + 1, 2 * place + 2}) {
        if (child < count && before(slots_[child], slots_[first])) {
          first = child;
        }
      }
      if (first == place) {
        return;
      }
      Swap(place, first, table);
      place = first;
    }
  }

  template <typename Table>
  void Swap(Slot a, Slot b, Table& table) {
    std::swap(slots_[a], slots_[b]);
    table[slots_[a]].*Place = a;
    table[slots_[b]].*Place = b;
  }

  std::vector<Slot> slots_;
};

}  // namespace reprise::jobs
