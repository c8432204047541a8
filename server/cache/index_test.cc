#include "server/cache/index.h"

#include <list>
#include <map>
#include <random>

#include <catch2/catch.hpp>

namespace reprise::cache {
namespace {

Slot Entry(std::uint64_t exact, std::uint64_t normalized) {
  Slot slot;
  slot.exact = {1, exact};
  slot.normalized = {2, normalized};
  slot.id = exact;
  slot.expires_at = base::UnixMillis{1};
  return slot;
}

TEST_CASE("an entry is found by its exact and by its normalized hash until it is removed") {
  Index index;
  const SlotNumber slot = index.Insert(Entry(10, 20));
  CHECK(index.FindExact({1, 10}) == slot);
  CHECK(index.FindNormalized({2, 20}) == slot);
  CHECK(index.FindExact({9, 10}) == kNoSlot);  // the other half differs
  index.Remove(slot);
  CHECK(index.FindExact({1, 10}) == kNoSlot);
  CHECK(index.FindNormalized({2, 20}) == kNoSlot);
  CHECK(index.size() == 0);
}

TEST_CASE("of alike entries the newest is found, and the others when it has gone") {
  Index index;
  const SlotNumber first = index.Insert(Entry(1, 7));
  const SlotNumber second = index.Insert(Entry(2, 7));
  const SlotNumber third = index.Insert(Entry(3, 7));
  CHECK(index.FindNormalized({2, 7}) == third);
  CHECK(index.NextAlike(third) == second);
  index.Remove(second);  // in the middle of the chain
  CHECK(index.NextAlike(third) == first);
  index.Remove(third);  // its head
  CHECK(index.FindNormalized({2, 7}) == first);
  CHECK(index.NextAlike(first) == kNoSlot);
}

// With lru: the one that was not used for longest.
SlotNumber Oldest(Index& index) {
  return index.Victim(Short::kEntries, base::UnixMillis{0});
}

TEST_CASE("the victim of lru is the entry that was not touched for longest") {
  Index index;
  const SlotNumber a = index.Insert(Entry(1, 1));
  const SlotNumber b = index.Insert(Entry(2, 2));
  const SlotNumber c = index.Insert(Entry(3, 3));
  CHECK(Oldest(index) == a);
  index.Touch(a);
  CHECK(Oldest(index) == b);
  index.Remove(b);
  CHECK(Oldest(index) == c);
  index.Remove(c);
  index.Remove(a);
  CHECK(Oldest(index) == kNoSlot);
}

TEST_CASE("an expired entry goes before one that was used less") {
  Index index;
  Slot lasting = Entry(1, 1);
  lasting.expires_at = base::UnixMillis{1000};
  Slot short_lived = Entry(2, 2);
  short_lived.expires_at = base::UnixMillis{10};
  index.SetPolicy(config::EvictionPolicy::kLfu);
  const SlotNumber unused = index.Insert(lasting);
  const SlotNumber expired = index.Insert(short_lived);
  index.Touch(expired);
  CHECK(index.Victim(Short::kEntries, base::UnixMillis{9}) == unused);
  CHECK(index.Victim(Short::kEntries, base::UnixMillis{10}) == expired);
}

// The index beside the plainest model that does the same; hashes are drawn from few values, so that
// probing, chains and deletion in the middle of clusters all happen.
TEST_CASE("random inserts, touches and removals agree with a simple model") {
  const auto seed = GENERATE(1U, 2U, 3U, 4U);
  INFO("seed " << seed);
  std::mt19937 random(seed);
  Index index;
  std::map<std::uint64_t, std::pair<SlotNumber, std::uint64_t>> model;  // exact -> slot, normalized
  std::list<std::uint64_t> order;                                       // oldest first
  for (int step = 0; step < 20'000; ++step) {
    const std::uint64_t exact = random() % 300;
    const auto found = model.find(exact);
    CHECK(index.FindExact({1, exact}) == (found == model.end() ? kNoSlot : found->second.first));
    if (found == model.end()) {
      const std::uint64_t normalized = random() % 40;
      model[exact] = {index.Insert(Entry(exact, normalized)), normalized};
      order.push_back(exact);
    } else if (random() % 2 == 0) {
      index.Touch(found->second.first);
      order.remove(exact);
      order.push_back(exact);
    } else {
      index.Remove(found->second.first);
      order.remove(exact);
      model.erase(found);
    }
    REQUIRE(index.size() == model.size());
    if (!order.empty()) {
      REQUIRE(index.at(Oldest(index)).exact.low == order.front());
    }
    const std::uint64_t asked = random() % 40;
    std::size_t alike = 0;
    for (SlotNumber slot = index.FindNormalized({2, asked}); slot != kNoSlot;
         slot = index.NextAlike(slot)) {
      REQUIRE(index.at(slot).normalized.low == asked);
      ++alike;
    }
    std::size_t expected = 0;
    for (const auto& [key, value] : model) {
      expected += value.second == asked ? 1 : 0;
    }
    REQUIRE(alike == expected);
  }
}

}  // namespace
}  // namespace reprise::cache
