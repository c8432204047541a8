// Partitions: entries of one namespace counted by their identity, so that all answers of one model,
// persona and set of tools can be voided at once. In memory; the counterpart of labels.h.
//
// A conversation makes an identity of its own, so there may be as many partitions as entries: about
// 60 bytes each. Voiding works by a floor, as with labels: entries with a smaller id are void.
//
// Threads: one owner at a time (Space's mutex). Errors: none. Complexity: O(1) expected, DropFloors
// O(partitions). Lifetime: a partition goes with its last entry, unless it has a floor.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "server/cache/labels.h"

namespace reprise::cache {

// A keyed hash of the canonical identity, so that nobody can choose it; 0: no identity.
using Partition = std::uint64_t;

class Partitions {
 public:
  void Add(Partition partition);
  // An entry has gone.
  void Remove(Partition partition, std::uint64_t id);

  // Entries that are not void by the partition's floor.
  std::uint64_t Count(Partition partition) const;
  // Answers the floor that it had before.
  Floor Invalidate(Partition partition, Floor floor);
  void Restore(Partition partition, Floor before);
  bool IsVoid(Partition partition, std::uint64_t id) const {
    return floors_ > 0 && IsBelowFloor(partition, id);
  }
  // Forgets all floors; answers whose they were. Only when nothing void is left.
  std::vector<Partition> DropFloors();

 private:
  struct Known {
    std::uint32_t entries = 0;
    std::uint32_t void_entries = 0;
    Floor floor = 0;
  };

  bool IsBelowFloor(Partition partition, std::uint64_t id) const;

  std::unordered_map<Partition, Known> known_;
  std::size_t floors_ = 0;
};

// The label of a partition: 16 hexadecimal digits.
std::string NameOf(Partition partition);
Partition PartitionNamed(std::string_view name);

}  // namespace reprise::cache
