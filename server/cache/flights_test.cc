#include "server/cache/flights.h"

#include <catch2/catch.hpp>

namespace reprise::cache {
namespace {

using storage::NamespaceId;

class NotingWaiter final : public Waiter {
 public:
  void Wake(const Wakeup& wakeup) override {
    ++wakes;
    last = wakeup;
  }
  void Chunk(std::uint32_t index, std::string_view chunk) override {
    chunks += std::to_string(index) + std::string(chunk);
  }
  int wakes = 0;
  Wakeup last;
  std::string chunks;
};

FlightQuestion Asked(std::string_view prompt, std::uint64_t exact, std::uint64_t normalized,
                     NamespaceId home = NamespaceId{1}) {
  FlightQuestion question;
  question.namespace_id = home;
  question.exact = {0, exact};
  question.normalized = {1, normalized};
  question.prompt = prompt;
  question.normalized_prompt = "n" + std::to_string(normalized);
  return question;
}

// Flights on a clock that the test moves; leases of 60 s.
struct Bench {
  Lease Lead(FlightQuestion question, OwnerId owner = 1) {
    JoinRequest request{owner, true, false, 60'000, 0};
    const auto joined = flights.Join(std::move(question), request, nullptr);
    REQUIRE(joined.ok());
    REQUIRE(joined.value().has_value());
    return *joined.value();
  }
  std::shared_ptr<NotingWaiter> Wait(FlightQuestion question, const JoinRequest& request) {
    auto waiter = std::make_shared<NotingWaiter>();
    const auto joined = flights.Join(std::move(question), request, waiter);
    REQUIRE(joined.ok());
    REQUIRE(!joined.value().has_value());
    return waiter;
  }
  static JoinRequest By(OwnerId owner, std::int64_t wait_ms = 0) {
    return {owner, true, false, 60'000, wait_ms};
  }
  void Fill(const Lease& lease, std::string_view response) {
    REQUIRE(flights.BeginFill(NamespaceId{1}, lease.token).ok());
    auto filled = std::make_shared<Filled>();
    filled->response = response;
    flights.EndFill(lease.token, filled);
  }
  void Pass(std::int64_t ms) {
    clock.Advance(ms);
    flights.Expire(clock.Elapsed());
  }

  base::FakeClock clock;
  Flights flights{clock};
};

TEST_CASE("one caller computes, all others get its answer at once") {
  Bench bench;
  const Lease lease = bench.Lead(Asked("What?", 1, 7));
  std::vector<std::shared_ptr<NotingWaiter>> waiters;
  for (OwnerId owner = 2; owner < 1002; ++owner) {
    waiters.push_back(bench.Wait(Asked("What?", 1, 7), Bench::By(owner)));
  }
  bench.Fill(lease, "answer");
  for (const auto& waiter : waiters) {
    REQUIRE(waiter->wakes == 1);
    REQUIRE(waiter->last.kind == Wakeup::Kind::kFilled);
    REQUIRE(waiter->last.filled->response == "answer");
  }
  CHECK(bench.flights.Stats().waiters == 0);
  CHECK(bench.flights.Stats().flights == 0);
  CHECK(bench.flights.Stats().leases_given == 1);
  CHECK(!bench.flights.NextDeadline().has_value());
}

TEST_CASE("a rephrased question waits for the same answer, unless only the same text will do") {
  Bench bench;
  bench.Lead(Asked("What is it?", 1, 7));
  CHECK(bench.Wait(Asked("what is it", 2, 7), Bench::By(2))->wakes == 0);
  FlightQuestion strict = Asked("what is it", 2, 7);
  strict.exact_only = true;
  bench.Lead(strict, 3);
  CHECK(bench.flights.Stats().flights == 2);
}

TEST_CASE("equal hashes of other texts, identities and namespaces join nobody") {
  Bench bench;
  bench.Lead(Asked("one", 1, 7));
  bench.Lead(Asked("other text", 1, 8), 2);
  FlightQuestion identity = Asked("one", 1, 7);
  identity.identity = "x";
  bench.Lead(identity, 3);
  bench.Lead(Asked("one", 1, 7, NamespaceId{2}), 4);
  FlightQuestion normal_form = Asked("rephrased", 2, 7);  // the other key's hash meets
  normal_form.normalized_prompt = "something else";
  bench.Lead(normal_form, 5);
  CHECK(bench.flights.Stats().flights == 5);
}

TEST_CASE("an upstream's error is told to all who wait or ask, until its time is over") {
  Bench bench;
  const Lease lease = bench.Lead(Asked("What?", 1, 7), 1);
  const auto waiter = bench.Wait(Asked("What?", 1, 7), Bench::By(2));
  REQUIRE(bench.flights.Fail(NamespaceId{1}, lease.token, "503", 2'000).ok());
  REQUIRE(waiter->wakes == 1);
  CHECK(waiter->last.kind == Wakeup::Kind::kFailed);
  CHECK(waiter->last.failure->error == "503");
  CHECK(bench.flights.Renew(NamespaceId{1}, lease.token).error().code == base::Code::kNotFound);
  CHECK(bench.flights.Stats().flights == 0);

  REQUIRE(bench.flights.FindFailure(Asked("What?", 1, 7)) != nullptr);
  CHECK(bench.flights.FindFailure(Asked("what", 2, 7)) != nullptr);
  CHECK(bench.flights.FindFailure(Asked("What?", 1, 7, NamespaceId{2})) == nullptr);
  CHECK(bench.flights.FindFailure(Asked("Which?", 3, 8)) == nullptr);
  bench.Pass(1'999);
  CHECK(bench.flights.FindFailure(Asked("What?", 1, 7)) != nullptr);
  bench.Pass(1);
  CHECK(bench.flights.FindFailure(Asked("What?", 1, 7)) == nullptr);
  CHECK(!bench.flights.NextDeadline().has_value());
  bench.Lead(Asked("What?", 1, 7), 3);
}

TEST_CASE("who insists gets the lease in spite of an error, and forgets it for all") {
  Bench bench;
  const Lease lease = bench.Lead(Asked("What?", 1, 7), 1);
  REQUIRE(bench.flights.Fail(NamespaceId{1}, lease.token, "503", 2'000).ok());
  const Lease second = bench.Lead(Asked("What?", 1, 7), 2);
  CHECK(bench.flights.FindFailure(Asked("What?", 1, 7)) == nullptr);
  const auto waiter = bench.Wait(Asked("What?", 1, 7), Bench::By(3));
  bench.Pass(2'000);
  bench.Fill(second, "answer");
  CHECK(waiter->last.kind == Wakeup::Kind::kFilled);
}

TEST_CASE("errors go with their namespace") {
  Bench bench;
  const Lease lease = bench.Lead(Asked("What?", 1, 7), 1);
  REQUIRE(bench.flights.Fail(NamespaceId{1}, lease.token, "503", 2'000).ok());
  bench.flights.Drop(NamespaceId{2});
  CHECK(bench.flights.FindFailure(Asked("What?", 1, 7)) != nullptr);
  bench.flights.Drop(NamespaceId{1});
  CHECK(bench.flights.FindFailure(Asked("What?", 1, 7)) == nullptr);
  CHECK(!bench.flights.NextDeadline().has_value());
}

TEST_CASE("a holder's fill is told what was invalidated since it got the lease") {
  Bench bench;
  bench.flights.NoteInvalidation(NamespaceId{1}, {LabelKind::kTag, "before"});
  const Lease lease = bench.Lead(Asked("What?", 1, 7), 1);
  bench.flights.NoteInvalidation(NamespaceId{1}, {LabelKind::kTag, "docs"});
  bench.flights.NoteInvalidation(NamespaceId{2}, {LabelKind::kTag, "elsewhere"});
  const Lease later = bench.Lead(Asked("Which?", 2, 8), 1);
  using Names = std::vector<std::pair<LabelKind, std::string>>;
  CHECK(bench.flights.BeginFill(NamespaceId{1}, lease.token).value().invalidated ==
        Names{{LabelKind::kTag, "docs"}});
  CHECK(bench.flights.BeginFill(NamespaceId{1}, later.token).value().invalidated.empty());
  bench.flights.CancelFill(later.token);
  for (int i = 0; i < 2'000; ++i) {
    bench.flights.NoteInvalidation(NamespaceId{2}, {LabelKind::kTag, "elsewhere"});
  }
  // Too many to remember: any may have been meant.
  CHECK(bench.flights.BeginFill(NamespaceId{1}, later.token).value().invalidated ==
        Names{{LabelKind::kAll, ""}});
}

TEST_CASE("a holder's fill is told that its question was invalidated, and the next holder's not") {
  Bench bench;
  const Lease lease = bench.Lead(Asked("What?", 1, 7), 1);
  const Lease other = bench.Lead(Asked("Which?", 2, 8), 1);
  bench.flights.NoteInvalidation(Asked("Nobody asks", 3, 9));
  bench.flights.NoteInvalidation(Asked("Only the hash is the same", 2, 8));
  bench.flights.NoteInvalidation(Asked("What?", 1, 7));
  using Names = std::vector<std::pair<LabelKind, std::string>>;
  CHECK(bench.flights.BeginFill(NamespaceId{1}, lease.token).value().invalidated ==
        Names{{LabelKind::kAll, ""}});
  CHECK(bench.flights.BeginFill(NamespaceId{1}, other.token).value().invalidated.empty());
  bench.flights.CancelFill(lease.token);
  const auto waiter = bench.Wait(Asked("What?", 1, 7), Bench::By(3));
  REQUIRE(bench.flights.Abandon(NamespaceId{1}, lease.token).ok());
  const std::string next = waiter->last.lease.token;
  CHECK(bench.flights.BeginFill(NamespaceId{1}, next).value().invalidated.empty());
}

TEST_CASE("a holder that gives up, goes away or is silent hands the lease to one waiter") {
  Bench bench;
  const Lease first = bench.Lead(Asked("q", 1, 1), 1);
  const auto second = bench.Wait(Asked("q", 1, 1), Bench::By(2));
  const auto third = bench.Wait(Asked("q", 1, 1), Bench::By(3));
  const auto fourth = bench.Wait(Asked("q", 1, 1), Bench::By(4));

  REQUIRE(bench.flights.Abandon(NamespaceId{1}, first.token).ok());
  REQUIRE(second->last.kind == Wakeup::Kind::kLease);
  CHECK(third->wakes == 0);

  bench.flights.Disconnect(2);
  REQUIRE(third->last.kind == Wakeup::Kind::kLease);
  CHECK(fourth->wakes == 0);

  bench.Pass(60'000);
  REQUIRE(fourth->last.kind == Wakeup::Kind::kLease);
  CHECK(bench.flights.Stats().handed_over == 3);
  CHECK(bench.flights.Stats().leases_expired == 1);
  for (const auto& late : {first, second->last.lease, third->last.lease}) {
    CHECK(bench.flights.BeginFill(NamespaceId{1}, late.token).error().code ==
          base::Code::kNotFound);
  }
  bench.Fill(fourth->last.lease, "finally");
}

TEST_CASE("a fill is told the model of the one who holds the lease, also after it was handed on") {
  Bench bench;
  JoinRequest first = Bench::By(1);
  first.model = "a";
  const auto lease = bench.flights.Join(Asked("q", 1, 7), first, nullptr);
  REQUIRE((lease.ok() && lease.value().has_value()));
  JoinRequest second = Bench::By(2);
  second.model = "b";
  const auto waiter = bench.Wait(Asked("q", 1, 7), second);
  const auto filling = bench.flights.BeginFill(NamespaceId{1}, lease.value()->token);
  REQUIRE(filling.ok());
  CHECK(filling.value().model == "a");
  bench.flights.CancelFill(lease.value()->token);
  REQUIRE(bench.flights.Abandon(NamespaceId{1}, lease.value()->token).ok());
  CHECK(bench.flights.BeginFill(NamespaceId{1}, waiter->last.lease.token).value().model == "b");
}

TEST_CASE("a lease lives as long as it is renewed") {
  Bench bench;
  const Lease lease = bench.Lead(Asked("q", 1, 1));
  for (int i = 0; i < 5; ++i) {
    bench.Pass(59'000);
    REQUIRE(bench.flights.Renew(NamespaceId{1}, lease.token).value() == 60'000);
  }
  bench.Pass(60'000);
  CHECK(bench.flights.Renew(NamespaceId{1}, lease.token).error().code == base::Code::kNotFound);
}

TEST_CASE("a wait ends by its own deadline, and the others wait on") {
  Bench bench;
  const Lease lease = bench.Lead(Asked("q", 1, 1));
  const auto hasty = bench.Wait(Asked("q", 1, 1), Bench::By(2, 100));
  const auto patient = bench.Wait(Asked("q", 1, 1), Bench::By(3));
  CHECK(*bench.flights.NextDeadline() - bench.clock.Elapsed() == 100 * base::kNanosPerMilli);
  bench.Pass(100);
  CHECK(hasty->wakes == 1);
  CHECK(hasty->last.kind == Wakeup::Kind::kTimeout);
  CHECK(patient->wakes == 0);
  bench.Fill(lease, "late");
  CHECK(hasty->wakes == 1);
  CHECK(patient->last.kind == Wakeup::Kind::kFilled);
}

TEST_CASE("a lease of another namespace is as unknown as none") {
  Bench bench;
  const Lease lease = bench.Lead(Asked("q", 1, 1));
  const NamespaceId other{2};
  CHECK(bench.flights.Renew(other, lease.token).error().code == base::Code::kNotFound);
  CHECK(bench.flights.Abandon(other, lease.token).error().code == base::Code::kNotFound);
  CHECK(bench.flights.Append(other, lease.token, "x", 10).error().code == base::Code::kNotFound);
  CHECK(bench.flights.BeginFill(other, lease.token).error().code == base::Code::kNotFound);
  CHECK(bench.flights.Renew(NamespaceId{1}, lease.token).ok());
}

TEST_CASE("a lease is filled once, and a fill that was refused can be tried again") {
  Bench bench;
  const Lease lease = bench.Lead(Asked("q", 1, 1));
  REQUIRE(bench.flights.BeginFill(NamespaceId{1}, lease.token).ok());
  CHECK(bench.flights.BeginFill(NamespaceId{1}, lease.token).error().code == base::Code::kNotFound);
  // While the fill is being committed neither time nor the holder's end takes the answer away.
  const auto waiter = bench.Wait(Asked("q", 1, 1), Bench::By(2));
  bench.Pass(120'000);
  bench.flights.Disconnect(1);
  CHECK(waiter->wakes == 0);
  bench.flights.CancelFill(lease.token);
  bench.Fill(lease, "good");
  CHECK(waiter->last.kind == Wakeup::Kind::kFilled);
}

TEST_CASE("a fill that was refused leaves a lease that still ends in time") {
  Bench bench;
  const Lease lease = bench.Lead(Asked("q", 1, 1));
  REQUIRE(bench.flights.BeginFill(NamespaceId{1}, lease.token).ok());
  bench.Pass(120'000);
  bench.flights.CancelFill(lease.token);
  bench.Pass(0);
  CHECK(bench.flights.Stats().flights == 0);
}

TEST_CASE("followers get every piece in order, those who come late from the start") {
  Bench bench;
  const Lease lease = bench.Lead(Asked("q", 1, 1));
  const NamespaceId home{1};
  JoinRequest follow = Bench::By(2);
  follow.wants_chunks = true;
  const auto early = bench.Wait(Asked("q", 1, 1), follow);
  CHECK(bench.flights.Append(home, lease.token, "a", 10).value() == 1);
  CHECK(bench.flights.Append(home, lease.token, "b", 10).value() == 2);
  const auto late = bench.Wait(Asked("q", 1, 1), follow);
  const auto silent = bench.Wait(Asked("q", 1, 1), Bench::By(3));
  CHECK(bench.flights.Append(home, lease.token, "c", 10).value() == 3);
  CHECK(early->chunks == "0a1b2c");
  CHECK(late->chunks == "0a1b2c");
  CHECK(silent->chunks.empty());
  CHECK(bench.flights.BeginFill(home, lease.token).value().chunks ==
        "\x93"
        "abc");
}

TEST_CASE("pieces beyond the bound are refused, and a new holder starts without pieces") {
  Bench bench;
  const Lease lease = bench.Lead(Asked("q", 1, 1), 1);
  const NamespaceId home{1};
  REQUIRE(bench.flights.Append(home, lease.token, "12345", 8).ok());
  CHECK(bench.flights.Append(home, lease.token, "6789", 8).error().code == base::Code::kTooLarge);
  REQUIRE(bench.flights.Append(home, lease.token, "6", 8).ok());
  // What came before and after the refused piece is no answer.
  CHECK(bench.flights.BeginFill(home, lease.token).value().cut);
  bench.flights.CancelFill(lease.token);
  const auto next = bench.Wait(Asked("q", 1, 1), Bench::By(2));
  bench.flights.Disconnect(1);
  REQUIRE(next->last.kind == Wakeup::Kind::kLease);
  const auto anew = bench.flights.BeginFill(home, next->last.lease.token);
  CHECK(anew.value().chunks.empty());
  CHECK_FALSE(anew.value().cut);
}

TEST_CASE("a caller that may not lead waits, and is told when nobody computes any more") {
  Bench bench;
  JoinRequest reader{9, false, false, 60'000, 0};
  CHECK(bench.flights.Join(Asked("q", 1, 1), reader, nullptr).error().code ==
        base::Code::kNotFound);
  const Lease lease = bench.Lead(Asked("q", 1, 1));
  const auto waiter = bench.Wait(Asked("q", 1, 1), reader);
  REQUIRE(bench.flights.Abandon(NamespaceId{1}, lease.token).ok());
  CHECK(waiter->last.kind == Wakeup::Kind::kEnded);
  CHECK(bench.flights.Stats().flights == 0);
  CHECK(bench.flights.Stats().waiters == 0);
}

TEST_CASE("when a namespace is removed nobody waits there any more") {
  Bench bench;
  const Lease here = bench.Lead(Asked("q", 1, 1));
  const Lease there = bench.Lead(Asked("q", 2, 2, NamespaceId{2}), 2);
  const auto waiter = bench.Wait(Asked("q", 1, 1), Bench::By(3));
  bench.flights.Drop(NamespaceId{1});
  CHECK(waiter->last.kind == Wakeup::Kind::kEnded);
  CHECK(!bench.flights.Renew(NamespaceId{1}, here.token).ok());
  CHECK(bench.flights.Renew(NamespaceId{2}, there.token).ok());
  bench.flights.DropAll();
  CHECK(bench.flights.Stats().flights == 0);
}

TEST_CASE("an owner whose rights changed loses leases and waits, and is told") {
  Bench bench;
  bench.Lead(Asked("mine", 1, 1), 1);
  bench.Lead(Asked("theirs", 2, 2), 2);
  const auto waits_for_mine = bench.Wait(Asked("mine", 1, 1), Bench::By(2));
  const auto waits_for_theirs = bench.Wait(Asked("theirs", 2, 2), Bench::By(1));
  bench.flights.Expel(1);
  CHECK(waits_for_theirs->last.kind == Wakeup::Kind::kEnded);
  CHECK(waits_for_mine->last.kind == Wakeup::Kind::kLease);
}

TEST_CASE("who sends no more waits no more, and keeps its leases") {
  Bench bench;
  const Lease lease = bench.Lead(Asked("mine", 1, 1), 1);
  bench.Lead(Asked("theirs", 2, 2), 2);
  const auto waiter = bench.Wait(Asked("theirs", 2, 2), Bench::By(1));
  CHECK(bench.flights.StopWaiting(1) == 1);
  CHECK(bench.flights.StopWaiting(1) == 0);
  CHECK(waiter->wakes == 0);
  CHECK(bench.flights.Renew(NamespaceId{1}, lease.token).ok());
}

TEST_CASE("an owner of many leases and waits leaves nothing behind") {
  Bench bench;
  for (std::uint64_t i = 0; i < 100; ++i) {
    bench.Lead(Asked("q" + std::to_string(i), i, i), 1);
    bench.Wait(Asked("q" + std::to_string(i), i, i), Bench::By(1, 50));
    bench.Wait(Asked("q" + std::to_string(i), i, i), Bench::By(1));
  }
  bench.flights.Disconnect(1);
  CHECK(bench.flights.Stats().flights == 0);
  CHECK(bench.flights.Stats().waiters == 0);
  CHECK(!bench.flights.NextDeadline().has_value());
}

}  // namespace
}  // namespace reprise::cache
