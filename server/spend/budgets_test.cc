#include <limits>

#include <catch2/catch.hpp>

#include "protocol/base/limits.h"
#include "server/spend/decimal.h"
#include "server/spend/test_books.h"
#include "storage/engine/test_support.h"

namespace reprise::spend {
namespace {

using base::Code;

TEST_CASE("a call takes the money of all its scopes, or of none") {
  TestBooks books;
  books.Set("bot:coder", 100);
  books.Set("namespace", 70);
  books.Set("global", 1'000);
  const Reserved first = books.Reserve({"bot:coder"}, 60);
  REQUIRE(first.granted());
  CHECK(books.At("bot:coder/day").reserved_nano == 60);
  CHECK(books.At("namespace/day").reserved_nano == 60);
  CHECK(books.At("global/day").reserved_nano == 60);
  // The bot has 40 left, the namespace only 10: nothing is taken of either.
  const Reserved second = books.Reserve({"bot:coder"}, 20);
  CHECK_FALSE(second.granted());
  REQUIRE(second.blocked.size() == 1);
  CHECK(NameOf(second.blocked[0].budget.terms) == "namespace/day");
  CHECK(books.At("bot:coder/day").reserved_nano == 60);
  CHECK(books.At("global/day").reserved_nano == 60);
  CHECK(books.Reserve({"bot:coder"}, 10).granted());
  CHECK_FALSE(books.Reserve({"bot:coder"}, 1).granted());
  CHECK(books.Reserve({"bot:other"}, 0).granted());
}

TEST_CASE("a commit turns what was reserved into what was spent") {
  TestBooks books;
  books.Set("bot:coder", 100);
  const std::uint64_t id = books.Reserve({"bot:coder"}, 80).reservation;
  CHECK(books.Charge({"bot:coder"}, 30, id).exceeded.empty());
  Budget budget = books.At("bot:coder/day");
  CHECK(budget.reserved_nano == 0);
  CHECK(budget.reservations == 0);
  CHECK(budget.balance.spent_nano == 30);
  // More than was reserved is charged as it is, and told.
  const std::uint64_t other = books.Reserve({"bot:coder"}, 70).reservation;
  const Charged charged = books.Charge({"bot:coder"}, 90, other);
  CHECK(charged.exceeded == std::vector<std::string>{"bot:coder/day"});
  budget = books.At("bot:coder/day");
  CHECK(budget.balance.spent_nano == 120);
  CHECK(budget.left_nano() == 0);
  CHECK_FALSE(books.Reserve({"bot:coder"}, 1).granted());
}

TEST_CASE("a lease that is over frees its money by the clock alone") {
  TestBooks books;
  books.Set("bot:coder", 100);
  const std::uint64_t id = books.Reserve({"bot:coder"}, 100, 1'000).reservation;
  books.transaction.Advance(999);
  CHECK_FALSE(books.Reserve({"bot:coder"}, 1).granted());
  CHECK_FALSE(books.budgets.HasDue(books.transaction.now()));
  books.transaction.Advance(1);
  CHECK(books.budgets.HasDue(books.transaction.now()));
  CHECK(books.Reserve({"bot:coder"}, 100).granted());
  // It is still known, so that its money can be charged.
  const auto late = books.budgets.Find(books.home, id, books.transaction).value();
  REQUIRE(late.has_value());
  CHECK(late->is_late);
  CHECK(late->reservation.amount_nano == 100);
  const Charged charged = books.Charge({"bot:coder"}, 100, id);
  CHECK(charged.exceeded.empty());
  CHECK(books.At("bot:coder/day").held_nano() == 200);
  CHECK_FALSE(books.budgets.Find(books.home, id, books.transaction).value().has_value());
  CHECK(books.budgets.Stats().late == 1);
  // And forgotten at last.
  const std::uint64_t old = books.Reserve({"bot:other"}, 5, 1'000).reservation;
  books.transaction.Advance(1'000 + kLateKeepMs);
  CHECK_FALSE(books.budgets.Find(books.home, old, books.transaction).value().has_value());
}

TEST_CASE("a release gives everything back, once") {
  TestBooks books;
  books.Set("bot:coder", 100);
  const std::uint64_t id = books.Reserve({"bot:coder"}, 80, 1'000).reservation;
  CHECK(books.budgets.Release(NamespaceId{9}, id, books.transaction).error().code ==
        Code::kNotFound);
  CHECK(books.budgets.Release(books.home, id, books.transaction).value() == 80);
  CHECK(books.At("bot:coder/day").reserved_nano == 0);
  CHECK(books.budgets.Release(books.home, id, books.transaction).error().code == Code::kNotFound);
  const std::uint64_t late = books.Reserve({"bot:coder"}, 80, 1'000).reservation;
  books.transaction.Advance(1'000);
  CHECK(books.budgets.Release(books.home, late, books.transaction).value() == 0);
  CHECK(books.At("bot:coder/day").reserved_nano == 0);
}

TEST_CASE("another namespace neither sees nor settles a reservation") {
  TestBooks books;
  books.Set("namespace", 100);
  const std::uint64_t id = books.Reserve({}, 80).reservation;
  const NamespaceId foreign{2};
  CHECK_FALSE(books.budgets.Find(foreign, id, books.transaction).value().has_value());
  const auto granted =
      books.budgets.Reserve({foreign, {}, 1'000, 1'000, {}, {}}, books.transaction);
  CHECK(granted.value().granted());
  CHECK(granted.value().reservation != id);
  CHECK(books.At("namespace/day").reserved_nano == 80);
}

TEST_CASE("it says when enough is free, or that it never is") {
  TestBooks books;
  books.Set("bot:coder", 100);
  const base::UnixMillis end = books.At("bot:coder/day").balance.end;
  const auto retry = [&](std::int64_t amount) {
    return books.Reserve({"bot:coder"}, amount).blocked.at(0).retry_after_ms;
  };
  REQUIRE(books.Reserve({"bot:coder"}, 50, 5'000).granted());
  REQUIRE(books.Reserve({"bot:coder"}, 30, 9'000).granted());
  CHECK(retry(30) == 5'000);
  CHECK(retry(80) == 9'000);
  CHECK(retry(101) == std::nullopt);
  books.Charge({"bot:coder"}, 20);
  // What is spent is free when the day ends, later than all leases.
  CHECK(retry(100) == end - books.transaction.now());
  CHECK(retry(60) == 9'000);
}

TEST_CASE("a soft budget refuses nothing and tells") {
  TestBooks books;
  books.Set("bot:coder", 100, PeriodKind::kDay, false);
  const Reserved reserved = books.Reserve({"bot:coder"}, 150);
  CHECK(reserved.granted());
  CHECK(reserved.exceeded == std::vector<std::string>{"bot:coder/day"});
  CHECK(books.Charge({"bot:coder"}, 150, reserved.reservation).exceeded.size() == 1);
}

TEST_CASE("each threshold is told once in a period") {
  TestBooks books;
  books.Set("bot:coder", 100);
  const auto told = [&](std::int64_t amount) {
    std::string text;
    for (const BudgetEvent& event : books.Charge({"bot:coder"}, amount).events) {
      text += std::to_string(event.threshold_percent) + " ";
    }
    return text;
  };
  CHECK(told(49).empty());
  CHECK(told(1) == "50 ");
  CHECK(told(1).empty());
  CHECK(told(44) == "80 95 ");
  CHECK(told(500).empty());
  books.transaction.Advance(86'400'000);
  CHECK(told(60) == "50 ");
  // A limit that is raised may be reached again.
  books.Set("bot:coder", 1'000);
  CHECK(told(440) == "50 ");
}

TEST_CASE("a limit below what is spent and reserved refuses only what is new") {
  TestBooks books;
  books.Set("bot:coder", 100);
  const std::uint64_t id = books.Reserve({"bot:coder"}, 90).reservation;
  const Budget lowered = books.Set("bot:coder", 10);
  CHECK(lowered.reserved_nano == 90);
  CHECK(lowered.left_nano() == 0);
  CHECK_FALSE(books.Reserve({"bot:coder"}, 1).granted());
  books.Charge({"bot:coder"}, 5, id);
  CHECK(books.At("bot:coder/day").balance.spent_nano == 5);
  CHECK(books.Reserve({"bot:coder"}, 5).granted());
}

TEST_CASE("terms that contradict each other are refused") {
  TestBooks books;
  const auto refusal = [&](const BudgetTerms& terms) {
    const auto set = books.budgets.Set(books.home, terms, books.transaction);
    return set.ok() ? std::string() : set.error().detail;
  };
  const Scope scope{ScopeKind::kBot, "coder"};
  CHECK(refusal({scope, {PeriodKind::kDay}, 5, true}).empty());
  CHECK_FALSE(refusal({scope, {PeriodKind::kDay, 60'000}, 5, true}).empty());
  CHECK_FALSE(refusal({scope, {PeriodKind::kRolling, 0}, 5, true}).empty());
  CHECK_FALSE(refusal({scope, {PeriodKind::kRolling, 59'999}, 5, true}).empty());
  CHECK_FALSE(refusal({scope, {PeriodKind::kRolling, 60'000, "+01:00"}, 5, true}).empty());
  CHECK_FALSE(refusal({scope, {PeriodKind::kTotal, 0, "+01:00"}, 5, true}).empty());
  CHECK_FALSE(refusal({scope, {PeriodKind::kDay}, -1, true}).empty());
  CHECK_FALSE(refusal({scope, {PeriodKind::kDay}, kLimitNanoMax + 1, true}).empty());
  CHECK_FALSE(refusal({scope, {PeriodKind::kDay, 0, "Mars/Base"}, 5, true}).empty());
  CHECK(books.budgets.Stats().budgets == 1);
}

TEST_CASE("a sum beyond 64 bits is refused, and changes nothing") {
  TestBooks books;
  books.Set("bot:coder", kLimitNanoMax, PeriodKind::kTotal, false);
  const ChargeAsk huge{books.home, ScopesOf({"bot:coder"}),
                       std::numeric_limits<std::int64_t>::max() - 5, 0};
  REQUIRE(books.budgets.CanCharge(huge).ok());
  (void)books.budgets.Charge(huge, books.transaction);
  CHECK(books.budgets.CanCharge({books.home, ScopesOf({"bot:coder"}), 6, 0}).error().code ==
        Code::kTooLarge);
  const auto reserved = books.budgets.Reserve(
      {books.home, ScopesOf({"bot:coder"}), 6, 1'000, {}, {}}, books.transaction);
  CHECK(reserved.error().code == Code::kTooLarge);
  CHECK(books.At("bot:coder/total").reserved_nano == 0);
  CHECK(books.Reserve({"bot:coder"}, 5).granted());
}

TEST_CASE("one namespace has a bounded number of reservations and budgets") {
  TestBooks books;
  for (std::int64_t i = 0; i < base::limits::kReservations.value; ++i) {
    (void)books.Reserve({}, 1);
  }
  const ReserveAsk more{books.home, {}, 1, 60'000, {}, {}};
  CHECK(books.budgets.Reserve(more, books.transaction).error().code == Code::kTooLarge);
  CHECK(books.budgets.Reserve({NamespaceId{2}, {}, 1, 60'000, {}, {}}, books.transaction).ok());
  books.transaction.Advance(60'000);
  CHECK(books.budgets.Reserve(more, books.transaction).ok());
  for (std::size_t i = 0; i < kBudgetsOfScopeMax; ++i) {
    const auto window = std::int64_t{60'000} + static_cast<std::int64_t>(i);
    CHECK(books.budgets
              .Set(books.home, {{ScopeKind::kBot, "b"}, {PeriodKind::kRolling, window}, 1, true},
                   books.transaction)
              .ok());
  }
  CHECK(
      books.budgets
          .Set(books.home, {{ScopeKind::kBot, "b"}, {PeriodKind::kDay}, 1, true}, books.transaction)
          .error()
          .code == Code::kTooLarge);
}

// Everything that memory says, for comparing.
std::string Picture(const TestBooks& books) {
  std::string text;
  for (const Budget& budget :
       books.budgets.List(books.home, nullptr, true, books.transaction.now())) {
    text += NameOf(budget.terms) + " " + std::to_string(budget.terms.limit_nano) + " " +
            std::to_string(budget.reserved_nano) + " " + std::to_string(budget.reservations) +
            FormatBalance(budget.balance) + "\n";
  }
  return text + std::to_string(books.budgets.Stats().reservations) + " " +
         std::to_string(books.budgets.Stats().reserved_nano);
}

TEST_CASE("a batch that cannot be committed leaves memory as it was") {
  TestBooks books;
  books.Set("bot:coder", 1'000);
  books.Set("global", 5'000, PeriodKind::kMonth);
  const std::uint64_t kept = books.Reserve({"bot:coder"}, 70).reservation;
  const std::uint64_t other = books.Reserve({"bot:coder"}, 30).reservation;
  books.Charge({"bot:coder"}, 100);
  books.transaction.Commit();
  const std::string before = Picture(books);

  const std::uint64_t fresh = books.Reserve({"bot:coder"}, 10).reservation;
  (void)books.Charge({"bot:coder"}, 10, fresh);
  (void)books.Charge({"bot:coder"}, 500, kept);
  REQUIRE(books.budgets.Release(books.home, other, books.transaction).ok());
  books.Set("bot:coder", 50);
  books.Set("type:new", 7);
  REQUIRE(books.budgets.Delete(books.home, "bot:coder/day", books.transaction).ok());
  books.budgets.Drop(books.home, books.transaction);
  CHECK(Picture(books) != before);
  books.transaction.Abort();
  CHECK(Picture(books) == before);
  // The reservation can be settled as if nothing had been tried.
  (void)books.Charge({"bot:coder"}, 60, kept);
  CHECK(books.At("bot:coder/day").balance.spent_nano == 160);
  CHECK(books.At("bot:coder/day").reserved_nano == 30);
}

TEST_CASE("a budget that is put back holds what is still reserved of it") {
  TestBooks books;
  books.Set("bot:coder", 1'000);
  REQUIRE(books.Reserve({"bot:coder"}, 70, 1'000).granted());
  REQUIRE(books.Reserve({"bot:coder"}, 5, 9'000).granted());
  books.transaction.Commit();
  REQUIRE(books.budgets.Delete(books.home, "bot:coder/day", books.transaction).ok());
  books.transaction.Advance(1'000);
  books.budgets.Sweep(100, books.transaction);
  books.transaction.Abort();
  CHECK(books.At("bot:coder/day").reserved_nano == 5);
}

TEST_CASE("pressure is that of the tightest budget") {
  TestBooks books;
  const auto pressure = [&] {
    return books.budgets.PressureOf(books.home, ScopesOf({"bot:coder"}), books.transaction.now());
  };
  CHECK(pressure().budget.empty());
  CHECK(pressure().left_nano == -1);
  books.Set("bot:coder", 100);
  books.Set("global", 1'000);
  REQUIRE(books.Reserve({"bot:coder"}, 40).granted());
  books.Charge({"bot:coder"}, 40);
  CHECK(pressure().budget == "bot:coder/day");
  CHECK(pressure().used_ppm == 800'000);
  CHECK(pressure().left_nano == 20);
  CHECK(pressure().elapsed_ppm > 0);
  CHECK(pressure().elapsed_ppm < kPpm);
  books.Charge({"bot:other"}, 950);
  CHECK(pressure().budget == "global/day");
}

TEST_CASE("budgets, balances and reservations are there again after a restart") {
  storage::MovableClock clock;
  const storage::TempDir folder;
  const storage::StoreOptions options =
      storage::SmallOptions(storage::EngineKind::kRocksDb, folder / "data");
  const std::vector<NamespaceId> namespaces{storage::kDefaultNamespace};
  std::uint64_t held = 0;
  std::uint64_t last = 0;
  const auto reserve = [&](Budgets& budgets, storage::Store& store, std::int64_t amount,
                           std::int64_t lease_ms) {
    std::uint64_t id = 0;
    REQUIRE(store
                .Run([&](storage::Transaction& transaction) -> base::Status {
                  ASSIGN_OR_RETURN(const Reserved reserved,
                                   budgets.Reserve({storage::kDefaultNamespace,
                                                    ScopesOf({"bot:coder"}),
                                                    amount,
                                                    lease_ms,
                                                    {},
                                                    {}},
                                                   transaction));
                  id = reserved.reservation;
                  return base::Ok{};
                })
                .ok());
    return id;
  };
  {
    const auto store = storage::MustOpen(options, clock);
    Numbers numbers;
    Budgets budgets(numbers);
    REQUIRE(store
                ->Run([&](storage::Transaction& transaction) -> base::Status {
                  RETURN_IF_ERROR(budgets.Set(
                      storage::kDefaultNamespace,
                      {{ScopeKind::kBot, "coder"}, {PeriodKind::kMonth}, 100, true}, transaction));
                  (void)budgets.Charge({storage::kDefaultNamespace, ScopesOf({"bot:coder"}), 10, 0},
                                       transaction);
                  return base::Ok{};
                })
                .ok());
    held = reserve(budgets, *store, 40, 10'000);
    (void)reserve(budgets, *store, 30, 1'000);
    last = numbers.last();
  }
  clock.Advance(5'000);
  const auto store = storage::MustOpen(options, clock);
  Numbers numbers;
  REQUIRE(numbers.Load(*store).ok());
  CHECK(numbers.last() == last);
  Budgets budgets(numbers);
  REQUIRE(budgets.Load(*store, namespaces, clock.Now()).ok());
  const auto listed = budgets.List(storage::kDefaultNamespace, nullptr, true, clock.Now());
  REQUIRE(listed.size() == 1);
  CHECK(listed[0].balance.spent_nano == 10);
  CHECK(listed[0].reserved_nano == 40);
  CHECK(reserve(budgets, *store, 51, 1'000) == 0);
  CHECK(reserve(budgets, *store, 50, 1'000) > held);
}

}  // namespace
}  // namespace reprise::spend
