// AsyncClient: one connection with thousands of calls under way, served by one thread of its own.
//
//   auto client = client::AsyncClient::Create({.address = "127.0.0.1:7377"}, {});
//   client.value()->Call("GET", {"k"}, {}, [](base::Result<base::Value> reply) { ... });
//   client.value()->Drain(5'000);
//
// Threads: every method is safe from any thread. Callbacks run on the client's thread, one at a
// time, and must not block; they may start further calls. Each accepted call's callback runs
// exactly once: with the reply, at its deadline, or when the client is destroyed (kUnavailable, or
// kUnknownOutcome when a command that writes had been sent).
//
// Errors: those of caller.h, given to the callback; kBusy and kUnavailable (the circuit is open, or
// the client is stopping) are returned at once, and then the callback does not run. Limits:
// AsyncOptions. Replies come in any order that the server chooses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <string_view>

#include "client/cpp/options.h"
#include "protocol/base/result.h"
#include "protocol/base/value.h"

namespace reprise::client {

struct AsyncOptions {
  std::size_t calls_max = 65'536;                        // accepted and not yet answered
  std::size_t queue_bytes_max = std::size_t{64} << 20U;  // encoded and not yet sent
  std::size_t window = 1'024;  // sent and not yet answered; the server reads no more from one
                               // connection (limits::kRequestsInFlight)
};

class AsyncClient {
 public:
  using Callback = std::function<void(base::Result<base::Value>)>;
  // The view is valid during the callback only.
  using RawCallback = std::function<void(base::Result<std::string_view>)>;

  // Checks the options, starts the thread and connects in the background. Errors: kBadRequest, kIo.
  static base::Result<std::unique_ptr<AsyncClient>> Create(Options options, AsyncOptions limits);
  // Ends the connection and the thread; callbacks of what is under way run first. Not from a
  // callback.
  ~AsyncClient();
  AsyncClient(const AsyncClient&) = delete;
  AsyncClient& operator=(const AsyncClient&) = delete;
  AsyncClient(AsyncClient&&) = delete;
  AsyncClient& operator=(AsyncClient&&) = delete;

  // CallOptions::cancel and ::report are not used here.
  base::Status Call(std::string_view method, const base::Value::Array& params,
                    const CallOptions& options, Callback callback);
  base::Status CallRaw(std::string_view method, std::string_view params, const CallOptions& options,
                       RawCallback callback);
  // The future is always set; a refused call sets it at once.
  std::future<base::Result<base::Value>> Future(std::string_view method,
                                                const base::Value::Array& params,
                                                const CallOptions& options = {});

  // Waits until fewer than `calls` are unanswered; false when the time was over first. Not from a
  // callback.
  bool WaitBelow(std::size_t calls, std::int64_t timeout_ms);
  // Waits until all are answered.
  bool Drain(std::int64_t timeout_ms) { return WaitBelow(1, timeout_ms); }

  std::size_t unanswered() const;
  bool connected() const;
  Circuit circuit() const;

 private:
  explicit AsyncClient(std::unique_ptr<class AsyncCore> core);
  std::unique_ptr<class AsyncCore> core_;
};

}  // namespace reprise::client
