// ClientCore: the calls of one Client: connect when needed, send, wait, match replies, repeat where
// that is safe.
//
// Internal to client/cpp. Threads: safe from any thread; one exchange runs at a time and holds the
// mutex meanwhile. Errors: see caller.h. Lifetime: notifications are handed out after the exchange,
// outside the mutex.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "client/cpp/client.h"
#include "client/cpp/link.h"
#include "client/cpp/options.h"
#include "client/cpp/retry.h"
#include "protocol/base/clock.h"
#include "protocol/base/mutex.h"

namespace reprise::client {

class ClientCore {
 public:
  using Replies = std::vector<base::Result<std::string>>;
  struct Notification {
    std::string method;
    base::Value params;
  };
  // Requests without their msgids.
  struct Batch {
    std::string_view bodies;
    std::span<const std::size_t> ends;  // where each body ends
    bool reads_only;
  };

  static base::Result<std::unique_ptr<ClientCore>> Create(Options options);
  static Batch BatchOf(const Pipeline& pipeline) {
    return {pipeline.bodies_.view(), pipeline.ends_, pipeline.reads_only_};
  }

  base::Result<Replies> Exchange(const Batch& batch, const CallOptions& options);
  base::Status Connect();
  void Disconnect();
  base::Result<int> WaitForNotifications(std::int64_t timeout_ms);

  bool connected();
  Circuit circuit();
  const Options& options() const { return options_; }

 private:
  // When an exchange has to end.
  struct Limits {
    base::Nanos deadline;
    const std::atomic<bool>* cancel;
  };
  // An exchange under way.
  struct Progress {
    Replies replies;
    std::vector<bool> arrived;
    std::size_t missing = 0;
    std::uint32_t first_msgid = 0;
    std::uint64_t first_byte = 0;
    bool on_the_wire = false;  // handed to the link
  };

  ClientCore(Options options, std::shared_ptr<const TlsContext> tls);

  base::Result<Replies> Attempts(const Batch& batch, const Limits& limits,
                                 const CallOptions& options, CallReport& report) REQUIRES(mutex_);
  base::Status EnsureLink(const Limits& limits, Failure& failure) REQUIRES(mutex_);
  void DropStaleLink() REQUIRES(mutex_);
  std::optional<Failure> Try(const Batch& batch, const Limits& limits, Progress& progress)
      REQUIRES(mutex_);
  base::Status Turn(const Limits& limits, Failure& failure) REQUIRES(mutex_);
  base::Status Take(Progress* progress) REQUIRES(mutex_);
  base::Status TakeReply(const wire::Response& response, Progress* progress) REQUIRES(mutex_);
  void Keep(const wire::Response& notification) REQUIRES(mutex_);
  bool WaitForBackoff(const Limits& limits) REQUIRES(mutex_);
  void Abandon(const Progress& progress) REQUIRES(mutex_);
  void DeliverNotifications();
  std::int64_t LeftMs(const Limits& limits) const;
  bool ShouldRepeatAnswer(const Batch& batch, const CallOptions& options, const Replies& replies);

  const Options options_;
  const std::shared_ptr<const TlsContext> tls_;
  const base::SystemClock system_clock_;
  const base::Clock& clock_;

  base::Mutex mutex_;
  std::unique_ptr<Link> link_ GUARDED_BY(mutex_);
  Backoff backoff_ GUARDED_BY(mutex_);
  std::string last_failure_ GUARDED_BY(mutex_);  // to connect
  base::Nanos last_use_ GUARDED_BY(mutex_){0};
  std::uint64_t abandoned_ GUARDED_BY(mutex_) = 0;  // replies of this link that none waits for
  std::vector<Notification> notifications_ GUARDED_BY(mutex_);
};

}  // namespace reprise::client
