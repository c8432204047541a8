// Guardrails against simulated traffic: how many regressions they catch, how soon, and how often
// they trip while nothing is wrong.
//
//   reprise-guardrails [--days N] [--seeds N] [--rate CALLS_PER_MINUTE]
//                      [--control PERCENT] [--verbose]
//
// `--days` healthy days in all, and `--seeds` regressions of each kind. The last line is
//   guardrails regressions=n caught=n worst_sample=n healthy_days=n false_trips=n
// worst_sample: the most calls that were recorded between the beginning of a regression and its
// trip. Exit code 1 when a regression was missed, or was caught after more than kSampleMax calls
// and kHoursMax hours, or when there were more than one false trip in a hundred days (one, of
// fewer).
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "server/control/test_traffic.h"

namespace reprise::control {
namespace {

constexpr std::uint64_t kSampleMax = 20'000;
constexpr double kHoursMax = 2;

struct Options {
  std::uint64_t days = 100;
  std::uint64_t seeds = 20;
  double rate = 20;
  double control = 5;
  bool verbose = false;
};

Options Parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    const double number = i + 1 < argc ? std::strtod(argv[i + 1], nullptr) : 0;
    if (name == "--days") {
      options.days = static_cast<std::uint64_t>(number);
    } else if (name == "--seeds") {
      options.seeds = static_cast<std::uint64_t>(number);
    } else if (name == "--rate") {
      options.rate = number;
    } else if (name == "--control") {
      options.control = number;
    }
    options.verbose = options.verbose || name == "--verbose";
  }
  return options;
}

struct Caught {
  std::uint64_t regressions = 0;
  std::uint64_t caught = 0;
  std::uint64_t late = 0;
  std::uint64_t worst = 0;  // calls
};

void Show(const Regression& found, std::uint64_t seed) {
  std::printf("  %s seed %llu: %s after %llu calls, %.1f h, %zu other trips\n",
              std::string(NameOf(found.fault)).c_str(), static_cast<unsigned long long>(seed),
              found.is_caught ? "caught" : "MISSED", static_cast<unsigned long long>(found.calls),
              found.hours, found.others.size());
}

void RunFault(Fault fault, const Options& options, Caught& all) {
  std::uint64_t worst = 0;
  double hours = 0;
  for (std::uint64_t seed = 1; seed <= options.seeds; ++seed) {
    const Regression found =
        RunRegression(fault, {seed, options.rate, options.control}, 10 * kSampleMax);
    ++all.regressions;
    all.caught += found.is_caught ? 1 : 0;
    all.late += found.calls > kSampleMax && found.hours > kHoursMax ? 1 : 0;
    worst = std::max(worst, found.calls);
    hours = std::max(hours, found.hours);
    if (options.verbose) {
      Show(found, seed);
    }
  }
  std::printf("%s: worst_sample=%llu calls, %.1f hours\n", std::string(NameOf(fault)).c_str(),
              static_cast<unsigned long long>(worst), hours);
  all.worst = std::max(all.worst, worst);
}

// How many false trips; in runs of ten days.
std::uint64_t RunDays(const Options& options) {
  constexpr std::uint64_t kDaysEach = 10;
  std::uint64_t calls = 0;
  std::uint64_t trips = 0;
  std::uint64_t seed = 1'000;
  for (std::uint64_t days = 0; days < options.days; days += kDaysEach) {
    const Outcome outcome = RunHealthy({++seed, options.rate, options.control},
                                       std::min(kDaysEach, options.days - days));
    calls += outcome.calls;
    trips += outcome.trips.size();
    for (const Watches::Tripped& trip : outcome.trips) {
      std::printf("false trip: seed %llu rule %s of %s, figure %.4f over %llu slices\n",
                  static_cast<unsigned long long>(seed), trip.rule.name.c_str(),
                  std::string(config::NameOf(trip.strategy)).c_str(), trip.finding.figure,
                  static_cast<unsigned long long>(trip.finding.slices));
    }
  }
  std::printf("healthy calls=%llu\n", static_cast<unsigned long long>(calls));
  return trips;
}

int Main(const Options& options) {
  Caught all;
  for (const Fault fault : kFaults) {
    RunFault(fault, options, all);
  }
  const std::uint64_t trips = RunDays(options);
  const bool is_fine = all.caught == all.regressions && all.late == 0 &&
                       trips <= std::max<std::uint64_t>(1, options.days / 100);
  std::printf(
      "guardrails regressions=%llu caught=%llu worst_sample=%llu healthy_days=%llu "
      "false_trips=%llu %s\n",
      static_cast<unsigned long long>(all.regressions), static_cast<unsigned long long>(all.caught),
      static_cast<unsigned long long>(all.worst), static_cast<unsigned long long>(options.days),
      static_cast<unsigned long long>(trips), is_fine ? "ok" : "FAILED");
  return is_fine ? 0 : 1;
}

}  // namespace
}  // namespace reprise::control

int main(int argc, char** argv) {
  return reprise::control::Main(reprise::control::Parse(argc, argv));
}
