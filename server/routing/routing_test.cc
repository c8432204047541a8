// Routing over restarts, limits and namespaces.
#include "server/routing/routing.h"

#include "server/routing/test_support.h"

namespace reprise::routing {
namespace {

constexpr std::string_view kHard = "Prove the lemma for every ring";
constexpr std::string_view kEasy = "What is RAII?";

void TeachSome(Bench& bench, int count, storage::NamespaceId id = kHome) {
  for (int i = 0; i < count; ++i) {
    bench.Teach(kHard, 0, 1, id);
    bench.Teach(kEasy, 1, 1, id);
  }
}

TEST_CASE("what was learned is there after a crash, written or not") {
  Bench bench;
  bench.SetCheapAndDear();
  TeachSome(bench, 10);
  const double hard = bench.Score(kHard).score;
  const double easy = bench.Score(kEasy).score;
  REQUIRE(hard > easy + 10);
  bench.Open();  // Nothing was written: it is learned again from the rows.
  CHECK(bench.Score(kHard).score == Approx(hard));
  CHECK(bench.Stats().outcomes == 20);
  bench.Write(true);
  bench.Open();  // All was written.
  CHECK(bench.Score(kHard).score == Approx(hard));
  TeachSome(bench, 5);
  const double later = bench.Score(kHard).score;
  bench.Open();  // Some was.
  CHECK(bench.Score(kHard).score == Approx(later));
  CHECK(bench.Stats().learned.at("cheap") == 30);
}

TEST_CASE("weights that cannot be read are learned again from the outcomes") {
  Bench bench;
  bench.SetCheapAndDear();
  TeachSome(bench, 10);
  const double hard = bench.Score(kHard).score;
  bench.Write(true);
  std::string key;
  REQUIRE(bench.store
              ->Scan({.family = storage::Family::kMeta, .prefix = "routing_weights/", .after = ""},
                     storage::kNever,
                     [&](const storage::ScanRow& row) {
                       key = row.key;
                       return false;
                     })
              .ok());
  REQUIRE_FALSE(key.empty());
  REQUIRE(bench.store
              ->Run([&](storage::Transaction& transaction) -> base::Status {
                transaction.Put(storage::Family::kMeta, key, "of another version", storage::kNever);
                return base::Ok{};
              })
              .ok());
  bench.Open();
  CHECK(bench.Score(kHard).score == Approx(hard));
}

TEST_CASE("counts are written by the tick and read at the start") {
  Bench bench;
  bench.SetCheapAndDear();
  CHECK_FALSE(bench.routing->HasUnwritten(true));
  bench.Select(kEasy);
  CHECK(bench.routing->HasUnwritten(false));
  bench.Write(false);
  CHECK_FALSE(bench.routing->HasUnwritten(false));
  bench.Open();
  CHECK(bench.Stats().tallies.decisions == 1);
}

TEST_CASE("decisions do not outlive a restart") {
  Bench bench;
  bench.SetCheapAndDear();
  FeedbackRequest request;
  request.decision = bench.Select(kEasy).decision;
  request.quality = 1;
  bench.Open();
  CHECK(bench.Feedback(request).error().code == base::Code::kNotFound);
}

TEST_CASE("of too many outcomes the oldest go, and their rows") {
  Bench bench;
  bench.SetCheapAndDear();
  bench.options.outcomes_max = 10;
  TeachSome(bench, 12);
  CHECK(bench.Stats().outcomes == 10);
  CHECK(bench.Rows(kOutcomeRows) == 10);
  bench.options.outcomes_max = 4;
  TeachSome(bench, 1);
  CHECK(bench.Stats().outcomes == 4);
  bench.Open();
  CHECK(bench.Stats().outcomes == 4);
  CHECK(bench.Rows(kOutcomeRows) == 4);
}

TEST_CASE("when all is full, the namespace with the most outcomes gives") {
  Bench bench;
  bench.options.total_outcomes_max = 12;
  bench.Open();
  bench.SetCheapAndDear();
  bench.SetCheapAndDear(kOther);
  TeachSome(bench, 6);
  TeachSome(bench, 2, kOther);
  CHECK(bench.Stats().outcomes == 8);
  CHECK(bench.Stats(kOther).outcomes == 4);
  TeachSome(bench, 6, kOther);
  CHECK(bench.Stats().outcomes == 6);
  CHECK(bench.Stats(kOther).outcomes == 6);
}

TEST_CASE("a dropped namespace leaves nothing, and the other stays") {
  Bench bench;
  bench.SetCheapAndDear();
  bench.SetCheapAndDear(kOther);
  TeachSome(bench, 3);
  TeachSome(bench, 3, kOther);
  bench.Select(kEasy);
  bench.Write(true);
  const double other = bench.Score(kHard, kOther).score;
  const std::size_t rows = bench.Rows("routing_");
  REQUIRE(bench.store
              ->Run([&](storage::Transaction& transaction) -> base::Status {
                bench.routing->DropNamespace(kHome, transaction);
                return base::Ok{};
              })
              .ok());
  CHECK(bench.Stats().outcomes == 0);
  CHECK(bench.routing->Models(kHome)->empty());
  CHECK(bench.Rows("routing_") < rows);
  bench.Write(true);
  for (const std::string_view table :
       {"routing_outcome/", "routing_weights/", "routing_tallies/"}) {
    CHECK(bench.Rows(std::string(table) + std::string("\0\0\0\1", 4)) == 0);
  }
  CHECK(bench.Rows("routing_model/1/") == 0);
  bench.Open();
  CHECK(bench.Stats().outcomes == 0);
  CHECK(bench.Score(kHard, kOther).score == Approx(other));
}

}  // namespace
}  // namespace reprise::routing
