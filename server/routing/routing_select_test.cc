#include <algorithm>
#include <set>

#include "server/routing/test_support.h"

namespace reprise::routing {
namespace {

using base::Code;

constexpr std::string_view kPrompt = "What is RAII?";

TEST_CASE("without models, or with unknown ones, there is an error that says what to do") {
  Bench bench;
  CHECK(bench.TrySelect(Bench::Asking(kPrompt)).error().code == Code::kNotFound);
  bench.SetCheapAndDear();
  SelectRequest request = Bench::Asking(kPrompt);
  request.models = {"cheap", "unknown"};
  const base::Error unknown = bench.TrySelect(request).error();
  CHECK(unknown.code == Code::kNotFound);
  CHECK(unknown.detail.find("'unknown'") != std::string::npos);
  CHECK(bench.TrySelect(Bench::Asking(kPrompt), kOther).error().code == Code::kNotFound);
}

TEST_CASE("a call that nobody can take names each model and why") {
  Bench bench;
  bench.SetCheapAndDear();
  SelectRequest request = Bench::Asking(kPrompt);
  request.wish.needs = kVision;
  const base::Error refused = bench.TrySelect(request).error();
  CHECK(refused.code == Code::kBadRequest);
  CHECK(refused.detail == "no model can take this call: cheap lacks vision; dear lacks vision");
}

TEST_CASE("only models that were named are chosen from") {
  Bench bench;
  bench.SetCheapAndDear();
  bench.SetModel(CardOf("middle", 3));
  SelectRequest request = Bench::Asking(kPrompt);
  request.models = {"dear"};
  const Selection selection = bench.Select(request);
  CHECK(selection.model == "dear");
  CHECK(selection.fallbacks.empty());
  CHECK(selection.reason == "the only model");
}

TEST_CASE("fallbacks are the other models that can take the call") {
  Bench bench;
  bench.SetCheapAndDear();
  ModelCard small = CardOf("small", 2);
  small.context_tokens = 10;
  bench.SetModel(small);
  const Selection selection = bench.Select(std::string(1'000, 'a'));
  CHECK(selection.fallbacks.size() == 1);
  CHECK(std::set<std::string>{selection.model, selection.fallbacks[0]} ==
        std::set<std::string>{"cheap", "dear"});
}

TEST_CASE("at least the wanted share becomes cheap, and it is what matters least") {
  Bench bench;
  bench.SetCheapAndDear();
  bench.options.cost_weight_ppm = 0;
  constexpr int kWarm = 200;
  constexpr int kCalls = 600;
  int cheap = 0;
  double cheapest_dear = 1;
  double dearest_cheap = 0;
  for (int i = 0; i < kWarm + kCalls; ++i) {
    SelectRequest request = Bench::Asking(kPrompt);
    request.wish.importance = static_cast<double>(1 + i * 37 % 100) / 100;
    const bool is_cheap = bench.Select(request).model == "cheap";
    if (i < kWarm) {
      continue;
    }
    cheap += is_cheap ? 1 : 0;
    double& edge = is_cheap ? dearest_cheap : cheapest_dear;
    edge = is_cheap ? std::max(edge, request.wish.importance)
                    : std::min(edge, request.wish.importance);
  }
  CHECK(static_cast<double>(cheap) / kCalls == Approx(0.45).margin(0.03));
  CHECK(dearest_cheap < cheapest_dear + 0.05);
  const Tallies tallies = bench.Stats().tallies;
  CHECK(tallies.decisions == kWarm + kCalls);
  CHECK(tallies.mixed == tallies.decisions);
}

TEST_CASE("a budget presses the less important first, and the critical last of all") {
  Bench bench;
  bench.SetCheapAndDear();
  bench.options.cost_weight_ppm = 0;
  bench.options.cheap_share_ppm = 0;
  const auto cheap_of = [&](double pressure, bool critical) {
    std::vector<bool> cheap;
    for (int i = 0; i < 100; ++i) {
      SelectRequest request = Bench::Asking(kPrompt);
      request.wish.importance = static_cast<double>(1 + i * 37 % 100) / 100;
      request.pressure = pressure;
      request.critical = critical;
      cheap.push_back(bench.Select(request).model == "cheap");
    }
    return std::count(cheap.begin(), cheap.end(), true);
  };
  CHECK(cheap_of(0, false) == 0);
  CHECK(cheap_of(0.5, false) == 0);
  cheap_of(0.75, false);  // What was missing of the share until now comes first.
  CHECK(cheap_of(0.75, false) == Approx(50).margin(8));
  CHECK(cheap_of(0.75, true) == 0);
  CHECK(cheap_of(1, false) == 100);
  CHECK(cheap_of(0.999, true) == 0);
  CHECK(cheap_of(2, true) == 100);
  CHECK(bench.Stats().tallies.degraded > 140);
}

TEST_CASE("a conversation keeps its model, goes up when it must, and is the namespace's own") {
  Bench bench;
  bench.SetCheapAndDear();
  SelectRequest turn = Bench::Asking(kPrompt);
  turn.conversation = "c";
  turn.pressure = 1;
  REQUIRE(bench.Select(turn).model == "cheap");
  turn.pressure = 0;
  turn.critical = true;
  CHECK(bench.Select(turn).model == "dear");
  turn.critical = false;
  turn.prompt.context_tokens = 100'000;  // All of it is in the provider's cache.
  REQUIRE(bench.Select(turn).model == "dear");
  SelectRequest first = Bench::Asking(kPrompt);
  first.prompt.context_tokens = 100'000;
  first.wish.importance = 0.001;
  first.conversation = "other";
  first.pressure = 1;
  CHECK(bench.Select(first).model == "cheap");
  bench.SetCheapAndDear(kOther);
  turn.pressure = 1;
  CHECK(bench.Select(turn, kOther).model == "cheap");
}

TEST_CASE("going down in a conversation must save more than the prompt cache") {
  Bench bench;
  bench.SetModel(CardOf("dear", 10));
  SelectRequest turn = Bench::Asking(kPrompt);
  turn.conversation = "c";
  turn.prompt.context_tokens = 100'000;
  turn.prompt.answer_tokens = 1;
  REQUIRE(bench.Select(turn).model == "dear");
  bench.SetModel(CardOf("middle", 5));
  turn.pressure = 1;
  CHECK(bench.Select(turn).model == "dear");               // 1 a cached token against 5.
  bench.clock.Advance(bench.options.prompt_cache_ms + 1);  // The provider has forgotten it.
  CHECK(bench.Select(turn).model == "middle");
}

TEST_CASE("off and shadow answer with the strongest; shadow says who would have") {
  Bench bench;
  bench.SetCheapAndDear();
  SelectRequest request = Bench::Asking(kPrompt);
  request.pressure = 1;
  request.mode = config::TierMode::kOff;
  const Selection off = bench.Select(request);
  CHECK(off.model == "dear");
  CHECK(off.would.empty());
  CHECK(off.reason == "routing is off: the strongest model answers");
  request.mode = config::TierMode::kShadow;
  const Selection shadow = bench.Select(request);
  CHECK(shadow.model == "dear");
  CHECK(shadow.would == "cheap");
  CHECK(shadow.propensity == 1);
  CHECK(shadow.fallbacks == std::vector<std::string>{"cheap"});
}

TEST_CASE("chance tries other models as often as its propensities say, and says so") {
  Bench bench;
  bench.SetCheapAndDear();
  bench.options.explore_ppm = 200'000;
  SelectRequest request = Bench::Asking(kPrompt);
  request.pressure = 1;
  constexpr int kCalls = 2'000;
  int tried = 0;
  for (int i = 0; i < kCalls; ++i) {
    const Selection selection = bench.Select(request);
    const bool is_tried = selection.model == "dear";
    REQUIRE(selection.propensity == Approx(is_tried ? 0.1 : 0.9));
    REQUIRE((selection.reason == "tried by chance, to learn") == is_tried);
    tried += is_tried ? 1 : 0;
  }
  CHECK(static_cast<double>(tried) / kCalls == Approx(0.1).margin(0.03));
  CHECK(bench.Stats().tallies.explored == static_cast<std::uint64_t>(tried));
  request.critical = true;
  for (int i = 0; i < 100; ++i) {
    REQUIRE(bench.Select(request).propensity == 1);
  }
}

TEST_CASE("costs come from the card, else from the price table, and count cached tokens") {
  Bench bench;
  ModelCard unpriced = CardOf("m", 1);
  unpriced.prices.reset();
  bench.SetModel(unpriced);
  SelectRequest request = Bench::Asking(kPrompt);
  request.prompt.context_tokens = 1'000;
  request.prompt.answer_tokens = 100;
  CHECK(bench.Select(request).cost_nano == 0);
  request.cost_of = [](const ModelCard& card, const CallTokens& tokens) {
    CHECK(card.name == "m");
    return std::optional<std::int64_t>(tokens.input + tokens.output);
  };
  CHECK(bench.Select(request).cost_nano == 1'100);
  bench.SetModel(CardOf("m", 2));
  CHECK(bench.Select(request).cost_nano == 2'200);
  request.conversation = "c";
  bench.Select(request);
  // 1,000 of the input are cached now, at a tenth of the price.
  CHECK(bench.Select(request).cost_nano == 100 * 2 + 200);
}

}  // namespace
}  // namespace reprise::routing
