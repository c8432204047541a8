// Shares: who has to give when memory that all namespaces use is full.
//
// A namespace has at most `own_max` of something, all together at most `total_max`. When that is
// reached, the namespace that holds most gives: nobody who holds less than an equal share loses
// anything to others.
//
// Threads: one owner at a time. Errors: none. Complexity: O(1); O(namespaces) when all is full.
#pragma once

#include <cstddef>
#include <map>
#include <optional>

#include "storage/engine/namespace_id.h"

namespace reprise::routing {

class Shares {
 public:
  struct Bounds {
    std::size_t own_max;
    std::size_t total_max;
  };
  explicit Shares(const Bounds& bounds) : bounds_(bounds) {}

  // Who gives one up before `id` may have another. Absent: there is room.
  std::optional<storage::NamespaceId> WhoGives(storage::NamespaceId id) const;
  void Add(storage::NamespaceId id) {
    ++held_[id];
    ++total_;
  }
  void Remove(storage::NamespaceId id, std::size_t count = 1);
  std::size_t of(storage::NamespaceId id) const;
  std::size_t total() const { return total_; }

 private:
  const Bounds bounds_;
  std::map<storage::NamespaceId, std::size_t> held_;
  std::size_t total_ = 0;
};

}  // namespace reprise::routing
