#include "storage/engine/file.h"

#include <cerrno>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <system_error>
#include <unistd.h>

namespace reprise::storage {
namespace {

constexpr mode_t kDirectoryMode = 0700;
constexpr mode_t kFileMode = 0600;

base::Status WriteAndSync(const std::string& path, std::string_view content) {
  ASSIGN_OR_RETURN(const File file, File::Open(path, O_WRONLY | O_CREAT | O_TRUNC));
  while (!content.empty()) {
    const ssize_t written = ::write(file.descriptor(), content.data(), content.size());
    if (written < 0) {
      return SystemError("cannot write", path);
    }
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::fsync(file.descriptor()) != 0) {
    return SystemError("cannot sync", path);
  }
  return base::Ok{};
}

}  // namespace

File::~File() {
  if (descriptor_ >= 0) {
    ::close(descriptor_);
  }
}

base::Result<File> File::Open(const std::string& path, int flags) {
  const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC, kFileMode);
  if (descriptor < 0) {
    return SystemError("cannot open", path);
  }
  return File(descriptor);
}

base::Error SystemError(std::string_view what, const std::string& path) {
  const std::string reason = std::generic_category().message(errno);
  return {base::Code::kIo, std::string(what) + " " + path + ": " + reason};
}

bool PathExists(const std::string& path) {
  struct stat found {};
  return ::lstat(path.c_str(), &found) == 0;
}

base::Status MakeDirectory(const std::string& path) {
  if (::mkdir(path.c_str(), kDirectoryMode) != 0 && errno != EEXIST) {
    return SystemError("cannot make the directory", path);
  }
  return base::Ok{};
}

base::Status SyncDirectory(const std::string& path) {
  ASSIGN_OR_RETURN(const File directory, File::Open(path, O_RDONLY | O_DIRECTORY));
  if (::fsync(directory.descriptor()) != 0) {
    return SystemError("cannot sync the directory", path);
  }
  return base::Ok{};
}

base::Result<std::string> ReadWhole(const std::string& path) {
  ASSIGN_OR_RETURN(const File file, File::Open(path, O_RDONLY));
  std::string content;
  char chunk[4096];
  for (;;) {
    const ssize_t taken = ::read(file.descriptor(), chunk, sizeof(chunk));
    if (taken < 0) {
      return SystemError("cannot read", path);
    }
    if (taken == 0) {
      return content;
    }
    content.append(chunk, static_cast<std::size_t>(taken));
  }
}

base::Status WriteWhole(const std::string& path, std::string_view content) {
  const std::string temporary = path + ".new";
  RETURN_IF_ERROR(WriteAndSync(temporary, content));
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    return SystemError("cannot rename to", path);
  }
  return SyncDirectory(std::filesystem::path(path).parent_path().string());
}

base::Status RemoveTree(const std::string& path) {
  std::error_code failure;
  std::filesystem::remove_all(path, failure);
  if (failure) {
    return base::Error{base::Code::kIo, "cannot remove " + path + ": " + failure.message()};
  }
  return base::Ok{};
}

std::uint64_t DirectoryBytes(const std::string& path) {
  DIR* directory = ::opendir(path.c_str());
  if (directory == nullptr) {
    return 0;
  }
  std::uint64_t bytes = 0;
  while (const dirent* entry = ::readdir(directory)) {
    struct stat found {};
    if (::fstatat(::dirfd(directory), entry->d_name, &found, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISREG(found.st_mode)) {
      bytes += static_cast<std::uint64_t>(found.st_blocks) * 512;
    }
  }
  ::closedir(directory);
  return bytes;
}

base::Result<DiskSpace> SpaceAt(const std::string& path) {
  struct statvfs found {};
  if (::statvfs(path.c_str(), &found) != 0) {
    return SystemError("cannot ask for the free space of", path);
  }
  return DiskSpace{found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize};
}

}  // namespace reprise::storage
