#include "server/spend/ledger.h"

#include <fstream>
#include <iterator>
#include <limits>

#include <catch2/catch.hpp>

#include "server/spend/test_books.h"

namespace reprise::spend {
namespace {

using base::Code;

LedgerRecord CallOf(std::initializer_list<std::string_view> scopes, std::int64_t nano) {
  LedgerRecord record;
  record.cost_nano = nano;
  record.scopes = ScopesOf(scopes);
  return record;
}

struct Book {
  std::uint64_t Post(LedgerRecord record) {
    return ledger.Post(home, std::move(record), transaction).value();
  }
  DayTotals TotalsAt(const DayKey& key) {
    const auto row = transaction.Get(storage::Family::kLedger, DayRowKey(home, key)).value();
    return row.has_value() ? ParseTotals(row->value()).value() : DayTotals();
  }
  std::int64_t today() const { return base::ToInt(transaction.now()) / 86'400'000; }

  NamespaceId home = storage::kDefaultNamespace;
  TestTransaction transaction;
  Numbers numbers;
  Ledger ledger{numbers};
};

TEST_CASE("records are numbered without gaps and chained by their hashes") {
  Book book;
  LedgerRecord record = CallOf({"bot:coder", "model:m", "type:t", "key:a", "key:b"}, 5);
  record.provider = "p";
  record.charge_id = "c-1";
  record.tokens_in = 10;
  CHECK(book.Post(record) == 1);
  const Digest first = book.ledger.HeadOf(book.home).hash;
  CHECK(book.Post(CallOf({}, 7)) == 2);
  CHECK(book.ledger.HeadOf(book.home).sequence == 2);
  const auto row = [&](std::uint64_t sequence) {
    return std::string(
        book.transaction
            .Get(storage::Family::kLedger, NumberKey(book.home, RowKind::kRecord, sequence))
            .value()
            ->value());
  };
  const ParsedRecord parsed = ParseRecord(1, row(1)).value();
  CHECK(parsed.record.scopes == record.scopes);
  CHECK(parsed.record.charge_id == "c-1");
  CHECK(parsed.record.provider == "p");
  CHECK(parsed.record.time == book.transaction.now());
  CHECK(parsed.hash == first);
  CHECK(HashOf(1, row(1), Digest{}) == first);
  CHECK(HashOf(2, row(2), first) == book.ledger.HeadOf(book.home).hash);
  // Another position, another record before it or another byte is another hash.
  CHECK(HashOf(3, row(2), first) != book.ledger.HeadOf(book.home).hash);
  CHECK(HashOf(2, row(2), Digest{}) != book.ledger.HeadOf(book.home).hash);
  std::string changed = row(1);
  changed[3] = static_cast<char>(changed[3] ^ 1);
  CHECK(HashOf(1, changed, Digest{}) != first);
  CHECK(book.transaction.syncs() == 2);
}

TEST_CASE("a record cut anywhere cannot be read") {
  LedgerRecord record = CallOf({"bot:coder", "key:a"}, 5);
  Digest hash{};
  const std::string row = FormatRecord(record, Digest{}, hash);
  for (std::size_t bytes = 0; bytes < row.size(); ++bytes) {
    CHECK(ParseRecord(1, std::string_view(row).substr(0, bytes)).error().code == Code::kCorrupt);
  }
  CHECK_FALSE(ParseRecord(1, row + "x").ok());
}

TEST_CASE("a charge is found by its id until it is forgotten") {
  Book book;
  LedgerRecord record = CallOf({"bot:coder"}, 5);
  record.charge_id = "c-1";
  (void)book.Post(record);
  CHECK(Ledger::Find(book.home, "c-1", book.transaction).value()->cost_nano == 5);
  CHECK_FALSE(Ledger::Find(book.home, "c-2", book.transaction).value().has_value());
  CHECK_FALSE(Ledger::Find(NamespaceId{2}, "c-1", book.transaction).value().has_value());
  book.transaction.Advance(kChargeIdKeepMs);
  CHECK_FALSE(Ledger::Find(book.home, "c-1", book.transaction).value().has_value());
}

TEST_CASE("days are added up by bot, model, type and strategy") {
  Book book;
  (void)book.Post(CallOf({"bot:a", "model:m"}, 5));
  (void)book.Post(CallOf({"bot:a", "model:m"}, 6));
  (void)book.Post(CallOf({"bot:b", "model:m"}, 7));
  LedgerRecord saving = CallOf({"bot:a", "model:m"}, 100);
  saving.strategy = "cache.exact";
  saving.count = 3;
  saving.tokens_in = 30;
  (void)book.Post(saving);
  CHECK(book.TotalsAt({book.today(), "a", "m", "", ""}).cost_nano == 11);
  CHECK(book.TotalsAt({book.today(), "a", "m", "", ""}).count == 2);
  CHECK(book.TotalsAt({book.today(), "b", "m", "", ""}).cost_nano == 7);
  CHECK(book.TotalsAt({book.today(), "a", "m", "", "cache.exact"}).count == 3);
  book.transaction.Advance(86'400'000);
  (void)book.Post(CallOf({"bot:a", "model:m"}, 1));
  CHECK(book.TotalsAt({book.today(), "a", "m", "", ""}).cost_nano == 1);
}

TEST_CASE("a day has so many combinations, and counts the rest together") {
  Book book;
  for (std::uint64_t i = 0; i < kCombinationsMax + 3; ++i) {
    LedgerRecord record;
    record.cost_nano = 1;
    record.scopes.bot = "bot-" + std::to_string(i);
    (void)book.Post(record);
  }
  const std::string other(kOther);
  CHECK(book.TotalsAt({book.today(), other, other, other, ""}).cost_nano == 3);
  (void)book.Post(CallOf({"bot:bot-5"}, 1));
  CHECK(book.TotalsAt({book.today(), "bot-5", "", "", ""}).cost_nano == 2);
}

TEST_CASE("a sum of a day beyond 64 bits is refused, and nothing is written") {
  Book book;
  (void)book.Post(CallOf({}, std::numeric_limits<std::int64_t>::max() - 1));
  const std::size_t rows = book.transaction.size();
  const auto posted = book.ledger.Post(book.home, CallOf({}, 2), book.transaction);
  CHECK(posted.error().code == Code::kTooLarge);
  CHECK(book.transaction.size() == rows);
  CHECK(book.ledger.HeadOf(book.home).sequence == 1);
}

TEST_CASE("a batch that cannot be committed takes its records back") {
  Book book;
  (void)book.Post(CallOf({}, 1));
  book.transaction.Commit();
  const LedgerHead before = book.ledger.HeadOf(book.home);
  (void)book.Post(CallOf({}, 2));
  (void)book.Post(CallOf({}, 3));
  book.ledger.Drop(book.home, book.transaction);
  const std::uint64_t last = book.numbers.last();
  book.transaction.Abort();
  CHECK(book.ledger.HeadOf(book.home) == before);
  CHECK(book.Post(CallOf({}, 4)) == 2);
  CHECK(book.numbers.last() > last);  // What was given once is not given again.
}

TEST_CASE("time in the ledger never goes back") {
  Book book;
  book.transaction.SetNow(base::UnixMillis{1'000'000});
  (void)book.Post(CallOf({}, 1));
  book.transaction.SetNow(base::UnixMillis{900'000});
  CHECK(book.numbers.TimeOf(book.transaction) == base::UnixMillis{1'000'000});
}

TEST_CASE("the bytes of a record are those of FORMAT.md") {
  LedgerRecord record = CallOf({"bot:coder", "model:m-1", "type:general", "key:a"}, 1'234'567);
  record.sequence = 2;
  record.number = 300;
  record.time = base::UnixMillis{1'764'500'000'000};
  record.reservation = 7;
  record.reserved_nano = 2'000'000;
  record.tokens_in = 1'000;
  record.tokens_out = 50;
  record.tokens_cached = 128;
  record.provider = "p";
  record.charge_id = "c-1";
  Digest previous{};
  previous.fill(0xab);
  Digest hash{};
  const std::string made = FormatRecord(record, previous, hash);
  std::ifstream golden(std::string(TESTDATA) + "/ledger_record.bin", std::ios::binary);
  CHECK(std::string(std::istreambuf_iterator<char>(golden), {}) == made);
  CHECK(ParseRecord(2, made).value().record == record);
}

}  // namespace
}  // namespace reprise::spend
