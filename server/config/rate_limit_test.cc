#include "server/config/rate_limit.h"

#include <catch2/catch.hpp>

#include "server/config/config.h"

namespace reprise::config {
namespace {

RateRule RuleOf(std::string_view text) {
  const auto parsed = ParseRate(text);
  INFO(text << (parsed.ok() ? "" : ": " + parsed.error().detail));
  REQUIRE(parsed.ok());
  return parsed.value().rule;
}

TEST_CASE("a limit reads as people write it") {
  CHECK(RuleOf("chat: 60 per 1m") == RateRule{RateAlgorithm::kGcra, 60, 60'000, 60, 0});
  CHECK(RuleOf("tokens:90000 per 60000 burst 120000") ==
        RateRule{RateAlgorithm::kGcra, 90'000, 60'000, 120'000, 0});
  CHECK(RuleOf(" log-ins :  window 5 per 1h") ==
        RateRule{RateAlgorithm::kWindow, 5, 3'600'000, 0, 0});
  CHECK(RuleOf("calls: 10 at a time") == RateRule{RateAlgorithm::kConcurrency, 10, 0, 0, 60'000});
  CHECK(RuleOf("calls: 10 at a time for 5m") ==
        RateRule{RateAlgorithm::kConcurrency, 10, 0, 0, 300'000});
  CHECK(ParseRate(" a.b_c-1 : 1 per 1ms").value().name == "a.b_c-1");
}

TEST_CASE("what is no limit is refused with a reason") {
  for (const std::string_view text : {"",
                                      "chat",
                                      "chat:",
                                      ": 60 per 1m",
                                      "chat: 60",
                                      "chat: per 1m",
                                      "chat: 60 per",
                                      "chat: 0 per 1m",
                                      "chat: -1 per 1m",
                                      "chat: 60 per 0",
                                      "chat: 60 per 32d",
                                      "chat: 60 per 1m burst",
                                      "chat: 60 per 1m burst 0",
                                      "chat: window 60 per 1m burst 5",
                                      "chat: 1.5 per 1m",
                                      "chat: 60 per 1m please",
                                      "chat: 10 at a",
                                      "chat: 10 at a time for",
                                      "chat: 10 at a time for 2h",
                                      "chat: 100001 at a time",
                                      "chat: window 10 at a time",
                                      "chat: 1000000000001 per 1m",
                                      "a b: 1 per 1m",
                                      "-a: 1 per 1m",
                                      "chat: nan per 1m",
                                      "chat: 1 per 31d burst 200"}) {
    INFO(text);
    CHECK_FALSE(ParseRate(text).ok());
    CHECK_FALSE(RateProblem(text).empty());
  }
}

TEST_CASE("ranges hold at the limit and not one beyond") {
  CHECK(ParseRate("a: 1000000000000 per 31d").ok());
  CHECK(ParseRate("a: 1 per 1ms").ok());
  CHECK(ParseRate("a: 100000 at a time for 1h").ok());
  CHECK(ParseRate("a: 1 per 31d burst 117").ok());  // Ten years.
  CHECK_FALSE(ParseRate("a: 1 per 31d burst 118").ok());
  CHECK(ParseRate(std::string(64, 'a') + ": 1 per 1s").ok());
  CHECK_FALSE(ParseRate(std::string(65, 'a') + ": 1 per 1s").ok());
}

TEST_CASE("the setting takes a list of limits, each name once") {
  Config config;
  REQUIRE(Set("rate.limits", "chat: 60 per 1m,calls: 10 at a time", config).ok());
  CHECK(config.rate.limits.size() == 2);
  CHECK(Check(config).ok());
  CHECK_FALSE(Set("rate.limits", "chat: sixty", config).ok());
  REQUIRE(Set("rate.limits", "chat: 60 per 1m,chat: 5 per 1s", config).ok());
  const base::Status twice = Check(config);
  REQUIRE_FALSE(twice.ok());
  CHECK(twice.error().detail.find("chat") != std::string::npos);
}

}  // namespace
}  // namespace reprise::config
