#include "storage/engine/room.h"

#include <catch2/catch.hpp>

namespace reprise::storage {
namespace {

TEST_CASE("nothing may be written before the disk was looked at") {
  Room room("/");
  CHECK_FALSE(room.Take(1));
  CHECK(room.Take(0));
}

TEST_CASE("a batch that has room once in log and table is taken, and counts") {
  Room room("/");
  room.Look(0, 1000);
  REQUIRE(room.Take(1000));
  // At most sixteen MiB stand between two looks.
  CHECK_FALSE(room.Take(16 << 20));
}

TEST_CASE("a batch that would fill the disk is refused") {
  Room room("/");
  room.Look(0, 0);
  const std::uint64_t available = room.available();
  room.Look(0, available / 2);
  CHECK_FALSE(room.Take(available / 2));
}

TEST_CASE("what stands in memory keeps its room on the disk") {
  Room room("/");
  room.Look(0, 0);
  const std::uint64_t available = room.available();
  room.Look(available / 3, 1000);
  CHECK_FALSE(room.Take(1000));
  CHECK(room.kept() >= available / 2);
}

TEST_CASE("a filesystem that cannot be asked refuses nothing") {
  Room room("/no/such/place");
  room.Look(0, 1000);
  CHECK(room.Take(1000));
}

}  // namespace
}  // namespace reprise::storage
