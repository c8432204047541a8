// The policies as the index uses them: entries come in, are used, and make room for each other.
#include "server/cache/eviction.h"

#include <cmath>
#include <random>

#include <catch2/catch.hpp>

#include "server/cache/index.h"

namespace reprise::cache {
namespace {

using config::EvictionPolicy;

constexpr base::UnixMillis kNow{1000};
constexpr std::uint64_t kCost = 1'000'000;

std::uint64_t HashOf(std::uint64_t question) {
  return question * 0x9e3779b97f4a7c15U ^ (question * 0xbf58476d1ce4e5b9U) >> 32;
}

struct Answer {
  std::uint64_t cost_nano = kCost;
  std::uint32_t bytes = 1000;
};

// A cache of answers to numbered questions.
struct Bench {
  Bench(EvictionPolicy with, Room within) : bound(within) { index.SetPolicy(with); }

  bool Has(std::uint64_t question) const {
    return index.FindExact({0, HashOf(question)}) != kNoSlot;
  }
  // Asks, and stores the answer when there is none. True: it was there.
  bool Ask(std::uint64_t question, Answer answer = {}) {
    const SlotNumber found = index.FindExact({0, HashOf(question)});
    if (found != kNoSlot) {
      index.Touch(found);
      return true;
    }
    Slot slot;
    slot.exact = {0, HashOf(question)};
    slot.normalized = slot.exact;
    slot.worth.cost_nano = answer.cost_nano;
    slot.bytes = answer.bytes;
    slot.expires_at = kNow + 1;
    while (const auto excess = Excess(index.held() + Room{1, slot.bytes}, bound)) {
      const SlotNumber victim = index.Victim(*excess, kNow);
      REQUIRE(victim != kNoSlot);
      index.Remove(victim);
    }
    index.Insert(slot);
    return false;
  }
  // How many of the questions from `first` to `last` are answered.
  int Count(std::uint64_t first, std::uint64_t last) const {
    int count = 0;
    for (std::uint64_t question = first; question <= last; ++question) {
      count += Has(question) ? 1 : 0;
    }
    return count;
  }

  Room bound;
  Index index;
};

TEST_CASE("popular entries survive a scan with lfu and cost, and not with lru") {
  const auto policy = GENERATE(EvictionPolicy::kLru, EvictionPolicy::kLfu, EvictionPolicy::kCost);
  Bench bench(policy, {1000, 0});
  for (int round = 0; round < 5; ++round) {
    for (std::uint64_t question = 1; question <= 900; ++question) {
      bench.Ask(question);
    }
  }
  for (std::uint64_t once = 10'000; once < 15'000; ++once) {
    bench.Ask(once);
  }
  CHECK(bench.index.size() == 1000);
  CHECK(bench.Count(1, 900) == (policy == EvictionPolicy::kLru ? 0 : 900));
}

TEST_CASE("what was just stored is there, whatever the others are worth") {
  const auto policy = GENERATE(EvictionPolicy::kLru, EvictionPolicy::kLfu, EvictionPolicy::kCost);
  Bench bench(policy, {10, 0});
  for (int round = 0; round < 20; ++round) {
    for (std::uint64_t question = 1; question <= 10; ++question) {
      bench.Ask(question, {kCost * 1000});
    }
  }
  for (std::uint64_t question = 100; question < 200; ++question) {
    bench.Ask(question, {1});
    REQUIRE(bench.Has(question));
    REQUIRE(bench.index.size() == 10);
  }
}

TEST_CASE("of entries used alike, those whose answers cost least go first with cost") {
  Bench bench(EvictionPolicy::kCost, {200, 0});
  for (int round = 0; round < 3; ++round) {
    for (std::uint64_t question = 1; question <= 200; ++question) {
      bench.Ask(question, {question <= 100 ? kCost * 10'000 : kCost});
    }
  }
  for (std::uint64_t question = 1001; question <= 1050; ++question) {
    bench.Ask(question, {kCost * 10'000});
    bench.Ask(question);
  }
  CHECK(bench.Count(1, 100) == 100);
  CHECK(bench.Count(101, 200) == 50);
}

TEST_CASE("with lfu the cost of answers makes no difference") {
  Bench dear(EvictionPolicy::kLfu, {100, 0});
  Bench cheap(EvictionPolicy::kLfu, {100, 0});
  std::mt19937 random(3);
  for (int i = 0; i < 5000; ++i) {
    const std::uint64_t question = random() % 300;
    REQUIRE(dear.Ask(question, {question * kCost}) == cheap.Ask(question));
  }
}

TEST_CASE("an unknown cost counts as a typical one, not as nothing") {
  Bench bench(EvictionPolicy::kCost, {300, 0});
  for (int round = 0; round < 3; ++round) {
    for (std::uint64_t question = 1; question <= 300; ++question) {
      const std::uint64_t cost = question <= 100 ? kCost / 10'000 : kCost * 10'000;
      bench.Ask(question, {question <= 200 ? cost : 0});
    }
  }
  for (std::uint64_t question = 1001; question <= 1100; ++question) {
    bench.Ask(question, {kCost * 10'000});
    bench.Ask(question);
  }
  CHECK(bench.Count(1, 100) <= 5);      // those known to be cheap have gone
  CHECK(bench.Count(101, 200) == 100);  // those known to be dear are there
  CHECK(bench.Count(201, 300) >= 95);
}

TEST_CASE("when bytes are short, cost gives up the large of those that cost alike") {
  Bench bench(EvictionPolicy::kCost, {0, 1'100'000});
  for (int round = 0; round < 3; ++round) {
    for (std::uint64_t question = 1; question <= 200; ++question) {
      bench.Ask(question, {kCost, question <= 100 ? 10'000U : 1'000U});
    }
  }
  REQUIRE(bench.index.size() == 200);
  for (std::uint64_t question = 1001; question <= 1050; ++question) {
    bench.Ask(question, {kCost, 10'000});
    bench.Ask(question);
    REQUIRE(bench.index.held().bytes <= 1'100'000);
  }
  CHECK(bench.Count(101, 200) == 100);
  CHECK(bench.Count(1, 100) + bench.Count(1001, 1050) == 100);
}

TEST_CASE("what was popular yesterday goes when nobody asks for it any more") {
  const auto policy = GENERATE(EvictionPolicy::kLfu, EvictionPolicy::kCost);
  Bench bench(policy, {100, 0});
  for (int round = 0; round < 100; ++round) {
    for (std::uint64_t question = 1; question <= 100; ++question) {
      bench.Ask(question);
    }
  }
  // A use counts half after 500: after 5,000 what each had counts less than one.
  for (int round = 0; round < 50; ++round) {
    for (std::uint64_t question = 1001; question <= 1100; ++question) {
      bench.Ask(question);
    }
  }
  CHECK(bench.Count(1001, 1100) >= 95);
}

TEST_CASE("a question that had left comes back with the uses it had") {
  Bench bench(EvictionPolicy::kLfu, {10, 0});
  for (int use = 0; use < 8; ++use) {
    bench.Ask(1);
  }
  bench.index.Remove(bench.index.FindExact({0, HashOf(1)}));
  for (std::uint64_t question = 2; question <= 11; ++question) {
    bench.Ask(question);
    bench.Ask(question);
  }
  bench.Ask(1);
  for (std::uint64_t once = 100; once < 105; ++once) {
    bench.Ask(once);
  }
  CHECK(bench.Has(1));  // it has been asked once since, the others twice
}

TEST_CASE("entries that were never used go in the order in which they were inserted") {
  const auto policy = GENERATE(EvictionPolicy::kLru, EvictionPolicy::kLfu, EvictionPolicy::kCost);
  Bench bench(EvictionPolicy::kLru, {100, 0});  // as after a restart: the policy comes later
  for (std::uint64_t question = 1; question <= 100; ++question) {
    bench.Ask(question);
  }
  bench.index.SetPolicy(policy);
  for (std::uint64_t question = 1; question <= 50; ++question) {
    const SlotNumber victim = bench.index.Victim(Short::kEntries, kNow);
    REQUIRE(bench.index.at(victim).exact.low == HashOf(question));
    bench.index.Remove(victim);
  }
}

TEST_CASE("the policy can change at any time") {
  Bench bench(EvictionPolicy::kLru, {64, 0});
  std::mt19937 random(4);
  for (int i = 0; i < 30'000; ++i) {
    if (i % 1000 == 0) {
      bench.index.SetPolicy(static_cast<EvictionPolicy>(i / 1000 % 3));
    }
    if (random() % 50 == 0) {
      bench.bound.entries = 1 + random() % 100;
    }
    if (!bench.Ask(random() % 200, {random() % 5 * kCost, 1})) {
      REQUIRE(bench.index.size() <= bench.bound.entries);
    }
  }
  while (bench.index.size() > 0) {
    bench.index.Remove(bench.index.Victim(Short::kBytes, kNow));
  }
  CHECK(bench.index.Victim(Short::kEntries, kNow) == kNoSlot);
  CHECK(bench.index.held().bytes == 0);
}

// Zipf by its inverse, near enough: question k is asked about 1/k as often as the first.
TEST_CASE("on a skewed load with a flood of one-off questions lfu and cost hit more than lru") {
  const auto hits_with = [](EvictionPolicy policy) {
    Bench bench(policy, {200, 0});
    std::mt19937_64 random(5);
    std::uint64_t once = 1'000'000;
    int hits = 0;
    for (int i = 0; i < 40'000; ++i) {
      const double share = static_cast<double>(random() % 1'000'000) / 1e6;
      const auto question = static_cast<std::uint64_t>(std::pow(5000.0, share));
      hits += bench.Ask(i % 3 == 0 ? once++ : question) ? 1 : 0;
    }
    return hits;
  };
  const int lru = hits_with(EvictionPolicy::kLru);
  CHECK(hits_with(EvictionPolicy::kLfu) > lru * 21 / 20);
  CHECK(hits_with(EvictionPolicy::kCost) > lru * 21 / 20);
}

}  // namespace
}  // namespace reprise::cache
