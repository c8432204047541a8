// Deferral: until when an unurgent task waits for a cheaper or a quieter hour, and why.
//
// A task never waits beyond the moment at which its deadline leaves just the time to do it: the
// 95th percentile of the service time of its queue. `offpeak` waits for a price window; `any` also
// for load to fall. notes/0002-one-owner-of-time.md.
//
// Units: milliseconds since 1970. Threads: pure functions. Errors: none. Complexity: O(windows).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "server/jobs/windows.h"

namespace reprise::jobs {

enum class Defer : std::uint8_t { kNever, kOffpeak, kAny };
std::string_view NameOf(Defer defer);
std::optional<Defer> DeferNamed(std::string_view name);

// Numbers are stored on disk: append only.
enum class DeferReason : std::uint8_t {
  kNotAsked,
  kWindow,      // waits for a window to open
  kInWindow,    // the cheapest that can be had is now
  kNoWindow,    // no cheaper window opens before the deadline
  kPeak,        // waits for load to fall
  kNoSlack,     // the deadline leaves no time to wait
  kSwitchedOff  // the strategy is off
};
// A phrase for people.
std::string_view NameOf(DeferReason reason);

struct DeferralAsk {
  Defer defer = Defer::kNever;
  std::string_view model;
  base::UnixMillis now{0};
  base::UnixMillis earliest{0};  // as the caller said
  base::UnixMillis deadline{0};
  std::int64_t service_ms = 0;  // the 95th percentile
  bool at_peak = false;
};

struct DeferralDecision {
  base::UnixMillis not_before{0};
  DeferReason reason = DeferReason::kNotAsked;
  std::int64_t factor_ppm = kFullPricePpm;  // of the price, at that moment
};

// How long a task waits for load to fall before it is looked at again.
inline constexpr std::int64_t kPeakStepMs = 60'000;

DeferralDecision Decide(const DeferralAsk& ask, const Windows& windows);

// Whether there is more to do than usual: arrivals of the last minutes against those of the last
// day.
class LoadMeter {
 public:
  void Note(std::int64_t now_ms, double tasks);
  bool AtPeak(std::int64_t now_ms, double factor) const;

 private:
  static double Faded(double sum, std::int64_t since_ms, std::int64_t now_ms, double span_ms);

  double lately_ = 0;   // tasks, the last minutes weighing most
  double usually_ = 0;  // the same of a day
  std::int64_t first_ms_ = 0;
  std::int64_t last_ms_ = 0;
};

}  // namespace reprise::jobs
