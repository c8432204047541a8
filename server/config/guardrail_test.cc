#include "server/config/guardrail.h"

#include <catch2/catch.hpp>

#include "server/config/config.h"

namespace reprise::config {
namespace {

using Catch::Matchers::Contains;

std::string ProblemOf(std::string_view text) {
  return std::string(GuardrailProblem(text));
}

TEST_CASE("a guardrail is read from its text, and written so that it is read the same") {
  const auto rule = ParseGuardrail("  low : quality<0.92 :compression   context ");
  REQUIRE(rule.has_value());
  CHECK(rule->name == "low");
  CHECK(rule->metric == Metric::kQuality);
  CHECK(rule->limit_ppm == 920'000);
  CHECK(rule->strategies.Has(Strategy::kCompression));
  CHECK(rule->strategies.Has(Strategy::kContext));
  CHECK_FALSE(rule->strategies.Has(Strategy::kRouting));
  CHECK(TextOf(*rule) == "low: quality < 0.92: context compression");
  for (const std::string& text : ControlOptions().guardrails) {
    const auto shipped = ParseGuardrail(text);
    REQUIRE(shipped.has_value());
    CHECK(ParseGuardrail(TextOf(*shipped)) == shipped);
  }
  CHECK(TextOf(*ParseGuardrail("e: error_rate > 0.03: all")) == "e: error_rate > 0.03: all");
  CHECK(TextOf(*ParseGuardrail("s: response_time > 2: tools")) == "s: response_time > 2: tools");
}

TEST_CASE("a guardrail that makes no sense is refused, and says what is allowed") {
  CHECK_THAT(ProblemOf("quality < 0.92"), Contains("as in"));
  CHECK_THAT(ProblemOf("a: quality 0.92: tools"), Contains("as in"));
  CHECK_THAT(ProblemOf("1a: quality < 0.92: tools"), Contains("the name of a guardrail"));
  CHECK_THAT(ProblemOf("a: quality > 0.92: tools"), Contains("written with <"));
  CHECK_THAT(ProblemOf("a: error_rate < 0.92: tools"), Contains("written with >"));
  CHECK_THAT(ProblemOf("a: speed > 2: tools"), Contains("a metric is"));
  for (const char* limit : {"0", "1", "-0.5", "nan", "inf", "", "0.9x", "1e300"}) {
    CHECK_THAT(ProblemOf(std::string("a: quality < ") + limit + ": tools"),
               Contains("from 0.001 to 0.999"));
  }
  CHECK_THAT(ProblemOf("a: response_time > 1: tools"), Contains("1.01 to 100"));
  CHECK_THAT(ProblemOf("a: response_time > 101: tools"), Contains("1.01 to 100"));
  CHECK(ProblemOf("a: response_time > 100: tools").empty());
  CHECK_THAT(ProblemOf("a: quality < 0.5:"), Contains("behind the limit stand strategies"));
  CHECK_THAT(ProblemOf("a: quality < 0.5: tools caching"), Contains("cache.semantic"));
  CHECK_THAT(ProblemOf("a: quality < 0.5: " + std::string(300, ' ') + "all"), Contains("256"));
}

TEST_CASE("rules that contradict each other are refused together") {
  const auto check = [](std::vector<std::string> rules) {
    Config config;
    config.control.guardrails = std::move(rules);
    const base::Status status = Check(config);
    return status.ok() ? std::string() : status.error().detail;
  };
  CHECK(check({}).empty());
  CHECK(check({"a: quality < 0.9: tools", "b: quality < 0.8: context"}).empty());
  CHECK(check({"a: quality < 0.9: tools", "b: error_rate > 0.1: tools"}).empty());
  CHECK_THAT(check({"a: quality < 0.9: tools", "b: quality < 0.8: all"}),
             Contains("'a' and 'b' contradict") && Contains("control.guardrails"));
  CHECK_THAT(check({"a: quality < 0.9: tools", "a: error_rate > 0.1: tools"}),
             Contains("two guardrails have the name 'a'"));
}

TEST_CASE("CONFIG.SET takes guardrails as a list and refuses a bad one whole") {
  Config config;
  CHECK(Set("control.guardrails", "a: quality < 0.9: tools,b: error_rate > 0.1: all", config).ok());
  CHECK(config.control.guardrails.size() == 2);
  const base::Status refused = Set("control.guardrails", "a: quality < 2: tools", config);
  REQUIRE_FALSE(refused.ok());
  CHECK_THAT(refused.error().detail, Contains("0.001 to 0.999"));
  CHECK(config.control.guardrails.size() == 2);
}

}  // namespace
}  // namespace reprise::config
