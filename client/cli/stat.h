// Stat: a live view, one line for each interval.
//
// Rates are differences of two readings of STATS, INFO and CACHE.STATS; latencies are those of the
// commands that ran in the interval, as the server has counted them since it started. Its own calls
// are left out. Threads: one. Errors: those of the Client. Units: as the header says.
#pragma once

#include <atomic>
#include <cstdint>
#include <iosfwd>
#include <map>
#include <optional>
#include <string>

#include "client/cpp/client.h"

namespace reprise::client {

// One reading of the server's counters.
struct Reading {
  struct Command {
    std::uint64_t calls = 0;
    double p50_micros = 0;
    double p99_micros = 0;
  };
  std::map<std::string, Command> commands;
  std::uint64_t hits = 0;
  std::uint64_t lookups = 0;
  std::uint64_t entries = 0;
  std::uint64_t keys = 0;
  std::uint64_t resident_bytes = 0;
  double cpu_seconds = 0;
  std::uint64_t connections = 0;
  std::uint64_t queue = 0;  // writes that wait
  std::int64_t taken_ms = 0;
};

Reading ReadingOf(const base::Value& stats, const base::Value& info, const base::Value& cache,
                  std::int64_t taken_ms);

std::string StatHeader();
std::string StatLine(const Reading& before, const Reading& after);

struct StatOptions {
  double interval_seconds = 1;
  std::int64_t count = 0;  // 0: until interrupted
  const std::atomic<bool>* interrupted = nullptr;
};
base::Status ShowStat(Client& client, const StatOptions& options, std::ostream& out);

}  // namespace reprise::client
