#include "bench/load/report.h"

#include <cstdio>
#include <ctime>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "bench/load/commit.h"

namespace reprise::bench {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kMicrosPerSecond = 1e6;
constexpr double kMib = 1024.0 * 1024.0;

double Micros(std::int64_t ns) {
  return static_cast<double>(ns) / 1e3;
}

double PerCallMicros(double seconds, const Summary& summary) {
  return summary.calls == 0 ? 0.0 : seconds * kMicrosPerSecond / static_cast<double>(summary.calls);
}

template <typename... Parts>
std::string Format(const char* format, Parts... parts) {
  char text[256];
  std::snprintf(text, sizeof(text), format, parts...);
  return text;
}

Json LatencyOf(const Histogram& latency) {
  return Json{{"mean", latency.Mean() / 1e3},          {"min", Micros(latency.min())},
              {"p50", Micros(latency.Percentile(50))}, {"p90", Micros(latency.Percentile(90))},
              {"p99", Micros(latency.Percentile(99))}, {"p99_9", Micros(latency.Percentile(99.9))},
              {"max", Micros(latency.max())}};
}

Json OptionsOf(const Settings& settings) {
  return Json{{"workload", settings.workload},
              {"server", settings.server},
              {"address", settings.address},
              {"parser", settings.parser},
              {"connections", settings.connections},
              {"pipeline", settings.pipeline},
              {"threads", settings.threads},
              {"value_bytes", settings.value_bytes},
              {"keys", settings.keys},
              {"distribution", settings.distribution},
              {"theta", settings.theta},
              {"read_share", settings.read_share},
              {"seconds", settings.seconds},
              {"requests", settings.requests},
              {"warmup_seconds", settings.warmup_seconds},
              {"preload", settings.preload},
              {"preload_only", settings.preload_only},
              {"rate", settings.rate}};
}

Json ServerOf(const Settings& settings, const Summary& summary) {
  if (!summary.server_before.has_value() || !summary.server_after.has_value()) {
    return nullptr;
  }
  const ProcessUse& before = *summary.server_before;
  const ProcessUse& after = *summary.server_after;
  return Json{{"pid", settings.pid},
              {"cpu_us_per_call", PerCallMicros(after.cpu_s - before.cpu_s, summary)},
              {"cpu_s", after.cpu_s - before.cpu_s},
              {"user_s", after.user_s - before.user_s},
              {"system_s", after.system_s - before.system_s},
              {"rss_bytes_before", before.rss_bytes},
              {"rss_bytes_after", after.rss_bytes},
              {"rss_bytes_peak", after.rss_peak_bytes}};
}

std::string TimeNow() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

}  // namespace

std::string TextOf(const Settings& settings, const Summary& summary) {
  const Histogram& latency = summary.latency;
  std::string text = Format("%s on %s: %llu calls in %.2f s, %.0f per second, %llu errors\n",
                            settings.workload.c_str(), settings.server.c_str(),
                            static_cast<unsigned long long>(summary.calls), summary.seconds,
                            summary.throughput, static_cast<unsigned long long>(summary.errors));
  text += Format("latency us: p50 %.1f  p90 %.1f  p99 %.1f  p99.9 %.1f  max %.1f\n",
                 Micros(latency.Percentile(50)), Micros(latency.Percentile(90)),
                 Micros(latency.Percentile(99)), Micros(latency.Percentile(99.9)),
                 Micros(latency.max()));
  text += Format("generator: %.2f us of CPU per call\n",
                 PerCallMicros(summary.generator_cpu_s, summary));
  if (summary.server_before.has_value() && summary.server_after.has_value()) {
    text += Format(
        "server: %.2f us of CPU per call, RSS %.1f MiB (%+.1f), peak %.1f MiB\n",
        PerCallMicros(summary.server_after->cpu_s - summary.server_before->cpu_s, summary),
        static_cast<double>(summary.server_after->rss_bytes) / kMib,
        static_cast<double>(summary.server_after->rss_bytes - summary.server_before->rss_bytes) /
            kMib,
        static_cast<double>(summary.server_after->rss_peak_bytes) / kMib);
  }
  if (summary.overdue > 0) {
    text += Format("overdue: %llu requests were due and not answered at the end\n",
                   static_cast<unsigned long long>(summary.overdue));
  }
  for (const std::string& problem : summary.problems) {
    text += "error: " + problem + "\n";
  }
  if (summary.errors > summary.problems.size()) {
    text += "error: and " + std::to_string(summary.errors - summary.problems.size()) + " more\n";
  }
  return text;
}

std::string JsonOf(const Settings& settings, const Summary& summary) {
  const Machine machine = ReadMachine();
  const Json json{{"format", 1},
                  {"commit", kCommit},
                  {"time", TimeNow()},
                  {"machine",
                   {{"cpu", machine.cpu},
                    {"cores", machine.cores},
                    {"kernel", machine.kernel},
                    {"memory_bytes", machine.memory_bytes}}},
                  {"seed", settings.seed},
                  {"options", OptionsOf(settings)},
                  {"calls", summary.calls},
                  {"seconds", summary.seconds},
                  {"throughput", summary.throughput},
                  {"errors", summary.errors},
                  {"problems", summary.problems},
                  {"overdue", summary.overdue},
                  {"interrupted", summary.interrupted},
                  {"latency_us", LatencyOf(summary.latency)},
                  {"generator",
                   {{"cpu_us_per_call", PerCallMicros(summary.generator_cpu_s, summary)},
                    {"cpu_s", summary.generator_cpu_s}}},
                  {"server", ServerOf(settings, summary)}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

base::Status WriteFile(const std::string& path, const std::string& text) {
  if (path == "-") {
    std::cout << text;
    return base::Ok{};
  }
  std::ofstream file(path);
  file << text;
  file.close();
  if (!file) {
    return base::Error{base::Code::kIo, "cannot write " + path};
  }
  return base::Ok{};
}

}  // namespace reprise::bench
