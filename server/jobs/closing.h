// Closing: whether a group of waiting tasks goes out as a batch now, or when to look again.
//
// A group goes out
//   - when it is full: `items_max` tasks, or `tokens_max` tokens;
//   - when a task of it is urgent: its deadline leaves just the time to do it;
//   - when waiting does not pay any more: the next task joins it for one call less, which is worth
//     `call_worth_ms` of added delay, summed over the tasks that wait. So it goes out when, at the
//     rate of arrivals, that many ms of waiting bring less than one task for each that waits;
//   - when a task has waited as long as it may, and `items_min` or more are there. With fewer, it
//   may
//     be held for the next one to come, as far as the share of late tasks allows (LateShare). A
//     single that is held until it has company costs one late task and saves one call, which is the
//     most that lateness can buy; with more, a second may become late in vain, so they are held
//     only while little of the share is used.
// notes/0001-closing-a-group.md has the reasons and the figures.
//
// Units: milliseconds, on one clock. Threads: pure functions. Errors: none. Complexity: O(1).
#pragma once

#include <cstdint>
#include <optional>

#include "server/jobs/arrivals.h"

namespace reprise::jobs {

struct ClosingRule {
  std::uint32_t items_max = 10;
  std::uint32_t items_min = 3;
  std::uint64_t tokens_max = 16'000;
  std::int64_t call_worth_ms = 30'000;
};

// What is known of a group.
struct GroupView {
  std::uint32_t items = 0;
  std::uint64_t tokens = 0;
  bool has_urgent = false;
  bool may_hold = false;                           // a task may become late
  std::optional<std::int64_t> first_wait_ends_ms;  // of the tasks that are not late yet
  Arrivals arrivals;
  bool expects_company = true;  // of a group that is too new to have a rate
};

struct Verdict {
  enum class Kind : std::uint8_t { kWait, kHold, kClose };
  Kind kind = Kind::kWait;
  // Of kWait and kHold: when to look again if nothing happens before; absent: then only.
  std::optional<std::int64_t> look_again_ms;
};

// kHold: the tasks whose wait is over become late; then it is asked anew.
Verdict Judge(const GroupView& group, const ClosingRule& rule, std::int64_t now_ms);

// How many tasks may go out later than they asked for: `share_ppm` of the tasks of late. A thousand
// tasks ago weigh about half.
class LateShare {
 public:
  void NoteTask() {
    tasks_ = tasks_ * kKeep + 1;
    late_ *= kKeep;
  }
  // `together`: how many tasks wait with the one that would become late, itself included.
  bool MayBeLate(std::int64_t share_ppm, std::uint32_t together) const {
    constexpr double kMillion = 1e6;
    const double part = 1.0 / (static_cast<double>(together) * static_cast<double>(together));
    return late_ + 1 <= part * static_cast<double>(share_ppm) / kMillion * tasks_;
  }
  void NoteLate() { late_ += 1; }

 private:
  static constexpr double kKeep = 1 - 1.0 / 1'500;

  double tasks_ = 0;
  double late_ = 0;
};

}  // namespace reprise::jobs
