#include "server/control/draw.h"

#include <cmath>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

namespace reprise::control {
namespace {

constexpr int kUnits = 4'000;
constexpr storage::NamespaceId kHome{1};

std::int64_t PlaceIn(const Draw& draw, Strategy strategy, int unit,
                     storage::NamespaceId home = kHome) {
  return Draw::PlaceOf(draw.HashOf(strategy, home, "bot-" + std::to_string(unit)));
}

TEST_CASE("every rollout has about the share of units that it says") {
  const Draw draw("0123456789abcdef");
  for (const std::int64_t percent : {1, 10, 50, 95}) {
    int reached = 0;
    for (int unit = 0; unit < kUnits; ++unit) {
      reached += PlaceIn(draw, Strategy::kCompression, unit) < percent * 10'000 ? 1 : 0;
    }
    const double expected = kUnits * static_cast<double>(percent) / 100;
    const double deviation = std::sqrt(expected * (1 - static_cast<double>(percent) / 100));
    CAPTURE(percent, reached);
    CHECK(std::abs(reached - expected) < 4 * deviation);
  }
}

TEST_CASE("places of two strategies, and of two namespaces, have nothing to do with each other") {
  const Draw draw("0123456789abcdef");
  const auto places_of = [&draw](Strategy strategy, storage::NamespaceId home) {
    std::vector<std::int64_t> places;
    places.reserve(kUnits);
    for (int unit = 0; unit < kUnits; ++unit) {
      places.push_back(PlaceIn(draw, strategy, unit, home));
    }
    return places;
  };
  std::vector<std::vector<std::int64_t>> all;
  all.reserve(config::kStrategyCount + 1);
  for (const Strategy strategy : config::kStrategies) {
    all.push_back(places_of(strategy, kHome));
  }
  all.push_back(places_of(Strategy::kTools, storage::NamespaceId{2}));
  // Of the units in the first half of one, half must be in the first half of the other.
  for (std::size_t one = 0; one < all.size(); ++one) {
    for (std::size_t other = 0; other < one; ++other) {
      int both = 0;
      for (std::size_t unit = 0; unit < kUnits; ++unit) {
        both += all[one][unit] < kAllPpm / 2 && all[other][unit] < kAllPpm / 2 ? 1 : 0;
      }
      CAPTURE(one, other, both);
      CHECK(std::abs(both - kUnits / 4) < 4 * std::sqrt(kUnits * 3.0 / 16));
    }
  }
}

TEST_CASE("places come from the secret, the strategy, the namespace and the name alone") {
  const Draw draw("0123456789abcdef");
  const Draw same("0123456789abcdef");
  const Draw other("0123456789abcdeg");
  int equal = 0;
  for (int unit = 0; unit < 100; ++unit) {
    CHECK(PlaceIn(draw, Strategy::kRouting, unit) == PlaceIn(same, Strategy::kRouting, unit));
    equal +=
        PlaceIn(draw, Strategy::kRouting, unit) == PlaceIn(other, Strategy::kRouting, unit) ? 1 : 0;
  }
  CHECK(equal < 3);
  CHECK(Draw::PlaceOf(0) == 0);
  CHECK(Draw::PlaceOf(~std::uint64_t{0}) == kAllPpm - 1);
}

}  // namespace
}  // namespace reprise::control
