#include "client/cli/stat.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ostream>
#include <poll.h>

#include "client/cli/numbers.h"
#include "protocol/base/clock.h"

namespace reprise::client {
namespace {

using base::Value;

constexpr std::array<std::string_view, 3> kOwnCalls{"STATS", "INFO", "CACHE.STATS"};
constexpr int kHeaderEvery = 20;
constexpr std::int64_t kSliceMs = 100;  // between two looks at `interrupted`

double NumberAt(const Value& map, std::string_view name) {
  const Value* found = map.Find(name);
  return found == nullptr ? 0 : found->AsDouble().value_or(0);
}

std::uint64_t CountAt(const Value& map, std::string_view name) {
  const Value* found = map.Find(name);
  return found == nullptr ? 0 : found->AsUint().value_or(0);
}

const Value& At(const Value& map, std::string_view name) {
  static const Value none;
  const Value* found = map.Find(name);
  return found == nullptr ? none : *found;
}

// Waits; false when interrupted.
bool Pause(std::int64_t ms, const std::atomic<bool>* interrupted) {
  const base::SystemClock clock;
  const base::Nanos end = clock.Elapsed() + ms * base::kNanosPerMilli;
  while (interrupted == nullptr || !interrupted->load()) {
    const std::int64_t left_ms = (end - clock.Elapsed()) / base::kNanosPerMilli;
    if (left_ms <= 0) {
      return true;
    }
    poll(nullptr, 0, static_cast<int>(std::min(left_ms, kSliceMs)));
  }
  return false;
}

base::Result<Reading> Take(Client& client) {
  ASSIGN_OR_RETURN(const Value stats, client.Call("STATS"));
  ASSIGN_OR_RETURN(const Value info, client.Call("INFO"));
  ASSIGN_OR_RETURN(const Value cache, client.Call("CACHE.STATS"));
  return ReadingOf(stats, info, cache,
                   base::ToInt(base::SystemClock().Elapsed()) / base::kNanosPerMilli);
}

}  // namespace

Reading ReadingOf(const Value& stats, const Value& info, const Value& cache,
                  std::int64_t taken_ms) {
  Reading reading;
  reading.taken_ms = taken_ms;
  if (const Value::Map* commands = stats.AsMap()) {
    for (const auto& [name, counts] : *commands) {
      const std::string method(name.AsText().value_or(""));
      if (std::find(kOwnCalls.begin(), kOwnCalls.end(), method) == kOwnCalls.end()) {
        reading.commands[method] = {CountAt(counts, "calls"), NumberAt(counts, "p50_micros"),
                                    NumberAt(counts, "p99_micros")};
      }
    }
  }
  const Value& total = At(cache, "total");
  reading.hits = CountAt(total, "hits_exact") + CountAt(total, "hits_normalized") +
                 CountAt(total, "hits_semantic");
  // Who waited for an answer was a miss before it was a hit.
  reading.lookups = reading.hits + CountAt(total, "misses") - CountAt(total, "followers");
  reading.entries = CountAt(cache, "entries");
  const Value& process = At(info, "process");
  reading.resident_bytes = CountAt(process, "resident_bytes");
  reading.cpu_seconds =
      NumberAt(process, "cpu_user_seconds") + NumberAt(process, "cpu_system_seconds");
  reading.connections = CountAt(At(info, "clients"), "connected");
  reading.keys = CountAt(At(info, "store"), "keys_estimate");
  reading.queue = CountAt(At(info, "store"), "write_queue_items");
  return reading;
}

std::string StatHeader() {
  return "   ops/s  p50 us  p99 us   hits  entries     keys     memory   cpu  conns  queue";
}

std::string StatLine(const Reading& before, const Reading& after) {
  const double seconds =
      static_cast<double>(std::max<std::int64_t>(after.taken_ms - before.taken_ms, 1)) / 1000;
  std::uint64_t calls = 0;
  double p50_sum = 0;
  double p99 = 0;
  for (const auto& [name, command] : after.commands) {
    const auto old = before.commands.find(name);
    const std::uint64_t earlier = old == before.commands.end() ? 0 : old->second.calls;
    // Fewer than before: the server has started anew.
    const std::uint64_t now = command.calls >= earlier ? command.calls - earlier : command.calls;
    calls += now;
    p50_sum += command.p50_micros * static_cast<double>(now);
    p99 = now > 0 ? std::max(p99, command.p99_micros) : p99;
  }
  const auto ops = static_cast<double>(calls) / seconds;
  const double p50 = calls > 0 ? p50_sum / static_cast<double>(calls) : 0;
  const std::uint64_t lookups = after.lookups - std::min(before.lookups, after.lookups);
  const std::uint64_t hits = after.hits - std::min(before.hits, after.hits);
  const std::string rate = lookups == 0
                               ? "-"
                               : std::to_string(static_cast<int>(100.0 * static_cast<double>(hits) /
                                                                 static_cast<double>(lookups))) +
                                     " %";
  const double cpu = std::max(0.0, after.cpu_seconds - before.cpu_seconds) / seconds * 100;
  std::array<char, 256> line{};
  std::snprintf(line.data(), line.size(),
                "%8s  %6.0f  %6.0f  %5s  %7s  %7s  %9s  %3.0f%%  %5s  %5s", ShortCount(ops).c_str(),
                p50, p99, rate.c_str(), ShortCount(static_cast<double>(after.entries)).c_str(),
                ShortCount(static_cast<double>(after.keys)).c_str(),
                ShortBytes(after.resident_bytes).c_str(), cpu,
                ShortCount(static_cast<double>(after.connections)).c_str(),
                ShortCount(static_cast<double>(after.queue)).c_str());
  return line.data();
}

base::Status ShowStat(Client& client, const StatOptions& options, std::ostream& out) {
  ASSIGN_OR_RETURN(Reading before, Take(client));
  const auto interval_ms = static_cast<std::int64_t>(options.interval_seconds * 1000);
  for (std::int64_t line = 0; options.count == 0 || line < options.count; ++line) {
    if (line % kHeaderEvery == 0) {
      out << StatHeader() << std::endl;
    }
    if (!Pause(interval_ms, options.interrupted)) {
      return base::Ok{};
    }
    ASSIGN_OR_RETURN(Reading after, Take(client));
    out << StatLine(before, after) << std::endl;
    before = std::move(after);
  }
  return base::Ok{};
}

}  // namespace reprise::client
