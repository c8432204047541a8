#include "server/jobs/timer_wheel.h"

#include <map>
#include <random>
#include <set>

#include <catch2/catch.hpp>

namespace reprise::jobs {
namespace {

struct Item {
  TimerNode timer;
  std::int64_t when_ms = 0;
};
using Wheel = TimerWheel<&Item::timer, &Item::when_ms>;

constexpr std::int64_t kStart = 1'700'000'000'000;
constexpr std::size_t kAll = 1'000'000;

TEST_CASE("an item comes out at its millisecond and not before") {
  for (const std::int64_t delay : {0LL, 1LL, 255LL, 256LL, 257LL, 16'383LL, 16'384LL, 1'048'576LL,
                                   86'400'000LL, 31'622'400'000LL, 315'360'000'000LL}) {
    Slab<Item> items;
    Wheel wheel(kStart);
    const Slot slot = items.Take();
    items[slot].when_ms = kStart + delay;
    wheel.Add(slot, items);
    int came = 0;
    const auto due = [&](Slot) { ++came; };
    INFO(delay);
    if (delay > 0) {
      CHECK(wheel.Advance(kStart + delay - 1, kAll, items, due));
      CHECK(came == 0);
      CHECK(wheel.NextMs() <= kStart + delay);
    }
    CHECK(wheel.Advance(kStart + delay, kAll, items, due));
    CHECK(came == 1);
    CHECK(wheel.size() == 0);
    CHECK_FALSE(wheel.NextMs().has_value());
  }
}

TEST_CASE("what is due already comes out with the next advance") {
  Slab<Item> items;
  Wheel wheel(kStart);
  const Slot slot = items.Take();
  items[slot].when_ms = kStart - 5'000;
  wheel.Add(slot, items);
  int came = 0;
  CHECK(wheel.Advance(kStart, kAll, items, [&](Slot) { ++came; }));
  CHECK(came == 1);
}

TEST_CASE("an advance stops after as many items as asked, and goes on from there") {
  Slab<Item> items;
  Wheel wheel(kStart);
  for (int i = 0; i < 10; ++i) {
    const Slot slot = items.Take();
    items[slot].when_ms = kStart + i % 3;
    wheel.Add(slot, items);
  }
  std::vector<std::int64_t> order;
  const auto due = [&](Slot slot) { order.push_back(items[slot].when_ms); };
  CHECK_FALSE(wheel.Advance(kStart + 100, 4, items, due));
  CHECK(order.size() == 4);
  CHECK(wheel.Advance(kStart + 100, 6, items, due));
  CHECK(order.size() == 10);
  CHECK(std::is_sorted(order.begin(), order.end()));
}

TEST_CASE("against an ordered map, with items put in, taken out and moved at random") {
  const std::uint64_t seed = 20261130;
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  Slab<Item> items;
  Wheel wheel(kStart);
  std::map<Slot, std::int64_t> model;
  std::int64_t now = kStart;
  const auto draw_delay = [&] {
    const std::int64_t spans[] = {3, 300, 20'000, 2'000'000, 200'000'000};
    return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(spans[random() % 5]));
  };
  for (int step = 0; step < 3'000; ++step) {
    const std::uint64_t what = random() % 10;
    if (what < 5) {
      const Slot slot = items.Take();
      items[slot].when_ms = now + draw_delay();
      wheel.Add(slot, items);
      model[slot] = items[slot].when_ms;
    } else if (what < 7 && !model.empty()) {
      const auto victim = std::next(model.begin(), static_cast<long>(random() % model.size()));
      wheel.Remove(victim->first, items);
      items.Release(victim->first);
      model.erase(victim);
    } else {
      now += draw_delay() / 4;
      std::set<Slot> came;
      std::int64_t last = 0;
      CHECK(wheel.Advance(now, kAll, items, [&](Slot slot) {
        CHECK(model.at(slot) >= last);
        last = model.at(slot);
        came.insert(slot);
      }));
      for (auto item = model.begin(); item != model.end();) {
        CHECK(came.contains(item->first) == (item->second <= now));
        if (item->second <= now) {
          items.Release(item->first);
          item = model.erase(item);
        } else {
          CHECK(wheel.NextMs().value() <= item->second);
          ++item;
        }
      }
    }
    REQUIRE(wheel.size() == model.size());
  }
}

}  // namespace
}  // namespace reprise::jobs
