#include "server/routing/choice.h"

#include <cmath>
#include <random>

#include <catch2/catch.hpp>

#include "protocol/base/random.h"

namespace reprise::routing {
namespace {

struct Offer {
  double quality;
  std::int64_t cost;
};

// Candidates in the order of their strength.
struct Field {
  explicit Field(const std::vector<Offer>& offers) : cards(offers.size()) {
    for (std::size_t i = 0; i < offers.size(); ++i) {
      candidates.push_back(
          {&cards[i], offers[i].quality, static_cast<double>(i), offers[i].cost, 0});
    }
  }
  std::size_t Best(const Wish& wish, double price) const {
    return Rank(candidates, wish, price).order.front();
  }
  std::vector<ModelCard> cards;
  std::vector<Candidate> candidates;
};

TEST_CASE("the dearer money is, the cheaper the model") {
  const Field field({{0.6, 1}, {0.8, 4}, {0.9, 10}});
  CHECK(field.Best({}, 0) == 2);
  CHECK(field.Best({}, 0.3) == 1);
  CHECK(field.Best({}, 1) == 0);
}

TEST_CASE("of two that are worth the same the cheaper one answers") {
  const Field field({{0.8, 5}, {0.8, 1}});
  CHECK(field.Best({}, 0) == 1);
}

TEST_CASE("a model that lacks what the call needs cannot take it") {
  Field field({{0.6, 1}, {0.9, 10}});
  field.cards[0].capabilities = kTools;
  Wish wish;
  wish.needs = kTools;
  CHECK(field.Best(wish, 0) == 0);
  wish.needs = kTools | kVision;
  const Ranked none = Rank(field.candidates, wish, 0);
  CHECK(none.order.empty());
  CHECK(none.refusals[0] == "lacks vision");
  CHECK(none.refusals[1] == "lacks tools, vision");
}

TEST_CASE("windows, costs and latencies are bounds, met to the last unit") {
  Field field({{0.9, 10}});
  field.cards[0].context_tokens = 100;
  field.candidates[0].latency_ms = 500;
  Wish wish;
  wish.tokens = {60, 0, 40};
  wish.max_cost_nano = 10;
  wish.max_latency_ms = 500;
  CHECK(RefusalOf(field.candidates[0], wish).empty());
  wish.tokens.output = 41;
  CHECK(RefusalOf(field.candidates[0], wish).find("window of 100 tokens") != std::string::npos);
  wish.tokens.output = 40;
  wish.max_cost_nano = 9;
  CHECK(RefusalOf(field.candidates[0], wish) == "costs 10 nano-dollars");
  wish.max_cost_nano = 10;
  wish.max_latency_ms = 499;
  CHECK(RefusalOf(field.candidates[0], wish) == "takes 500 ms");
}

TEST_CASE("below the floor only when nobody reaches it, and then the best") {
  const Field field({{0.6, 1}, {0.8, 10}});
  Wish wish;
  wish.quality_min = 0.7;
  const Ranked reached = Rank(field.candidates, wish, 1'000);
  CHECK(reached.order == std::vector<std::size_t>{1, 0});
  CHECK_FALSE(reached.below_floor);
  wish.quality_min = 0.9;
  const Ranked missed = Rank(field.candidates, wish, 1'000);
  CHECK(missed.order == std::vector<std::size_t>{1, 0});
  CHECK(missed.below_floor);
}

TEST_CASE("a conversation goes up, or down where that saves more than its prompt cache") {
  Field field({{0.6, 3}, {0.9, 10}});
  Wish wish;
  wish.stay_with = 0;
  CHECK(field.Best(wish, 0) == 1);
  CHECK(field.Best(wish, 1'000) == 0);
  wish.stay_with = 1;
  CHECK(field.Best(wish, 1'000) == 0);  // It saves 7.
  field.candidates[1].cost_nano = 2;    // What the provider's cache has makes it the cheaper one.
  field.candidates[1].quality = 0.5;
  const Ranked ranked = Rank(field.candidates, wish, 0);
  CHECK(ranked.order.front() == 1);
  CHECK(ranked.stays);
}

TEST_CASE("a model that cannot take the call does not keep its conversation") {
  Field field({{0.6, 1}, {0.9, 10}});
  field.cards[0].context_tokens = 10;
  Wish wish;
  wish.stay_with = 0;
  wish.tokens = {11, 0, 0};
  CHECK(field.Best(wish, 1'000) == 1);
}

TEST_CASE("the price at which a choice tips is exact") {
  constexpr unsigned kFields = 200;
  const auto seed = base::RandomSeed();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> quality(0, 1);
  std::uniform_int_distribution<std::int64_t> cost(1, 100);
  unsigned tipped = 0;
  for (unsigned i = 0; i < kFields; ++i) {
    const Field field({{quality(random), cost(random)},
                       {quality(random), cost(random)},
                       {quality(random), cost(random)},
                       {quality(random), 100}});
    const Ranked free = Rank(field.candidates, {}, 0);
    if (std::isinf(free.tips_at) || free.tips_at < 0.001) {
      continue;
    }
    ++tipped;
    const Ranked below = Rank(field.candidates, {}, free.tips_at * 0.999);
    const Ranked above = Rank(field.candidates, {}, free.tips_at * 1.001);
    CHECK_FALSE(below.IsCheap(below.order.front()));
    CHECK(above.IsCheap(above.order.front()));
  }
  CHECK(tipped > kFields / 10);
}

TEST_CASE("where a price is missing the stronger model counts as the dearer one") {
  Field field({{0.7, 1}, {0.8, 1}});
  field.candidates[1].cost_nano.reset();
  CHECK(field.Best({}, 0) == 1);
  CHECK(field.Best({}, 1) == 0);
}

}  // namespace
}  // namespace reprise::routing
