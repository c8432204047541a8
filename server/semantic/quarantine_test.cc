#include "server/semantic/quarantine.h"

#include <cmath>
#include <string>
#include <utility>

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

constexpr FingerprintHash kOld{1};
constexpr FingerprintHash kNew{2};

Trace By(FingerprintHash embedder, double degrees) {
  return {embedder, At(degrees)};
}

TEST_CASE("a barred question and its relatives do not get the entry, others do") {
  Quarantine quarantine;
  quarantine.Bar("entry", "q", By(kOld, 0));
  CHECK(quarantine.IsBarred("entry", "other", By(kOld, 0)));
  CHECK(quarantine.IsBarred("entry", "other", By(kOld, 15)));
  CHECK_FALSE(quarantine.IsBarred("entry", "other", By(kOld, 45)));
  CHECK(quarantine.IsBarred("entry", "q", By(kOld, 45)));
  CHECK_FALSE(quarantine.IsBarred("another", "q", By(kOld, 0)));
}

TEST_CASE("an entry that was wrong too often is barred for everybody") {
  Quarantine quarantine;
  for (std::size_t i = 0; i < kBarredPerEntry; ++i) {
    CHECK_FALSE(quarantine.IsBarred("entry", "other", By(kOld, 170)));
    quarantine.Bar("entry", "q", By(kOld, 0));
  }
  CHECK(quarantine.IsBarred("entry", "other", By(kOld, 170)));
}

TEST_CASE("an embedder that has not seen a barred question does not get its entry") {
  Quarantine quarantine;
  quarantine.Bar("entry", "q", By(kOld, 0));
  CHECK(quarantine.IsBarred("entry", "other", By(kNew, 90)));
  const auto unseen = quarantine.Unseen(kNew, 10);
  REQUIRE(unseen.size() == 1);
  CHECK(unseen[0] == std::pair<std::string, std::string>("entry", "q"));
  CHECK(quarantine.Unseen(kOld, 10).empty());
  quarantine.AddTrace("entry", "q", By(kNew, 45));
  CHECK(quarantine.Unseen(kNew, 10).empty());
  CHECK_FALSE(quarantine.IsBarred("entry", "other", By(kNew, 0)));  // kOld's trace does not count
  CHECK(quarantine.IsBarred("entry", "other", By(kNew, 50)));
  CHECK(quarantine.IsBarred("entry", "other", By(kOld, 5)));
  quarantine.KeepTraces({kNew});
  CHECK(quarantine.IsBarred("entry", "other", By(kOld, 90)));
  CHECK_FALSE(quarantine.IsBarred("entry", "other", By(kNew, 0)));
}

TEST_CASE("a quarantine is the same after a restart") {
  Quarantine before;
  before.Bar("entry", "q", By(kOld, 0));
  before.Bar("entry", "r", By(kOld, 90));
  before.AddTrace("entry", "r", By(kNew, 30));
  const std::string row = before.Format("entry");
  Quarantine after;
  REQUIRE(after.Load("entry", row).ok());
  CHECK(after.Format("entry") == row);
  CHECK(after.IsBarred("entry", "other", By(kOld, 5)));
  CHECK(after.IsBarred("entry", "other", By(kOld, 88)));
  CHECK_FALSE(after.IsBarred("entry", "other", By(kOld, 45)));
  CHECK(before.Format("unknown").empty());
  constexpr std::size_t kFirst = 1 + 2 + 1 + 1 + 8 + 2 + 64;  // version, question, traces, trace
  for (std::size_t cut = 0; cut < row.size(); ++cut) {
    Quarantine damaged;
    CHECK(damaged.Load("entry", row.substr(0, cut)).ok() == (cut == 1 || cut == kFirst));
  }
  after.ForgetPrefix("ent");
  CHECK(after.size() == 0);
}

TEST_CASE("of a long question the trace is kept, and another embedder never sees it") {
  Quarantine quarantine;
  quarantine.Bar("entry", std::string(kQuestionBytesMax, 'x'), By(kOld, 0));
  CHECK(quarantine.IsBarred("entry", "other", By(kOld, 5)));
  CHECK_FALSE(quarantine.IsBarred("entry", std::string(kQuestionBytesMax, 'x'), By(kOld, 90)));
  CHECK(quarantine.IsBarred("entry", "other", By(kNew, 90)));
  CHECK(quarantine.Unseen(kNew, 10).empty());
  quarantine.Bar("entry", std::string(kQuestionBytesMax - 1, 'x'), By(kOld, 0));
  CHECK(quarantine.Unseen(kNew, 10).size() == 1);
}

TEST_CASE("a row of version 1 does not say by whom: it bars all other questions") {
  const std::string row = std::string("\1\4\0abcd", 7) + std::string("\4\0efgh", 6);
  Quarantine quarantine;
  REQUIRE(quarantine.Load("entry", row).ok());
  CHECK(quarantine.IsBarred("entry", "other", By(kOld, 0)));
  CHECK(quarantine.IsBarred("entry", "other", By(kNew, 0)));
  CHECK(quarantine.Unseen(kNew, 10).empty());
  CHECK_FALSE(quarantine.Load("entry", "\3").ok());
}

Hit HitOf(std::uint32_t space) {
  return {
      storage::NamespaceId{space}, "entry", "general", 0.99, "q", By(kOld, 0), Source::kFeedback};
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
