// FetchOrCompute against the built server, whose address is in REPRISE_ADDRESS: one computes, all
// have the answer. tests/integration/cpp_client_test.py starts the server and runs this.
#include <atomic>
#include <cstdlib>
#include <thread>

#include <catch2/catch.hpp>

#include "client/cpp/fetcher.h"

namespace reprise::client {
namespace {

using base::Code;
using base::Error;
using base::Value;

Options Here() {
  const char* address = std::getenv("REPRISE_ADDRESS");
  return {.address = address == nullptr ? "" : address};
}

std::unique_ptr<Fetcher> Open() {
  return Fetcher::Create(Here()).value();
}

base::Result<Computed> Never(const ComputeContext& /*context*/) {
  return Error{Code::kInternal, "it must not be computed"};
}

Value Question() {
  return Value::Map{{"role", "user"}, {"content", "What is RAII?"}};
}

TEST_CASE("An answer is computed once and found by all later callers") {
  const auto one = Open();
  const auto other = Open();
  const FetchOrComputeOptions asked{.fetch = {.identity = Value::Map{{"model", "m"}}}};
  const auto made = one->FetchOrCompute(
      "What is 2+2?",
      [](const ComputeContext& /*context*/) {
        return Computed{"4", {.tokens_in = 3, .cost_nano = 90'000, .model = "m"}};
      },
      asked);
  REQUIRE(made.ok());
  CHECK(made.value().stored);
  const auto found = other->FetchOrCompute("what is  2+2", Never, asked);
  REQUIRE(found.ok());
  CHECK(found.value().response == Value("4"));
  CHECK(found.value().found.tier == "normalized");
  CHECK(found.value().found.cost_nano == 90'000);
  CHECK(found.value().found.model == "m");
  CHECK(!other->FetchOrCompute("What is 2+2?", Never).ok());  // another identity
}

TEST_CASE("Of many threads of two programs one computes") {
  const auto one = Open();
  const auto other = Open();
  std::atomic<int> computed{0};
  std::atomic<int> wrong{0};
  std::atomic<int> asking{0};
  const auto ask = [&](Fetcher& fetcher) {
    ++asking;
    const auto answer = fetcher.FetchOrCompute("the same", [&](const ComputeContext& /*context*/) {
      ++computed;
      while (asking < 40) {
        std::this_thread::yield();
      }
      return Computed{"one answer", {}};
    });
    wrong += answer.ok() && answer.value().response == Value("one answer") ? 0 : 1;
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 20; ++i) {
    threads.emplace_back(ask, std::ref(*one));
    threads.emplace_back(ask, std::ref(*other));
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  CHECK(computed == 1);
  CHECK(wrong == 0);
}

TEST_CASE("When a computation fails or its program goes, exactly one more computes") {
  const auto one = Open();
  auto gone = Open();
  const auto holder = gone->caller().Cache().Fetch("handed on");
  REQUIRE(holder.value().status == FetchStatus::kLease);
  std::atomic<int> computed{0};
  std::atomic<int> answered{0};
  std::vector<std::thread> threads;
  threads.reserve(5);
  for (int i = 0; i < 5; ++i) {
    threads.emplace_back([&] {
      const auto answer =
          one->FetchOrCompute("handed on", [&](const ComputeContext&) -> base::Result<Computed> {
            if (++computed == 1) {
              return Error{Code::kIo, "the first fails"};
            }
            return Computed{"second", {}};
          });
      answered += answer.ok() && answer.value().response == Value("second") ? 1 : 0;
    });
  }
  gone.reset();
  for (std::thread& thread : threads) {
    thread.join();
  }
  CHECK(computed == 2);
  CHECK(answered == 4);
}

TEST_CASE("A lease outlives its time while the computation lasts") {
  const auto one = Open();
  const auto other = Open();
  const auto made = one->FetchOrCompute("slow",
                                        [&](const ComputeContext& /*context*/) {
                                          // Three lives of the lease.
                                          const auto waited = other->caller().Cache().Fetch(
                                              "slow", {.wait_ms = 600});
                                          return Computed{NameOf(waited.value().status), {}};
                                        },
                                        {.fetch = {.lease_ms = 200}});
  REQUIRE(made.ok());
  CHECK(made.value().response == Value("timeout"));
  CHECK(made.value().stored);
}

TEST_CASE("A chat request is known again, however it is spelled") {
  const auto fetcher = Open();
  struct Row {
    Value stored;
    Value asked;
  };
  const Value brief = Value::Array{Value::Map{{"type", "text"}, {"text", "Be brief."}}};
  for (const auto& [stored, asked] :
       {Row{Value::Map{{"model", "m"}, {"temperature", 0}, {"messages", Value::Array{Question()}}},
            Value::Map{{"messages", Value::Array{Question()}},
                       {"user", "u"},
                       {"stream", true},
                       {"temperature", 0.0},
                       {"model", "m"}}},
        Row{Value::Map{{"model", "m"}, {"instructions", "caf\u00e9"}, {"input", "What is RAII?"}},
            Value::Map{{"input", Value::Array{Question()}},
                       {"instructions", "cafe\u0301"},
                       {"metadata", Value::Map{{"a", "b"}}},
                       {"model", "m"}}},
        Row{Value::Map{{"model", "claude-x"},
                       {"max_tokens", 9},
                       {"system", "Be brief."},
                       {"messages", Value::Array{Question()}}},
            Value::Map{{"messages", Value::Array{Question()}},
                       {"system", brief},
                       {"max_tokens", 9},
                       {"model", "claude-x"}}}}) {
    const auto made = fetcher->FetchOrCompute("",
                                              [](const ComputeContext& /*context*/) {
                                                return Computed{"An idiom.", {}};
                                              },
                                              {.fetch = {.request = stored}});
    REQUIRE(made.ok());
    CHECK(made.value().computed);
    const auto found = fetcher->FetchOrCompute("", Never, {.fetch = {.request = asked}});
    REQUIRE(found.ok());
    CHECK(found.value().status == FetchStatus::kHit);
    CHECK(found.value().found.model == stored.Find("model")->AsText().value());
    auto cache = fetcher->caller().Cache();
    CHECK(cache.Lookup("", {.request = asked}).value().hit);
    CHECK(cache.Invalidate("entry", "", {.request = asked}).value() == 1);
    CHECK_FALSE(cache.Lookup("", {.request = stored}).value().hit);
  }
  const auto refused = fetcher->FetchOrCompute(
      "", Never, {.fetch = {.request = Value::Map{{"model", "m"}}}, .fail_open = true});
  CHECK(refused.error().code == Code::kBadRequest);
}

TEST_CASE("An upstream's error is told to others for as long as asked") {
  const auto one = Open();
  const auto other = Open();
  const auto fails = [](const ComputeContext&) -> base::Result<Computed> {
    return Error{Code::kIo, "overloaded"};
  };
  CHECK(one->FetchOrCompute("fails", fails, {.error_ttl_ms = 3'000}).error().code == Code::kIo);
  const auto told = other->FetchOrCompute("fails", Never);
  REQUIRE(!told.ok());
  CHECK_THAT(told.error().detail, Catch::Contains("overloaded"));
  CHECK(other
            ->FetchOrCompute("fails",
                             [](const ComputeContext&) {
                               return Computed{"again", {}};
                             },
                             {.fetch = {.no_cache = true}})
            .value()
            .stored);
}

}  // namespace
}  // namespace reprise::client
