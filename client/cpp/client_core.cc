#include "client/cpp/client_core.h"

#include <algorithm>
#include <cerrno>
#include <poll.h>

#include "protocol/wire/decode.h"

namespace reprise::client {
namespace {

constexpr std::string_view kNil = "\xc0";
constexpr std::int64_t kCancelSliceMs = 100;
constexpr std::size_t kNotificationsMax = 4096;  // between two deliveries; later ones are dropped
// A connection unused for longer is looked at before it is used again, because a server may have
// closed it; a request would then be sent into nothing.
constexpr std::int64_t kTrustedIdleNanos = 5 * base::kNanosPerMilli;

base::Error Canceled() {
  return {base::Code::kTimeout, "the call was canceled"};
}

base::Result<std::shared_ptr<const TlsContext>> MakeTls(const Options& options) {
  ASSIGN_OR_RETURN(const Address address, ParseAddress(options.address));
  if (address.transport != Transport::kTls) {
    return std::shared_ptr<const TlsContext>();
  }
  return TlsContext::Create(options.tls, address.host);
}

bool IsTransient(base::Code code) {
  return code == base::Code::kBusy || code == base::Code::kUnavailable ||
         code == base::Code::kShuttingDown;
}

}  // namespace

base::Result<std::unique_ptr<ClientCore>> ClientCore::Create(Options options) {
  RETURN_IF_ERROR(options.Check());
  ASSIGN_OR_RETURN(std::shared_ptr<const TlsContext> tls, MakeTls(options));
  return std::unique_ptr<ClientCore>(new ClientCore(std::move(options), std::move(tls)));
}

ClientCore::ClientCore(Options options, std::shared_ptr<const TlsContext> tls)
    : options_(std::move(options)),
      tls_(std::move(tls)),
      clock_(options_.clock != nullptr ? *options_.clock : system_clock_),
      backoff_(options_.reconnect, options_.reconnect.jitter_seed != 0
                                       ? options_.reconnect.jitter_seed
                                       : SystemSeed()) {}

std::int64_t ClientCore::LeftMs(const Limits& limits) const {
  const std::int64_t left = limits.deadline - clock_.Elapsed();
  return left <= 0 ? 0 : (left + base::kNanosPerMilli - 1) / base::kNanosPerMilli;
}

// Waits for the link's socket, at most to the deadline, and lets the link move on.
base::Status ClientCore::Turn(const Limits& limits, Failure& failure) {
  const bool canceled = limits.cancel != nullptr && limits.cancel->load();
  std::int64_t wait_ms = LeftMs(limits);
  if (canceled || wait_ms == 0) {
    failure.timed_out = true;
    return canceled ? Canceled() : base::Error{base::Code::kTimeout, "no reply in time"};
  }
  if (limits.cancel != nullptr) {
    wait_ms = std::min(wait_ms, kCancelSliceMs);
  }
  pollfd socket{link_->descriptor(), link_->Events(), 0};
  constexpr std::int64_t kPollMax = 1'000'000;
  const int count = poll(&socket, 1, static_cast<int>(std::min(wait_ms, kPollMax)));
  if (count < 0 && errno != EINTR) {
    return base::Error{base::Code::kUnavailable, "cannot wait for the connection"};
  }
  if (count <= 0) {
    return base::Ok{};
  }
  return link_->Advance((socket.revents & ~POLLOUT) != 0);
}

// Sleeps until the next attempt to connect is allowed; false when that is after the deadline.
bool ClientCore::WaitForBackoff(const Limits& limits) {
  while (true) {
    const std::int64_t wait_ms = backoff_.WaitMs(clock_.Elapsed());
    if (wait_ms == 0) {
      return true;
    }
    const bool canceled = limits.cancel != nullptr && limits.cancel->load();
    if (canceled || wait_ms >= LeftMs(limits)) {
      return false;
    }
    poll(nullptr, 0, static_cast<int>(std::min(wait_ms, kCancelSliceMs)));
  }
}

void ClientCore::DropStaleLink() {
  if (link_ == nullptr || clock_.Elapsed() - last_use_ < kTrustedIdleNanos) {
    return;
  }
  pollfd socket{link_->descriptor(), POLLIN, 0};
  if (poll(&socket, 1, 0) <= 0) {
    return;
  }
  // Late replies and notifications are taken here; an end of the stream drops the link.
  if (!link_->Advance(true).ok() || !Take(nullptr).ok()) {
    link_.reset();
  }
}

base::Status ClientCore::EnsureLink(const Limits& limits, Failure& failure) {
  DropStaleLink();
  if (link_ != nullptr) {
    return base::Ok{};
  }
  if (backoff_.circuit(clock_.Elapsed()) == Circuit::kOpen || !WaitForBackoff(limits)) {
    failure.timed_out = true;  // No further attempt in this call.
    return base::Error{base::Code::kUnavailable,
                       last_failure_ + " (failed " + std::to_string(backoff_.failures()) +
                           " times, next attempt in " +
                           std::to_string(backoff_.WaitMs(clock_.Elapsed())) + " ms)"};
  }
  const Limits connecting{std::min(limits.deadline, clock_.Elapsed() + options_.connect_timeout_ms *
                                                                           base::kNanosPerMilli),
                          limits.cancel};
  auto link = Link::Begin(options_, tls_);
  base::Status status = link.ok() ? base::Status(base::Ok{}) : base::Status(link.error());
  if (status.ok()) {
    link_ = std::move(link).value();
    abandoned_ = 0;
    status = link_->Advance(false);
  }
  while (status.ok() && !link_->ready()) {
    status = Turn(connecting, failure);
    if (status.ok()) {
      status = Take(nullptr);
    }
  }
  if (status.ok()) {
    backoff_.Succeeded();
    return base::Ok{};
  }
  link_.reset();
  backoff_.Failed(clock_.Elapsed());
  if (failure.timed_out) {
    status =
        base::Error{base::Code::kUnavailable,
                    "cannot connect to " + options_.address + " in time (connect_timeout_ms is " +
                        std::to_string(options_.connect_timeout_ms) + ")"};
  }
  last_failure_ = status.error().detail;
  return status;
}

void ClientCore::Keep(const wire::Response& notification) {
  if (!options_.on_notification || notifications_.size() >= kNotificationsMax) {
    return;
  }
  auto params = wire::Decode(notification.result);
  if (params.ok()) {
    notifications_.push_back({std::string(notification.method), std::move(params).value()});
  }
}

base::Status ClientCore::TakeReply(const wire::Response& response, Progress* progress) {
  if (progress != nullptr && progress->on_the_wire) {
    const std::uint32_t index = response.msgid - progress->first_msgid;
    if (index < progress->replies.size() && !progress->arrived[index]) {
      progress->arrived[index] = true;
      --progress->missing;
      if (response.error == kNil) {
        progress->replies[index] = std::string(response.result);
      } else {
        progress->replies[index] = wire::ParseError(response.error);
      }
      return base::Ok{};
    }
  }
  if (abandoned_ > 0) {
    --abandoned_;
    return base::Ok{};
  }
  // A frame that the server could not take: its reason, and the end of the connection.
  if (response.msgid == 0 && response.error != kNil) {
    return wire::ParseError(response.error);
  }
  // A reply that belongs to no request would sooner or later be given to the wrong one.
  return base::Error{base::Code::kCorrupt, "the server answered a request that was not made"};
}

base::Status ClientCore::Take(Progress* progress) {
  while (true) {
    ASSIGN_OR_RETURN(const std::optional<wire::Response> response, link_->Next());
    if (!response.has_value()) {
      return base::Ok{};
    }
    if (response->is_notification) {
      Keep(*response);
    } else {
      RETURN_IF_ERROR(TakeReply(*response, progress));
    }
  }
}

// After a deadline: the connection stays, and late replies are dropped. When part of the output was
// not taken yet, only a new connection is clean.
void ClientCore::Abandon(const Progress& progress) {
  if (link_ != nullptr && link_->written_bytes() == link_->queued_bytes()) {
    abandoned_ += progress.missing;
  } else {
    link_.reset();
  }
}

std::optional<Failure> ClientCore::Try(const Batch& batch, const Limits& limits,
                                       Progress& progress) {
  Failure failure{};
  if (auto status = EnsureLink(limits, failure); !status.ok()) {
    failure.error = std::move(status).error();
    return failure;
  }
  progress.first_byte = link_->queued_bytes();
  std::size_t begin = 0;
  for (const std::size_t end : batch.ends) {
    const std::uint32_t msgid = link_->Send(batch.bodies.substr(begin, end - begin));
    progress.first_msgid = begin == 0 ? msgid : progress.first_msgid;
    begin = end;
  }
  progress.on_the_wire = true;
  base::Status status = link_->Advance(false);
  while (status.ok() && progress.missing > 0) {
    status = Turn(limits, failure);
    if (status.ok()) {
      status = Take(&progress);
    }
  }
  last_use_ = clock_.Elapsed();
  // A server that refuses and closes may have answered first.
  if (!status.ok() && status.error().code == base::Code::kUnavailable && Take(&progress).ok() &&
      progress.missing == 0) {
    link_.reset();
    return std::nullopt;
  }
  if (status.ok()) {
    return std::nullopt;
  }
  failure.error = std::move(status).error();
  failure.sent = link_->written_bytes() > progress.first_byte;
  if (failure.timed_out) {
    Abandon(progress);
  } else {
    link_.reset();
  }
  return failure;
}

// A server that was too busy to begin has done nothing; a read is simply asked for again.
bool ClientCore::ShouldRepeatAnswer(const Batch& batch, const CallOptions& options,
                                    const Replies& replies) {
  const bool allowed =
      options.retry == Retry::kAlways || (options.retry == Retry::kSafe && batch.reads_only);
  return allowed && replies.size() == 1 && !replies[0].ok() && IsTransient(replies[0].error().code);
}

base::Result<ClientCore::Replies> ClientCore::Attempts(const Batch& batch, const Limits& limits,
                                                       const CallOptions& options,
                                                       CallReport& report) {
  Backoff pause(options_.reconnect, options_.reconnect.jitter_seed + 1);
  while (true) {
    Progress progress;
    progress.replies.assign(batch.ends.size(),
                            base::Error{base::Code::kInternal, "no reply was taken"});
    progress.arrived.assign(batch.ends.size(), false);
    progress.missing = batch.ends.size();
    const bool is_last = ++report.attempts >= options_.attempts_max;
    const auto failure = Try(batch, limits, progress);
    report.answered = !failure.has_value();
    report.sent = report.answered || failure->sent;
    report.timed_out = failure.has_value() && failure->error.code == base::Code::kTimeout;
    if (failure.has_value()) {
      if (is_last || !MayRepeat(options.retry, batch.reads_only, *failure)) {
        return ErrorFor(*failure, batch.reads_only);
      }
      continue;
    }
    if (is_last || !ShouldRepeatAnswer(batch, options, progress.replies)) {
      return std::move(progress.replies);
    }
    pause.Failed(clock_.Elapsed());
    const std::int64_t wait_ms = pause.WaitMs(clock_.Elapsed());
    if (wait_ms >= LeftMs(limits)) {
      return std::move(progress.replies);
    }
    poll(nullptr, 0, static_cast<int>(wait_ms));
  }
}

base::Result<ClientCore::Replies> ClientCore::Exchange(const Batch& batch,
                                                       const CallOptions& options) {
  const std::int64_t timeout_ms =
      options.timeout_ms > 0 ? options.timeout_ms : options_.request_timeout_ms;
  const Limits limits{clock_.Elapsed() + timeout_ms * base::kNanosPerMilli, options.cancel};
  CallReport report;
  base::Result<Replies> result = [&]() -> base::Result<Replies> {
    const base::MutexLock lock(mutex_);
    return Attempts(batch, limits, options, report);
  }();
  if (options.report != nullptr) {
    *options.report = report;
  }
  DeliverNotifications();
  return result;
}

base::Status ClientCore::Connect() {
  const Limits limits{clock_.Elapsed() + options_.connect_timeout_ms * base::kNanosPerMilli,
                      nullptr};
  const base::MutexLock lock(mutex_);
  Failure failure{};
  base::Status status = EnsureLink(limits, failure);
  last_use_ = clock_.Elapsed();
  return status;
}

void ClientCore::Disconnect() {
  const base::MutexLock lock(mutex_);
  link_.reset();
}

base::Result<int> ClientCore::WaitForNotifications(std::int64_t timeout_ms) {
  const Limits limits{clock_.Elapsed() + timeout_ms * base::kNanosPerMilli, nullptr};
  int count = 0;
  {
    const base::MutexLock lock(mutex_);
    Failure failure{};
    RETURN_IF_ERROR(EnsureLink(limits, failure));
    base::Status status = Take(nullptr);
    while (status.ok() && notifications_.empty() && !failure.timed_out) {
      status = Turn(limits, failure);
      if (status.ok()) {
        status = Take(nullptr);
      }
    }
    count = static_cast<int>(notifications_.size());
    if (!status.ok() && !failure.timed_out) {
      link_.reset();
      if (count == 0) {
        return std::move(status).error();
      }
    }
  }
  DeliverNotifications();
  return count;
}

void ClientCore::DeliverNotifications() {
  std::vector<Notification> arrived;
  {
    const base::MutexLock lock(mutex_);
    arrived.swap(notifications_);
  }
  for (const Notification& each : arrived) {
    options_.on_notification(each.method, each.params);
  }
}

bool ClientCore::connected() {
  const base::MutexLock lock(mutex_);
  return link_ != nullptr;
}

Circuit ClientCore::circuit() {
  const base::MutexLock lock(mutex_);
  return backoff_.circuit(clock_.Elapsed());
}

}  // namespace reprise::client
