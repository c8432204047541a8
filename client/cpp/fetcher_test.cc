// FetchOrCompute against a server that says what a test wants.
#include "client/cpp/fetcher.h"

#include <catch2/catch.hpp>

#include "client/cpp/fake_server.h"
#include "protocol/base/mutex.h"
#include "protocol/wire/json.h"

namespace reprise::client {
namespace {

using base::Code;
using base::Error;
using base::Value;

// Answers CACHE.FETCH with one reply, all else with {}, and remembers what was asked.
class FakeCache {
 public:
  explicit FakeCache(const char* fetched, std::optional<Error> fill_error = {})
      : fetched_(wire::FromJson(fetched).value()), fill_error_(std::move(fill_error)) {}

  FakeServer::Script Script() {
    return [this](Peer& peer) {
      while (const auto request = peer.Read()) {
        {
          base::MutexLock lock(mutex_);
          requests_.push_back(request->method + " " + wire::ToJson(Value(request->params)));
          changed_.notify_all();
        }
        if (request->method == "CACHE.FILL" && fill_error_.has_value()) {
          peer.ReplyError(request->msgid, *fill_error_);
        } else {
          peer.Reply(request->msgid,
                     request->method == "CACHE.FETCH" ? fetched_ : Value(Value::Map{}));
        }
      }
    };
  }
  // Waits until so many requests of a command have come; how many there are.
  std::size_t Count(std::string_view method, std::size_t wanted = 0) {
    base::MutexLock lock(mutex_);
    const auto count = [&]() REQUIRES(mutex_) {
      return static_cast<std::size_t>(
          std::count_if(requests_.begin(), requests_.end(), [&](const std::string& request) {
            return request.starts_with(std::string(method) + " ");
          }));
    };
    changed_.wait_for(mutex_, std::chrono::seconds(10),
                      [&]() REQUIRES(mutex_) { return count() >= wanted; });
    return count();
  }
  std::string Last(std::string_view method) {
    base::MutexLock lock(mutex_);
    for (auto request = requests_.rbegin(); request != requests_.rend(); ++request) {
      if (request->starts_with(std::string(method) + " ")) {
        return *request;
      }
    }
    return "";
  }

 private:
  const Value fetched_;
  const std::optional<Error> fill_error_;
  base::Mutex mutex_;
  base::ConditionVariable changed_;
  std::vector<std::string> requests_ GUARDED_BY(mutex_);
};

constexpr const char* kLease =
    R"({"status":"lease","lease":"t0","lease_ms":60000,"type":"general","reason":"nobody"})";

struct Bench {
  explicit Bench(const char* fetched, std::optional<Error> fill_error = {},
                 FetcherOptions limits = {})
      : cache(fetched, std::move(fill_error)),
        server(cache.Script()),
        fetcher(Fetcher::Create({.address = server.address()}, limits).value()) {}

  FakeCache cache;
  FakeServer server;
  std::unique_ptr<Fetcher> fetcher;
};

base::Result<Computed> Never(const ComputeContext& /*context*/) {
  return Error{Code::kInternal, "it must not be computed"};
}

TEST_CASE("A hit computes nothing") {
  Bench bench(R"({"status":"hit","tier":"exact","id":4,"response":"a","tokens_out":5})");
  const auto answer = bench.fetcher->FetchOrCompute("q", Never);
  REQUIRE(answer.ok());
  CHECK(answer.value().response == Value("a"));
  CHECK(answer.value().found.tokens_out == 5);
  CHECK_FALSE(answer.value().computed);
  CHECK(bench.cache.Last("CACHE.FETCH") == R"(CACHE.FETCH ["q",{"wait_ms":60000}])");
}

TEST_CASE("A lease is computed and filled with what is known of the answer") {
  Bench bench(kLease);
  const auto answer = bench.fetcher->FetchOrCompute("q", [](const ComputeContext& context) {
    return Computed{context.reason, {.tokens_in = 3, .cost_nano = 9}};
  });
  REQUIRE(answer.ok());
  CHECK(answer.value().response == Value("nobody"));
  CHECK(answer.value().computed);
  CHECK(answer.value().stored);
  CHECK(bench.cache.Last("CACHE.FILL") ==
        R"(CACHE.FILL ["t0","nobody",{"tokens_in":3,"cost_nano":9}])");
  CHECK(bench.cache.Count("CACHE.ABANDON") == 0);
}

TEST_CASE("A lease is renewed for as long as the computation lasts, and no longer") {
  Bench bench(R"({"status":"lease","lease":"t0","lease_ms":30,"reason":"r"})");
  const auto answer = bench.fetcher->FetchOrCompute("q", [&](const ComputeContext& /*context*/) {
    return Computed{Value(bench.cache.Count("CACHE.RENEW", 4)), {}};
  });
  REQUIRE(answer.ok());
  CHECK(answer.value().response.AsUint().value() >= 4);
  CHECK(bench.cache.Last("CACHE.RENEW") == R"(CACHE.RENEW ["t0"])");
}

TEST_CASE("A computation that fails gives the lease back, with its error and for how long") {
  Bench bench(kLease);
  const auto fails = [](const ComputeContext& /*context*/) -> base::Result<Computed> {
    return Error{Code::kIo, "upstream: 503"};
  };
  CHECK(bench.fetcher->FetchOrCompute("q", fails).error().detail == "upstream: 503");
  REQUIRE(bench.cache.Count("CACHE.ABANDON", 1) == 1);
  CHECK(bench.cache.Last("CACHE.ABANDON") == R"(CACHE.ABANDON ["t0",{"error":"upstream: 503"}])");
  CHECK_FALSE(bench.fetcher->FetchOrCompute("q", fails, {.error_ttl_ms = 50}).ok());
  REQUIRE(bench.cache.Count("CACHE.ABANDON", 2) == 2);
  CHECK(bench.cache.Last("CACHE.ABANDON") ==
        R"(CACHE.ABANDON ["t0",{"error":"upstream: 503","ttl_ms":50}])");
  CHECK(bench.cache.Count("CACHE.FILL") == 0);
}

TEST_CASE("What the computation throws passes through, and the lease is given back") {
  Bench bench(kLease);
  const auto throws = [](const ComputeContext& /*context*/) -> base::Result<Computed> {
    return Computed{Value(std::vector<int>().at(1)), {}};
  };
  CHECK_THROWS_AS(bench.fetcher->FetchOrCompute("q", throws), std::out_of_range);
  CHECK(bench.cache.Count("CACHE.ABANDON", 1) == 1);
}

TEST_CASE("A stale answer stands in for a computation that fails, by choice") {
  Bench bench(R"({"status":"lease","lease":"t0","lease_ms":60000,"reason":"r","response":"old"})");
  const auto fails = [](const ComputeContext& context) -> base::Result<Computed> {
    return Error{Code::kIo, std::string(context.stale.AsText().value_or(""))};
  };
  CHECK(bench.fetcher->FetchOrCompute("q", fails).error().detail == "old");
  const auto answer = bench.fetcher->FetchOrCompute("q", fails, {.stale_if_error = true});
  REQUIRE(answer.ok());
  CHECK(answer.value().status == FetchStatus::kStale);
  CHECK(answer.value().response == Value("old"));
  CHECK(bench.cache.Count("CACHE.ABANDON", 2) == 2);
}

TEST_CASE("An answer that is not stored is an answer all the same, and nobody waits for it") {
  Bench bench(kLease, Error{Code::kTooLarge, "too many bytes"});
  const auto answer = bench.fetcher->FetchOrCompute("q", [](const ComputeContext& /*context*/) {
    return Computed{"large", {}};
  });
  REQUIRE(answer.ok());
  CHECK(answer.value().response == Value("large"));
  CHECK_FALSE(answer.value().stored);
  CHECK(answer.value().error.value().code == Code::kTooLarge);
  CHECK(bench.cache.Count("CACHE.ABANDON", 1) == 1);
}

TEST_CASE("Without a lease the answer is computed and not stored") {
  for (const char* reply : {R"({"status":"miss","reason":"r"})", R"({"status":"bypass"})",
                            R"({"status":"timeout","reason":"r"})"}) {
    Bench bench(reply);
    const auto answer = bench.fetcher->FetchOrCompute("q", [](const ComputeContext& /*context*/) {
      return Computed{7, {}};
    });
    REQUIRE(answer.ok());
    CHECK(answer.value().response == Value(7));
    CHECK_FALSE(answer.value().stored);
    CHECK(bench.cache.Count("CACHE.FILL") == 0);
  }
}

TEST_CASE("An upstream that is to be left alone is an error that says for how long") {
  Bench bench(R"({"status":"error","error":"503","retry_after_ms":70,"reason":"r"})", {},
              {.fail_open = true});
  const auto answer = bench.fetcher->FetchOrCompute("q", Never);
  CHECK(answer.error().code == Code::kUnavailable);
  CHECK(answer.error().detail == "the upstream failed for another caller: 503; try again in 70 ms");
}

TEST_CASE("A bot goes on without a server by choice only, and not with its own mistakes") {
  const std::string nowhere = [] {
    const FakeServer gone([](Peer& /*peer*/) {});
    return gone.address();
  }();
  const auto seven = [](const ComputeContext& /*context*/) { return Computed{7, {}}; };
  const auto strict = Fetcher::Create({.address = nowhere}).value();
  CHECK(strict->FetchOrCompute("q", seven, {.fetch = {.wait_ms = 1}}).error().code ==
        Code::kUnavailable);
  const auto open =
      strict->FetchOrCompute("q", seven, {.fetch = {.wait_ms = 1}, .fail_open = true});
  REQUIRE(open.ok());
  CHECK(open.value().response == Value(7));
  CHECK(open.value().error.has_value());

  FakeServer refusing([](Peer& peer) {
    while (const auto request = peer.Read()) {
      peer.ReplyError(request->msgid, {Code::kBadRequest, "request.model: missing"});
    }
  });
  const auto fetcher =
      Fetcher::Create({.address = refusing.address()}, {.fail_open = true}).value();
  CHECK(fetcher->FetchOrCompute("", Never, {.fetch = {.request = Value::Map{{"input", "q"}}}})
            .error()
            .code == Code::kBadRequest);
  FakeServer narrow([](Peer& peer) {
    while (const auto request = peer.Read()) {
      peer.ReplyError(request->msgid, {Code::kTooLarge, "prompt_bytes: ..."});
    }
  });
  const auto large = Fetcher::Create({.address = narrow.address()}, {.fail_open = true}).value();
  const auto went_on = large->FetchOrCompute("q", seven);
  REQUIRE(went_on.ok());
  CHECK(went_on.value().response == Value(7));
  CHECK(went_on.value().error->code == Code::kTooLarge);
  CHECK(large->FetchOrCompute("q", seven, {.fail_open = false}).error().code == Code::kTooLarge);
  CHECK(Fetcher::Create({}, {.wait_ms = 0}).error().code == Code::kBadRequest);
}

}  // namespace
}  // namespace reprise::client
