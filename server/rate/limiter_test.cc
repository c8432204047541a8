#include "server/rate/limiter.h"

#include <thread>

#include <catch2/catch.hpp>

#include "server/rate/test_support.h"

namespace reprise::rate {
namespace {

using base::Code;

TEST_CASE("keys, rules and namespaces have counts of their own") {
  Bench bench;
  const Rule rule = PerMinute(2);
  CHECK(bench.TakeAll("ann", rule) == 2);
  CHECK(bench.TakeAll("bob", rule) == 2);
  CHECK(bench.TakeAll("ann", rule, kOther) == 2);
  CHECK_FALSE(bench.Allows("ann", rule));
  CHECK(bench.TakeAll("ann", InAnyMinute(3)) == 3);  // Another algorithm counts for itself.
  bench.clock.Advance(29'999);
  CHECK_FALSE(bench.Allows("ann", rule));
  bench.clock.Advance(1);
  CHECK(bench.Allows("ann", rule));
  CHECK_FALSE(bench.Allows("ann", rule));
}

TEST_CASE("a name that one namespace set is not known in another") {
  Bench bench;
  const auto set = [&](storage::NamespaceId id, std::string_view name, const Rule& rule) {
    return bench.store->Run([&](storage::Transaction& transaction) {
      return bench.limiter->SetRule(id, name, rule, transaction);
    });
  };
  REQUIRE(set(kHome, "chat", PerMinute(1)).ok());
  const Want want{"ann", "chat", {}, 1};
  CHECK(bench.Take(want).value().allowed);
  CHECK_FALSE(bench.Take(want).value().allowed);
  CHECK(bench.Take(want, {}, kOther).error().code == Code::kNotFound);
  REQUIRE(set(kOther, "chat", PerMinute(5)).ok());
  CHECK(bench.Take(want, {}, kOther).value().allowed);
  CHECK(bench.verdicts[0].remaining == 4);
  bench.Reopen();
  CHECK_FALSE(bench.Take(want).value().allowed);
  CHECK(bench.Take(want, {}, kOther).value().allowed);
  CHECK(bench.limiter->Rules(kHome).size() == 1);
}

TEST_CASE("limits of the configuration hold everywhere and cannot be changed by a namespace") {
  Bench bench;
  bench.options.limits = {"chat: 2 per 1m", "calls: 1 at a time for 5s"};
  bench.limiter->Configure(bench.options);
  for (const auto id : {kHome, kOther}) {
    const Want want{"ann", "chat", {}, 1};
    CHECK(bench.Take(want, {}, id).value().allowed);
    CHECK(bench.Take(want, {}, id).value().allowed);
    CHECK_FALSE(bench.Take(want, {}, id).value().allowed);
  }
  const base::Status set = bench.store->Run([&](storage::Transaction& transaction) {
    return bench.limiter->SetRule(kHome, "chat", PerMinute(100), transaction);
  });
  CHECK(set.error().code == Code::kExists);
  const auto taken = bench.Take({"m", "calls", {}, 1}).value();
  CHECK(taken.lease_ms == 5'000);
  REQUIRE(bench.limiter->Rules(kHome).size() == 2);
  CHECK(bench.limiter->Rules(kHome)[0].is_configured);
}

TEST_CASE("several limits are taken all or not at all") {
  Bench bench;
  const std::array wants{Want{"ann", "", PerMinute(10), 1}, Want{"ann", "", InAnyMinute(100), 40},
                         Want{"org", "", PerMinute(1'000), 40}};
  for (int i = 0; i < 2; ++i) {
    REQUIRE(bench.limiter->Take(kHome, wants, {}, bench.verdicts).value().allowed);
  }
  const auto blocked = bench.limiter->Take(kHome, wants, {}, bench.verdicts).value();
  CHECK_FALSE(blocked.allowed);
  CHECK(blocked.decisive == 1);
  CHECK(bench.verdicts[0].allowed);
  CHECK_FALSE(bench.verdicts[1].allowed);
  CHECK(bench.Peek("ann", PerMinute(10)).remaining == 8);
  CHECK(bench.Peek("org", PerMinute(1'000)).remaining == 920);
  bench.clock.Advance(60'000);
  CHECK(bench.limiter->Take(kHome, wants, {}, bench.verdicts).value().allowed);
}

TEST_CASE(
    "of all that block, the one that blocks longest is named; of none, the nearest to its end") {
  Bench bench;
  const Rule hourly = config::CompleteRate({Algorithm::kGcra, 1, 3'600'000, 1, 0}).value();
  const std::array wants{Want{"a", "", PerMinute(1), 1}, Want{"b", "", hourly, 1},
                         Want{"c", "", PerMinute(100), 1}};
  CHECK(bench.limiter->Take(kHome, wants, {}, bench.verdicts).value().decisive == 0);
  const auto blocked = bench.limiter->Take(kHome, wants, {}, bench.verdicts).value();
  CHECK(blocked.decisive == 1);
  CHECK(bench.verdicts[1].retry_after_ms == 3'600'000);
}

TEST_CASE("what can never be allowed is denied, and told so") {
  Bench bench;
  for (const Rule& rule : {PerMinute(10, 5), InAnyMinute(5), AtATime(5)}) {
    CHECK(bench.Allows("all", rule, 5));
    CHECK_FALSE(bench.Allows("k", rule, 6));
    CHECK(bench.verdicts[0].retry_after_ms == kNever);
    CHECK(bench.verdicts[0].remaining == 5);
  }
  const std::array wants{Want{"all", "", InAnyMinute(5), 1}, Want{"k", "", PerMinute(10, 5), 6}};
  CHECK(bench.limiter->Take(kHome, wants, {}, bench.verdicts).value().decisive == 1);
}

TEST_CASE("what makes no sense is an error and takes nothing") {
  Bench bench;
  CHECK(bench.Take({"a", "none", {}, 1}).error().code == Code::kNotFound);
  const std::array twice{Want{"a", "", PerMinute(10), 1}, Want{"a", "", PerMinute(20), 1}};
  CHECK(bench.limiter->Take(kHome, twice, {}, bench.verdicts).error().code == Code::kBadRequest);
  CHECK(bench.limiter->Adjust(kHome, {"a", "", AtATime(2), 1}).error().code == Code::kBadRequest);
  CHECK(bench.limiter->Renew(kHome, "xyz", 0).error().code == Code::kNotFound);
  CHECK(bench.limiter->Release(kHome, "0123456789abcdef", {}).error().code == Code::kNotFound);
  CHECK(bench.limiter->Stats(kHome).keys == 0);
}

TEST_CASE("a limit of concurrency: leases are held, released, renewed, and end") {
  Bench bench;
  const Want want{"model", "", AtATime(2, 10'000), 1};
  const auto first = bench.Take(want).value();
  const auto second = bench.Take(want).value();
  REQUIRE(first.lease.has_value());
  CHECK(bench.verdicts[0].remaining == 0);
  CHECK_FALSE(bench.Take(want).value().allowed);
  CHECK(bench.verdicts[0].retry_after_ms == 10'000);
  bench.clock.Advance(6'000);
  CHECK(bench.limiter->Renew(kHome, TextOf(*first.lease), 0).value() == 10'000);
  CHECK(bench.limiter->Renew(kOther, TextOf(*first.lease), 0).error().code == Code::kNotFound);
  bench.clock.Advance(4'000);
  CHECK(bench.limiter->Release(kHome, TextOf(*second.lease), {}).error().code == Code::kNotFound);
  const auto third = bench.Take(want).value();
  CHECK(third.allowed);  // The second one's time is over, the first one's is not.
  CHECK_FALSE(bench.Take(want).value().allowed);
  REQUIRE(bench.limiter->Release(kHome, TextOf(*first.lease), {}).ok());
  CHECK(bench.limiter->Release(kHome, TextOf(*first.lease), {}).error().code == Code::kNotFound);
  CHECK(bench.Take(want).value().allowed);
  bench.clock.Advance(60'000);
  bench.limiter->Reclaim();
  CHECK(bench.limiter->Stats(kHome).leases == 0);
  bench.limiter->Reclaim();
  CHECK(bench.limiter->Stats(kHome).keys == 0);
}

TEST_CASE("one lease holds all that one call took, and puts its quantity right") {
  Bench bench;
  const Rule tokens = PerMinute(1'000);
  const std::array wants{Want{"ann", "", PerMinute(60), 1}, Want{"tpm", "", tokens, 400, true},
                         Want{"slots", "", AtATime(1), 1}};
  const auto taken = bench.limiter->Take(kHome, wants, {}, bench.verdicts).value();
  REQUIRE(taken.lease.has_value());
  CHECK(bench.Peek("tpm", tokens).remaining == 600);
  CHECK_FALSE(bench.limiter->Take(kHome, wants, {}, bench.verdicts).value().allowed);
  const auto corrected = bench.limiter->Release(kHome, TextOf(*taken.lease), 150).value();
  CHECK(corrected.given_back == 250);
  CHECK(corrected.charged == 0);
  CHECK(bench.Peek("tpm", tokens).remaining == 850);
  CHECK(bench.Peek("ann", PerMinute(60)).remaining == 59);  // Given no quantity, it stays.
  const auto next = bench.limiter->Take(kHome, wants, {}, bench.verdicts).value();
  CHECK(bench.limiter->Release(kHome, TextOf(*next.lease), 900).value().charged == 500);
  CHECK(bench.Peek("tpm", tokens, 0).remaining == 0);
  CHECK(bench.Peek("tpm", tokens, 1).retry_after_ms == 3'060);  // 50 are owed.
}

TEST_CASE("giving back late gives no more than the limit") {
  Bench bench;
  const Rule rule = config::CompleteRate({Algorithm::kGcra, 10, 10'000, 10, 0}).value();
  TakeOptions with_lease;
  with_lease.lease_ms = 60'000;
  const auto taken = bench.Take({"k", "", rule, 10, true}, with_lease).value();
  bench.clock.Advance(5'000);
  REQUIRE(bench.Allows("k", rule, 5));
  // Had the ten never been taken, the bucket would have been full before these five: five are left.
  CHECK(bench.limiter->Release(kHome, TextOf(*taken.lease), 0).value().given_back == 5);
  CHECK(bench.Peek("k", rule).remaining == 5);
}

TEST_CASE("a release without a quantity to put right says so and keeps the lease") {
  Bench bench;
  const auto taken = bench.Take({"k", "", AtATime(1), 1}).value();
  CHECK(bench.limiter->Release(kHome, TextOf(*taken.lease), 5).error().code == Code::kBadRequest);
  CHECK(bench.limiter->Release(kHome, TextOf(*taken.lease), {}).ok());
}

TEST_CASE("what was used already is charged even when it is not free") {
  Bench bench;
  const Rule rule = PerMinute(60);
  const Verdict owed = bench.limiter->Adjust(kHome, {"k", "", rule, 90}).value();
  CHECK(owed.remaining == 0);
  CHECK(owed.retry_after_ms == 31'000);
  CHECK_FALSE(bench.Allows("k", rule));
  bench.clock.Advance(31'000);
  CHECK(bench.TakeAll("k", rule) == 1);
}

TEST_CASE("when there is no room, idle keys go first, and then a new key is refused as busy") {
  Bench bench;
  bench.options.keys_max = 20;
  bench.limiter->Configure(bench.options);
  const Rule rule = PerMinute(60, 1);
  for (int i = 0; i < 20; ++i) {
    CHECK(bench.Allows("k" + std::to_string(i), rule));
  }
  const auto full = bench.Take({"new", "", rule, 1});
  REQUIRE_FALSE(full.ok());
  CHECK(full.error().code == Code::kBusy);
  CHECK(full.error().detail.find("rate.keys_max") != std::string::npos);
  CHECK_FALSE(bench.Allows("k3", rule));  // Those that are known go on.
  CHECK(bench.Peek("new", rule).allowed);
  bench.clock.Advance(1'001);  // All of them are idle.
  CHECK(bench.Allows("new", rule));
  CHECK(bench.limiter->Stats(kHome).keys <= 20);
}

TEST_CASE("one namespace cannot take another's room") {
  Bench bench;
  bench.options.keys_max = 100;
  bench.options.total_keys_max = 40;
  bench.limiter->Configure(bench.options);
  const Rule rule = PerMinute(60, 1);
  int taken = 0;
  while (bench.Take({"k" + std::to_string(taken), "", rule, 1}).ok()) {
    ++taken;
  }
  CHECK(taken == 40);
  for (int i = 0; i < 20; ++i) {  // Its equal share.
    CHECK(bench.Take({"k" + std::to_string(i), "", rule, 1}, {}, kOther).ok());
  }
  CHECK(bench.Take({"more", "", rule, 1}, {}, kOther).error().code == Code::kBusy);
}

TEST_CASE("leases have a bound of their own, and those that are over make room") {
  Bench bench;
  bench.options.leases_max = 30;
  bench.options.total_leases_max = 40;
  bench.limiter->Configure(bench.options);
  const Want want{"model", "", AtATime(1'000), 1};
  for (int i = 0; i < 30; ++i) {
    REQUIRE(bench.Take(want).value().allowed);
  }
  CHECK(bench.Take(want).error().code == Code::kBusy);
  for (int i = 0; i < 20; ++i) {  // Its equal share.
    REQUIRE(bench.Take(want, {}, kOther).value().allowed);
  }
  CHECK(bench.Take(want, {}, kOther).error().code == Code::kBusy);
  bench.clock.Advance(60'000);
  CHECK(bench.Take(want).ok());
}

TEST_CASE("while state cannot be saved nothing is granted, but leases can be given back") {
  Bench bench;
  const auto taken = bench.Take({"model", "", AtATime(1), 1}).value();
  bench.limiter->Refuse({Code::kReadOnly, "the disk is full"});
  CHECK(bench.Take({"k", "", PerMinute(1), 1}).error().code == Code::kReadOnly);
  CHECK(bench.Peek("k", PerMinute(1)).allowed);
  CHECK(bench.limiter->Release(kHome, TextOf(*taken.lease), {}).ok());
  CHECK(bench.limiter->Total().refused == 1);
  bench.limiter->Resume();
  CHECK(bench.Allows("k", PerMinute(1)));
}

TEST_CASE("a namespace that is removed takes its limits, keys and rows along") {
  Bench bench;
  REQUIRE(bench.Allows("k", PerMinute(5)));
  REQUIRE(bench.Allows("k", PerMinute(5), 1, kOther));
  bench.Save();
  REQUIRE(bench.Rows() == 2);
  REQUIRE(bench.Allows("k2", PerMinute(5)));
  REQUIRE(bench.store
              ->Run([&](storage::Transaction& transaction) {
                bench.limiter->Drop(kHome, transaction);
                bench.limiter->WriteChanges(transaction);  // In the same batch: nothing comes back.
                return base::Status(base::Ok{});
              })
              .ok());
  CHECK(bench.Rows() == 1);
  CHECK(bench.Take({"k", "", PerMinute(5), 1}).error().code == Code::kNotFound);
  CHECK(bench.limiter->Total().keys == 1);
}

TEST_CASE("many threads take no more than there is, of one limit and of several") {
  Bench bench;
  const Rule rule = PerMinute(1'000);
  std::atomic<int> single{0};
  std::atomic<int> both{0};
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      std::array<Verdict, 2> verdicts;
      const std::array one{Want{"k", "", rule, 1}};
      const Want a{"a", "", rule, 1};
      const Want b{"b", "", rule, 1};
      // Two of the threads name them the other way round.
      const std::array two = i % 2 == 0 ? std::array{a, b} : std::array{b, a};
      for (int n = 0; n < 400; ++n) {
        single += bench.limiter->Take(kHome, one, {}, verdicts).value().allowed ? 1 : 0;
        both += bench.limiter->Take(kHome, two, {}, verdicts).value().allowed ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  CHECK(single == 1'000);
  CHECK(both == 1'000);
  CHECK(bench.Peek("a", rule).remaining == 0);
  CHECK(bench.Peek("b", rule).remaining == 0);
}

}  // namespace
}  // namespace reprise::rate
