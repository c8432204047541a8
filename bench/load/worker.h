// Worker: one thread of the load generator, with its share of the connections on one epoll.
//
// Closed loop: each connection sends `pipeline` requests at once and sends again when all of them
// are answered. Open loop (rate > 0): requests are due at fixed times, go to whichever connection
// has room, and their latency counts from the time they were due, so that a stalled server is seen
// as slow by all requests that it held up.
//
// In the steady state nothing is allocated: buffers, the ring of unanswered calls and the histogram
// are made at the start. Units: nanoseconds of the monotonic clock. Threads: Run on one thread;
// Control and Progress are atomics; everything else is read after Run has returned. Errors:
// counted, and the first few kept as text.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "bench/load/address.h"
#include "bench/load/driver.h"
#include "bench/load/histogram.h"
#include "bench/load/keys.h"
#include "protocol/base/clock.h"

namespace reprise::bench {

enum class Stage : std::uint8_t { kWarmUp, kMeasure, kStop };

// What the main thread tells the workers.
struct Control {
  std::atomic<Stage> stage{Stage::kWarmUp};
};

struct Plan {
  Address address;
  Protocol protocol = Protocol::kReprise;
  Operation operation = Operation::kPing;
  Operation other = Operation::kPing;  // for the calls that are not `operation`
  double share = 1.0;                  // of `operation`
  std::size_t connections = 1;
  std::size_t pipeline = 1;
  std::uint64_t calls = 0;                 // end after so many measured calls; 0: when told to stop
  double interval_ns = 0.0;                // between calls; 0: closed loop
  double offset_ns = 0.0;                  // of the first call
  std::int64_t stall_ns = 10'000'000'000;  // give up when nothing is answered for so long
  KeyStream::Settings keys;
};

struct Outcome {
  Histogram latency;
  std::uint64_t calls = 0;  // answered while measuring
  std::uint64_t errors = 0;
  std::uint64_t overdue = 0;  // open loop: due by the end and not answered
  std::int64_t start_ns = 0;
  std::int64_t end_ns = 0;
  std::vector<std::string> problems;  // the first of the errors
};

class Worker {
 public:
  // Connects. The content and control outlive the worker. Errors: kUnavailable.
  static base::Result<std::unique_ptr<Worker>> Make(const Plan& plan, const Content& content,
                                                    const Control& control);

  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  Worker(Worker&&) = delete;
  Worker& operator=(Worker&&) = delete;
  ~Worker();

  void Run();

  std::uint64_t answered() const { return answered_.load(std::memory_order_relaxed); }
  const Outcome& outcome() const { return outcome_; }

 private:
  struct Connection;

  Worker(const Plan& plan, const Content& content, const Control& control);
  base::Status Open();

  void Begin();
  // Takes over what the main thread said; false when this worker is finished.
  bool GoOn();
  void Wait();
  bool MayIssue() const;
  void Issue(Connection& connection, std::int64_t start_ns);
  void Refill(Connection& connection, std::int64_t now_ns);
  void SendDue(std::int64_t now_ns);
  void Flush(Connection& connection);
  void Receive(Connection& connection);
  // Parses the replies in `bytes`; returns how many bytes they took.
  std::size_t TakeReplies(Connection& connection, std::string_view bytes, std::int64_t now_ns);
  void Complete(const Call& call, bool good, const Connection& connection);
  void Drop(Connection& connection, const std::string& why);
  void Fail(const std::string& problem);
  void Watch(Connection& connection, bool writable, bool is_new);
  std::int64_t Now() const { return base::ToInt(clock_.Elapsed()); }
  std::int64_t DueNs(std::uint64_t call) const;

  const Plan plan_;
  const Content& content_;
  const Control& control_;
  base::SystemClock clock_;
  Templates templates_;
  KeyStream keys_;
  Descriptor epoll_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<char> scratch_;
  Stage stage_ = Stage::kWarmUp;
  std::size_t next_connection_ = 0;
  std::size_t open_ = 0;  // connections
  std::uint64_t in_flight_ = 0;
  std::uint64_t issued_ = 0;    // since the stage began
  std::uint64_t due_ = 0;       // open loop: the next call of the schedule
  std::int64_t origin_ns_ = 0;  // open loop: when the schedule began
  std::int64_t last_reply_ns_ = 0;
  std::atomic<std::uint64_t> answered_{0};
  Outcome outcome_;
};

}  // namespace reprise::bench
