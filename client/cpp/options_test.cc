#include "client/cpp/options.h"

#include <catch2/catch.hpp>

#include "client/cpp/retry.h"

namespace reprise::client {
namespace {

using base::Code;

TEST_CASE("An address names a TCP, Unix or TLS server") {
  const auto plain = ParseAddress("cache.example:7000");
  REQUIRE(plain.ok());
  CHECK(plain.value().transport == Transport::kTcp);
  CHECK(plain.value().host == "cache.example");
  CHECK(plain.value().port == 7000);
  CHECK(ParseAddress("localhost").value().port == 7377);
  CHECK(ParseAddress("[::1]:1").value().host == "::1");
  CHECK(ParseAddress("[::1]").value().port == 7377);
  CHECK(ParseAddress("tls://bot:65535").value().transport == Transport::kTls);
  CHECK(ParseAddress("unix:/run/r.sock").value().path == "/run/r.sock");
  CHECK(ParseAddress("unix:///run/r.sock").value().path == "/run/r.sock");
  CHECK(ToString(ParseAddress("tls://[::1]:7").value()) == "tls://[::1]:7");
}

TEST_CASE("A malformed address says what is wrong with it") {
  for (const char* text : {"", ":1", "host:", "host:0", "host:65536", "host:x", "::1", "[::1",
                           "[::1]7", "unix:", "tls://", "host:1:2"}) {
    INFO(text);
    const auto address = ParseAddress(text);
    REQUIRE_FALSE(address.ok());
    CHECK(address.error().code == Code::kBadRequest);
    CHECK_FALSE(address.error().detail.empty());
  }
  CHECK(ParseAddress("unix:" + std::string(107, 'p')).ok());
  CHECK_FALSE(ParseAddress("unix:" + std::string(108, 'p')).ok());
}

TEST_CASE("Options out of range are refused by name") {
  CHECK(Options{}.Check().ok());
  Options options;
  options.request_timeout_ms = 0;
  CHECK(options.Check().error().detail == "request_timeout_ms is 0 and must be above 0");
  options = {};
  options.reconnect.max_delay_ms = 1;
  CHECK_FALSE(options.Check().ok());
  options = {};
  options.tls.pinned_sha256 = std::string(63, 'a');
  CHECK(options.Check().error().detail == "tls.pinned_sha256 has 63 hex digits and needs 64");
  options.tls.pinned_sha256 = "Aa:" + std::string(62, '0');
  CHECK(options.Check().ok());
  options.tls.pinned_sha256[0] = 'g';
  CHECK_FALSE(options.Check().ok());
}

TEST_CASE("The delay doubles up to its maximum and a random half is taken off") {
  Backoff backoff({.first_delay_ms = 100, .max_delay_ms = 1000, .failures_to_open = 3}, 7);
  const base::Nanos now{1'000'000'000};
  for (const std::int64_t full : {100, 200, 400, 800, 1000, 1000, 1000}) {
    backoff.Failed(now);
    INFO(full);
    CHECK(backoff.WaitMs(now) <= full);
    CHECK(backoff.WaitMs(now) >= full / 2);
  }
  for (int i = 0; i < 100; ++i) {  // Far beyond what the doubling could hold.
    backoff.Failed(now);
  }
  CHECK(backoff.WaitMs(now) <= 1000);
  CHECK(backoff.WaitMs(now + 1000 * base::kNanosPerMilli) == 0);
}

TEST_CASE("Clients with different seeds come back at different times") {
  const base::Nanos now{1};
  std::vector<std::int64_t> delays;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Backoff backoff({.first_delay_ms = 100'000, .max_delay_ms = 100'000}, seed);
    backoff.Failed(now);
    delays.push_back(backoff.WaitMs(now));
  }
  std::sort(delays.begin(), delays.end());
  CHECK(std::unique(delays.begin(), delays.end()) - delays.begin() >= 19);
}

TEST_CASE("The circuit opens after its failures, half-opens after the delay, closes on success") {
  Backoff backoff({.first_delay_ms = 100, .max_delay_ms = 100, .failures_to_open = 2}, 7);
  const base::Nanos now{1'000'000'000};
  backoff.Failed(now);
  CHECK(backoff.circuit(now) == Circuit::kClosed);
  backoff.Failed(now);
  CHECK(backoff.circuit(now) == Circuit::kOpen);
  CHECK(backoff.circuit(now + 100 * base::kNanosPerMilli) == Circuit::kHalfOpen);
  backoff.Succeeded();
  CHECK(backoff.circuit(now) == Circuit::kClosed);
  CHECK(backoff.WaitMs(now) == 0);
}

TEST_CASE("Only what was not sent or only reads is repeated") {
  const Failure unsent{{Code::kUnavailable, ""}, false, false};
  const Failure sent{{Code::kUnavailable, ""}, true, false};
  const Failure late{{Code::kTimeout, ""}, true, true};
  const Failure refused{{Code::kUnauthenticated, ""}, false, false};
  CHECK(MayRepeat(Retry::kSafe, false, unsent));
  CHECK_FALSE(MayRepeat(Retry::kSafe, false, sent));
  CHECK(MayRepeat(Retry::kSafe, true, sent));
  CHECK(MayRepeat(Retry::kAlways, false, sent));
  CHECK_FALSE(MayRepeat(Retry::kNever, true, unsent));
  CHECK_FALSE(MayRepeat(Retry::kAlways, true, late));
  CHECK_FALSE(MayRepeat(Retry::kAlways, true, refused));
}

TEST_CASE("A write that was sent and not answered has an unknown outcome") {
  CHECK(ErrorFor({{Code::kUnavailable, "x"}, true, false}, false).code == Code::kUnknownOutcome);
  CHECK(ErrorFor({{Code::kTimeout, "x"}, true, true}, false).code == Code::kUnknownOutcome);
  CHECK(ErrorFor({{Code::kTimeout, "x"}, false, true}, false).code == Code::kTimeout);
  CHECK(ErrorFor({{Code::kTimeout, "x"}, true, true}, true).code == Code::kTimeout);
  CHECK(ErrorFor({{Code::kUnavailable, "x"}, true, false}, true).code == Code::kUnavailable);
}

TEST_CASE("Commands that read are known in any case of letters, all others count as writing") {
  CHECK(ReadsOnly("GET"));
  CHECK(ReadsOnly("cache.Lookup"));
  for (const char* name : {"SET", "INCRBY", "DEL", "EXPIRE", "CACHE.STORE", "GETX", "GE", ""}) {
    INFO(name);
    CHECK_FALSE(ReadsOnly(name));
  }
}

}  // namespace
}  // namespace reprise::client
