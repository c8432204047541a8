#include "server/cache/frequency_sketch.h"

#include <random>

#include <catch2/catch.hpp>

namespace reprise::cache {
namespace {

TEST_CASE("a sketch without room knows nothing and takes nothing") {
  FrequencySketch sketch;
  sketch.Raise(7, 5);
  CHECK(sketch.CountOf(7) == 0);
  CHECK(sketch.MemoryBytes() == 0);
}

TEST_CASE("a count is raised, never lowered, and ends at 15") {
  FrequencySketch sketch;
  sketch.Reserve(100);
  sketch.Raise(7, 5);
  CHECK(sketch.CountOf(7) == 5);
  sketch.Raise(7, 3);
  CHECK(sketch.CountOf(7) == 5);
  sketch.Raise(7, 14);
  CHECK(sketch.CountOf(7) == 14);
  sketch.Raise(7, 15);
  CHECK(sketch.CountOf(7) == 15);
  sketch.Raise(7, 16);
  CHECK(sketch.CountOf(7) == 15);
}

TEST_CASE("ageing halves every count, also of blocks that are not used meanwhile") {
  FrequencySketch sketch;
  sketch.Reserve(100);
  sketch.Raise(7, 15);
  sketch.Raise(8, 6);
  sketch.Age();
  CHECK(sketch.CountOf(7) == 7);
  CHECK(sketch.CountOf(8) == 3);
  sketch.Raise(7, 1);  // brings the block up to date
  CHECK(sketch.CountOf(7) == 7);
  sketch.Age();
  sketch.Age();
  CHECK(sketch.CountOf(7) == 1);
  CHECK(sketch.CountOf(8) == 0);
  for (int i = 0; i < 300; ++i) {
    sketch.Age();
  }
  CHECK(sketch.CountOf(7) == 0);
}

TEST_CASE("growing keeps what is known") {
  FrequencySketch sketch;
  sketch.Reserve(1);
  std::mt19937_64 random(1);
  std::vector<std::uint64_t> hashes;
  for (int i = 0; i < 50; ++i) {
    hashes.push_back(random());
    sketch.Raise(hashes.back(), static_cast<std::uint32_t>(1 + i % 15));
  }
  sketch.Reserve(10'000);
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    CHECK(sketch.CountOf(hashes[i]) >= 1 + i % 15);
  }
  CHECK(sketch.MemoryBytes() >= std::size_t{160'000});
  CHECK(sketch.MemoryBytes() <= std::size_t{320'000});
}

TEST_CASE("counts are never too small, and seldom too large when it is as full as it may be") {
  constexpr std::size_t kQuestions = 20'000;
  FrequencySketch sketch;
  sketch.Reserve(kQuestions);
  std::mt19937_64 random(2);
  for (std::size_t i = 0; i < kQuestions; ++i) {
    const std::uint64_t hash = random();
    sketch.Raise(hash, 3);
    REQUIRE(sketch.CountOf(hash) >= 3);
  }
  int wrong = 0;
  for (std::size_t i = 0; i < kQuestions; ++i) {
    wrong += sketch.CountOf(random()) > 0 ? 1 : 0;
  }
  CHECK(wrong < static_cast<int>(kQuestions / 100));
}

}  // namespace
}  // namespace reprise::cache
