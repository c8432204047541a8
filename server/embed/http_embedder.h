// HttpEmbedder: vectors from an OpenAI-style /v1/embeddings endpoint.
//
// Nobody waits for it: a text is handed over with a callback, which is called once, by the
// embedder's own thread, at the latest when the deadline passes. Texts that come while requests are
// under way go together in the next one. An endpoint that fails again and again is left alone for a
// while (circuit_breaker.h). Redirections are not followed; the key is never logged.
//
// Errors: of Submit, when the callback is not called: kBadRequest (no UTF-8), kBusy (queue full),
// kUnavailable (breaker open), kShuttingDown. Of the callback: kTimeout (deadline), kUnavailable
// (saying what the endpoint did), kBadRequest (it refused the text), kShuttingDown. Threads:
// Submit, Read: any. Callbacks run on the embedder's thread and must not block; the destructor
// joins it. Lifetime: options are copied; `clock` must outlive the embedder. Limits: Options.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "protocol/base/clock.h"
#include "protocol/base/result.h"
#include "server/embed/circuit_breaker.h"
#include "server/embed/embedder.h"

namespace reprise::embed {

struct HttpEmbedderOptions {
  std::string url;           // of the endpoint, with its path
  std::string model;         // as the endpoint calls it
  std::string key_variable;  // environment variable that holds the key; empty: no key
  std::string proxy;         // empty: none
  std::size_t width = 0;     // of its vectors
  std::int64_t deadline_ms = 1'000;
  std::size_t texts_per_request_max = 16;
  std::size_t requests_max = 4;  // under way
  std::size_t queue_max = 1'024;
  std::size_t answer_bytes_max = std::size_t{16} << 20U;
  CircuitBreaker::Options breaker;
};

class HttpEmbedder final : public Embedder {
 public:
  using Done = std::function<void(base::Result<Vector>)>;

  struct Stats {
    std::uint64_t requests = 0;
    std::uint64_t texts = 0;     // that got a vector
    std::uint64_t failures = 0;  // requests that count for the breaker
    std::uint64_t refused = 0;   // texts that the breaker kept away
    CircuitBreaker::State breaker = CircuitBreaker::State::kClosed;
  };

  // kBadRequest for options that make no sense, or when the key's variable is not set.
  static base::Result<std::unique_ptr<HttpEmbedder>> Start(const HttpEmbedderOptions& options,
                                                           const base::Clock& clock);
  ~HttpEmbedder() override;
  HttpEmbedder(const HttpEmbedder&) = delete;
  HttpEmbedder& operator=(const HttpEmbedder&) = delete;
  HttpEmbedder(HttpEmbedder&&) = delete;
  HttpEmbedder& operator=(HttpEmbedder&&) = delete;

  std::string_view Name() const override { return "http"; }
  // By URL, model and width: what the endpoint does behind them is its affair.
  std::string_view Fingerprint() const override { return fingerprint_; }
  std::size_t Width() const override { return width_; }

  base::Status Submit(std::string text, Done done);
  // All who wait are told kShuttingDown, and so is who comes later. Blocks until that is done; one
  // caller at a time.
  void Stop();
  Stats Read() const;

 private:
  class Worker;

  HttpEmbedder(const HttpEmbedderOptions& options, std::unique_ptr<Worker> worker);

  std::string fingerprint_;
  std::size_t width_;
  std::unique_ptr<Worker> worker_;
  std::thread thread_;
};

}  // namespace reprise::embed
