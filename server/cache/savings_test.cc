#include "server/cache/savings.h"

#include <catch2/catch.hpp>

#include "server/cache/accounts.h"

namespace reprise::cache {
namespace {

constexpr base::UnixMillis kNow{1'000'000};

Decision HitBy(std::string_view bot, Worth worth, base::UnixMillis now = kNow) {
  Decision decision;
  decision.kind = DecisionKind::kHit;
  decision.reason = Reason::kStored;
  decision.tier = Tier::kSemantic;
  decision.bot = bot;
  decision.worth = worth;
  decision.now = now;
  return decision;
}

struct Book {
  void Hit(std::string_view model, const Decision& decision) {
    accounts.Count(accounts.types().NumberOf("faq"), accounts.models().NumberOf(model), decision);
  }

  LogShare share;
  Accounts accounts{share, 1};
};

SavingSum TotalOf(const std::vector<SavingSum>& sums) {
  SavingSum total;
  for (const SavingSum& sum : sums) {
    total.hits += sum.hits;
    total.tokens_in += sum.tokens_in;
    total.tokens_out += sum.tokens_out;
    total.cost_nano += sum.cost_nano;
  }
  return total;
}

TEST_CASE("hits of one bot, model, type and tier add up to one saving") {
  Book book;
  book.Hit("m", HitBy("coder", {10, 20, 30}));
  book.Hit("m", HitBy("coder", {1, 2, 3}));
  book.Hit("n", HitBy("coder", {5, 5, 5}));
  Decision miss = HitBy("coder", {7, 7, 7});
  miss.kind = DecisionKind::kMiss;
  book.Hit("m", miss);
  const auto taken = book.accounts.TakeSavings();
  REQUIRE(taken.sums.size() == 2);
  const SavingSum& sum = taken.sums[taken.sums[0].model == "m" ? 0 : 1];
  CHECK(sum.tier == Tier::kSemantic);
  CHECK(sum.type == "faq");
  CHECK(sum.bot == "coder");
  CHECK(sum.hits == 2);
  CHECK(sum.tokens_in == 11);
  CHECK(sum.tokens_out == 22);
  CHECK(sum.cost_nano == 33);
  CHECK_FALSE(book.accounts.HasSavings());
}

TEST_CASE("what does not fit is counted under (other), and nothing is lost") {
  Book book;
  constexpr std::uint64_t kHits = 2 * kSavingSums;
  for (std::uint64_t i = 0; i < kHits; ++i) {
    book.Hit("m" + std::to_string(i % 200), HitBy("bot-" + std::to_string(i), {1, 2, 3}));
  }
  const auto sums = book.accounts.TakeSavings().sums;
  CHECK(sums.size() == kSavingSums + 1);
  const SavingSum total = TotalOf(sums);
  CHECK(total.hits == kHits);
  CHECK(total.cost_nano == 3 * kHits);
  CHECK(ParseSavings(FormatSavings(sums)).value().size() == sums.size());
}

TEST_CASE("savings are due after a minute, or when there is little room left") {
  Book book;
  CHECK_FALSE(book.accounts.HasDueSavings(kNow + kSavingsKeptMs));
  book.Hit("m", HitBy("coder", {1, 1, 1}));
  book.Hit("m", HitBy("coder", {1, 1, 1}, kNow + (kSavingsKeptMs - 1)));
  CHECK_FALSE(book.accounts.HasDueSavings(kNow + (kSavingsKeptMs - 1)));
  CHECK(book.accounts.HasDueSavings(kNow + kSavingsKeptMs));
  for (std::size_t i = 0; i < kSavingSums / 2; ++i) {
    book.Hit("m", HitBy("bot-" + std::to_string(i), {1, 1, 1}));
  }
  CHECK(book.accounts.HasDueSavings(kNow));
}

TEST_CASE("savings that the ledger refused are there again, beside those that came meanwhile") {
  Book book;
  book.Hit("m", HitBy("coder", {1, 2, 3}));
  (void)book.accounts.Take();
  const auto taken = book.accounts.TakeSavings();
  book.Hit("m", HitBy("coder", {10, 20, 30}));
  (void)book.accounts.Take();
  book.accounts.PutBackSavings(taken, kNow);
  CHECK(book.accounts.dirty());  // The row that was to be deleted is written again.
  const auto unwritten = book.accounts.Take();
  REQUIRE(unwritten.savings.has_value());
  REQUIRE(unwritten.savings->size() == 1);
  CHECK(unwritten.savings->front().cost_nano == 33);
  book.accounts.Forget();
  book.accounts.PutBackSavings(taken, kNow);  // of a namespace that is gone
  CHECK_FALSE(book.accounts.HasSavings());
}

TEST_CASE("a row of savings says what it holds, or that it cannot be read") {
  const std::vector<SavingSum> sums{{Tier::kNormalized, "faq", "m", "coder", 4, 3, 2, 1}};
  const std::string row = FormatSavings(sums);
  const auto read = ParseSavings(row).value();
  REQUIRE(read.size() == 1);
  CHECK(read[0].tier == Tier::kNormalized);
  CHECK(read[0].bot == "coder");
  CHECK(read[0].hits == 4);
  CHECK(read[0].cost_nano == 1);
  for (std::size_t bytes = 0; bytes < row.size(); ++bytes) {
    const auto cut = ParseSavings(row.substr(0, bytes));
    REQUIRE_FALSE(cut.ok());
    CHECK(cut.error().code == base::Code::kCorrupt);
  }
}

}  // namespace
}  // namespace reprise::cache
