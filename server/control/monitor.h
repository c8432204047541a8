// Monitor: how one figure of one strategy stands against the limit of one guardrail.
//
// Calls are gathered in slices: at least Terms::slice_ms of time, kTreatedCalls calls with the
// strategy in force and, where the rule compares, kControlCalls of kControlUnits different units
// without it. A slice is one observation, however many calls it holds: a burst, a bad minute or one
// loud conversation weighs no more than any other slice. What a slice says is scored and bet on
// (bet.h):
//
//   quality        mean of the treated                       against the limit
//   error_rate     share of the treated that failed          against the limit
//   response_time  how often one of the treated took longer than limit times one of the control
//                  group, less one half; of at most kSampled calls of each, drawn at random
//   cost_reduction 1 - cost over baseline of the treated; without baselines, over the mean cost of
//                  the control group
//
// Ranks do not care how long the tail of response times is, nor that hits of a cache are a thousand
// times quicker than calls. The ratio of costs has no bound and no exact expectation; it is scored
// by its distance from the limit, cut at a scale on both sides, which errs to neither side as long
// as the noise of a slice is about symmetric.
//
// Units: milliseconds, nano-dollars; levels are in the metric's own scale, response_time's in
// logarithms of the ratio of medians. Threads: one owner. Errors: none. Complexity: O(1) a call,
// O(kSampled^2) at the end of a slice. Memory: about 500 bytes, 800 for response_time.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "protocol/base/clock.h"
#include "server/config/guardrail.h"
#include "server/control/bet.h"
#include "server/control/strategy.h"

namespace reprise::control {

inline constexpr std::uint32_t kTreatedCalls = 30;      // of a slice, at least
inline constexpr std::uint32_t kControlCalls = 5;       // where response times are compared
inline constexpr std::uint32_t kControlCostCalls = 30;  // where costs are: their tails are heavy
inline constexpr int kControlUnits = 2;                 // different ones, of a slice
inline constexpr std::size_t kSampled = 32;  // response times of each group that a slice keeps
// Different ones of each group in the evidence before a comparison may trip: of few bots, one may
// just be slower than the other.
inline constexpr int kUnits = 20;

// What one call brings to one monitor.
struct Observation {
  Group group = Group::kTreated;  // not kNone
  std::uint64_t unit = 0;         // hash of the conversation or bot
  double value = 0;               // of cost_reduction the cost, of response_time milliseconds
  std::optional<double> baseline{};
  base::UnixMillis now{0};
};

// How many different units there were, never too many.
class UnitSketch {
 public:
  static constexpr std::size_t kWords = 4;
  void Add(std::uint64_t unit) { bits_[(unit >> 6U) % kWords] |= std::uint64_t{1} << (unit & 63U); }
  void Add(const UnitSketch& other);
  int Count() const;

  const std::array<std::uint64_t, kWords>& bits() const { return bits_; }
  void Load(const std::array<std::uint64_t, kWords>& bits) { bits_ = bits; }

 private:
  std::array<std::uint64_t, kWords> bits_{};
};

// Sums of one group. Calls are fractions where older ones fade.
struct Sums {
  double calls = 0;
  double value = 0;   // of response_time, rolling: of the logarithms of the slices' medians
  double paired = 0;  // calls with a baseline
  double paired_cost = 0;
  double baseline = 0;

  void Add(const Sums& other);
  void Fade(double factor);
};

struct Slice {
  base::UnixMillis began{0};  // 0: there is none
  Sums treated;
  Sums control;
  UnitSketch treated_units;
  UnitSketch control_units;
  // Response times, where they are compared.
  std::vector<float> treated_ms{};
  std::vector<float> control_ms{};
};

// What speaks against the strategy, since it began to.
struct Evidence {
  base::UnixMillis since{0};
  std::uint64_t slices = 0;
  std::uint64_t treated = 0;  // calls
  std::uint64_t control = 0;
  UnitSketch treated_units;
  UnitSketch control_units;
  bool has_compared = false;
  // Of the levels of the slices: mean, and sum of squares around it.
  double mean = 0;
  double squares = 0;
};

struct MonitorState {
  Slice slice;
  Bet bet;
  Evidence evidence;
  // Of the last 64 slices or so.
  Sums treated;
  Sums control;
  std::uint64_t slices = 0;  // since the monitor was made
  std::uint64_t treated_calls = 0;
  std::uint64_t control_calls = 0;
};

class Monitor {
 public:
  Monitor(Metric metric, std::int64_t limit_ppm);
  // As state() said.
  Monitor(Metric metric, std::int64_t limit_ppm, const MonitorState& state);

  // True when a slice has ended, so that the evidence may have changed.
  bool Add(const Observation& observation, std::int64_t slice_ms);
  bool IsTripped(double needed) const;
  // From the start, as if nothing had been observed.
  void Forget() { state_ = MonitorState(); }

  const MonitorState& state() const { return state_; }
  // In the units of the rule: a quality, a share, a ratio of times, a reduction. Absent while there
  // is nothing to say.
  std::optional<double> RollingFigure() const;   // of the last 64 slices or so
  std::optional<double> EvidenceFigure() const;  // of the slices that speak against it
  // With 99 % confidence the figure of these slices is at best this; for people: the trip goes by
  // the wealth of the bet.
  std::optional<double> Bound() const;
  // Of one group over the last 64 slices: mean quality, share of failures, typical milliseconds
  // (a mean of medians), mean cost.
  std::optional<double> GroupFigure(Group group) const;
  // What the evidence still lacks, for people; empty when a trip only needs bad figures.
  std::string_view Lack() const;

 private:
  // What a slice says, or the last ones together.
  struct Level {
    double value = 0;
    bool compares = false;
  };
  std::optional<Level> LevelOf(const Sums& treated, const Sums& control) const;
  bool HasEnough() const;
  bool IsPaired(const Sums& treated) const;
  double ScoreOf(double level) const;
  double FigureOf(double level) const;
  void EndSlice(base::UnixMillis now);
  void Summarize(Slice& slice) const;
  bool MayCompare() const;

  Metric metric_;
  double limit_;
  MonitorState state_;
};

}  // namespace reprise::control
