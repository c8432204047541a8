#include "server/routing/neighbours.h"

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include <catch2/catch.hpp>

#include "protocol/base/random.h"
#include "server/routing/projection.h"

namespace reprise::routing {
namespace {

template <typename Random>
PackedPlace RandomPlace(Random& random) {
  std::normal_distribution<float> normal;
  Place place{};
  for (float& number : place) {
    number = normal(random);
  }
  return Packed(UnitOf(place));
}

int Product(const PackedPlace& a, const PackedPlace& b) {
  int product = 0;
  for (std::size_t i = 0; i < kPlaceWidth; ++i) {
    product += a[i] * b[i];
  }
  return product;
}

std::set<std::uint32_t> Found(const Neighbours& neighbours, const PackedPlace& place,
                              std::size_t count) {
  std::vector<Neighbour> nearest;
  neighbours.Search(place, count, nearest);
  std::set<std::uint32_t> slots;
  for (const Neighbour& neighbour : nearest) {
    slots.insert(neighbour.slot);
  }
  return slots;
}

TEST_CASE("after any additions and removals a search finds exactly the nearest") {
  constexpr std::uint32_t kSlots = 1'500;  // Several lists, and all of them are looked at.
  constexpr std::size_t kCount = 10;
  const auto seed = base::RandomSeed();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  Neighbours neighbours;
  std::map<std::uint32_t, PackedPlace> model;
  for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
    model[slot] = RandomPlace(random);
    neighbours.Add(slot, model[slot]);
    if (slot % 3 == 2) {
      const std::uint32_t gone = slot - slot % 7;
      neighbours.Remove(gone);
      model.erase(gone);
    }
  }
  CHECK(neighbours.size() == model.size());
  CHECK(neighbours.lists() > 1);
  for (int i = 0; i < 5; ++i) {
    const PackedPlace asked = RandomPlace(random);
    const auto found = Found(neighbours, asked, kCount);
    REQUIRE(found.size() == kCount);
    int worst = 127 * 127;
    for (const std::uint32_t slot : found) {
      REQUIRE(model.contains(slot));
      worst = std::min(worst, Product(asked, model[slot]));
    }
    const auto better = std::count_if(model.begin(), model.end(), [&](const auto& entry) {
      return Product(asked, entry.second) > worst;
    });
    CHECK(better < static_cast<std::ptrdiff_t>(kCount));
  }
}

TEST_CASE("a removed slot can be used again, and removing nothing does nothing") {
  std::mt19937 random(3);
  Neighbours neighbours;
  neighbours.Remove(17);
  const PackedPlace first = RandomPlace(random);
  const PackedPlace second = RandomPlace(random);
  neighbours.Add(0, first);
  neighbours.Remove(0);
  neighbours.Remove(0);
  CHECK(neighbours.size() == 0);
  CHECK(Found(neighbours, first, 3).empty());
  neighbours.Add(0, second);
  CHECK(Found(neighbours, second, 3) == std::set<std::uint32_t>{0});
}

}  // namespace
}  // namespace reprise::routing
