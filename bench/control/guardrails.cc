// Guardrails against simulated traffic: how many regressions they catch, how soon, and how often
// they trip while nothing is wrong.
//
//   reprise-guardrails [--days N] [--seeds N] [--rate CALLS_PER_MINUTE] [--verbose]
//
// `--days` healthy days in all, and `--seeds` regressions of each kind. The last line is
//   guardrails regressions=n caught=n worst_sample=n healthy_days=n false_trips=n
// worst_sample: the most calls that were recorded between the beginning of a regression and its
// trip. Exit code 1 when a regression was missed, or came later than kSampleMax calls, or when
// there were more than one false trip in a hundred days (one, of fewer).
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

struct Options {
  std::uint64_t days = 100;
  std::uint64_t seeds = 20;
  double rate = 20;
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
    }
    options.verbose = options.verbose || name == "--verbose";
  }
  return options;
}

int Main(const Options& options) {
  std::uint64_t regressions = 0;
  std::uint64_t caught = 0;
  std::uint64_t worst = 0;
  for (const Fault fault : kFaults) {
    std::uint64_t worst_here = 0;
    double hours = 0;
    for (std::uint64_t seed = 1; seed <= options.seeds; ++seed) {
      const Regression found = RunRegression(fault, {seed, options.rate, 5}, 10 * kSampleMax);
      ++regressions;
      caught += found.is_caught ? 1 : 0;
      worst_here = std::max(worst_here, found.calls);
      hours = std::max(hours, found.hours);
      if (options.verbose) {
        std::printf("  %s seed %llu: %s after %llu calls, %.1f h, %zu other trips\n",
                    std::string(NameOf(fault)).c_str(), static_cast<unsigned long long>(seed),
                    found.is_caught ? "caught" : "MISSED",
                    static_cast<unsigned long long>(found.calls), found.hours, found.others.size());
      }
    }
    std::printf("%s: worst_sample=%llu calls, %.1f hours\n", std::string(NameOf(fault)).c_str(),
                static_cast<unsigned long long>(worst_here), hours);
    worst = std::max(worst, worst_here);
  }
  constexpr std::uint64_t kDaysEach = 10;
  std::uint64_t days = 0;
  std::uint64_t calls = 0;
  std::uint64_t false_trips = 0;
  for (std::uint64_t seed = 1001; days < options.days; ++seed) {
    const Outcome outcome =
        RunHealthy({seed, options.rate, 5}, std::min(kDaysEach, options.days - days));
    days += outcome.days;
    calls += outcome.calls;
    false_trips += outcome.trips.size();
    for (const Watches::Tripped& trip : outcome.trips) {
      std::printf("false trip: seed %llu rule %s of %s, figure %.4f over %llu slices\n",
                  static_cast<unsigned long long>(seed), trip.rule.name.c_str(),
                  std::string(config::NameOf(trip.strategy)).c_str(), trip.finding.figure,
                  static_cast<unsigned long long>(trip.finding.slices));
    }
  }
  std::printf("healthy calls=%llu\n", static_cast<unsigned long long>(calls));
  const bool is_fine = caught == regressions && worst <= kSampleMax &&
                       false_trips <= std::max<std::uint64_t>(1, days / 100);
  std::printf(
      "guardrails regressions=%llu caught=%llu worst_sample=%llu healthy_days=%llu "
      "false_trips=%llu %s\n",
      static_cast<unsigned long long>(regressions), static_cast<unsigned long long>(caught),
      static_cast<unsigned long long>(worst), static_cast<unsigned long long>(days),
      static_cast<unsigned long long>(false_trips), is_fine ? "ok" : "FAILED");
  return is_fine ? 0 : 1;
}

}  // namespace
}  // namespace reprise::control

int main(int argc, char** argv) {
  return reprise::control::Main(reprise::control::Parse(argc, argv));
}
