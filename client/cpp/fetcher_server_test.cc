// FetchOrCompute against the built server, whose address is in REPRISE_ADDRESS: one computes, all
// have the answer. tests/integration/cpp_client_test.py starts the server and runs this.
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <thread>

#include <catch2/catch.hpp>

#include "client/cpp/fetcher.h"
#include "protocol/base/mutex.h"

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

// Collects what a reader is given.
struct Seen {
  StreamReader Reader(bool may_restart = false) {
    StreamReader reader;
    reader.on_chunk = [this](const Value& chunk) {
      const base::MutexLock lock(mutex);
      chunks.push_back(chunk);
      changed.notify_all();
    };
    if (may_restart) {
      reader.on_restart = [this] {
        const base::MutexLock lock(mutex);
        chunks.clear();
        ++restarts;
      };
    }
    return reader;
  }
  bool WaitFor(std::size_t count) {
    const base::MutexLock lock(mutex);
    return changed.wait_for(mutex, std::chrono::seconds(10),
                            [&] { return chunks.size() >= count; });
  }

  base::Mutex mutex;
  base::ConditionVariable changed;
  Value::Array chunks;
  int restarts = 0;
};

base::Result<AnswerFacts> NeverStreamed(const ComputeContext& /*context*/,
                                        const Fetcher::Emit& /*emit*/) {
  return Error{Code::kInternal, "it must not be computed"};
}

TEST_CASE("A stream is followed chunk by chunk, stored and replayed") {
  const auto one = Open();
  const auto other = Open();
  const Value::Array all{"An ", "idiom", "."};
  Seen holder;
  Seen follower;
  base::Result<FetchOutcome> followed = Error{Code::kInternal, "not run"};
  std::thread following;
  const auto made = one->FetchOrComputeStream(
      "streamed",
      [&](const ComputeContext& /*context*/, const Fetcher::Emit& emit) {
        emit(all[0]);
        following = std::thread([&] {
          followed = other->FetchOrComputeStream("streamed", NeverStreamed, follower.Reader());
        });
        CHECK(follower.WaitFor(1));
        emit(all[1]);
        CHECK(follower.WaitFor(2));
        emit(all[2]);
        return AnswerFacts{.tokens_out = 3};
      },
      holder.Reader());
  following.join();
  REQUIRE(made.ok());
  CHECK(made.value().stored);
  CHECK(made.value().response == Value(all));
  CHECK(holder.chunks == all);
  REQUIRE(followed.ok());
  CHECK(followed.value().response == Value(all));
  CHECK(follower.chunks == all);
  Seen later;
  const auto found = other->FetchOrComputeStream("streamed", NeverStreamed, later.Reader());
  REQUIRE(found.ok());
  CHECK(found.value().found.tokens_out == 3);
  CHECK(later.chunks == all);
}

TEST_CASE("A stream that is cut begins anew for who can, and is an error for others") {
  for (const bool may_restart : {true, false}) {
    const auto other = Open();
    const std::string prompt = may_restart ? "cut, anew" : "cut, error";
    Seen follower;
    base::Result<FetchOutcome> followed = Error{Code::kInternal, "not run"};
    std::thread following;
    const auto failed = Open()->FetchOrComputeStream(
        prompt,
        [&](const ComputeContext& /*context*/,
            const Fetcher::Emit& emit) -> base::Result<AnswerFacts> {
          emit("first");
          following = std::thread([&] {
            followed = other->FetchOrComputeStream(
                prompt,
                [](const ComputeContext& /*context*/, const Fetcher::Emit& again) {
                  again("second");
                  return AnswerFacts{};
                },
                follower.Reader(may_restart));
          });
          CHECK(follower.WaitFor(1));
          return Error{Code::kIo, "the upstream broke"};
        },
        Seen().Reader());
    CHECK(failed.error().code == Code::kIo);
    following.join();
    CHECK(follower.restarts == (may_restart ? 1 : 0));
    if (may_restart) {
      REQUIRE(followed.ok());
      CHECK(follower.chunks == Value::Array{"second"});
      continue;
    }
    CHECK(followed.error().code == Code::kUnavailable);
    // The lease that it was given has come back.
    CHECK(other->caller().Cache().Fetch(prompt, {.wait = false}).value().status ==
          FetchStatus::kLease);
  }
}

TEST_CASE("A stream of too many chunks goes on for its reader and is not stored") {
  const auto one = Open();
  const std::size_t count = 32'769;
  Seen seen;
  const auto made = one->FetchOrComputeStream(
      "too many",
      [&](const ComputeContext& /*context*/, const Fetcher::Emit& emit) {
        for (std::size_t i = 0; i < count; ++i) {
          emit(Value(i));
        }
        return AnswerFacts{};
      },
      seen.Reader());
  REQUIRE(made.ok());
  CHECK(!made.value().stored);
  REQUIRE(made.value().error.has_value());
  CHECK(made.value().error->code == Code::kTooLarge);
  CHECK(seen.chunks.size() == count);
  CHECK(!one->caller().Cache().Lookup("too many").value().hit);
}

TEST_CASE("A stream fails open as the other form does") {
  const auto nowhere = Fetcher::Create({.address = "127.0.0.1:1"}).value();
  const auto compute = [](const ComputeContext& /*context*/, const Fetcher::Emit& emit) {
    emit("a");
    return AnswerFacts{};
  };
  Seen seen;
  CHECK(nowhere->FetchOrComputeStream("q", compute, seen.Reader()).error().code ==
        Code::kUnavailable);
  const auto made = nowhere->FetchOrComputeStream("q", compute, seen.Reader(), {.fail_open = true});
  REQUIRE(made.ok());
  CHECK(made.value().error.has_value());
  CHECK(seen.chunks == Value::Array{"a"});
}

}  // namespace
}  // namespace reprise::client
