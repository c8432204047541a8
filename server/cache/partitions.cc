#include "server/cache/partitions.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace reprise::cache {

void Partitions::Add(Partition partition) {
  ++known_[partition].entries;
}

void Partitions::Remove(Partition partition, std::uint64_t id) {
  const auto found = known_.find(partition);
  Known& known = found->second;
  --known.entries;
  if (id < known.floor && known.void_entries > 0) {
    --known.void_entries;
  }
  if (known.entries == 0 && known.floor == 0) {
    known_.erase(found);
  }
}

std::uint64_t Partitions::Count(Partition partition) const {
  const auto found = known_.find(partition);
  return found == known_.end() ? 0 : found->second.entries - found->second.void_entries;
}

Floor Partitions::Invalidate(Partition partition, Floor floor) {
  Known& known = known_[partition];
  const Floor before = known.floor;
  floors_ += before == 0 ? 1 : 0;
  known.floor = std::max(floor, before);
  known.void_entries = known.entries;
  return before;
}

void Partitions::Restore(Partition partition, Floor before) {
  Known& known = known_[partition];
  known.floor = before;
  known.void_entries = 0;  // Counted anew by the next invalidation; a failed commit is rare.
  if (before == 0) {
    --floors_;
    if (known.entries == 0) {
      known_.erase(partition);
    }
  }
}

bool Partitions::IsBelowFloor(Partition partition, std::uint64_t id) const {
  const auto found = known_.find(partition);
  return found != known_.end() && id < found->second.floor;
}

std::vector<Partition> Partitions::DropFloors() {
  std::vector<Partition> dropped;
  if (floors_ == 0) {
    return dropped;
  }
  for (auto next = known_.begin(); next != known_.end();) {
    const auto here = next++;
    if (here->second.floor == 0) {
      continue;
    }
    dropped.push_back(here->first);
    here->second.floor = 0;
    here->second.void_entries = 0;
    if (here->second.entries == 0) {
      known_.erase(here);
    }
  }
  floors_ = 0;
  return dropped;
}

std::string NameOf(Partition partition) {
  constexpr std::size_t kDigits = 16;
  std::array<char, kDigits> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + kDigits, partition, 16).ptr;
  std::string name(kDigits - static_cast<std::size_t>(end - digits.data()), '0');
  return name.append(digits.data(), end);
}

Partition PartitionNamed(std::string_view name) {
  Partition partition = 0;
  std::from_chars(name.data(), name.data() + name.size(), partition, 16);
  return partition;
}

}  // namespace reprise::cache
