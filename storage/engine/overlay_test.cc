// The overlay and the batch: what transactions of one batch see of each other.
#include "storage/engine/overlay.h"

#include <catch2/catch.hpp>

#include "protocol/base/limits.h"
#include "storage/engine/batch.h"

namespace reprise::storage {
namespace {

class Bench {
 public:
  Bench() : engine(MakeMemoryEngine()), table(base::kMiB, 99), batch(*engine, table) {
    batch.Reset(base::UnixMillis{1000}, 1);
  }

  std::string Read(std::string_view key) {
    const auto row = batch.Get(Family::kKeys, key);
    return row.value().has_value() ? std::string(row.value()->value()) : "(absent)";
  }
  std::string Stored(std::string_view key) const {
    const auto row = engine->Get(Family::kKeys, key, ReadMode::kDisk);
    return row.value().has_value() ? std::string(row.value()->value()) : "(absent)";
  }
  std::string Hot(std::string_view key) {
    const BlobRef row = table.Find(table.MakeKey(Family::kKeys, key)).row;
    return row ? std::string(row.value()) : "(absent)";
  }
  void Put(std::string_view key, std::string_view value) {
    batch.Put(Family::kKeys, key, value, kNever);
  }

  std::unique_ptr<Engine> engine;
  HotTable table;
  Batch batch;
};

class Body final : public Mutation {
 public:
  explicit Body(std::function<base::Status(Transaction&)> body) : body_(std::move(body)) {}
  base::Status Apply(Transaction& transaction) override { return body_(transaction); }
  void Finish(base::Status /*outcome*/) override {}
  std::size_t QueuedBytes() const override { return 0; }

 private:
  const std::function<base::Status(Transaction&)> body_;
};

}  // namespace

TEST_CASE("a batch reads its own writes and deletes before they are committed") {
  Bench bench;
  bench.Put("a", "1");
  CHECK(bench.Read("a") == "1");
  bench.Put("a", "2");
  CHECK(bench.Read("a") == "2");
  bench.batch.Delete(Family::kKeys, "a");
  CHECK(bench.Read("a") == "(absent)");
  CHECK(bench.Stored("a") == "(absent)");
  bench.Put("b", "3");
  REQUIRE(bench.batch.Commit(false).ok());
  CHECK(bench.Stored("a") == "(absent)");
  CHECK(bench.Stored("b") == "3");
}

TEST_CASE("a deleted prefix hides what stood before it and not what comes after") {
  Bench bench;
  bench.Put("x:stored", "0");
  REQUIRE(bench.batch.Commit(false).ok());
  bench.batch.Reset(base::UnixMillis{1000}, 2);
  bench.Put("x:1", "old");
  bench.Put("y:1", "kept");
  bench.batch.DeletePrefix(Family::kKeys, "x:");
  bench.Put("x:2", "new");
  CHECK(bench.Read("x:stored") == "(absent)");
  CHECK(bench.Read("x:1") == "(absent)");
  CHECK(bench.Read("x:2") == "new");
  CHECK(bench.Read("y:1") == "kept");
  REQUIRE(bench.batch.Commit(false).ok());
  for (const char* key : {"x:stored", "x:1"}) {
    CHECK(bench.Stored(key) == "(absent)");
    CHECK(bench.Hot(key) == "(absent)");
  }
  CHECK(bench.Stored("x:2") == "new");
  CHECK(bench.Hot("x:2") == "new");
  CHECK(bench.Hot("y:1") == "kept");
}

TEST_CASE("an error takes back what its mutation wrote, and nothing else") {
  Bench bench;
  int undone = 0;
  Body good([&](Transaction& transaction) -> base::Status {
    transaction.Put(Family::kKeys, "a", "good", kNever);
    transaction.Put(Family::kKeys, "p:1", "good", kNever);
    transaction.OnAbort([&] { undone += 1; });
    return base::Ok{};
  });
  Body bad([&](Transaction& transaction) -> base::Status {
    transaction.Put(Family::kKeys, "a", "bad", kNever);
    transaction.Put(Family::kKeys, "a", "worse", kNever);
    transaction.Put(Family::kKeys, "b", "bad", kNever);
    transaction.Delete(Family::kKeys, "a");
    transaction.DeletePrefix(Family::kKeys, "p:");
    transaction.RequireSync();
    transaction.OnAbort([&] { undone += 100; });
    return base::Error{base::Code::kWrongType, "no"};
  });
  REQUIRE(bench.batch.Apply(good).ok());
  REQUIRE_FALSE(bench.batch.Apply(bad).ok());
  CHECK_FALSE(bench.batch.sync_required());
  CHECK(bench.Read("a") == "good");
  CHECK(bench.Read("b") == "(absent)");
  CHECK(bench.Read("p:1") == "good");
  bench.Put("b", "later");
  REQUIRE(bench.batch.Commit(false).ok());
  CHECK(bench.Stored("a") == "good");
  CHECK(bench.Stored("b") == "later");
  CHECK(bench.Stored("p:1") == "good");
  CHECK(undone == 0);
}

TEST_CASE("only the last write of a key goes to the engine") {
  Bench bench;
  for (int i = 0; i < 1000; ++i) {
    bench.Put("a", std::to_string(i));
  }
  REQUIRE(bench.batch.Commit(false).ok());
  CHECK(bench.engine->sequence() == 1);
  CHECK(bench.Stored("a") == "999");
  CHECK(bench.Hot("a") == "999");
}

TEST_CASE("thousands of keys with rollbacks between them keep the overlay right") {
  Bench bench;
  for (int i = 0; i < 5000; ++i) {
    Body body([i](Transaction& transaction) -> base::Status {
      const std::string key = std::to_string(i % 1700);
      transaction.Put(Family::kKeys, key, std::to_string(i), kNever);
      if (i % 7 == 3) {
        return base::Error{base::Code::kBusy, ""};
      }
      return base::Ok{};
    });
    static_cast<void>(bench.batch.Apply(body));
  }
  for (int key = 0; key < 1700; ++key) {
    std::string wanted = "(absent)";
    for (int i = key; i < 5000; i += 1700) {
      wanted = i % 7 == 3 ? wanted : std::to_string(i);
    }
    REQUIRE(bench.Read(std::to_string(key)) == wanted);
  }
}

TEST_CASE("a transaction does not see an expired row, of its own batch or of the engine") {
  Bench bench;
  bench.batch.Put(Family::kKeys, "past", "v", base::UnixMillis{999});
  bench.batch.Put(Family::kKeys, "now", "v", base::UnixMillis{1000});
  bench.batch.Put(Family::kKeys, "future", "v", base::UnixMillis{1001});
  CHECK(bench.Read("past") == "(absent)");
  CHECK(bench.Read("now") == "(absent)");
  CHECK(bench.Read("future") == "v");
  REQUIRE(bench.batch.Commit(false).ok());
  bench.batch.Reset(base::UnixMillis{1001}, 2);
  CHECK(bench.Read("future") == "(absent)");
}

}  // namespace reprise::storage
