#include <cmath>

#include "server/routing/test_support.h"

namespace reprise::routing {
namespace {

using base::Code;

constexpr std::string_view kPrompt = "What is RAII?";
constexpr std::string_view kHard = "Prove the lemma for every ring";

FeedbackRequest JudgedAs(std::uint64_t decision, double quality) {
  FeedbackRequest request;
  request.decision = decision;
  request.quality = quality;
  return request;
}

TEST_CASE("feedback for a decision that is unknown, foreign or old is refused") {
  Bench bench;
  bench.SetCheapAndDear();
  const std::uint64_t decision = bench.Select(kPrompt).decision;
  const base::Error unknown = bench.Feedback(JudgedAs(decision + 1, 1)).error();
  CHECK(unknown.code == Code::kNotFound);
  CHECK(unknown.detail.find("no such decision") != std::string::npos);
  CHECK(bench.Feedback(JudgedAs(decision, 1), kOther).error().code == Code::kNotFound);
  bench.clock.Advance(bench.options.decision_ttl_ms + 1);
  CHECK(bench.Feedback(JudgedAs(decision, 1)).error().code == Code::kNotFound);
  CHECK(bench.Stats().outcomes == 0);
}

TEST_CASE("a model is judged once for a decision, others may be judged as well") {
  Bench bench;
  bench.SetCheapAndDear();
  FeedbackRequest request = JudgedAs(bench.Select(kPrompt).decision, 1);
  request.model = "cheap";
  const FeedbackResult first = bench.Feedback(request).value();
  CHECK(first.learned);
  CHECK(bench.Feedback(request).error().code == Code::kExists);
  request.model = "dear";
  CHECK(bench.Feedback(request).value().outcome == first.outcome);
  request.model = "unknown";
  CHECK(bench.Feedback(request).error().code == Code::kNotFound);
  const RoutingStats stats = bench.Stats();
  CHECK(stats.outcomes == 1);
  CHECK(stats.learned.at("cheap") == 1);
  CHECK(stats.learned.at("dear") == 1);
}

TEST_CASE("what outcomes say changes who answers") {
  Bench bench;
  bench.SetCheapAndDear();
  bench.options.cheap_share_ppm = 0;
  bench.options.cost_weight_ppm = 200'000;
  for (int i = 0; i < 30; ++i) {
    bench.Teach(kHard, 0, 1);
    bench.Teach(kPrompt, 1, 1);
  }
  CHECK(bench.Select(kHard).model == "dear");
  CHECK(bench.Select(kPrompt).model == "cheap");
  CHECK(bench.Score(kHard).score > bench.Score(kPrompt).score + 30);
  CHECK(bench.Score(kHard).model == "cheap");
  // Nobody else learned anything.
  bench.SetCheapAndDear(kOther);
  CHECK(bench.Score(kHard, kOther).confidence == 0);
}

TEST_CASE("an explanation names the words that matter and the model's estimates") {
  Bench bench;
  bench.SetCheapAndDear();
  for (int i = 0; i < 30; ++i) {
    bench.Teach("prove it", 0, 1);
    bench.Teach("name it", 1, 1);
  }
  const Explanation explanation = bench.Score("prove it");
  REQUIRE(explanation.factors.size() == 8);
  const auto points_of = [&](std::string_view name) {
    for (const Factor& factor : explanation.factors) {
      if (factor.name == name) {
        return factor.points;
      }
    }
    return 0.0;
  };
  CHECK(points_of("\"prove\"") > 0);
  CHECK(explanation.models.size() == 2);
  CHECK(explanation.confidence > 0);
  CHECK(explanation.level >= Level::kComplex);
  for (std::size_t i = 1; i < explanation.factors.size(); ++i) {
    CHECK(std::abs(explanation.factors[i].points) <= std::abs(explanation.factors[i - 1].points));
  }
}

TEST_CASE("a model that fails is avoided for some minutes, and then tried again") {
  Bench bench;
  bench.SetCheapAndDear();
  SelectRequest request = Bench::Asking(kPrompt);
  request.critical = true;
  for (int i = 0; i < 5; ++i) {
    FeedbackRequest failed;
    failed.decision = bench.Select(request).decision;
    failed.model = "dear";
    failed.failed = true;
    REQUIRE(bench.Feedback(failed).ok());
  }
  CHECK(bench.Select(request).model == "cheap");
  bench.clock.Advance(3'600'000);
  CHECK(bench.Select(request).model == "dear");
  CHECK(bench.Stats().tallies.models.at("dear").errors == 5);
}

TEST_CASE("latencies of late bound who can answer in time") {
  Bench bench;
  bench.SetCheapAndDear();
  FeedbackRequest slow;
  slow.decision = bench.Select(kPrompt).decision;
  slow.model = "cheap";
  slow.latency_ms = 9'000;
  REQUIRE(bench.Feedback(slow).ok());
  SelectRequest request = Bench::Asking(kPrompt);
  request.wish.max_latency_ms = 1'000;
  CHECK(bench.Select(request).model == "dear");
  CHECK(bench.Select(request).reason == "the only model that can take the call");
}

TEST_CASE("what a call took takes the place of what was expected") {
  Bench bench;
  bench.SetCheapAndDear();
  SelectRequest request = Bench::Asking(kPrompt);
  request.prompt.context_tokens = 100;
  request.prompt.answer_tokens = 100;
  request.pressure = 1;
  const Selection selection = bench.Select(request);
  REQUIRE(selection.model == "cheap");
  CHECK(bench.Stats().tallies.models.at("cheap").cost_nano == 200);
  CHECK(bench.Stats().tallies.strongest_cost_nano == 2'000);
  FeedbackRequest used;
  used.decision = selection.decision;
  used.tokens_in = 100;
  used.tokens_out = 50;
  REQUIRE(bench.Feedback(used).ok());
  CHECK(bench.Stats().tallies.models.at("cheap").cost_nano == 150);
  CHECK(bench.Stats().tallies.strongest_cost_nano == 1'500);
  CHECK(bench.Stats().tallies.models.at("cheap").tokens_out == 50);
}

TEST_CASE(
    "judged answers fill the calibration table and the estimate of what else would have been") {
  Bench bench;
  bench.SetCheapAndDear();
  SelectRequest request = Bench::Asking(kPrompt);
  request.pressure = 1;
  for (int i = 0; i < 20; ++i) {
    REQUIRE(bench.Feedback(JudgedAs(bench.Select(request).decision, i % 2)).ok());
  }
  const Tallies tallies = bench.Stats().tallies;
  std::uint64_t scored = 0;
  std::uint64_t failed = 0;
  for (const ScoreBin& bin : tallies.scores) {
    scored += bin.count;
    failed += bin.failed;
  }
  CHECK(scored == 20);
  CHECK(failed == 10);
  CHECK(tallies.judged_quality == 10);
  // It was always chosen, so the estimate is what was seen.
  CHECK(tallies.models.at("cheap").always_quality == Approx(10));
  CHECK(tallies.models.at("dear").always_quality > 10);
}

}  // namespace
}  // namespace reprise::routing
