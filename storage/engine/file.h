// File: the few file operations that the store does itself, each with a sentence when it fails.
//
// Threads: any; one File by one thread at a time. Errors: kIo, naming the path and the system's
// reason. Units: bytes. Lifetime: the destructor closes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <utility>

#include "protocol/base/result.h"

namespace reprise::storage {

class File {
 public:
  File() = default;
  explicit File(int descriptor) : descriptor_(descriptor) {}
  File(File&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  File& operator=(File&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File();

  // `flags` as for open(2); always close-on-exec, mode 0600.
  static base::Result<File> Open(const std::string& path, int flags);

  int descriptor() const { return descriptor_; }

 private:
  int descriptor_ = -1;
};

// kIo: "<what> <path>: <reason of errno>".
base::Error SystemError(std::string_view what, const std::string& path);

bool PathExists(const std::string& path);
// One level, mode 0700. That it exists already is no error.
base::Status MakeDirectory(const std::string& path);
// Makes new names in the directory survive a power cut.
base::Status SyncDirectory(const std::string& path);
base::Result<std::string> ReadWhole(const std::string& path);
// Through a temporary name: the file has either its old or its new content.
base::Status WriteWhole(const std::string& path, std::string_view content);
// With everything in it; absence is no error.
base::Status RemoveTree(const std::string& path);
// The regular files directly in the directory; 0 when it cannot be read.
std::uint64_t DirectoryBytes(const std::string& path);

struct DiskSpace {
  std::uint64_t available_bytes = 0;
  std::uint64_t total_bytes = 0;
};
base::Result<DiskSpace> SpaceAt(const std::string& path);

}  // namespace reprise::storage
