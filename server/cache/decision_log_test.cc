#include "server/cache/decision_log.h"

#include <cstdlib>
#include <fstream>
#include <iterator>

#include <catch2/catch.hpp>

namespace reprise::cache {
namespace {

using storage::Family;
using storage::NamespaceId;

constexpr NamespaceId kHome{1};

AccountNames Names() {
  return {{"general", "research"}, {"", "m-large"}, {"unnamed", "helpdesk"}};
}

DecisionRecord Hit(std::int64_t time, std::uint64_t entry) {
  DecisionRecord record;
  record.time = base::UnixMillis{time};
  record.entry = entry;
  record.worth = {12, 345, 67'890};
  record.type = 1;
  record.model = 1;
  record.bot = 1;
  record.kind = DecisionKind::kHit;
  record.tier = Tier::kNormalized;
  record.reason = Reason::kStored;
  return record;
}

DecisionRecord Miss(std::int64_t time) {
  DecisionRecord record;
  record.time = base::UnixMillis{time};
  record.reason = Reason::kExpired;
  return record;
}

// A store in memory and the rows of one write in it.
struct Bench {
  Bench() {
    storage::StoreOptions store_options;
    store_options.engine = storage::EngineKind::kMemory;
    store = storage::Store::OpenWithClock(store_options, clock).value();
  }
  void Write(const std::vector<LogRow>& rows) const {
    REQUIRE(store
                ->Run([&](storage::Transaction& transaction) -> base::Status {
                  for (const LogRow& row : rows) {
                    transaction.Put(Family::kLedger, row.key, row.value, storage::kNever);
                  }
                  return base::Ok{};
                })
                .ok());
  }
  LogPage Read(std::uint64_t after = 0, std::size_t limit = kLogPageRecords) const {
    LogRequest request;
    request.after = after;
    request.limit = limit;
    return ReadDecisionLog(*store, kHome, request, clock.Now()).value();
  }

  base::FakeClock clock;
  std::unique_ptr<storage::Store> store;
};

std::string Golden(const std::string& name) {
  std::ifstream file(std::string(TESTDATA) + "/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

TEST_CASE("a row of the decision log has the bytes that FORMAT.md says") {
  DecisionLog::Taken taken;
  taken.first = 300;
  taken.records = {Miss(1'700'000'000'000), Hit(1'700'000'000'200, 9'007'199'254'740'991)};
  const auto rows = FormatLogRows(kHome, taken, Names());
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].key == std::string("\0\0\0\x01"
                                   "d"
                                   "\0\0\0\0\0\0\x01\x2d",
                                   13));
  CHECK(rows[0].value == Golden("log_row.bin"));
}

TEST_CASE("records are read as they were written, from any position") {
  const Bench bench;
  DecisionLog::Taken taken;
  taken.first = 1;
  for (std::int64_t i = 0; i < 10; ++i) {
    taken.records.push_back(i % 2 == 0 ? Hit(1'000 + i, 7) : Miss(1'000 + i));
  }
  bench.Write(FormatLogRows(kHome, taken, Names()));
  const LogPage all = bench.Read();
  REQUIRE(all.records.size() == 10);
  CHECK(all.next == 10);
  CHECK_FALSE(all.more);
  const LoggedDecision& hit = all.records[0];
  CHECK(hit.position == 1);
  CHECK(base::ToInt(hit.record.time) == 1'000);
  CHECK(hit.record.kind == DecisionKind::kHit);
  CHECK(hit.record.tier == Tier::kNormalized);
  CHECK(hit.record.entry == 7);
  CHECK(hit.record.worth.cost_nano == 67'890);
  CHECK(hit.record.worth.tokens_in == 12);
  CHECK(hit.record.worth.tokens_out == 345);
  CHECK(hit.record.sample_ppm == kAllPpm);
  CHECK(hit.type == "research");
  CHECK(hit.model == "m-large");
  CHECK(hit.bot == "helpdesk");
  const LoggedDecision& miss = all.records[9];
  CHECK(base::ToInt(miss.record.time) == 1'009);
  CHECK(miss.record.reason == Reason::kExpired);
  CHECK_FALSE(miss.record.tier.has_value());
  CHECK(miss.model.empty());

  const LogPage page = bench.Read(3, 4);
  REQUIRE(page.records.size() == 4);
  CHECK(page.records.front().position == 4);
  CHECK(page.next == 7);
  CHECK(page.more);
  CHECK(bench.Read(7).records.size() == 3);
  CHECK(bench.Read(10).records.empty());
  CHECK(bench.Read(99).next == 99);
}

TEST_CASE("a row ends when it is full, and when the rate of the sample changes") {
  const Bench bench;
  DecisionLog::Taken taken;
  taken.first = 1;
  taken.records.assign(kLogRowRecords + 1, Miss(5));
  taken.records.push_back(Miss(5));
  taken.records.back().sample_ppm = 10;
  const auto rows = FormatLogRows(kHome, taken, Names());
  CHECK(rows.size() == 3);
  bench.Write(rows);
  std::uint64_t seen = 0;
  for (LogPage page; true;) {
    page = bench.Read(page.next);
    for (const LoggedDecision& logged : page.records) {
      CHECK(logged.position == ++seen);
      CHECK(logged.record.sample_ppm == (logged.position == kLogRowRecords + 2 ? 10 : kAllPpm));
    }
    if (!page.more) {
      break;
    }
  }
  CHECK(seen == kLogRowRecords + 2);
}

TEST_CASE("records that a retried write left twice are read once") {
  const Bench bench;
  DecisionLog::Taken taken;
  taken.first = 1;
  taken.records = {Hit(1, 1), Hit(2, 2)};
  bench.Write(FormatLogRows(kHome, taken, Names()));
  taken.records.push_back(Hit(3, 3));  // The first try was thought to have failed.
  bench.Write(FormatLogRows(kHome, taken, Names()));
  const LogPage page = bench.Read();
  REQUIRE(page.records.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(page.records[i].record.entry == i + 1);
  }
}

TEST_CASE("another namespace's records are not read") {
  const Bench bench;
  DecisionLog::Taken taken;
  taken.first = 1;
  taken.records = {Hit(1, 1)};
  bench.Write(FormatLogRows(NamespaceId{2}, taken, Names()));
  CHECK(bench.Read().records.empty());
}

TEST_CASE(
    "a row that was cut, continued or is of a later version is an error, wherever it was cut") {
  DecisionLog::Taken taken;
  taken.first = 1;
  taken.records = {Hit(1, 1), Miss(300)};
  const LogRow whole = FormatLogRows(kHome, taken, Names())[0];
  const auto is_corrupt = [&whole](const std::string& value) {
    const Bench bench;
    bench.Write({{whole.key, value}});
    const auto page = ReadDecisionLog(*bench.store, kHome, LogRequest(), bench.clock.Now());
    return !page.ok() && page.error().code == base::Code::kCorrupt;
  };
  CHECK_FALSE(is_corrupt(whole.value));
  for (std::size_t bytes = 0; bytes < whole.value.size(); ++bytes) {
    CHECK(is_corrupt(whole.value.substr(0, bytes)));
  }
  CHECK(is_corrupt(whole.value + "x"));
  std::string later = whole.value;
  later[0] = 2;
  CHECK(is_corrupt(later));
}

TEST_CASE("a sample has about the share that was asked for, and says so") {
  LogShare share;
  share.Set(250'000, 1'000);
  DecisionLog log(share, 1);
  constexpr std::size_t kDecisions = 20'000;
  std::size_t drawn = 0;
  for (std::size_t i = 0; i < kDecisions; ++i) {
    const std::uint32_t ppm = log.Draw();
    CHECK((ppm == 0 || ppm == 250'000));
    drawn += ppm == 0 ? 0 : 1;
  }
  CHECK(drawn > 4'600);  // 5,000, and six standard deviations to each side
  CHECK(drawn < 5'400);
  share.Set(0, 1'000);
  CHECK(log.Draw() == 0);
  share.Set(kAllPpm, 1'000);
  CHECK(log.Draw() == kAllPpm);
}

TEST_CASE("when too many records are pending, more are dropped and counted with what they saved") {
  LogShare share;
  share.Set(kAllPpm, 1'000);
  DecisionLog log(share, 1);
  DecisionLog other(share, 1);  // The bound is that of all namespaces together.
  int flushes = 0;
  for (std::size_t i = 0; i + 1 < kLogPendingRecords; ++i) {
    log.Add(Hit(1, i));
    flushes += share.TakeFlushWanted() ? 1 : 0;
  }
  CHECK(flushes == 1);
  other.Add(Hit(1, 1));
  CHECK(other.Stats().totals.dropped == 0);
  other.Add(Hit(1, 2));
  log.Add(Miss(1));
  CHECK(other.Stats().totals.dropped == 1);
  CHECK(other.Stats().totals.dropped_tokens_in == 12);
  CHECK(other.Stats().totals.dropped_tokens_out == 345);
  CHECK(other.Stats().totals.dropped_cost_nano == 67'890);
  CHECK(log.Stats().totals.dropped == 1);
  CHECK(log.Stats().totals.dropped_cost_nano == 0);
  log.Written(log.Take());
  other.Add(Hit(1, 3));
  CHECK(other.Stats().pending == 2);
  const auto parsed = ParseLogTotals(FormatLogTotals(other.Stats().totals));
  CHECK(parsed.value() == other.Stats().totals);
}

}  // namespace
}  // namespace reprise::cache
