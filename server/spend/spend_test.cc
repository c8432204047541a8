#include "server/spend/spend.h"

#include <catch2/catch.hpp>

#include "server/spend/price_file.h"
#include "server/spend/test_books.h"
#include "storage/engine/test_support.h"

namespace reprise::spend {
namespace {

using base::Code;
using base::Value;

struct Money {
  Money() { Open(); }
  void Open() {
    store = storage::MustOpen(storage::SmallOptions(storage::EngineKind::kRocksDb, folder / "data"),
                              clock);
    spend = Spend::Load(*store, {home, other}, clock.Now()).value();
  }
  void Restart() {
    spend.reset();
    store.reset();
    Open();
  }
  // What the body answers, once it is committed; or why it was not.
  template <typename Body>
  auto Run(const Body& body) -> decltype(body(std::declval<storage::Transaction&>())) {
    std::optional<decltype(body(std::declval<storage::Transaction&>()))> result;
    const base::Status status = store->Run([&](storage::Transaction& transaction) -> base::Status {
      result = body(transaction);
      RETURN_IF_ERROR(base::Result(*result));
      return base::Ok{};
    });
    (void)status.ok();
    return *result;
  }
  void Set(const char* scope, std::int64_t limit, PeriodKind kind = PeriodKind::kDay,
           std::int64_t window_ms = 0) {
    REQUIRE(Run([&](auto& tx) {
              return spend->budgets().Set(
                  home, {ParseScope(scope).value(), {kind, window_ms}, limit, true}, tx);
            }).ok());
  }
  std::uint64_t Reserve(std::initializer_list<std::string_view> scopes, std::int64_t amount,
                        std::int64_t lease_ms = 60'000) {
    return Run([&](auto& tx) {
             return spend->budgets().Reserve({home, ScopesOf(scopes), amount, lease_ms, {}, {}},
                                             tx);
           })
        .value()
        .reservation;
  }
  base::Result<Settled> Commit(std::uint64_t reservation, std::int64_t nano,
                               const char* charge_id = "") {
    return Run([&](auto& tx) {
      return spend->Commit({home, reservation, {nano, {}, {}, {}}, charge_id, {}}, tx);
    });
  }
  base::Result<Settled> Record(const RecordAsk& ask) {
    return Run([&](auto& tx) { return spend->Record(ask, tx); });
  }
  AuditReport Audit() const { return spend->Audit().value(); }
  std::int64_t Spent(const char* name) const {
    for (const Budget& budget : spend->budgets().List(home, nullptr, true, clock.Now())) {
      if (NameOf(budget.terms) == name) {
        return budget.balance.spent_nano;
      }
    }
    return -1;
  }

  NamespaceId home = storage::kDefaultNamespace;
  NamespaceId other{2};
  storage::TempDir folder;
  storage::MovableClock clock;
  std::unique_ptr<storage::Store> store;
  std::unique_ptr<Spend> spend;
};

std::string Problems(const AuditReport& report) {
  std::string text;
  for (const std::string& problem : report.problems) {
    text += problem + "\n";
  }
  return text;
}

TEST_CASE("a commit that is sent twice charges once, also after a restart") {
  Money money;
  money.Set("bot:coder", 1'000);
  const std::uint64_t id = money.Reserve({"bot:coder"}, 100);
  const Settled first = money.Commit(id, 80).value();
  CHECK_FALSE(first.is_duplicate);
  CHECK(first.reserved_nano == 100);
  CHECK(money.Commit(id, 80).value().is_duplicate);
  money.Restart();
  const Settled again = money.Commit(id, 80).value();
  CHECK(again.is_duplicate);
  CHECK(again.sequence == first.sequence);
  CHECK(money.Spent("bot:coder/day") == 80);
  // Another amount under the same id is another charge, and refused.
  CHECK(money.Commit(id, 81).error().code == Code::kExists);
  // With an id of its own as well.
  const std::uint64_t named = money.Reserve({"bot:coder"}, 100);
  CHECK_FALSE(money.Commit(named, 10, "call-7").value().is_duplicate);
  CHECK(money.Commit(named, 10, "call-7").value().is_duplicate);
  CHECK(money.Commit(named, 10).error().code == Code::kNotFound);
  CHECK(money.Spent("bot:coder/day") == 90);
  CHECK(money.Audit().problem_count == 0);
}

TEST_CASE("a commit of an unknown, foreign or released reservation changes nothing") {
  Money money;
  money.Set("bot:coder", 1'000);
  const std::uint64_t id = money.Reserve({"bot:coder"}, 100);
  CHECK(money.Commit(id + 1, 5).error().code == Code::kNotFound);
  const auto foreign = money.Run([&](auto& tx) {
    return money.spend->Commit({money.other, id, {5, {}, {}, {}}, "", {}}, tx);
  });
  CHECK(foreign.error().code == Code::kNotFound);
  REQUIRE(
      money.Run([&](auto& tx) { return money.spend->budgets().Release(money.home, id, tx); }).ok());
  CHECK(money.Commit(id, 5).error().code == Code::kNotFound);
  CHECK(money.Spent("bot:coder/day") == 0);
  CHECK(money.Audit().problem_count == 0);
}

TEST_CASE("a commit after its lease charges the truth and says so") {
  Money money;
  money.Set("bot:coder", 100);
  const std::uint64_t late = money.Reserve({"bot:coder"}, 100, 1'000);
  money.clock.Advance(1'000);
  money.spend->Tick(money.clock.Now());
  CHECK(money.spend->budgets().Stats().reservations == 0);
  const std::uint64_t other = money.Reserve({"bot:coder"}, 100);
  REQUIRE(other != 0);
  money.Restart();
  const Settled settled = money.Commit(late, 100).value();
  CHECK(settled.is_late);
  CHECK(settled.exceeded.empty());
  CHECK(money.Commit(other, 100).value().exceeded == std::vector<std::string>{"bot:coder/day"});
  CHECK(money.Spent("bot:coder/day") == 200);
  CHECK(money.Audit().problem_count == 0);
}

TEST_CASE("usage is priced by the model of the call, as it was in the end") {
  Money money;
  PriceFile file =
      ReadPriceFile(
          Value::Map{{"models", Value::Array{Value::Map{{"provider", "p"},
                                                        {"model", "small"},
                                                        {"prices", Value::Map{{"input", 1}}}},
                                             Value::Map{{"provider", "p"},
                                                        {"model", "large"},
                                                        {"prices", Value::Map{{"input", 9}}}}}}})
          .value();
  money.spend->prices().SetStarter(file);
  money.Set("model:large", 1'000'000);
  const Usage usage{.input_tokens = 100};
  const CostAsk ask{{}, usage, "p", ""};
  const base::UnixMillis now = money.clock.Now();
  CHECK(money.spend->CostOf(money.home, ask, "large", now).value() == 900'000);
  CHECK(money.spend->CostOf(money.home, ask, "", now).error().code == Code::kBadRequest);
  CHECK(money.spend->CostOf(money.home, ask, "huge", now).error().code == Code::kNotFound);
  CHECK(money.spend->CostOf(money.home, {}, "large", now).error().code == Code::kBadRequest);
  CHECK(money.spend->CostOf(money.home, {-1, {}, {}, {}}, "", now).error().code ==
        Code::kBadRequest);
  CHECK(money.spend->CostOf(money.home, {kAmountNanoMax + 1, {}, {}, {}}, "", now).error().code ==
        Code::kBadRequest);
  const std::uint64_t id = money.Reserve({"bot:coder", "model:large"}, 900'000);
  // The large model failed, the small one answered.
  const Settled settled = money
                              .Run([&](auto& tx) {
                                return money.spend->Commit({money.home, id, ask, "", "small"}, tx);
                              })
                              .value();
  CHECK(settled.cost_nano == 100'000);
  CHECK(money.Spent("model:large/day") == 0);
  CHECK(
      money.spend->budgets().List(money.home, nullptr, true, money.clock.Now())[0].reserved_nano ==
      0);
  CHECK(money.Audit().problem_count == 0);
}

TEST_CASE("savings are written down and count in no budget") {
  Money money;
  money.Set("bot:coder", 1'000);
  RecordAsk ask{money.home, ScopesOf({"bot:coder"}), {500, {}, {}, {}}, "", "routing", 1};
  CHECK(money.Record(ask).value().sequence == 1);
  ask.strategy = "wishing";
  CHECK(money.Record(ask).error().code == Code::kBadRequest);
  const Saving saving{"cache.semantic", 12, 100, 20, 9'000, ScopesOf({"bot:coder"})};
  CHECK(money.Run([&](auto& tx) { return money.spend->RecordSaving(money.home, saving, tx); })
            .value() == 2);
  Saving bad = saving;
  bad.cost_nano = -1;
  CHECK_FALSE(
      money.Run([&](auto& tx) { return money.spend->RecordSaving(money.home, bad, tx); }).ok());
  CHECK(money.Spent("bot:coder/day") == 0);
  CHECK(money.Audit().problem_count == 0);
}

TEST_CASE("reports add up days, grouped as they are asked for") {
  Money money;
  const auto record = [&](const char* bot, const char* strategy, std::int64_t nano) {
    REQUIRE(
        money
            .Record({money.home, ScopesOf({bot, "model:m,1"}), {nano, {}, {}, {}}, "", strategy, 1})
            .ok());
  };
  const std::int64_t today = base::ToInt(money.clock.Now()) / 86'400'000;
  record("bot:a", "", 5);
  record("bot:b", "", 7);
  record("bot:a", "cache.exact", 100);
  money.clock.Advance(86'400'000);
  record("bot:a", "", 11);
  record("bot:a", "cache.exact", 1);
  const auto report = [&](std::vector<ReportField> by, std::int64_t from, std::int64_t to) {
    return MakeReport(*money.store, {money.home, from, to, std::move(by)}, money.clock.Now());
  };
  Report by_bot = report({ReportField::kBot}, today, today + 1).value();
  REQUIRE(by_bot.rows.size() == 2);
  CHECK(by_bot.rows[0].key.bot == "a");
  CHECK(FiguresOf(by_bot.rows[0].sums) ==
        std::array<std::int64_t, 9>{2, 0, 0, 0, 16, 2, 0, 0, 101});
  CHECK(by_bot.totals.calls.cost_nano == 23);
  CHECK(report({}, today, today).value().rows.at(0).sums.calls.cost_nano == 12);
  CHECK(report({ReportField::kDay}, today + 2, today + 2).value().rows.empty());
  CHECK(report({}, today, today - 1).error().code == Code::kBadRequest);
  CHECK(report({}, 0, 100'000).error().code == Code::kBadRequest);
  CHECK(ToCsv(report({ReportField::kDay, ReportField::kModel}, today + 1, today + 1).value()) ==
        "day,model,calls,tokens_in,tokens_out,tokens_cached,cost_nano,savings,tokens_saved_in,"
        "tokens_saved_out,cost_saved_nano\r\n" +
            FieldText({today + 1, {}, {}, {}, {}}, ReportField::kDay) +
            ",\"m,1\",1,0,0,0,11,1,0,0,1\r\n");
  const std::string json =
      ToDailyJson(report({ReportField::kDay, ReportField::kStrategy}, today, today + 1).value());
  CHECK(
      json.find(R"("strategies":{"cache.exact":{"count":1,"tokens_saved_in":0,)"
                R"("tokens_saved_out":0,"cost_saved_nano":100},"cache.normalized":{"count":0,)") !=
      std::string::npos);
  CHECK(json.find(R"("cost_saved_nano":101)") != std::string::npos);
  CHECK(ReportFieldsFrom({"day", "bot"}).value().size() == 2);
  CHECK_FALSE(ReportFieldsFrom({"day", "day"}).ok());
  CHECK_FALSE(ReportFieldsFrom({"colour"}).ok());
}

TEST_CASE("an audit finds every kind of damage") {
  Money money;
  money.Set("bot:coder", 1'000);
  money.Set("bot:coder", 1'000, PeriodKind::kRolling, 3'600'000);
  money.Set("global", 1'000, PeriodKind::kTotal);
  for (int i = 1; i <= 5; ++i) {
    REQUIRE(money.Record({money.home, ScopesOf({"bot:coder"}), {i, {}, {}, {}}, "", "", 1}).ok());
  }
  const AuditReport sound = money.Audit();
  INFO(Problems(sound));
  CHECK(sound.problem_count == 0);
  CHECK(sound.records == 5);
  CHECK(sound.budgets == 3);
  CHECK(sound.totals == 1);
  const auto damage = [&](const std::string& key, const auto& change) {
    std::string before;
    const auto swap = [&](storage::Transaction& tx) -> base::Status {
      ASSIGN_OR_RETURN(const auto row, tx.Get(storage::Family::kLedger, key));
      before = row->value();
      const std::string after = change(before);
      if (after.empty()) {
        tx.Delete(storage::Family::kLedger, key);
      } else {
        tx.Put(storage::Family::kLedger, key, after, storage::kNever);
      }
      return base::Ok{};
    };
    REQUIRE(money.store->Run(swap).ok());
    const AuditReport report = money.Audit();
    REQUIRE(money.store
                ->Run([&](storage::Transaction& tx) -> base::Status {
                  tx.Put(storage::Family::kLedger, key, before, storage::kNever);
                  return base::Ok{};
                })
                .ok());
    return Problems(report);
  };
  const auto flip = [](std::string bytes) {
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 0x20);
    return bytes;
  };
  const auto gone = [](const std::string& /*bytes*/) { return std::string(); };
  const std::string third = NumberKey(money.home, RowKind::kRecord, 3);
  const std::string last = NumberKey(money.home, RowKind::kRecord, 5);
  CHECK(damage(third, flip).find("record 3 was changed") != std::string::npos);
  CHECK(damage(third, gone).find("record 3 is missing") != std::string::npos);
  CHECK(damage(last, gone).find("record 5 is missing") != std::string::npos);
  const std::int64_t today = base::ToInt(money.clock.Now()) / 86'400'000;
  const std::string day = DayRowKey(money.home, {today, "coder", "", "", ""});
  CHECK(damage(day, [](const std::string& bytes) {
          DayTotals totals = ParseTotals(bytes).value();
          totals.cost_nano += 1;
          return FormatTotals(totals);
        }).find("the totals say 16") != std::string::npos);
  CHECK(damage(day, gone).find("the totals lack record 1") != std::string::npos);
  CHECK(money.Audit().problem_count == 0);
  // A balance is compared as it stands in memory.
  (void)money.Run([&](auto& tx) -> base::Status {
    (void)money.spend->budgets().Charge({money.home, ScopesOf({"bot:coder"}), 1, 0}, tx);
    return base::Ok{};
  });
  CHECK(money.Audit().problem_count == 3);
}

TEST_CASE("budgets that are set later, or whose records have gone, still balance") {
  Money money;
  money.Set("global", 1'000'000, PeriodKind::kMonth);
  const auto record = [&](NamespaceId id, std::int64_t nano) {
    REQUIRE(money.Record({id, ScopesOf({"bot:coder"}), {nano, {}, {}, {}}, "", "", 1}).ok());
  };
  record(money.home, 100);
  record(money.other, 1'000);
  money.Set("bot:coder", 500);
  record(money.home, 7);
  CHECK(money.Spent("bot:coder/day") == 7);
  CHECK(money.Spent("global/month") == 1'107);
  CHECK(money.Audit().problem_count == 0);
  money.Set("bot:coder", 800);  // a change keeps what is spent
  record(money.home, 1);
  CHECK(money.Spent("bot:coder/day") == 8);
  // The namespace goes; what it spent stays in the server's budget.
  (void)money.Run([&](auto& tx) -> base::Status {
    money.spend->Drop(money.other, tx);
    const auto prefix = storage::PrefixOf(money.other);
    tx.DeletePrefix(storage::Family::kLedger, {prefix.data(), prefix.size()});
    return base::Ok{};
  });
  record(money.home, 2);
  CHECK(money.Spent("global/month") == 1'110);
  AuditReport report = money.Audit();
  INFO(Problems(report));
  CHECK(report.problem_count == 0);
  money.Restart();
  CHECK(money.Spent("global/month") == 1'110);
  money.clock.Advance(std::int64_t{40} * 86'400'000);
  record(money.home, 3);
  CHECK(money.Spent("global/month") == 3);
  CHECK(money.Spent("bot:coder/day") == 3);
  report = money.Audit();
  CHECK(report.problem_count == 0);
  CHECK(report.records == 5);
}

}  // namespace
}  // namespace reprise::spend
