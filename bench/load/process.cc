#include "bench/load/process.h"

#include <ctime>
#include <fstream>
#include <sstream>
#include <string_view>
#include <sys/utsname.h>
#include <thread>
#include <unistd.h>

namespace reprise::bench {
namespace {

constexpr std::int64_t kKib = 1024;

std::optional<double> ReadClock(clockid_t id) {
  timespec time{};
  if (clock_gettime(id, &time) != 0) {
    return std::nullopt;
  }
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

// The number behind `name` in a file such as /proc/self/status, in the file's unit.
std::int64_t ReadField(const std::string& path, std::string_view name) {
  std::ifstream file(path);
  std::string line;
  while (std::getline(file, line)) {
    if (line.starts_with(name)) {
      std::int64_t number = 0;
      std::istringstream(line.substr(name.size())) >> number;
      return number;
    }
  }
  return 0;
}

bool ReadTicks(const std::string& path, ProcessUse& use) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) {
    return false;
  }
  constexpr int kFieldsBefore = 11;  // between the name in parentheses and utime
  std::istringstream fields(line.substr(line.rfind(')') + 1));
  std::string skipped;
  for (int i = 0; i < kFieldsBefore; ++i) {
    fields >> skipped;
  }
  double user_ticks = 0.0;
  double system_ticks = 0.0;
  fields >> user_ticks >> system_ticks;
  const auto ticks_per_second = static_cast<double>(sysconf(_SC_CLK_TCK));
  use.user_s = user_ticks / ticks_per_second;
  use.system_s = system_ticks / ticks_per_second;
  return true;
}

}  // namespace

std::optional<ProcessUse> ReadProcess(int pid) {
  const std::string folder = "/proc/" + std::to_string(pid);
  ProcessUse use;
  if (!ReadTicks(folder + "/stat", use)) {
    return std::nullopt;
  }
  use.cpu_s = use.user_s + use.system_s;
  clockid_t clock{};
  if (clock_getcpuclockid(pid, &clock) == 0) {
    use.cpu_s = ReadClock(clock).value_or(use.cpu_s);
  }
  use.rss_bytes = ReadField(folder + "/status", "VmRSS:") * kKib;
  use.rss_peak_bytes = ReadField(folder + "/status", "VmHWM:") * kKib;
  return use;
}

double OwnCpuSeconds() {
  return ReadClock(CLOCK_PROCESS_CPUTIME_ID).value_or(0.0);
}

Machine ReadMachine() {
  Machine machine;
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  while (machine.cpu.empty() && std::getline(file, line)) {
    if (line.starts_with("model name")) {
      machine.cpu = line.substr(line.find(':') + 2);
    }
  }
  machine.cores = std::thread::hardware_concurrency();
  utsname name{};
  if (uname(&name) == 0) {
    machine.kernel = std::string(static_cast<const char*>(name.sysname)) + " " +
                     static_cast<const char*>(name.release);
  }
  machine.memory_bytes = ReadField("/proc/meminfo", "MemTotal:") * kKib;
  return machine;
}

}  // namespace reprise::bench
