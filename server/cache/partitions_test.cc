#include "server/cache/partitions.h"

#include <catch2/catch.hpp>

namespace reprise::cache {
namespace {

TEST_CASE("a partition voids its older entries and counts the others") {
  Partitions partitions;
  partitions.Add(7);
  partitions.Add(7);
  partitions.Add(8);
  CHECK(partitions.Count(7) == 2);
  CHECK(partitions.Count(9) == 0);
  CHECK(partitions.Invalidate(7, 10) == 0);
  CHECK(partitions.Count(7) == 0);
  CHECK(partitions.IsVoid(7, 9));
  CHECK_FALSE(partitions.IsVoid(7, 10));
  CHECK_FALSE(partitions.IsVoid(8, 9));
  partitions.Add(7);
  CHECK(partitions.Count(7) == 1);
  partitions.Remove(7, 1);
  partitions.Remove(7, 2);
  CHECK(partitions.Count(7) == 1);
  CHECK(partitions.DropFloors() == std::vector<Partition>{7});
  CHECK_FALSE(partitions.IsVoid(7, 9));
  CHECK(partitions.DropFloors().empty());
}

TEST_CASE("an invalidation that was not committed is taken back") {
  Partitions partitions;
  partitions.Add(7);
  const Floor before = partitions.Invalidate(7, 10);
  partitions.Restore(7, before);
  CHECK_FALSE(partitions.IsVoid(7, 1));
  CHECK(partitions.Count(7) == 1);
  partitions.Restore(9, partitions.Invalidate(9, 10));
  CHECK(partitions.DropFloors().empty());
}

TEST_CASE("a partition has a name of sixteen digits and is found by it") {
  for (const Partition partition : {Partition{1}, Partition{0xfedcba9876543210}}) {
    CHECK(NameOf(partition).size() == 16);
    CHECK(PartitionNamed(NameOf(partition)) == partition);
  }
}

}  // namespace
}  // namespace reprise::cache
