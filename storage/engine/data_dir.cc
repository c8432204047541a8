#include "storage/engine/data_dir.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <filesystem>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include "protocol/base/limits.h"

namespace reprise::storage {
namespace {

constexpr std::string_view kVersionPrefix = "reprise-store ";
constexpr std::uint64_t kBallastBytes = 4 * base::kMiB;
constexpr std::uint64_t kReserveBytesMax = 128 * base::kMiB;
// Of the whole filesystem: the ballast takes at most 1/32, writes stop below 1/20.
constexpr std::uint64_t kBallastShare = 32;
constexpr std::uint64_t kReserveShare = 20;

base::Status MakeTree(const std::string& dir) {
  const std::filesystem::path path(dir);
  std::filesystem::path step;
  for (const std::filesystem::path& part : path) {
    step /= part;
    if (!PathExists(step.string())) {
      RETURN_IF_ERROR(MakeDirectory(step.string()));
    }
  }
  struct stat found {};
  if (::stat(dir.c_str(), &found) != 0) {
    return SystemError("cannot use the data directory", dir);
  }
  if (!S_ISDIR(found.st_mode)) {
    return base::Error{base::Code::kIo,
                       dir + " is not a directory; give another --dir or move the file away"};
  }
  if (::access(dir.c_str(), R_OK | W_OK | X_OK) != 0) {
    const base::Error error = SystemError("cannot read and write the data directory", dir);
    return base::Error{error.code, error.detail + "; give the server's user access to it"};
  }
  return base::Ok{};
}

// A name for a message, whatever bytes it has.
std::string Printable(std::string name) {
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; }, '?');
  return name;
}

// A directory that somebody else uses is not taken over: its files and ours would
// be moved, copied and deleted together from then on.
base::Status CheckEmptyOrOurs(const std::string& dir) {
  std::vector<std::string> foreign;
  std::error_code failure;
  for (std::filesystem::directory_iterator entry(dir, failure), end; !failure && entry != end;
       entry.increment(failure)) {
    const std::string name = entry->path().filename().string();
    // What a new filesystem has, and what a first start may have left behind.
    if (name != "lost+found" && name != "LOCK" && name != "VERSION.new") {
      foreign.push_back(Printable(name));
    }
  }
  if (failure) {
    return base::Error{base::Code::kIo, "cannot read " + dir + ": " + failure.message()};
  }
  // Looked at last: another process may be making this directory its own.
  if (foreign.empty() || PathExists(dir + "/VERSION") || PathExists(dir + "/db/CURRENT")) {
    return base::Ok{};
  }
  constexpr std::size_t kNamedMax = 3;
  std::sort(foreign.begin(), foreign.end());
  std::string names;
  for (std::size_t i = 0; i < std::min(foreign.size(), kNamedMax); ++i) {
    names += (names.empty() ? "" : ", ") + foreign[i];
  }
  if (foreign.size() > kNamedMax) {
    names += " and " + std::to_string(foreign.size() - kNamedMax) + " more";
  }
  return base::Error{base::Code::kIo,
                     dir + " is no data directory and not empty: it holds " + names +
                         ", and no VERSION; give an empty or a new directory as --dir, or restore "
                         "VERSION and db from a backup"};
}

std::string HolderOf(const File& lock) {
  char text[32];
  const ssize_t taken = ::pread(lock.descriptor(), text, sizeof(text), 0);
  std::string pid(text, taken > 0 ? static_cast<std::size_t>(taken) : 0);
  pid.erase(std::find_if(pid.begin(), pid.end(), [](char c) { return c < '0' || c > '9'; }),
            pid.end());
  return pid.empty() ? "another process" : "process " + pid;
}

base::Result<File> TakeLock(const std::string& dir) {
  const std::string path = dir + "/LOCK";
  ASSIGN_OR_RETURN(File lock, File::Open(path, O_RDWR | O_CREAT));
  if (::flock(lock.descriptor(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) {
      return SystemError("cannot lock", path);
    }
    return base::Error{base::Code::kIo, "the data directory " + dir + " is in use by " +
                                            HolderOf(lock) +
                                            "; stop it first or give another --dir"};
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(lock.descriptor(), 0) != 0 ||
      ::pwrite(lock.descriptor(), pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    return SystemError("cannot write", path);
  }
  return lock;
}

base::Status CheckVersion(const std::string& dir) {
  const std::string path = dir + "/VERSION";
  if (!PathExists(path)) {
    if (PathExists(dir + "/db/CURRENT")) {
      return base::Error{base::Code::kCorrupt,
                         path + " is missing although " + dir +
                             "/db holds a database; restore a backup, or, if you know that this "
                             "program wrote it, write \"reprise-store 1\" into VERSION"};
    }
    return DataDir::WriteVersion(dir);
  }
  ASSIGN_OR_RETURN(const std::string text, ReadWhole(path));
  std::uint64_t version = 0;
  const char* begin = text.data() + std::min(text.size(), kVersionPrefix.size());
  const bool readable =
      text.starts_with(kVersionPrefix) &&
      std::from_chars(begin, text.data() + text.size(), version).ec == std::errc();
  if (!readable || version == 0) {
    return base::Error{base::Code::kCorrupt,
                       path + " does not name a format; restore it from a backup"};
  }
  if (version > kFormatVersion) {
    return base::Error{base::Code::kCorrupt,
                       dir + " has format " + std::to_string(version) + ", this program knows " +
                           std::to_string(kFormatVersion) +
                           "; start the newer program, or restore a backup of the older format"};
  }
  return base::Ok{};
}

}  // namespace

base::Result<DataDir> DataDir::Open(const std::string& dir) {
  if (dir.empty()) {
    return base::Error{base::Code::kIo, "no data directory was given; use --dir"};
  }
  RETURN_IF_ERROR(MakeTree(dir));
  RETURN_IF_ERROR(CheckEmptyOrOurs(dir));
  ASSIGN_OR_RETURN(File lock, TakeLock(dir));
  RETURN_IF_ERROR(CheckVersion(dir));
  RETURN_IF_ERROR(MakeDirectory(dir + "/db"));
  return DataDir(dir, std::move(lock));
}

base::Status DataDir::WriteVersion(const std::string& dir) {
  return WriteWhole(dir + "/VERSION",
                    std::string(kVersionPrefix) + std::to_string(kFormatVersion) + "\n");
}

void DataDir::KeepBallast() {
  const auto space = SpaceAt(dir_);
  if (PathExists(BallastPath()) || !space.ok()) {
    return;
  }
  const std::uint64_t bytes = std::min(kBallastBytes, space.value().total_bytes / kBallastShare);
  if (space.value().available_bytes < bytes + 2 * ReserveBytes(space.value())) {
    return;
  }
  const auto file = File::Open(BallastPath(), O_WRONLY | O_CREAT | O_TRUNC);
  // Losing this race for the last bytes is no failure: the file is an extra.
  if (file.ok() &&
      ::posix_fallocate(file.value().descriptor(), 0, static_cast<off_t>(bytes)) != 0) {
    ReleaseBallast();
  }
}

void DataDir::ReleaseBallast() {
  ::unlink(BallastPath().c_str());
}

std::uint64_t DataDir::ReserveBytes(const DiskSpace& space) {
  return std::min(kReserveBytesMax, space.total_bytes / kReserveShare);
}

}  // namespace reprise::storage
