#include "client/cpp/async_core.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "client/cpp/encode.h"
#include "protocol/wire/decode.h"

namespace reprise::client {
namespace {

constexpr std::string_view kNil = "\xc0";
constexpr base::Nanos kNever{INT64_MAX};
constexpr int kIdleWaitMs = 60'000;
// Output that waits in the link; more stays in the queue, where it can still be taken back.
constexpr std::uint64_t kOutputBytes = std::uint64_t{1} << 20U;

base::Error Stopping() {
  return {base::Code::kUnavailable, "the client is stopping"};
}

}  // namespace

base::Result<std::unique_ptr<AsyncCore>> AsyncCore::Create(Options options, AsyncOptions limits) {
  RETURN_IF_ERROR(options.Check());
  if (limits.calls_max == 0 || limits.queue_bytes_max == 0 || limits.window == 0) {
    return base::Error{base::Code::kBadRequest, "each limit of an AsyncClient is above 0"};
  }
  ASSIGN_OR_RETURN(const Address address, ParseAddress(options.address));
  std::shared_ptr<const TlsContext> tls;
  if (address.transport == Transport::kTls) {
    ASSIGN_OR_RETURN(tls, TlsContext::Create(options.tls, address.host));
  }
  Descriptor wake(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!wake.valid()) {
    return base::Error{base::Code::kIo,
                       std::string("cannot make an eventfd: ") + std::strerror(errno)};
  }
  return std::unique_ptr<AsyncCore>(
      new AsyncCore(std::move(options), limits, std::move(tls), std::move(wake)));
}

AsyncCore::AsyncCore(Options options, AsyncOptions limits, std::shared_ptr<const TlsContext> tls,
                     Descriptor wake)
    : options_(std::move(options)),
      limits_(limits),
      tls_(std::move(tls)),
      clock_(options_.clock != nullptr ? *options_.clock : system_clock_),
      wake_(std::move(wake)),
      backoff_(options_.reconnect,
               options_.reconnect.jitter_seed != 0 ? options_.reconnect.jitter_seed : SystemSeed()),
      thread_([this] { Run(); }) {}

AsyncCore::~AsyncCore() {
  {
    const base::MutexLock lock(mutex_);
    stopping_ = true;
  }
  Wake();
  thread_.join();
}

void AsyncCore::Wake() const {
  const std::uint64_t one = 1;
  // A full counter means that the thread is awake already.
  [[maybe_unused]] const ssize_t count = write(wake_.number(), &one, sizeof one);
}

base::Status AsyncCore::Submit(std::string_view method, std::string_view params,
                               const CallOptions& options, AsyncClient::RawCallback callback) {
  RETURN_IF_ERROR(CheckParams(params));
  base::Buffer body;
  AppendBody(method, params, body);
  const std::int64_t timeout_ms =
      options.timeout_ms > 0 ? options.timeout_ms : options_.request_timeout_ms;
  const base::Nanos now = clock_.Elapsed();
  bool was_empty = false;
  {
    const base::MutexLock lock(mutex_);
    if (stopping_) {
      return Stopping();
    }
    if (backoff_.circuit(now) == Circuit::kOpen) {
      return base::Error{base::Code::kUnavailable,
                         options_.address + " could not be reached " +
                             std::to_string(backoff_.failures()) + " times; next attempt in " +
                             std::to_string(backoff_.WaitMs(now)) + " ms"};
    }
    if (unanswered_ >= limits_.calls_max || queued_bytes_ + body.size() > limits_.queue_bytes_max) {
      return base::Error{base::Code::kBusy,
                         "the client's queue is full: " + std::to_string(unanswered_) + " calls, " +
                             std::to_string(queued_bytes_) + " bytes"};
    }
    ++unanswered_;
    queued_bytes_ += body.size();
    was_empty = accepted_.empty();
    accepted_.push_back({std::string(body.view()), now + timeout_ms * base::kNanosPerMilli,
                         ReadsOnly(method), options.retry, 0, std::move(callback)});
  }
  if (was_empty) {
    Wake();
  }
  return base::Ok{};
}

bool AsyncCore::WaitBelow(std::size_t calls, std::int64_t timeout_ms) {
  base::MutexLock lock(mutex_);
  ++waiters_;
  const bool reached =
      finished_.wait_for(mutex_, std::chrono::milliseconds(timeout_ms),
                         [this, calls]() REQUIRES(mutex_) { return unanswered_ < calls; });
  --waiters_;
  return reached;
}

std::size_t AsyncCore::unanswered() {
  const base::MutexLock lock(mutex_);
  return unanswered_;
}

Circuit AsyncCore::circuit() {
  const base::MutexLock lock(mutex_);
  return backoff_.circuit(clock_.Elapsed());
}

void AsyncCore::Run() {
  while (true) {
    {
      const base::MutexLock lock(mutex_);
      if (stopping_) {
        break;
      }
    }
    Turn();
  }
  TakeAccepted();
  connected_ = false;
  // Without attempts left, nothing is moved back to waiting_.
  for (auto& [msgid, flight] : flights_) {
    flight.call.attempts = options_.attempts_max;
  }
  SettleFlights(Stopping());
  FailWaiting(Stopping());
  CountFinished();
}

// One wait, and all that became possible by it.
void AsyncCore::Turn() {
  TakeAccepted();
  BeginLink();
  bool has_room = link_ != nullptr && link_->ready();
  while (has_room) {
    const bool filled = Fill();
    if (const auto status = Serve(false); !status.ok()) {
      LoseLink(status.error());
    }
    has_room = filled && link_ != nullptr && !waiting_.empty();
  }
  CountFinished();
  std::array<pollfd, 2> sockets{{{wake_.number(), POLLIN, 0}, {-1, 0, 0}}};
  if (link_ != nullptr) {
    sockets[1] = {link_->descriptor(), link_->Events(), 0};
  }
  if (poll(sockets.data(), sockets.size(), WaitMs()) > 0) {
    if (sockets[0].revents != 0) {
      std::uint64_t count = 0;
      [[maybe_unused]] const ssize_t taken = read(wake_.number(), &count, sizeof count);
    }
    if (link_ != nullptr && sockets[1].revents != 0) {
      if (const auto status = Serve((sockets[1].revents & ~POLLOUT) != 0); !status.ok()) {
        LoseLink(status.error());
      }
    }
  }
  ExpireCalls();
  CountFinished();
}

void AsyncCore::TakeAccepted() {
  std::vector<Waiting> accepted;
  {
    const base::MutexLock lock(mutex_);
    accepted.swap(accepted_);
  }
  for (Waiting& call : accepted) {
    next_deadline_ = std::min(next_deadline_, call.deadline);
    waiting_.push_back(std::move(call));
  }
}

int AsyncCore::WaitMs() {
  base::Nanos until = next_deadline_;
  const base::Nanos now = clock_.Elapsed();
  if (link_ == nullptr) {
    const base::MutexLock lock(mutex_);
    until = std::min(until, now + backoff_.WaitMs(now) * base::kNanosPerMilli);
  } else if (!link_->ready()) {
    until = std::min(until, connect_deadline_);
  }
  if (until == kNever) {
    return kIdleWaitMs;
  }
  const std::int64_t left_ms = (until - now + base::kNanosPerMilli - 1) / base::kNanosPerMilli;
  return static_cast<int>(std::clamp<std::int64_t>(left_ms, 0, kIdleWaitMs));
}

// Starts to connect when there is no connection and the time has come.
void AsyncCore::BeginLink() {
  const base::Nanos now = clock_.Elapsed();
  if (link_ != nullptr) {
    if (!link_->ready() && now >= connect_deadline_) {
      LoseLink({base::Code::kUnavailable, "cannot connect to " + options_.address + " in " +
                                              std::to_string(options_.connect_timeout_ms) + " ms"});
    }
    return;
  }
  {
    const base::MutexLock lock(mutex_);
    if (backoff_.WaitMs(now) > 0) {
      return;
    }
  }
  auto link = Link::Begin(options_, tls_);
  if (!link.ok()) {
    LoseLink(link.error());
    return;
  }
  link_ = std::move(link).value();
  abandoned_ = 0;
  connect_deadline_ = now + options_.connect_timeout_ms * base::kNanosPerMilli;
  if (const auto status = Serve(false); !status.ok()) {
    LoseLink(status.error());
  }
}

// Moves calls to the link, as many as the window and its output allow; whether there were any.
bool AsyncCore::Fill() {
  bool filled = false;
  while (!waiting_.empty() && flights_.size() < limits_.window &&
         link_->queued_bytes() - link_->written_bytes() < kOutputBytes) {
    Waiting call = std::move(waiting_.front());
    waiting_.pop_front();
    if (call.attempts == 0) {
      finished_bytes_ += call.body.size();
    }
    ++call.attempts;
    const std::uint64_t first_byte = link_->queued_bytes();
    const std::uint32_t msgid = link_->Send(call.body);
    flights_.emplace(msgid, Flight{std::move(call), first_byte});
    filled = true;
  }
  return filled;
}

// Lets the link move on and gives its replies to their calls.
base::Status AsyncCore::Serve(bool readable) {
  RETURN_IF_ERROR(link_->Advance(readable));
  RETURN_IF_ERROR(TakeReplies());
  if (!link_->ready()) {
    return base::Ok{};
  }
  if (!connected_) {
    connected_ = true;
    const base::MutexLock lock(mutex_);
    backoff_.Succeeded();
  }
  return base::Ok{};
}

base::Status AsyncCore::TakeReplies() {
  while (true) {
    ASSIGN_OR_RETURN(const std::optional<wire::Response> response, link_->Next());
    if (!response.has_value()) {
      return base::Ok{};
    }
    if (!response->is_notification) {
      RETURN_IF_ERROR(TakeReply(*response));
      continue;
    }
    if (options_.on_notification) {
      const auto params = wire::Decode(response->result);
      if (params.ok()) {
        options_.on_notification(response->method, params.value());
      }
    }
  }
}

base::Status AsyncCore::TakeReply(const wire::Response& response) {
  const auto found = flights_.find(response.msgid);
  if (found == flights_.end()) {
    if (abandoned_ > 0) {
      --abandoned_;
      return base::Ok{};
    }
    return base::Error{base::Code::kCorrupt, "the server answered a request that was not made"};
  }
  Waiting call = std::move(found->second.call);
  flights_.erase(found);
  if (response.error == kNil) {
    Finish(call, response.result);
  } else {
    Finish(call, wire::ParseError(response.error));
  }
  return base::Ok{};
}

// The connection is gone or could not be made.
void AsyncCore::LoseLink(const base::Error& error) {
  if (link_ != nullptr) {
    SettleFlights(error);
    link_.reset();
  }
  const bool was_connected = connected_.exchange(false);
  bool is_open = false;
  {
    const base::MutexLock lock(mutex_);
    if (!was_connected) {
      backoff_.Failed(clock_.Elapsed());
    }
    is_open = backoff_.failures() >= options_.reconnect.failures_to_open;
  }
  // Trying again mends neither a wrong access key nor a wrong certificate.
  const bool is_hopeless = !was_connected && error.code != base::Code::kUnavailable;
  if (is_open || is_hopeless) {
    FailWaiting(error);
  }
}

void AsyncCore::SettleFlights(const base::Error& error) {
  std::vector<std::pair<std::uint32_t, Flight>> flights;
  flights.reserve(flights_.size());
  for (auto& [msgid, flight] : flights_) {
    flights.emplace_back(msgid, std::move(flight));
  }
  flights_.clear();
  // Latest first, so that those to be repeated end up in their old order.
  std::sort(flights.begin(), flights.end(),
            [](const auto& a, const auto& b) { return a.second.first_byte > b.second.first_byte; });
  for (auto& [msgid, flight] : flights) {
    const bool sent = link_ == nullptr || link_->written_bytes() > flight.first_byte;
    const Failure failure{error, sent, false};
    if (flight.call.attempts < options_.attempts_max &&
        MayRepeat(flight.call.retry, flight.call.reads_only, failure)) {
      waiting_.push_front(std::move(flight.call));
    } else {
      Finish(flight.call, ErrorFor(failure, flight.call.reads_only));
    }
  }
}

void AsyncCore::FailWaiting(const base::Error& error) {
  std::deque<Waiting> waiting;
  waiting.swap(waiting_);
  for (Waiting& call : waiting) {
    if (call.attempts == 0) {
      finished_bytes_ += call.body.size();
    }
    Finish(call, error);
  }
}

void AsyncCore::ExpireCalls() {
  const base::Nanos now = clock_.Elapsed();
  if (now < next_deadline_) {
    return;
  }
  next_deadline_ = kNever;
  const Failure in_queue{
      {base::Code::kTimeout, "no reply in time: the request was not sent"}, false, true};
  const Failure in_flight{{base::Code::kTimeout, "no reply in time"}, true, true};
  std::vector<std::pair<Waiting, const Failure*>> late;
  std::deque<Waiting> kept;
  for (Waiting& call : waiting_) {
    if (call.deadline > now) {
      next_deadline_ = std::min(next_deadline_, call.deadline);
      kept.push_back(std::move(call));
      continue;
    }
    if (call.attempts == 0) {
      finished_bytes_ += call.body.size();
    }
    late.emplace_back(std::move(call), &in_queue);
  }
  waiting_.swap(kept);
  for (auto each = flights_.begin(); each != flights_.end();) {
    if (each->second.call.deadline > now) {
      next_deadline_ = std::min(next_deadline_, each->second.call.deadline);
      ++each;
      continue;
    }
    late.emplace_back(std::move(each->second.call), &in_flight);
    each = flights_.erase(each);
    ++abandoned_;
  }
  for (auto& [call, failure] : late) {
    Finish(call, ErrorFor(*failure, call.reads_only));
  }
}

void AsyncCore::Finish(Waiting& call, base::Result<std::string_view> result) {
  call.callback(std::move(result));
  ++finished_calls_;
}

void AsyncCore::CountFinished() {
  if (finished_calls_ == 0 && finished_bytes_ == 0) {
    return;
  }
  bool has_waiters = false;
  {
    const base::MutexLock lock(mutex_);
    unanswered_ -= std::exchange(finished_calls_, 0);
    queued_bytes_ -= std::exchange(finished_bytes_, 0);
    has_waiters = waiters_ > 0;
  }
  if (has_waiters) {
    finished_.notify_all();
  }
}

}  // namespace reprise::client
