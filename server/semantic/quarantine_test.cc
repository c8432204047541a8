#include "server/semantic/quarantine.h"

#include <cmath>

#include <catch2/catch.hpp>

#include "server/semantic/recent_hits.h"

namespace reprise::semantic {
namespace {

// Unit vectors in one plane: their cosine is that of the angle between them.
PackedVector At(double degrees) {
  constexpr double kDegree = 3.14159265358979 / 180;
  std::vector<float> vector(64, 0);
  vector[3] = static_cast<float>(std::cos(degrees * kDegree));
  vector[40] = static_cast<float>(std::sin(degrees * kDegree));
  return PackedVector::Of(vector);
}

TEST_CASE("a packed vector keeps its direction") {
  CHECK(At(10).Cosine(At(10)) == Approx(1));
  CHECK(At(0).Cosine(At(60)) == Approx(0.5).margin(0.005));
  CHECK(At(0).Cosine(PackedVector::Of(std::vector<float>(32, 1))) == 0);
  const std::vector<float> unit = At(30).Unpacked();
  CHECK(unit[3] == Approx(std::cos(30 * 3.14159265 / 180)).margin(0.01));
  CHECK_FALSE(PackedVector::FromBytes("").ok());
  CHECK_FALSE(PackedVector::FromBytes(std::string(kWidthMax + 1, 'x')).ok());
}

TEST_CASE("a barred probe and its relatives do not get the entry, others do") {
  Quarantine quarantine;
  quarantine.Bar("entry", At(0));
  CHECK(quarantine.IsBarred("entry", At(0)));
  CHECK(quarantine.IsBarred("entry", At(15)));
  CHECK_FALSE(quarantine.IsBarred("entry", At(45)));
  CHECK_FALSE(quarantine.IsBarred("other", At(0)));
}

TEST_CASE("an entry that was wrong too often is barred for everybody") {
  Quarantine quarantine;
  for (std::size_t i = 0; i < kBarredPerEntry; ++i) {
    CHECK_FALSE(quarantine.IsBarred("entry", At(170)));
    quarantine.Bar("entry", At(0));
  }
  CHECK(quarantine.IsBarred("entry", At(170)));
}

TEST_CASE("a quarantine is the same after a restart") {
  Quarantine before;
  before.Bar("entry", At(0));
  before.Bar("entry", At(90));
  const std::string row = before.Format("entry");
  Quarantine after;
  REQUIRE(after.Load("entry", row).ok());
  CHECK(after.IsBarred("entry", At(5)));
  CHECK(after.IsBarred("entry", At(88)));
  CHECK_FALSE(after.IsBarred("entry", At(45)));
  CHECK(before.Format("unknown").empty());
  for (std::size_t cut = 0; cut < row.size(); cut += 7) {
    Quarantine damaged;
    const bool at_an_end = cut == 1 || cut == 1 + 2 + 64;
    CHECK(damaged.Load("entry", row.substr(0, cut)).ok() == at_an_end);
  }
  after.ForgetPrefix("ent");
  CHECK(after.size() == 0);
}

Hit HitOf(std::uint32_t space) {
  return {storage::NamespaceId{space}, "entry", "general", 0.99, "q", At(0), Source::kFeedback};
}

TEST_CASE("a hit is judged once, and in its own namespace") {
  RecentHits hits(10);
  const std::uint64_t number = hits.Remember(HitOf(7));
  CHECK(number < (std::uint64_t{1} << 53U));
  CHECK_FALSE(hits.Take(storage::NamespaceId{8}, number).has_value());
  auto hit = hits.Take(storage::NamespaceId{7}, number);
  REQUIRE(hit.has_value());
  CHECK_FALSE(hits.Take(storage::NamespaceId{7}, number).has_value());
  hits.PutBack(number, *std::move(hit));
  CHECK(hits.Take(storage::NamespaceId{7}, number).has_value());
}

TEST_CASE("the oldest hits are forgotten first") {
  RecentHits hits(3);
  const std::uint64_t first = hits.Remember(HitOf(7));
  const std::uint64_t second = hits.Remember(HitOf(7));
  hits.Remember(HitOf(7));
  hits.Remember(HitOf(7));
  CHECK_FALSE(hits.Take(storage::NamespaceId{7}, first).has_value());
  CHECK(hits.Take(storage::NamespaceId{7}, second).has_value());
  hits.Forget(storage::NamespaceId{7});
  CHECK_FALSE(hits.Take(storage::NamespaceId{7}, second).has_value());
}

}  // namespace
}  // namespace reprise::semantic
