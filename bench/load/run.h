// Run: one measurement from connecting to the summary, with the workers on their threads and the
// progress shown by this one.
//
// Errors: kBadRequest (settings that do not fit together), kUnavailable (cannot connect). Threads:
// call it on the main thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bench/load/histogram.h"
#include "bench/load/process.h"
#include "bench/load/settings.h"
#include "protocol/base/result.h"

namespace reprise::bench {

struct Summary {
  double seconds = 0.0;
  std::uint64_t calls = 0;  // good ones
  double throughput = 0.0;  // good calls per second
  std::uint64_t errors = 0;
  std::uint64_t overdue = 0;
  std::vector<std::string> problems;
  Histogram latency;
  double generator_cpu_s = 0.0;
  std::optional<ProcessUse> server_before;
  std::optional<ProcessUse> server_after;
  bool interrupted = false;
};

// What is wrong with the settings, or how to mend them; Ok when they can be run.
base::Status Check(const Settings& settings);
base::Result<Summary> Run(const Settings& settings);

}  // namespace reprise::bench
