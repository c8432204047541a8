#include "server/semantic/evidence.h"

#include <catch2/catch.hpp>

namespace reprise::semantic {
namespace {

TEST_CASE("evidence comes back as it was written") {
  Evidence evidence;
  evidence.calibration.Add(0.97, true, 300);
  evidence.calibration.Add(0.5, false, 1);
  evidence.verified.Add(0.99, true, 0xFFFFFFFF);
  evidence.verified.Add(0.99, true, 10);  // saturates
  evidence.feedback.Add(0.01, false, 128);
  const std::string row = evidence.Format();
  const auto parsed = Evidence::Parse(row);
  REQUIRE(parsed.ok());
  CHECK(parsed.value() == evidence);
  for (std::size_t cut = 0; cut < row.size(); ++cut) {
    CHECK_FALSE(Evidence::Parse(row.substr(0, cut)).ok());
  }
  CHECK_FALSE(Evidence::Parse(row + '\0').ok());
}

TEST_CASE("all three sources count") {
  Evidence evidence;
  evidence.of(Source::kCalibration).Add(0.9, true);
  evidence.of(Source::kVerified).Add(0.9, false);
  evidence.of(Source::kFeedback).Add(0.9, false);
  CHECK(evidence.All().size() == 3);
  CHECK(evidence.All().wrong[BinOf(0.9)] == 2);
}

TEST_CASE("the estimate has Wilson's interval") {
  Tally tally;
  tally.Add(0.99, true, 90);
  tally.Add(0.99, false, 10);
  tally.Add(0.1, false, 50);  // below the threshold
  const Estimate estimate = EstimateOf(tally, 0.9);
  CHECK(estimate.pairs == 100);
  CHECK(estimate.share == Approx(0.1));
  CHECK(estimate.low == Approx(0.0552).margin(0.0005));
  CHECK(estimate.high == Approx(0.1744).margin(0.0005));
  CHECK(EstimateOf(Tally(), 0.5).high == 1);
}

}  // namespace
}  // namespace reprise::semantic
