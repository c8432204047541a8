// What the system says about a process and about the machine.
//
// Units: seconds of CPU, bytes. Errors: absent when the process is gone or hidden. Threads: any.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace reprise::bench {

struct ProcessUse {
  double cpu_s = 0.0;   // user and system, of all threads, to the nanosecond
  double user_s = 0.0;  // by the kernel's ticks
  double system_s = 0.0;
  std::int64_t rss_bytes = 0;
  std::int64_t rss_peak_bytes = 0;
};

std::optional<ProcessUse> ReadProcess(int pid);
// CPU seconds of this process.
double OwnCpuSeconds();

struct Machine {
  std::string cpu;
  unsigned cores = 0;
  std::string kernel;
  std::int64_t memory_bytes = 0;
};

Machine ReadMachine();

}  // namespace reprise::bench
