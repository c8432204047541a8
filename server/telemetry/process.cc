// Owns what the system says of this process. Linux only, as the server is.
#include <array>
#include <charconv>
#include <dirent.h>
#include <fcntl.h>
#include <optional>
#include <sys/resource.h>
#include <unistd.h>

#include "server/telemetry/telemetry.h"

namespace reprise::telemetry {
namespace {

double ToSeconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

// The files of /proc that are read here are shorter than this.
std::string ReadSmallFile(const char* path) {
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) {
    return {};
  }
  std::array<char, 4096> bytes{};
  const ssize_t size = read(file, bytes.data(), bytes.size());
  close(file);
  return size > 0 ? std::string(bytes.data(), static_cast<std::size_t>(size)) : std::string();
}

// The word at `index`, counted from 0, of words with one space between them.
std::uint64_t NumberAt(std::string_view text, std::size_t index) {
  for (; index > 0; --index) {
    const std::size_t space = text.find(' ');
    if (space == std::string_view::npos) {
      return 0;
    }
    text.remove_prefix(space + 1);
  }
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::uint64_t CountOpenFiles() {
  DIR* directory = opendir("/proc/self/fd");
  if (directory == nullptr) {
    return 0;
  }
  std::uint64_t count = 0;
  while (const dirent* entry = readdir(directory)) {
    count += entry->d_name[0] != '.' ? 1U : 0U;
  }
  closedir(directory);
  return count > 0 ? count - 1 : 0;  // not the descriptor of the directory itself
}

}  // namespace

ProcessReading ReadProcess() {
  ProcessReading reading;
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) == 0) {
    reading.cpu_user_seconds = ToSeconds(usage.ru_utime);
    reading.cpu_system_seconds = ToSeconds(usage.ru_stime);
  }
  const auto page_bytes = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  reading.resident_bytes = NumberAt(ReadSmallFile("/proc/self/statm"), 1) * page_bytes;
  reading.open_files = CountOpenFiles();
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    reading.open_files_max = limit.rlim_cur;
  }
  // The second word is the program's name in brackets and may hold anything, so count from its end:
  // num_threads is word 20, the 18th behind the name.
  const std::string stat = ReadSmallFile("/proc/self/stat");
  const std::size_t name_end = stat.rfind(") ");
  if (name_end != std::string::npos) {
    reading.threads = NumberAt(std::string_view(stat).substr(name_end + 2), 17);
  }
  return reading;
}

}  // namespace reprise::telemetry
