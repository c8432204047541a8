// Fetcher: the answer from the cache, or computed once while all others wait for it.
//
//   auto fetcher = client::Fetcher::Create({.address = "127.0.0.1:7377"}, {.fail_open = true});
//   auto answer = fetcher.value()->FetchOrCompute("What is RAII?", [](const auto&) {
//     return client::Computed{.response = AskTheModel()};
//   });
//   if (answer.ok()) { use(answer.value().response); }
//
// Of equal questions at the same moment, from any number of threads and programs, one is computed:
// its caller gets a lease, which is renewed while it computes; the others wait and have the answer
// with it. When the computation fails, throws, or its program dies, the lease goes to the next.
//
// Threads: safe from any thread; `compute` runs on the caller's. One connection and two threads of
// its own (an AsyncClient, and one that renews). Units: milliseconds. Errors: those of caller.h
// unless `fail_open`, and what `compute` answers; kUnavailable when the upstream failed for another
// caller, who asked to leave it alone. Complexity: one round trip for a hit, two and the
// computation for a lease. Limits: AsyncOptions.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "client/cpp/async_caller.h"
#include "client/cpp/async_client.h"
#include "client/cpp/cache.h"
#include "client/cpp/options.h"

namespace reprise::client {

struct FetcherOptions {
  // Compute when the server cannot be asked or takes nothing so large, instead of an error.
  bool fail_open = false;
  std::int64_t wait_ms =
      60'000;  // for somebody else's computation, where FetchOptions does not say
  AsyncOptions limits{};
};

// What a computation gives.
struct Computed {
  base::Value response{};  // not nil
  AnswerFacts facts{};
};

struct ComputeContext {
  std::string reason{};  // why there was no answer
  base::Value stale{};   // an answer past its time to live, should the upstream fail; nil: none
};

struct FetchOrComputeOptions {
  FetchOptions fetch{};
  std::optional<bool> fail_open{};  // absent: that of the Fetcher
  bool stale_if_error = false;      // when the computation fails and a stale answer is there: that
  std::int64_t error_ttl_ms = 0;    // what the computation answers as its error is told to all who
                                    // ask the same for so long; 0: the next caller tries
  std::int64_t timeout_ms = 0;      // of each call, waiting aside; 0: Options::request_timeout_ms
};

// Who reads a stream. Both run on the caller's thread, and must not throw.
struct StreamReader {
  std::function<void(const base::Value& chunk)> on_chunk{};
  // The stream that was followed was cut and begins anew: forget the chunks so far. Without it that
  // is kUnavailable where chunks had been given.
  std::function<void()> on_restart{};
};

struct FetchOutcome {
  base::Value response{};  // of a stream: the array of its chunks
  FetchStatus status = FetchStatus::kMiss;
  LookupResult found{};  // of a hit: how old it is, what it saved
  bool computed = false;
  bool stored = false;
  std::string reason{};
  std::optional<base::Error>
      error{};  // why the server could not be asked, or the answer not stored
};

class Fetcher {
 public:
  using Compute = std::function<base::Result<Computed>(const ComputeContext&)>;
  // Hands a chunk to the reader, and to all who follow.
  using Emit = std::function<void(const base::Value& chunk)>;
  // Emits the chunks; answers what is known of the answer besides them.
  using ComputeStream =
      std::function<base::Result<AnswerFacts>(const ComputeContext&, const Emit&)>;

  // Connects in the background. Errors: kBadRequest, kIo.
  static base::Result<std::unique_ptr<Fetcher>> Create(const Options& options,
                                                       FetcherOptions limits = {});
  ~Fetcher();
  Fetcher(const Fetcher&) = delete;
  Fetcher& operator=(const Fetcher&) = delete;
  Fetcher(Fetcher&&) = delete;
  Fetcher& operator=(Fetcher&&) = delete;

  // `prompt` is empty when `options.fetch.request` is given. What `compute` throws passes through,
  // and the lease is given back.
  base::Result<FetchOutcome> FetchOrCompute(std::string_view prompt, const Compute& compute,
                                            const FetchOrComputeOptions& options = {});

  // The same for answers that come in chunks: those of the stored answer, as `compute` emits them,
  // or as another caller does, each as soon as it is there. The array of all chunks is stored when
  // the stream is complete. A stream that is too large for the cache goes on for its reader, and
  // the lease is given up (`error`). `stale_if_error` is not looked at. Errors also: kUnavailable
  // (StreamReader). Limits: limits::kFlightChunks.
  base::Result<FetchOutcome> FetchOrComputeStream(std::string_view prompt,
                                                  const ComputeStream& compute,
                                                  const StreamReader& reader,
                                                  const FetchOrComputeOptions& options = {});

  // Other calls over the same connection.
  Caller& caller() { return caller_; }
  AsyncClient& client() { return *client_; }

 private:
  class Lease;

  class Reading;

  Fetcher(std::unique_ptr<AsyncClient> client, std::shared_ptr<class ChunkRouter> router,
          const Options& options, FetcherOptions limits);
  // Nothing computes: a server that is down, where `fail_open` allows it, is an outcome, too.
  struct Asked {
    FetchResult fetched;
    std::optional<base::Error> down;
  };
  base::Result<Asked> Ask(Caller& caller, std::string_view prompt,
                          const FetchOrComputeOptions& options);
  base::Result<FetchOutcome> ComputeStreamed(const Asked& asked, const ComputeStream& compute,
                                             const FetchOrComputeOptions& options,
                                             Reading& reading);
  base::Result<FetchOutcome> ComputeUnderLease(const FetchResult& fetched, const Compute& compute,
                                               const FetchOrComputeOptions& options);

  const FetcherOptions limits_;
  const std::int64_t request_timeout_ms_;
  const base::SystemClock system_clock_;
  const std::shared_ptr<class ChunkRouter> router_;
  std::unique_ptr<AsyncClient> client_;
  AsyncCaller caller_;
  std::unique_ptr<class LeaseRenewer> renewer_;  // goes before the client
};

}  // namespace reprise::client
