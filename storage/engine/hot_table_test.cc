#include "storage/engine/hot_table.h"

#include <thread>

#include <catch2/catch.hpp>

#include "protocol/base/limits.h"

namespace reprise::storage {
namespace {

constexpr std::uint64_t kSeed = 0x1234567890ABCDEFULL;

BlobRef Row(std::string_view key, std::string_view value) {
  return BlobRef::Make(key, value, kNever);
}

void Write(HotTable& table, std::string_view key, std::string_view value) {
  const HotTable::Key named = table.MakeKey(Family::kKeys, key);
  table.BeginWrite(named);
  table.FinishPut(named, Row(key, value));
}

std::string Read(HotTable& table, std::string_view key, Family family = Family::kKeys) {
  const HotTable::Lookup lookup = table.Find(table.MakeKey(family, key));
  return lookup.row ? std::string(lookup.row.value()) : "(absent)";
}

}  // namespace

TEST_CASE("the hot table answers what was written, family by family") {
  HotTable table(base::kMiB, kSeed);
  Write(table, "a", "1");
  CHECK(Read(table, "a") == "1");
  CHECK(Read(table, "b") == "(absent)");
  CHECK(Read(table, "a", Family::kMeta) == "(absent)");
  Write(table, "a", "2");
  CHECK(Read(table, "a") == "2");
  const HotTable::Key key = table.MakeKey(Family::kKeys, "a");
  table.BeginWrite(key);
  table.FinishDelete(key);
  CHECK(Read(table, "a") == "(absent)");
  CHECK(table.Stats().items == 0);
}

TEST_CASE("the hot table keeps what a reader loaded when nobody wrote meanwhile") {
  HotTable table(base::kMiB, kSeed);
  const HotTable::Key key = table.MakeKey(Family::kKeys, "a");
  const HotTable::Lookup miss = table.Find(key);
  REQUIRE_FALSE(miss.row);
  CHECK(table.Settle(key, miss.ticket, Row("a", "1"))->value() == "1");
  CHECK(Read(table, "a") == "1");
}

TEST_CASE("a reader that loaded before a commit cannot bring the old row back") {
  HotTable table(base::kMiB, kSeed);
  const HotTable::Key key = table.MakeKey(Family::kKeys, "a");
  const HotTable::Lookup miss = table.Find(key);

  SECTION("when the commit has finished") {
    Write(table, "a", "new");
    CHECK(table.Settle(key, miss.ticket, Row("a", "old"))->value() == "new");
    CHECK(Read(table, "a") == "new");
  }
  SECTION("when the new row was deleted") {
    table.BeginWrite(key);
    table.FinishDelete(key);
    static_cast<void>(table.Settle(key, miss.ticket, Row("a", "old")));
    CHECK(Read(table, "a") == "(absent)");
  }
  SECTION("while the commit runs, also with a ticket from then") {
    table.BeginWrite(key);
    const HotTable::Lookup during = table.Find(key);
    static_cast<void>(table.Settle(key, miss.ticket, Row("a", "old")));
    static_cast<void>(table.Settle(key, during.ticket, Row("a", "old")));
    CHECK(Read(table, "a") == "(absent)");
    table.FinishDelete(key);
    static_cast<void>(table.Settle(key, during.ticket, Row("a", "old")));
    CHECK(Read(table, "a") == "(absent)");
  }
  SECTION("when a prefix was deleted") {
    table.BeginPrefixes();
    table.ErasePrefix(Family::kKeys, "");
    static_cast<void>(table.Settle(key, miss.ticket, Row("a", "old")));
    CHECK(Read(table, "a") == "(absent)");
    table.FinishPrefixes();
    static_cast<void>(table.Settle(key, miss.ticket, Row("a", "old")));
    CHECK(Read(table, "a") == "(absent)");
  }
  SECTION("when the commit failed the old row is right, but not kept") {
    table.BeginWrite(key);
    table.AbortWrite(key);
    CHECK(table.Settle(key, miss.ticket, Row("a", "old"))->value() == "old");
    CHECK(Read(table, "a") == "(absent)");
  }
}

TEST_CASE("an absence that a reader loaded gives way to the row that stands there") {
  HotTable table(base::kMiB, kSeed);
  const HotTable::Key key = table.MakeKey(Family::kKeys, "a");
  const HotTable::Lookup miss = table.Find(key);
  Write(table, "a", "new");
  const auto settled = table.Settle(key, miss.ticket, std::nullopt);
  REQUIRE(settled.has_value());
  CHECK(settled->value() == "new");
}

TEST_CASE("the hot table stays inside its bytes and evicts what is not read") {
  HotTable table(base::kMiB, kSeed);
  const std::string value(1000, 'v');
  Write(table, "favourite", value);
  for (int i = 0; i < 10'000; ++i) {
    Write(table, "key" + std::to_string(i), value);
    static_cast<void>(Read(table, "favourite"));
    REQUIRE(table.Stats().bytes <= static_cast<std::uint64_t>(base::kMiB));
  }
  CHECK(Read(table, "favourite") == value);
  CHECK(table.Stats().items > 800);
  CHECK(table.Stats().evictions > 8'000);
  table.SetBytes(64 * base::kKiB);
  CHECK(table.Stats().bytes <= static_cast<std::uint64_t>(64 * base::kKiB));
  table.SetBytes(0);
  CHECK(table.Stats().items == 0);
  Write(table, "a", "1");
  CHECK(Read(table, "a") == "(absent)");
}

TEST_CASE("a row above a quarter of a shard is not kept, and takes its old version with it") {
  HotTable table(base::kMiB, kSeed);
  Write(table, "a", "small");
  Write(table, "a", std::string(std::size_t{300} * 1024, 'v'));
  CHECK(Read(table, "a") == "(absent)");
  const std::string large(std::size_t{200} * 1024, 'v');
  Write(table, "a", large);
  CHECK(Read(table, "a") == large);
}

TEST_CASE("erasing a prefix takes all its rows and no other") {
  HotTable table(64 * base::kMiB, kSeed);
  for (int i = 0; i < 5'000; ++i) {
    Write(table, "left:" + std::to_string(i), "l");
    Write(table, "right:" + std::to_string(i), "r");
  }
  table.BeginPrefixes();
  table.ErasePrefix(Family::kKeys, "left:");
  table.FinishPrefixes();
  CHECK(table.Stats().items == 5'000);
  for (int i = 0; i < 5'000; ++i) {
    REQUIRE(Read(table, "left:" + std::to_string(i)) == "(absent)");
    REQUIRE(Read(table, "right:" + std::to_string(i)) == "r");
  }
}

TEST_CASE("a row outlives its place in the table") {
  HotTable table(base::kMiB, kSeed);
  Write(table, "a", "1");
  const BlobRef row = table.Find(table.MakeKey(Family::kKeys, "a")).row;
  table.SetBytes(0);
  CHECK(row.value() == "1");
  CHECK(row.key() == "a");
}

// The engine is a single atomic number here: what readers see of it must never go back.
TEST_CASE("readers beside a writer never see a number go back") {
  HotTable table(256 * base::kKiB, kSeed);
  std::atomic<int> engine{0};
  std::atomic<bool> stop{false};
  std::atomic<int> went_back{0};
  const auto read_all = [&] {
    int seen = 0;
    while (!stop.load()) {
      const HotTable::Key key = table.MakeKey(Family::kKeys, "n");
      HotTable::Lookup lookup = table.Find(key);
      std::optional<BlobRef> row;
      if (lookup.row) {
        row = lookup.row;
      } else {
        row = table.Settle(key, lookup.ticket, Row("n", std::to_string(engine.load())));
      }
      const int number = std::stoi(std::string(row->value()));
      went_back += number < seen ? 1 : 0;
      seen = number;
    }
  };
  std::thread first(read_all);
  std::thread second(read_all);
  for (int i = 1; i <= 20'000; ++i) {
    const HotTable::Key key = table.MakeKey(Family::kKeys, "n");
    table.BeginWrite(key);
    engine.store(i);
    if (i % 3 == 0) {
      table.FinishPut(key, Row("n", std::to_string(i)));
    } else {
      table.FinishDelete(key);  // as an eviction: the next reader loads again
    }
  }
  stop.store(true);
  first.join();
  second.join();
  CHECK(went_back.load() == 0);
}

}  // namespace reprise::storage
