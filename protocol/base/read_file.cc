#include "protocol/base/read_file.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace reprise::base {
namespace {

Error Unreadable(const std::string& path, const std::string& why) {
  return {Code::kIo, "the file " + path + " cannot be read: " + why};
}

class OpenFile {
 public:
  explicit OpenFile(const std::string& path)
      : descriptor_(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~OpenFile() {
    if (descriptor_ >= 0) {
      close(descriptor_);
    }
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  OpenFile(OpenFile&&) = delete;
  OpenFile& operator=(OpenFile&&) = delete;

  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

std::string SizeText(std::size_t bytes) {
  constexpr std::size_t kKib = 1'024;
  constexpr std::size_t kMib = kKib * kKib;
  return bytes % kMib == 0 ? std::to_string(bytes / kMib) + " MiB"
                           : std::to_string(bytes / kKib) + " KiB";
}

}  // namespace

Result<std::string> ReadRegularFile(const std::string& path, std::size_t bytes_max) {
  const OpenFile file(path);
  struct stat status {};
  if (file.descriptor() < 0 || fstat(file.descriptor(), &status) != 0) {
    return Unreadable(path, std::strerror(errno));
  }
  if (!S_ISREG(status.st_mode)) {
    return Unreadable(path,
                      S_ISDIR(status.st_mode) ? "it is a directory" : "it is not a regular file");
  }
  std::string content;
  std::array<char, 8'192> part{};
  while (content.size() <= bytes_max) {
    const ssize_t size = read(file.descriptor(), part.data(), part.size());
    if (size < 0 && errno == EINTR) {
      continue;
    }
    if (size < 0) {
      return Unreadable(path, std::strerror(errno));
    }
    if (size == 0) {
      return content;
    }
    content.append(part.data(), static_cast<std::size_t>(size));
  }
  return Error{Code::kTooLarge, "the file " + path + " is larger than " + SizeText(bytes_max)};
}

}  // namespace reprise::base
