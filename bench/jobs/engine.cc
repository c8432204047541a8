// reprise-jobs-engine: the engine of the jobs against traces, with simulated time.
//
//   reprise-jobs-engine closing CONVERSATION_TRACE [CODE_TRACE]
//   reprise-jobs-engine day CONVERSATION_TRACE
//   reprise-jobs-engine fair
//
// closing: calls saved at a p95 of the added delay, 20 categories drawn by Zipf, beside a fixed
// timer. day: how much of what may wait lands in the cheap hours, and whether deadlines hold. fair:
// what others wait while one namespace offers ten times its share; exit code 1 when that is more
// than 1.2 times as much. Lines of name=value; bars are in
// bench/results/jobs.md. Seeds are fixed: the same program prints the same.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "bench/jobs/simulation.h"
#include "bench/jobs/trace.h"

namespace reprise::bench {
namespace {

constexpr std::int64_t kDayMs = 86'400'000;
constexpr std::int64_t kHourMs = 3'600'000;
constexpr std::int64_t kMinuteMs = 60'000;
constexpr std::int64_t kMidnightMs = std::int64_t{20'000} * kDayMs;  // of a day, UTC
constexpr int kCategories = 20;

double Percentile(std::vector<double> values, double part) {
  if (values.empty()) {
    return 0;
  }
  const auto place = static_cast<std::size_t>(part * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(place),
                   values.end());
  return values[place];
}

std::vector<int> ZipfDraws(std::size_t count, std::uint64_t seed) {
  std::array<double, kCategories> weights{};
  for (int i = 0; i < kCategories; ++i) {
    weights[static_cast<std::size_t>(i)] = 1.0 / (i + 1);
  }
  std::mt19937_64 random(seed);
  std::discrete_distribution<int> draw(weights.begin(), weights.end());
  std::vector<int> draws(count);
  for (int& one : draws) {
    one = draw(random);
  }
  return draws;
}

struct Closing {
  double saved = 0;
  double p95_ms = 0;
  double p99_ms = 0;
  double mean_ms = 0;
};

Closing Figures(const std::vector<Ended>& ended, std::uint64_t batches) {
  std::vector<double> delays;
  double sum = 0;
  for (const Ended& task : ended) {
    delays.push_back(static_cast<double>(task.taken_ms - task.submitted_ms));
    sum += delays.back();
  }
  const auto count = static_cast<double>(ended.size());
  return {100 * (1 - static_cast<double>(batches) / count), Percentile(delays, 0.95),
          Percentile(delays, 0.99), sum / count};
}

Closing Replay(const std::vector<TraceRow>& trace, std::int64_t wait_ms, bool counts_tokens,
               std::uint64_t seed) {
  Simulation simulation({}, kMidnightMs, 0, [](const jobs::BatchView&) { return 1; });
  const std::vector<int> draws = ZipfDraws(trace.size(), seed);
  for (std::size_t i = 0; i < trace.size(); ++i) {
    simulation.RunUntil(kMidnightMs + trace[i].at_ms);
    SimulatedTask task;
    task.category = "c" + std::to_string(draws[i]);
    task.max_wait_ms = static_cast<std::uint32_t>(wait_ms);
    task.tokens = counts_tokens ? trace[i].tokens_in : 1;
    simulation.Submit(task);
  }
  simulation.Finish();
  return Figures(simulation.ended(), simulation.batches());
}

// Ten tasks, or `wait_ms` after the first.
Closing FixedTimer(const std::vector<TraceRow>& trace, std::int64_t wait_ms, std::uint64_t seed) {
  const std::vector<int> draws = ZipfDraws(trace.size(), seed);
  std::array<std::vector<std::int64_t>, kCategories> waiting;
  std::vector<Ended> ended;
  std::uint64_t batches = 0;
  const auto close = [&](std::vector<std::int64_t>& group, std::int64_t now_ms) {
    for (const std::int64_t at_ms : group) {
      ended.push_back({.submitted_ms = at_ms, .taken_ms = now_ms});
    }
    ++batches;
    group.clear();
  };
  for (std::size_t i = 0; i < trace.size(); ++i) {
    for (auto& group : waiting) {
      if (!group.empty() && group.front() + wait_ms <= trace[i].at_ms) {
        close(group, group.front() + wait_ms);
      }
    }
    auto& group = waiting[static_cast<std::size_t>(draws[i])];
    group.push_back(trace[i].at_ms);
    if (group.size() == 10) {
      close(group, trace[i].at_ms);
    }
  }
  for (auto& group : waiting) {
    if (!group.empty()) {
      close(group, group.front() + wait_ms);
    }
  }
  return Figures(ended, batches);
}

void PrintClosing(const char* what, const char* rule, std::int64_t wait_ms, const Closing& row) {
  std::printf(
      "closing trace=%s rule=%s wait_ms=%lld saved=%.2f%% p95_ms=%.0f p99_ms=%.0f "
      "mean_ms=%.0f\n",
      what, rule, static_cast<long long>(wait_ms), row.saved, row.p95_ms, row.p99_ms, row.mean_ms);
}

int RunClosing(const char* name, const std::string& path) {
  const std::vector<TraceRow> trace = ReadTrace(path);
  if (trace.empty()) {
    std::fprintf(stderr, "cannot read %s\n", path.c_str());
    return 2;
  }
  constexpr std::uint64_t kSeeds = 5;
  for (const std::int64_t wait_ms : {std::int64_t{2'000}, std::int64_t{500}}) {
    std::array<Closing, 3> sums{};
    for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
      const Closing rows[] = {Replay(trace, wait_ms, false, seed),
                              Replay(trace, wait_ms, true, seed), FixedTimer(trace, wait_ms, seed)};
      for (std::size_t i = 0; i < sums.size(); ++i) {
        sums[i].saved += rows[i].saved / kSeeds;
        sums[i].p95_ms = std::max(sums[i].p95_ms, rows[i].p95_ms);
        sums[i].p99_ms = std::max(sums[i].p99_ms, rows[i].p99_ms);
        sums[i].mean_ms += rows[i].mean_ms / kSeeds;
      }
    }
    PrintClosing(name, "reprise", wait_ms, sums[0]);
    PrintClosing(name, "reprise-16k-tokens", wait_ms, sums[1]);
    PrintClosing(name, "fixed-timer", wait_ms, sums[2]);
  }
  return 0;
}

// A day: the trace again and again, thinned by the hour as bots of people are asked.
class Day {
 public:
  explicit Day(const std::vector<TraceRow>& trace)
      : trace_(trace), simulation_({}, kMidnightMs, kWorkers, [this](const jobs::BatchView& batch) {
          return ServiceMs(batch);
        }) {}

  void Run() {
    const std::int64_t span_ms = trace_.back().at_ms + 1;
    for (std::int64_t begin_ms = 0; begin_ms < kDayMs; begin_ms += span_ms) {
      for (const TraceRow& row : trace_) {
        const std::int64_t at_ms = begin_ms + row.at_ms;
        if (at_ms < kDayMs && IsAsked(at_ms)) {
          simulation_.RunUntil(kMidnightMs + at_ms);
          Submit(row);
        }
      }
    }
    simulation_.Finish();
  }
  void Print() const;

 private:
  static constexpr std::size_t kWorkers = 64;
  static constexpr double kDeferrable = 0.3;
  static constexpr double kMsOfToken = 20;

  // Least at 03:00, most at 15:00.
  bool IsAsked(std::int64_t at_ms) {
    const double hour = static_cast<double>(at_ms) / static_cast<double>(kHourMs);
    return chance_(random_) <= 0.55 - 0.45 * std::cos((hour - 3) * M_PI / 12);
  }
  std::int64_t ServiceMs(const jobs::BatchView& batch) const {
    constexpr std::int64_t kCallMs = 500;
    double longest_ms = 0;
    for (const auto& item : batch.items) {
      longest_ms = std::max(longest_ms, services_.at(jobs::ToInt(item.id)));
    }
    return static_cast<std::int64_t>(longest_ms) + kCallMs;
  }
  void Submit(const TraceRow& row) {
    SimulatedTask task;
    task.category = "c" + std::to_string(random_() % kCategories);
    task.max_wait_ms = 2'000;
    task.tokens = row.tokens_in;
    if (chance_(random_) < kDeferrable) {
      task.defer = jobs::Defer::kOffpeak;
      task.deadline_ms =
          simulation_.now_ms() +
          static_cast<std::int64_t>((0.5 + 23.5 * chance_(random_)) * static_cast<double>(kHourMs));
    }
    services_[++submitted_] = row.tokens_out * kMsOfToken;
    tokens_[submitted_] = row.tokens_in + row.tokens_out;
    deadlines_[submitted_] = task.deadline_ms;
    (void)simulation_.Submit(task);
  }

  const std::vector<TraceRow>& trace_;
  std::mt19937_64 random_{1};
  std::uniform_real_distribution<double> chance_{0, 1};
  std::uint64_t submitted_ = 0;
  std::unordered_map<std::uint64_t, double> services_;
  std::unordered_map<std::uint64_t, std::uint64_t> tokens_;
  std::unordered_map<std::uint64_t, std::int64_t> deadlines_;  // 0: not deferrable
  Simulation simulation_;
};

void Day::Print() const {
  constexpr std::int64_t kWindowEndsMs = 6 * kHourMs;  // the default window: 00:00 to 06:00
  std::uint64_t may_wait = 0;
  std::uint64_t landed = 0;
  std::uint64_t deferrable = 0;
  std::uint64_t missed = 0;
  std::vector<double> waits;
  for (const Ended& task : simulation_.ended()) {
    const std::int64_t deadline_ms = deadlines_.at(task.number);
    if (deadline_ms == 0) {
      waits.push_back(static_cast<double>(task.taken_ms - task.submitted_ms));
      continue;
    }
    const bool is_missed = task.outcome != jobs::Outcome::kSucceeded || task.ended_ms > deadline_ms;
    missed += is_missed ? 1 : 0;
    const std::uint64_t tokens = tokens_.at(task.number);
    deferrable += tokens;
    const std::int64_t next_midnight = (task.submitted_ms / kDayMs + 1) * kDayMs;
    const bool can =
        task.submitted_ms % kDayMs < kWindowEndsMs || deadline_ms - kMinuteMs > next_midnight;
    may_wait += can ? tokens : 0;
    landed += can && task.taken_ms % kDayMs < kWindowEndsMs ? tokens : 0;
  }
  std::printf(
      "day tasks=%zu deferrable_tokens=%llu may_wait=%llu landed=%.2f%% missed=%llu "
      "others_wait_p95_ms=%.0f\n",
      simulation_.ended().size(), static_cast<unsigned long long>(deferrable),
      static_cast<unsigned long long>(may_wait),
      100 * static_cast<double>(landed) / static_cast<double>(may_wait),
      static_cast<unsigned long long>(missed), Percentile(waits, 0.95));
}

int RunDay(const std::string& path) {
  const std::vector<TraceRow> trace = ReadTrace(path);
  if (trace.empty()) {
    std::fprintf(stderr, "cannot read %s\n", path.c_str());
    return 2;
  }
  Day day(trace);
  day.Run();
  day.Print();
  return 0;
}

// Ten namespaces with equal weights and Poisson arrivals, 20 workers, tasks of 100 ms and more.
std::vector<double> WaitsOfOthers(double first_times, std::uint64_t seed) {
  constexpr int kNamespaces = 10;
  constexpr std::size_t kWorkers = 20;
  constexpr double kServiceMs = 200;
  constexpr double kLoad = 0.8;  // of the workers, when all have their share
  constexpr std::int64_t kSpanMs = 20 * kMinuteMs;
  std::mt19937_64 random(seed);
  std::exponential_distribution<double> service(1 / kServiceMs);
  jobs::EngineOptions options;
  options.closing.items_max = 1;
  Simulation simulation(options, kMidnightMs, kWorkers, [&](const jobs::BatchView&) {
    return 1 + static_cast<std::int64_t>(service(random));
  });
  const double rate = kLoad * kWorkers / kServiceMs / kNamespaces;  // of one, in a millisecond
  std::vector<std::pair<double, int>> arrivals;
  for (int home = 0; home < kNamespaces; ++home) {
    std::mt19937_64 times(seed * 100 + static_cast<std::uint64_t>(home));
    std::exponential_distribution<double> gap(home == 0 ? rate * first_times : rate);
    double at = gap(times);
    while (at < static_cast<double>(kSpanMs)) {
      arrivals.emplace_back(at, home);
      at += gap(times);
    }
  }
  std::sort(arrivals.begin(), arrivals.end());
  for (const auto& [at, home] : arrivals) {
    simulation.RunUntil(kMidnightMs + static_cast<std::int64_t>(at));
    SimulatedTask task;
    task.home = jobs::NamespaceId{static_cast<std::uint32_t>(home + 1)};
    simulation.Submit(task);
  }
  std::vector<double> waits;
  for (const Ended& task : simulation.ended()) {
    if (task.home != jobs::NamespaceId{1}) {
      waits.push_back(static_cast<double>(task.taken_ms - task.submitted_ms));
    }
  }
  return waits;
}

int RunFair() {
  constexpr double kRatioMax = 1.2;
  bool is_fair = true;
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    const std::vector<double> before = WaitsOfOthers(1, seed);
    const std::vector<double> after = WaitsOfOthers(10, seed);
    const double p99_before = Percentile(before, 0.99);
    const double p99_after = Percentile(after, 0.99);
    is_fair = is_fair && p99_after <= kRatioMax * p99_before;
    std::printf("fair seed=%llu others_p99_ms=%.0f with_one_at_10x=%.0f ratio=%.2f\n",
                static_cast<unsigned long long>(seed), p99_before, p99_after,
                p99_after / std::max(p99_before, 1.0));
  }
  return is_fair ? 0 : 1;
}

int Main(int argc, char** argv) {
  const std::string_view mode = argc > 1 ? argv[1] : "";
  if (mode == "closing" && argc > 2) {
    const int code = RunClosing("conversation", argv[2]);
    return code == 0 && argc > 3 ? RunClosing("code", argv[3]) : code;
  }
  if (mode == "day" && argc > 2) {
    return RunDay(argv[2]);
  }
  if (mode == "fair") {
    return RunFair();
  }
  std::fprintf(stderr, "reprise-jobs-engine closing TRACE [TRACE] | day TRACE | fair\n");
  return 2;
}

}  // namespace
}  // namespace reprise::bench

int main(int argc, char** argv) {
  return reprise::bench::Main(argc, argv);
}
