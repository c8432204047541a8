#include "bench/load/worker.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cmath>
#include <ctime>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <system_error>

#include "protocol/base/ensure.h"

namespace reprise::bench {
namespace {

constexpr std::size_t kScratchBytes = 65536;
constexpr std::size_t kProblemsKept = 5;
constexpr std::int64_t kNanosPerSecond = 1'000'000'000;
constexpr std::int64_t kIdleWaitNs = 50'000'000;  // how late a change of stage may be noticed
constexpr std::uint32_t kFirstSequence = 0x10000;
constexpr std::uint32_t kSequenceMask = 0x0fffffff;

}  // namespace

struct Worker::Connection {
  Connection(Descriptor socket_in, std::unique_ptr<Driver> driver_in, std::size_t pipeline)
      : socket(std::move(socket_in)),
        driver(std::move(driver_in)),
        calls(std::bit_ceil(pipeline)) {}

  std::size_t InFlight() const { return issued - answered; }
  Call& At(std::size_t position) { return calls[position & (calls.size() - 1)]; }

  Descriptor socket;
  std::unique_ptr<Driver> driver;
  base::Buffer out;         // not sent yet
  base::Buffer rest;        // the beginning of a reply
  std::vector<Call> calls;  // a ring of the unanswered ones
  std::size_t issued = 0;
  std::size_t answered = 0;
  bool wants_write = false;
};

Worker::Worker(const Plan& plan, const Content& content, const Control& control)
    : plan_(plan),
      content_(content),
      control_(control),
      templates_(MakeTemplates(plan.protocol, content)),
      keys_(plan.keys),
      scratch_(kScratchBytes) {}

Worker::~Worker() = default;

base::Result<std::unique_ptr<Worker>> Worker::Make(const Plan& plan, const Content& content,
                                                   const Control& control) {
  std::unique_ptr<Worker> worker(new Worker(plan, content, control));
  RETURN_IF_ERROR(worker->Open());
  return worker;
}

base::Status Worker::Open() {
  epoll_ = Descriptor(epoll_create1(EPOLL_CLOEXEC));
  ENSURE(epoll_.IsOpen());
  for (std::size_t i = 0; i < plan_.connections; ++i) {
    ASSIGN_OR_RETURN(Descriptor socket, Connect(plan_.address));
    connections_.push_back(std::make_unique<Connection>(
        std::move(socket), MakeDriver(plan_.protocol, content_), plan_.pipeline));
    Watch(*connections_.back(), false, true);
  }
  open_ = connections_.size();
  return base::Ok{};
}

void Worker::Run() {
  Begin();
  while (GoOn()) {
    Wait();
  }
  outcome_.end_ns = Now();
  if (plan_.interval_ns > 0.0 && plan_.calls == 0) {
    const double elapsed_ns = static_cast<double>(outcome_.end_ns - origin_ns_) - plan_.offset_ns;
    const auto due = static_cast<std::uint64_t>(std::max(0.0, elapsed_ns / plan_.interval_ns));
    outcome_.overdue = (due > due_ ? due - due_ : 0) + in_flight_;
  }
}

void Worker::Begin() {
  const std::int64_t now_ns = Now();
  origin_ns_ = last_reply_ns_ = outcome_.start_ns = now_ns;
  stage_ = control_.stage.load(std::memory_order_acquire);
  if (plan_.interval_ns > 0.0) {
    return;
  }
  for (const auto& connection : connections_) {
    Refill(*connection, now_ns);
  }
}

bool Worker::GoOn() {
  const Stage stage = control_.stage.load(std::memory_order_relaxed);
  if (stage != stage_) {
    stage_ = stage;
    if (stage == Stage::kMeasure) {
      outcome_.latency.Clear();  // Errors of the warm-up stay: they are no less wrong.
      outcome_.calls = 0;
      outcome_.start_ns = Now();
      issued_ = in_flight_;
    }
  }
  if (open_ == 0) {
    return false;
  }
  const bool finished = stage_ == Stage::kMeasure && !MayIssue() && in_flight_ == 0;
  return stage_ != Stage::kStop && !finished;
}

void Worker::Wait() {
  std::array<epoll_event, 64> events{};
  std::int64_t wait_ns = kIdleWaitNs;
  if (plan_.interval_ns > 0.0 && MayIssue() && in_flight_ < open_ * plan_.pipeline) {
    wait_ns = std::clamp<std::int64_t>(DueNs(due_) - Now(), 0, kIdleWaitNs);
  }
  const timespec timeout{wait_ns / kNanosPerSecond, wait_ns % kNanosPerSecond};
  const int ready = epoll_pwait2(epoll_.number(), events.data(), static_cast<int>(events.size()),
                                 &timeout, nullptr);
  for (int i = 0; i < ready; ++i) {
    const epoll_event& event = events.at(static_cast<std::size_t>(i));
    Connection& connection = *static_cast<Connection*>(event.data.ptr);
    if ((event.events & EPOLLOUT) != 0 && connection.socket.IsOpen()) {
      Flush(connection);
    }
    if ((event.events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0 && connection.socket.IsOpen()) {
      Receive(connection);
    }
  }
  if (plan_.interval_ns > 0.0) {
    SendDue(Now());
  }
  answered_.store(outcome_.calls + outcome_.errors, std::memory_order_relaxed);
  if (ready <= 0 && in_flight_ > 0 && Now() - last_reply_ns_ > plan_.stall_ns) {
    for (const auto& connection : connections_) {
      if (connection->socket.IsOpen()) {
        Drop(*connection, "the server has answered nothing for " +
                              std::to_string(plan_.stall_ns / kNanosPerSecond) + " s");
      }
    }
  }
}

bool Worker::MayIssue() const {
  return plan_.calls == 0 || stage_ == Stage::kWarmUp || issued_ < plan_.calls;
}

std::int64_t Worker::DueNs(std::uint64_t call) const {
  return origin_ns_ + std::llround(plan_.offset_ns + static_cast<double>(call) * plan_.interval_ns);
}

void Worker::Issue(Connection& connection, std::int64_t start_ns) {
  Call& call = connection.At(connection.issued);
  call.operation =
      plan_.share >= 1.0 || keys_.Fraction() < plan_.share ? plan_.operation : plan_.other;
  call.sequence = kFirstSequence + (static_cast<std::uint32_t>(connection.issued) & kSequenceMask);
  call.key = keys_.Next();
  call.start_ns = start_ns;
  AppendRequest(templates_.Of(call.operation), call, content_, connection.out);
  ++connection.issued;
  ++issued_;
  ++in_flight_;
}

void Worker::Refill(Connection& connection, std::int64_t now_ns) {
  while (connection.InFlight() < plan_.pipeline && MayIssue()) {
    Issue(connection, now_ns);
  }
  if (!connection.out.empty()) {
    Flush(connection);
  }
}

// Requests for one connection that are due together leave in one send.
void Worker::SendDue(std::int64_t now_ns) {
  std::size_t full = 0;
  while (DueNs(due_) <= now_ns && MayIssue() && full < connections_.size()) {
    Connection& connection = *connections_[next_connection_];
    next_connection_ = (next_connection_ + 1) % connections_.size();
    if (!connection.socket.IsOpen() || connection.InFlight() >= plan_.pipeline) {
      ++full;
      continue;
    }
    full = 0;
    Issue(connection, DueNs(due_));
    ++due_;
  }
  for (const auto& connection : connections_) {
    if (!connection->out.empty() && !connection->wants_write && connection->socket.IsOpen()) {
      Flush(*connection);
    }
  }
}

void Worker::Flush(Connection& connection) {
  while (!connection.out.empty()) {
    const ssize_t sent = ::send(connection.socket.number(), connection.out.data(),
                                connection.out.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      connection.out.Consume(static_cast<std::size_t>(sent));
    } else if (sent < 0 && errno == EAGAIN) {
      break;
    } else if (sent < 0 && errno != EINTR) {
      Drop(connection, "send failed: " + std::error_code(errno, std::system_category()).message());
      return;
    }
  }
  if (connection.wants_write != !connection.out.empty()) {
    Watch(connection, !connection.out.empty(), false);
  }
}

// Replies are parsed where recv put them; only the beginning of an unfinished one is copied.
void Worker::Receive(Connection& connection) {
  const ssize_t received = ::recv(connection.socket.number(), scratch_.data(), scratch_.size(), 0);
  if (received <= 0) {
    if (received == 0 || (errno != EAGAIN && errno != EINTR)) {
      Drop(connection,
           received == 0
               ? std::string("the server closed the connection")
               : "recv failed: " + std::error_code(errno, std::system_category()).message());
    }
    return;
  }
  const std::int64_t now_ns = Now();
  const std::string_view fresh(scratch_.data(), static_cast<std::size_t>(received));
  if (connection.rest.empty()) {
    const std::size_t taken = TakeReplies(connection, fresh, now_ns);
    if (connection.socket.IsOpen()) {
      connection.rest.Append(fresh.substr(taken));
    }
  } else {
    connection.rest.Append(fresh);
    connection.rest.Consume(TakeReplies(connection, connection.rest.view(), now_ns));
  }
  last_reply_ns_ = now_ns;
  if (connection.InFlight() == 0 && plan_.interval_ns <= 0.0 && connection.socket.IsOpen()) {
    Refill(connection, now_ns);
  }
}

std::size_t Worker::TakeReplies(Connection& connection, std::string_view bytes,
                                std::int64_t now_ns) {
  std::size_t taken = 0;
  while (taken < bytes.size()) {
    if (connection.InFlight() == 0) {
      Drop(connection, "a reply that nobody asked for: " + detail::Excerpt(bytes.substr(taken)));
      return bytes.size();
    }
    const Call& call = connection.At(connection.answered);
    const Reply reply = connection.driver->Take(bytes.substr(taken), call);
    if (reply.broken) {
      Drop(connection, connection.driver->problem());
      return bytes.size();
    }
    if (reply.consumed == 0) {
      break;
    }
    taken += reply.consumed;
    ++connection.answered;
    --in_flight_;
    if (stage_ == Stage::kMeasure) {
      outcome_.latency.Record(now_ns - call.start_ns);
    }
    Complete(call, reply.good, connection);
  }
  return taken;
}

void Worker::Complete(const Call& call, bool good, const Connection& connection) {
  if (good) {
    ++outcome_.calls;
  } else {
    Fail("call " + std::to_string(call.sequence - kFirstSequence) + ": " +
         connection.driver->problem());
  }
}

void Worker::Drop(Connection& connection, const std::string& why) {
  Fail(why);
  in_flight_ -= connection.InFlight();
  connection.answered = connection.issued;
  connection.out.Clear();
  connection.socket.Close();  // Leaves the epoll set by itself.
  --open_;
}

void Worker::Fail(const std::string& problem) {
  ++outcome_.errors;
  if (outcome_.problems.size() < kProblemsKept) {
    outcome_.problems.push_back(problem);
  }
}

void Worker::Watch(Connection& connection, bool writable, bool is_new) {
  epoll_event event{};
  event.events = EPOLLIN | (writable ? static_cast<std::uint32_t>(EPOLLOUT) : 0U);
  event.data.ptr = &connection;
  ENSURE(epoll_ctl(epoll_.number(), is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD,
                   connection.socket.number(), &event) == 0);
  connection.wants_write = writable;
}

}  // namespace reprise::bench
