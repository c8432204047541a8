// Time, injected.
//
// Four readings, because one cannot serve all: the server's time for expiry, elapsed time for
// deadlines and latency, the raw wall clock to compare with, and the machine's uptime, which goes
// on while the process does not run.
//
// Units: UnixMillis counts milliseconds since 1970, Nanos counts nanoseconds since an arbitrary
// start. Threads: any. Errors: none. Complexity: about 25 ns each on Linux.
#pragma once

#include <atomic>
#include <compare>
#include <cstdint>

namespace reprise::base {

enum class UnixMillis : std::int64_t {};
enum class Nanos : std::int64_t {};

constexpr std::int64_t ToInt(UnixMillis time) {
  return static_cast<std::int64_t>(time);
}
constexpr std::int64_t ToInt(Nanos time) {
  return static_cast<std::int64_t>(time);
}
constexpr UnixMillis operator+(UnixMillis time, std::int64_t ms) {
  return UnixMillis{ToInt(time) + ms};
}
constexpr std::int64_t operator-(UnixMillis a, UnixMillis b) {
  return ToInt(a) - ToInt(b);
}
constexpr std::int64_t operator-(Nanos a, Nanos b) {
  return ToInt(a) - ToInt(b);
}
constexpr Nanos operator+(Nanos time, std::int64_t ns) {
  return Nanos{ToInt(time) + ns};
}

inline constexpr std::int64_t kNanosPerMilli = 1'000'000;
inline constexpr std::int64_t kNanosPerMicro = 1'000;

// How long the machine has been up, suspend included, and since which of its starts: two readings
// of the same start are as far apart as it really was, whatever was done to the wall clock between
// them, also when two processes made them. `start` 0: not known.
struct Uptime {
  std::uint64_t start = 0;
  Nanos elapsed{0};
};

class Clock {
 public:
  virtual ~Clock() = default;

  // The server's time. Expiry compares with this and nothing else. It never jumps while the process
  // lives: it is the wall clock read at the start plus elapsed time (suspend included).
  virtual UnixMillis Now() const = 0;

  // Elapsed time, for deadlines and latency. Never goes back.
  virtual Nanos Elapsed() const = 0;

  // What the machine's wall clock says at this moment, jumps and all.
  virtual UnixMillis Wall() const = 0;

  virtual Uptime SinceStart() const = 0;
};

// The machine's clocks. `floor` is the latest time that an earlier process is known to have seen: a
// wall clock that was set back is not believed, so that no time-to-live grows by a restart.
class SystemClock final : public Clock {
 public:
  explicit SystemClock(UnixMillis floor = UnixMillis{0});

  UnixMillis Now() const override;
  Nanos Elapsed() const override;
  UnixMillis Wall() const override;
  Uptime SinceStart() const override;

  // Moves Now() forward to `floor` when it is behind. Start-up only, before other threads read.
  void RaiseTo(UnixMillis floor);

 private:
  std::int64_t start_ms_;
  std::int64_t start_elapsed_ns_;
  std::uint64_t machine_start_;
};

// A clock that a test moves by hand, from one thread; any thread may read it.
class FakeClock final : public Clock {
 public:
  explicit FakeClock(UnixMillis start = UnixMillis{1'700'000'000'000}) : now_(start) {}

  UnixMillis Now() const override { return now_.load(); }
  Nanos Elapsed() const override { return Nanos{ToInt(Now()) * kNanosPerMilli}; }
  UnixMillis Wall() const override { return Now() + skew_ms_.load(); }
  Uptime SinceStart() const override {
    return {machine_start_, Elapsed() + jumped_ms_.load() * kNanosPerMilli};
  }

  void Advance(std::int64_t ms) { now_ = Now() + ms; }
  void SkewWall(std::int64_t ms) { skew_ms_ = ms; }
  // As when a process starts and finds another wall clock: all but the uptime jumps.
  void JumpTo(UnixMillis now) {
    jumped_ms_ = jumped_ms_ + (Now() - now);
    now_ = now;
  }
  // As when the machine was started again.
  void Reboot() { ++machine_start_; }

 private:
  std::atomic<UnixMillis> now_;
  std::atomic<std::int64_t> skew_ms_{0};
  std::atomic<std::int64_t> jumped_ms_{0};
  std::atomic<std::uint64_t> machine_start_{1};
};

}  // namespace reprise::base
