// reprise-bench: command line of the load generator.
//
// Exit codes: 0 every reply was right, 1 some were not, 2 bad options, 3 cannot connect, 4 cannot
// write the result.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>

#include "bench/load/report.h"
#include "bench/load/run.h"
#include "bench/load/workload.h"

namespace reprise::bench {
namespace {

enum ExitCode { kExitOk = 0, kExitErrors = 1, kExitUsage = 2, kExitConnect = 3, kExitWrite = 4 };

std::string WorkloadHelp() {
  std::string text = "What to do:";
  for (const Workload& workload : kWorkloads) {
    text += "\n    " + std::string(workload.name) + ": " + std::string(workload.summary);
  }
  return text;
}

void AddLoadOptions(CLI::App& app, Settings& settings) {
  app.add_option("--workload", settings.workload, WorkloadHelp())->capture_default_str();
  app.add_option("--value-bytes", settings.value_bytes, "Size of a value")
      ->check(CLI::Range(1, 1 << 30))
      ->capture_default_str();
  app.add_option("--keys", settings.keys, "Number of different keys")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{4'000'000'000}))
      ->capture_default_str();
  app.add_option("--distribution", settings.distribution, "Which keys")
      ->check(CLI::IsMember({"uniform", "zipf", "sequential"}))
      ->capture_default_str();
  app.add_option("--theta", settings.theta, "Skew of the zipf distribution")
      ->check(CLI::Range(0.01, 5.0))
      ->capture_default_str();
  app.add_option("--read-share", settings.read_share, "Share of GET in the workload mixed")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  app.add_flag("--preload", settings.preload, "Store every key once before");
  app.add_flag("--preload-only", settings.preload_only, "Store every key once and stop");
  app.add_option("--seed", settings.seed, "Of the keys")->capture_default_str();
}

void AddRunOptions(CLI::App& app, Settings& settings) {
  app.add_option("--server", settings.server, "Which protocol")
      ->check(CLI::IsMember({"reprise", "redis", "memcached"}))
      ->capture_default_str();
  app.add_option("--address", settings.address, "host:port, or the path of a Unix socket")
      ->capture_default_str();
  app.add_option("--parser", settings.parser, "redis: plain, hiredis; memcached: plain, meta")
      ->check(CLI::IsMember({"plain", "hiredis", "meta"}))
      ->capture_default_str();
  app.add_option("--connections", settings.connections, "All threads together")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  app.add_option("--pipeline", settings.pipeline, "Unanswered requests of a connection")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  app.add_option("--threads", settings.threads, "Of the generator")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  app.add_option("--rate", settings.rate,
                 "Requests per second on a fixed schedule (open loop; latency counts from when a "
                 "request was due). 0: closed loop")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--seconds", settings.seconds, "How long to measure")
      ->check(CLI::Range(0.01, 1e6))
      ->capture_default_str();
  app.add_option("--requests", settings.requests, "Measure so many requests instead");
  app.add_option("--warmup", settings.warmup_seconds, "Seconds before the measurement")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--stall", settings.stall_seconds, "Give up after so many seconds without reply")
      ->check(CLI::Range(0.1, 1e6))
      ->capture_default_str();
}

int Main(int argument_count, char** arguments) {
  Settings settings;
  CLI::App app("Load generator for Reprise, Redis and memcached", "reprise-bench");
  AddLoadOptions(app, settings);
  AddRunOptions(app, settings);
  app.add_option("--pid", settings.pid, "Of the server: adds its CPU and memory to the result");
  app.add_option("--json", settings.json, "Write the result to this file; - for standard output");
  app.add_flag("--quiet", settings.quiet, "No progress");
  try {
    app.parse(argument_count, arguments);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitOk : kExitUsage;
  }
  const auto summary = Run(settings);
  if (!summary.ok()) {
    std::cerr << "reprise-bench: " << summary.error().detail << '\n';
    return summary.error().code == base::Code::kBadRequest ? kExitUsage : kExitConnect;
  }
  (settings.json == "-" ? std::cerr : std::cout) << TextOf(settings, summary.value());
  if (!settings.json.empty()) {
    const auto written = WriteFile(settings.json, JsonOf(settings, summary.value()));
    if (!written.ok()) {
      std::cerr << "reprise-bench: " << written.error().detail << '\n';
      return kExitWrite;
    }
  }
  return summary.value().errors > 0 ? kExitErrors : kExitOk;
}

}  // namespace
}  // namespace reprise::bench

int main(int argument_count, char** arguments) {
  return reprise::bench::Main(argument_count, arguments);
}
