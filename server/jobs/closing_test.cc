#include "server/jobs/closing.h"

#include <catch2/catch.hpp>

#include "server/jobs/backoff.h"
#include "server/jobs/quantile.h"

namespace reprise::jobs {
namespace {

using Kind = Verdict::Kind;

// A group to which a task came each `gap_ms`, the last one at `last_ms`.
GroupView Group(std::uint32_t items, std::int64_t gap_ms, std::int64_t last_ms) {
  GroupView view;
  view.items = items;
  for (int i = 40; i >= 0; --i) {
    view.arrivals.Note(last_ms - i * gap_ms);
  }
  view.first_wait_ends_ms = last_ms + 2'000;
  return view;
}

TEST_CASE("a group closes when it is full, by items or by tokens") {
  const ClosingRule rule;
  CHECK(Judge(Group(9, 100, 1'000'000), rule, 1'000'000).kind == Kind::kWait);
  CHECK(Judge(Group(10, 100, 1'000'000), rule, 1'000'000).kind == Kind::kClose);
  GroupView heavy = Group(2, 100, 1'000'000);
  heavy.tokens = rule.tokens_max;
  CHECK(Judge(heavy, rule, 1'000'000).kind == Kind::kClose);
  heavy.tokens = rule.tokens_max - 1;
  CHECK(Judge(heavy, rule, 1'000'000).kind == Kind::kWait);
}

TEST_CASE("a group waits until the first wait ends and no longer") {
  const ClosingRule rule;
  const GroupView group = Group(3, 500, 1'000'000);
  const Verdict verdict = Judge(group, rule, 1'000'000);
  CHECK(verdict.kind == Kind::kWait);
  CHECK(verdict.look_again_ms == 1'002'000);
  CHECK(Judge(group, rule, 1'001'999).kind == Kind::kWait);
  CHECK(Judge(group, rule, 1'002'000).kind == Kind::kClose);
}

TEST_CASE("an urgent task closes its group") {
  GroupView group = Group(1, 500, 1'000'000);
  group.has_urgent = true;
  CHECK(Judge(group, ClosingRule(), 1'000'000).kind == Kind::kClose);
}

TEST_CASE("waiting that brings too little is left out") {
  const ClosingRule rule;  // a call is worth 30 s of waiting
  CHECK(Judge(Group(1, 29'000, 1'000'000), rule, 1'000'000).kind == Kind::kWait);
  CHECK(Judge(Group(1, 30'000, 1'000'000), rule, 1'000'000).kind == Kind::kClose);
  // With two that wait, each ms costs two.
  CHECK(Judge(Group(2, 14'900, 1'000'000), rule, 1'000'000).kind == Kind::kWait);
  CHECK(Judge(Group(2, 15'000, 1'000'000), rule, 1'000'000).kind == Kind::kClose);
}

TEST_CASE("a stream that has stopped is waited for only as long as it pays") {
  const ClosingRule rule;
  GroupView group = Group(1, 100, 1'000'000);
  group.first_wait_ends_ms = 1'600'000;
  const Verdict verdict = Judge(group, rule, 1'000'100);
  CHECK(verdict.kind == Kind::kWait);
  CHECK(verdict.look_again_ms == 1'030'000);
  CHECK(Judge(group, rule, 1'030'000).kind == Kind::kClose);
}

TEST_CASE("a single whose wait is over is held for company, if lateness is left") {
  const ClosingRule rule;
  GroupView group = Group(1, 1'000, 1'000'000);
  CHECK(Judge(group, rule, 1'002'000).kind == Kind::kClose);
  group.may_hold = true;
  CHECK(Judge(group, rule, 1'002'000).kind == Kind::kHold);
  // Held: none waits in time any more; it goes when silence says that nobody comes.
  group.first_wait_ends_ms.reset();
  CHECK(Judge(group, rule, 1'002'000).kind == Kind::kWait);
  CHECK(Judge(group, rule, 1'030'000).kind == Kind::kClose);
  group = Group(3, 1'000, 1'000'000);
  group.may_hold = true;
  CHECK(Judge(group, rule, 1'002'000).kind == Kind::kClose);
}

TEST_CASE("a new group waits as others that were new found company") {
  GroupView group;
  group.items = 1;
  group.arrivals.Note(1'000'000);
  group.first_wait_ends_ms = 1'002'000;
  group.may_hold = true;
  CHECK(Judge(group, ClosingRule(), 1'000'000).kind == Kind::kWait);
  CHECK(Judge(group, ClosingRule(), 1'002'000).kind == Kind::kClose);  // Nothing is known: no hold.
  group.expects_company = false;
  CHECK(Judge(group, ClosingRule(), 1'000'000).kind == Kind::kClose);
}

TEST_CASE("an empty group waits for nothing") {
  const Verdict verdict = Judge(GroupView(), ClosingRule(), 5);
  CHECK(verdict.kind == Kind::kWait);
  CHECK_FALSE(verdict.look_again_ms.has_value());
}

TEST_CASE("the share of late tasks is kept, over any number of tasks") {
  LateShare share;
  int late = 0;
  for (int i = 0; i < 20'000; ++i) {
    share.NoteTask();
    if (share.MayBeLate(50'000, 1)) {
      share.NoteLate();
      ++late;
    }
  }
  CHECK(late <= 1'000);
  CHECK(late > 900);
  LateShare none;
  none.NoteTask();
  CHECK_FALSE(none.MayBeLate(50'000, 1));
  for (int i = 0; i < 30; ++i) {
    none.NoteTask();
  }
  CHECK(none.MayBeLate(50'000, 1));
  CHECK_FALSE(none.MayBeLate(50'000, 2));  // Two that wait together may use a quarter of it.
  CHECK_FALSE(none.MayBeLate(0, 1));
}

TEST_CASE("back-off doubles, is bounded, and is spread over its upper half") {
  const BackoffRule rule{1'000, 60'000};
  for (std::uint32_t attempt = 1; attempt < 200; ++attempt) {
    const std::int64_t whole =
        std::min<std::int64_t>(60'000, 1'000LL << std::min(attempt - 1, 20U));
    for (const std::uint64_t draw :
         {std::uint64_t{0}, std::uint64_t{12'345'678}, ~std::uint64_t{0}}) {
      const std::int64_t ms = BackoffMs(rule, attempt, draw);
      CHECK(ms >= whole / 2);
      CHECK(ms <= whole);
    }
  }
  CHECK(BackoffMs(rule, 1, 0) == 500);
  CHECK(BackoffMs(rule, 1, 500) == 1'000);
}

TEST_CASE("quantiles of durations are right to a fifth, and the past fades") {
  Durations durations(1'000);
  CHECK_FALSE(durations.At(0.95).has_value());
  for (int i = 1; i <= 900; ++i) {
    durations.Note(i);
  }
  CHECK(durations.At(0.5).value() >= 450);
  CHECK(durations.At(0.5).value() <= 540);
  CHECK(durations.At(0.95).value() >= 855);
  CHECK(durations.At(0.95).value() <= 1'026);
  for (int i = 0; i < 20'000; ++i) {
    durations.Note(5);
  }
  CHECK(durations.At(0.95).value() <= 6);
  durations.Note(0);
  durations.Note(std::int64_t{1} << 50U);
  CHECK(durations.At(1).value() > 600'000'000);
}

}  // namespace
}  // namespace reprise::jobs
