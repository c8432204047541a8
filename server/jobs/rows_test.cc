#include "server/jobs/rows.h"

#include <catch2/catch.hpp>

namespace reprise::jobs {
namespace {

GroupHash Hash(char fill) {
  GroupHash hash{};
  hash.fill(fill);
  return hash;
}

// As FORMAT.md says; a change of these bytes is a change of the format.
std::string Hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const char byte : bytes) {
    const auto code = static_cast<unsigned char>(byte);
    text.push_back(kDigits[code >> 4U]);
    text.push_back(kDigits[code & 15U]);
  }
  return text;
}

TEST_CASE("keys are namespace, letter, and a number that keeps its order") {
  const NamespaceId home{0x01020304};
  CHECK(Hex(TaskKey(home, RowKind::kTask, TaskId{0x0a0b})) ==
        "0102030474"
        "0000000000000a0b");
  CHECK(Hex(LeaseKey(home, LeaseId{1})) ==
        "010203046c"
        "0000000000000001");
  CHECK(NumberInKey(TaskKey(home, RowKind::kTask, TaskId{77})) == 77);
  CHECK(TaskKey(home, RowKind::kTask, TaskId{255}) < TaskKey(home, RowKind::kTask, TaskId{256}));
  CHECK(HashInKey(HashKey(home, RowKind::kGroup, Hash('h'))) == Hash('h'));
  CHECK_FALSE(NumberInKey("short").has_value());
  CHECK_FALSE(HashInKey("short").has_value());
}

TEST_CASE("a task's row is read as it was written, with and without what it may lack") {
  TaskRow row;
  row.group = Hash('g');
  row.submitted_ms = 1'700'000'000'000;
  row.not_before_ms = 1'700'000'000'001;
  row.deadline_ms = 1'700'000'600'000;
  row.max_wait_ms = 2'000;
  row.tokens = 12;
  row.payload_bytes = 6;
  row.priority = 5;
  row.attempts_max = 3;
  row.defer = Defer::kAny;
  row.defer_reason = DeferReason::kWindow;
  row.custom_id = "mine";
  row.reply_to = "bot";
  row.after = {TaskId{1}, TaskId{~std::uint64_t{0}}};
  row.dedup = Hash('d');
  row.fill = "\x81\xa1k\x01";
  row.payload = "\xa2hi";
  const std::string bytes = FormatTask(row);
  const auto read = ParseTask(bytes);
  REQUIRE(read.ok());
  CHECK(read.value().group == row.group);
  CHECK(read.value().not_before_ms == row.not_before_ms);
  CHECK(read.value().deadline_ms == row.deadline_ms);
  CHECK(read.value().defer_reason == DeferReason::kWindow);
  CHECK(read.value().custom_id == "mine");
  CHECK(read.value().after == row.after);
  CHECK(read.value().dedup == row.dedup);
  CHECK(read.value().fill == row.fill);
  CHECK(read.value().payload == row.payload);
  CHECK(FormatTask(read.value()) == bytes);
  row.dedup.reset();
  row.fill = {};
  row.payload = {};
  const std::string bare = FormatTask(row);
  CHECK_FALSE(ParseTask(bare).value().dedup.has_value());
  CHECK(ParseTask(bare).value().payload.empty());
}

TEST_CASE("the bytes of the rows are those of FORMAT.md") {
  Engine::StateOf state{3, 5, true, 1'000, DeferReason::kPeak, 9, "no"};
  CHECK(Hex(FormatState(state)) == "98010305c3cd03e80409a26e6f");
  CHECK(Hex(FormatDedup(TaskId{0x1234})) == "9201cd1234");
  CHECK(Hex(FormatPauses({{"c", ""}})) == "920192a163a0");
  CHECK(Hex(FormatGroup({"c", "m", "k", 7, {}, "\x01"})) == "9701a163a16da16b07c001");
  ResultRow result;
  result.submitted_ms = 1;
  result.finished_ms = 2;
  result.attempts = 1;
  result.category = "c";
  result.result = "\xc3";
  CHECK(Hex(FormatResult(result)) == "9c0100010201a163a0a0a0c0c3c0");
}

TEST_CASE("every row that is cut anywhere, or changed in its head, is refused, not misread") {
  LeaseRow lease;
  lease.lease.worker = "w";
  lease.lease.items = {TaskId{5}};
  const std::string rows[] = {FormatTask(TaskRow()),      FormatState({}),
                              FormatGroup(GroupRow()),    FormatLease(lease),
                              FormatResult(ResultRow()),  FormatDedup(TaskId{1}),
                              FormatPauses({{"c", "m"}}), FormatWindows({DefaultWindow()})};
  const auto fails = [&](std::size_t kind, std::string_view bytes) {
    switch (kind) {
      case 0:
        return !ParseTask(bytes).ok();
      case 1:
        return !ParseState(bytes).ok();
      case 2:
        return !ParseGroup(bytes).ok();
      case 3:
        return !ParseLeaseRow(bytes).ok();
      case 4:
        return !ParseResult(bytes).ok();
      case 5:
        return !ParseDedup(bytes).ok();
      case 6:
        return !ParsePauses(bytes).ok();
      default:
        return !ParseWindows(bytes).ok();
    }
  };
  for (std::size_t kind = 0; kind < std::size(rows); ++kind) {
    INFO("row " << kind);
    CHECK_FALSE(fails(kind, rows[kind]));
    for (std::size_t cut = 0; cut < rows[kind].size(); ++cut) {
      CHECK(fails(kind, rows[kind].substr(0, cut)));
    }
    // The version stands behind the header of the array, which may take three bytes.
    std::string newer = rows[kind];
    newer[newer[0] == '\xdc' ? 3 : 1] = '\x02';
    CHECK(fails(kind, newer));
  }
}

TEST_CASE("parts of a hash are told apart by where they end") {
  CHECK(HashOf({"ab", "c"}) != HashOf({"a", "bc"}));
  CHECK(HashOf({"ab", "c"}) == HashOf({"ab", "c"}));
  CHECK(HashOf({"", "x"}) != HashOf({"x", ""}));
}

TEST_CASE("tickets and leases are read only as they are written") {
  CHECK(ParseTicket(TicketText(TaskId{0x0123456789abcdef})) == TaskId{0x0123456789abcdef});
  CHECK(TicketText(TaskId{10}) == "000000000000000a");
  for (const std::string_view bad :
       {"", "a", "000000000000000A", "00000000000000000", "xyzxyzxyzxyzxyzx"}) {
    CHECK_FALSE(ParseTicket(bad).has_value());
    CHECK_FALSE(ParseLease(bad).has_value());
  }
  const LeaseToken token{LeaseId{7}, ~std::uint64_t{0}};
  CHECK(ParseLease(LeaseText(token)) == token);
}

}  // namespace
}  // namespace reprise::jobs
