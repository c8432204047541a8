// AsyncCore: the calls of one AsyncClient and the thread that serves them.
//
// Internal to client/cpp. Life of a call: accepted (mutex) -> waiting_ (thread) -> flights_ (sent)
// -> callback. A lost connection moves calls from flights_ back to waiting_ where that is safe, and
// ends the others.
//
// Threads: the members above the line "thread only" are guarded by the mutex, the others belong to
// the thread. Callbacks run without the mutex. Errors: see async_client.h.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "client/cpp/async_client.h"
#include "client/cpp/link.h"
#include "client/cpp/retry.h"
#include "protocol/base/mutex.h"

namespace reprise::client {

class AsyncCore {
 public:
  static base::Result<std::unique_ptr<AsyncCore>> Create(Options options, AsyncOptions limits);
  ~AsyncCore();
  AsyncCore(const AsyncCore&) = delete;
  AsyncCore& operator=(const AsyncCore&) = delete;
  AsyncCore(AsyncCore&&) = delete;
  AsyncCore& operator=(AsyncCore&&) = delete;

  base::Status Submit(std::string_view method, std::string_view params, const CallOptions& options,
                      AsyncClient::RawCallback callback);
  bool WaitBelow(std::size_t calls, std::int64_t timeout_ms);
  std::size_t unanswered();
  bool connected() const { return connected_.load(); }
  Circuit circuit();

 private:
  struct Waiting {
    std::string body;
    base::Nanos deadline;
    bool reads_only;
    Retry retry;
    int attempts = 0;
    AsyncClient::RawCallback callback;
  };
  struct Flight {
    Waiting call;
    std::uint64_t first_byte = 0;  // where it begins in the link's output
  };

  AsyncCore(Options options, AsyncOptions limits, std::shared_ptr<const TlsContext> tls,
            Descriptor wake);

  void Run();
  void TakeAccepted();
  bool Fill();
  void Turn();
  int WaitMs();
  void BeginLink();
  base::Status Serve(bool readable);
  base::Status TakeReplies();
  base::Status TakeReply(const wire::Response& response);
  void LoseLink(const base::Error& error);
  void SettleFlights(const base::Error& error);
  void FailWaiting(const base::Error& error);
  void ExpireCalls();
  void Finish(Waiting& call, base::Result<std::string_view> result);
  void CountFinished();
  void Wake() const;

  const Options options_;
  const AsyncOptions limits_;
  const std::shared_ptr<const TlsContext> tls_;
  const base::SystemClock system_clock_;
  const base::Clock& clock_;
  const Descriptor wake_;  // an eventfd

  base::Mutex mutex_;
  base::ConditionVariable finished_;
  std::vector<Waiting> accepted_ GUARDED_BY(mutex_);
  std::size_t unanswered_ GUARDED_BY(mutex_) = 0;
  std::size_t queued_bytes_ GUARDED_BY(mutex_) = 0;
  std::size_t waiters_ GUARDED_BY(mutex_) = 0;
  bool stopping_ GUARDED_BY(mutex_) = false;
  Backoff backoff_ GUARDED_BY(mutex_);
  std::atomic<bool> connected_{false};

  // Thread only.
  std::unique_ptr<Link> link_;
  base::Nanos connect_deadline_{0};
  std::deque<Waiting> waiting_;
  std::unordered_map<std::uint32_t, Flight> flights_;
  std::uint64_t abandoned_ = 0;  // sent calls of this link that ended before their reply came
  base::Nanos next_deadline_{INT64_MAX};  // no call has an earlier one
  std::size_t finished_calls_ = 0;        // not yet told to unanswered_
  std::size_t finished_bytes_ = 0;

  std::thread thread_;  // last: it uses all of the above
};

}  // namespace reprise::client
