// reprise-traces: replays question traces against each eviction policy.
//
// Exit codes: 0 all bars met (or none could be measured), 1 a bar missed, 2 bad arguments, 3 a file
// could not be written.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>

#include "bench/load/commit.h"
#include "bench/load/report.h"
#include "bench/traces/answers.h"
#include "bench/traces/replay.h"
#include "bench/traces/report.h"
#include "bench/traces/trace.h"
#include "server/cache/eviction.h"

namespace {

namespace bench = reprise::bench;
using reprise::cache::Room;
using reprise::config::EvictionPolicy;

struct Settings {
  std::uint64_t seed = 1;
  std::uint32_t questions = 100'000;
  std::uint32_t requests = 1'000'000;
  std::string prices;
  std::string json;
  std::string markdown;
  bool quiet = false;
};

struct Bounded {
  std::string name;
  Room room;
};

// A hundredth and a tenth of the questions, and a tenth of their bytes.
std::vector<Bounded> BoundsFor(const Settings& settings,
                               const std::vector<bench::Answer>& answers) {
  std::uint64_t bytes = 0;
  for (std::uint32_t question = 0; question < settings.questions; ++question) {
    bytes += answers[question].bytes;
  }
  return {{"1 % of the questions", {std::max(settings.questions / 100, 1U), 0}},
          {"10 % of the questions", {std::max(settings.questions / 10, 1U), 0}},
          {"10 % of the bytes", {0, bytes / 10}}};
}

bench::Comparison Compare(const bench::Load& load, const Bounded& bound) {
  double requests = 0;
  double nano = 0;
  for (const std::uint32_t question : load.trace) {
    requests += 1;
    nano += static_cast<double>(load.answers[question].cost_nano);
  }
  const auto line = [&](std::string name, const bench::Saved& saved) {
    return bench::Line{std::move(name), saved.hits / requests, nano > 0 ? saved.nano / nano : -1};
  };
  bench::Comparison comparison;
  comparison.bound = bound.name;
  for (const auto policy : {EvictionPolicy::kLru, EvictionPolicy::kLfu, EvictionPolicy::kCost}) {
    comparison.lines.push_back(
        line(std::string(reprise::cache::NameOf(policy)), Replay(load, policy, bound.room)));
  }
  if (bound.room.entries > 0) {
    comparison.lines.push_back({"belady", BeladyHits(load, bound.room.entries) / requests, -1});
  }
  comparison.lines.push_back(line("no more than", UpperBound(load, bound.room)));
  comparison.lines.push_back(line("unbounded", Unbounded(load)));
  return comparison;
}

std::vector<bench::Comparison> CompareAll(const Settings& settings,
                                          const std::vector<bench::Price>& prices) {
  using bench::TraceKind;
  std::vector<bench::TraceSpec> specs;
  for (const double skew : {0.7, 0.8, 0.9, 1.0, 1.1}) {
    specs.push_back({TraceKind::kZipf, skew, settings.questions, settings.requests});
  }
  for (const auto kind : {TraceKind::kScan, TraceKind::kShift, TraceKind::kDrift}) {
    specs.push_back({kind, 0.9, settings.questions, settings.requests});
  }
  // Questions asked once have the numbers behind the others.
  const std::vector<bench::Answer> answers =
      DrawAnswers(std::size_t{settings.questions} + settings.requests, prices, settings.seed);
  std::vector<bench::Comparison> comparisons;
  std::size_t done = 0;
  for (const bench::TraceSpec& spec : specs) {
    const std::vector<std::uint32_t> trace = MakeTrace(spec, settings.seed);
    for (const Bounded& bound : BoundsFor(settings, answers)) {
      bench::Comparison comparison = Compare({trace, answers}, bound);
      comparison.trace = NameOf(spec);
      comparison.has_bar = spec.kind == TraceKind::kZipf && (spec.skew == 0.9 || spec.skew == 1.0);
      comparisons.push_back(std::move(comparison));
    }
    ++done;
    if (!settings.quiet) {
      std::fprintf(stderr, "reprise-traces: %zu of %zu traces, %s\n", done, specs.size(),
                   NameOf(spec).c_str());
    }
  }
  return comparisons;
}

bool Write(const std::string& path, const std::string& text) {
  if (path.empty()) {
    return true;
  }
  const reprise::base::Status written = bench::WriteFile(path, text);
  if (!written.ok()) {
    std::fprintf(stderr, "reprise-traces: %s\n", written.error().detail.c_str());
  }
  return written.ok();
}

int Run(const Settings& settings) {
  std::vector<bench::Price> prices;
  auto read = bench::ReadPrices(settings.prices);
  if (read.ok()) {
    prices = std::move(read).value();
  } else {
    std::fprintf(stderr, "SKIPPED money: %s\n", read.error().detail.c_str());
  }
  const std::vector<bench::Comparison> comparisons = CompareAll(settings, prices);
  const bench::RunFacts facts{bench::kCommit, settings.seed, settings.questions, settings.requests,
                              prices.size()};
  const std::string table = MarkdownOf(facts, comparisons);
  std::fputs(table.c_str(), stdout);
  if (!Write(settings.markdown, table) || !Write(settings.json, JsonOf(facts, comparisons))) {
    return 3;
  }
  const bool met = std::all_of(comparisons.begin(), comparisons.end(), [&](const auto& comparison) {
    return prices.empty() || !comparison.has_bar || BarOf(comparison).met;
  });
  return met ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  CLI::App app("Replays question traces against each eviction policy of the cache.");
  app.add_option("--seed", settings.seed, "of traces, tokens and models")->capture_default_str();
  app.add_option("--questions", settings.questions, "that may be asked more than once")
      ->check(CLI::Range(100U, 10'000'000U))
      ->capture_default_str();
  app.add_option("--requests", settings.requests, "of each trace")
      ->check(CLI::Range(100U, 100'000'000U))
      ->capture_default_str();
  app.add_option("--prices", settings.prices, "data.json of genai-prices; without it no money");
  app.add_option("--json", settings.json, "write the figures to this file");
  app.add_option("--markdown", settings.markdown, "write the tables to this file");
  app.add_flag("--quiet", settings.quiet, "no progress");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return Run(settings);
}
