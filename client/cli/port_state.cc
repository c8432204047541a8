#include "client/cli/port_state.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include "protocol/wire/json.h"

namespace reprise::client {

using base::Code;
using base::Error;

Error SystemError(const std::string& doing) {
  constexpr std::size_t kReasonMax = 128;
  const int number = errno;
  std::array<char, kReasonMax> reason{};
  return {Code::kIo, doing + ": " + strerror_r(number, reason.data(), reason.size())};
}

base::Result<std::optional<base::Value>> PortState::Load() const {
  std::ifstream file(path_, std::ios::binary);
  if (!file.is_open()) {
    return std::optional<base::Value>();
  }
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  auto state = wire::FromJson(text);
  if (!state.ok() || state.value().AsMap() == nullptr) {
    return Error{Code::kCorrupt, path_ + " is no state to resume from; remove it to start anew"};
  }
  return std::optional(std::move(state).value());
}

base::Status PortState::Save(const base::Value::Map& state) const {
  const std::string temporary = path_ + ".new";
  {
    ASSIGN_OR_RETURN(OutputFile file, OutputFile::Open(temporary, 0));
    RETURN_IF_ERROR(file.Write(wire::ToExactJson(base::Value(state)) + "\n"));
  }
  if (std::rename(temporary.c_str(), path_.c_str()) != 0) {
    return SystemError("cannot rename " + temporary);
  }
  return base::Ok{};
}

void PortState::Remove() const {
  (void)unlink(path_.c_str());
}

std::uint64_t CountIn(const base::Value& state, std::string_view name) {
  const base::Value* found = state.Find(name);
  return found == nullptr ? 0 : found->AsUint().value_or(0);
}

std::string TextIn(const base::Value& state, std::string_view name) {
  const base::Value* found = state.Find(name);
  return found == nullptr ? std::string() : std::string(found->AsText().value_or(""));
}

base::Result<OutputFile> OutputFile::Open(const std::string& path, std::uint64_t keep_bytes) {
  if (path == "-") {
    return OutputFile(STDOUT_FILENO, false);
  }
  constexpr mode_t kOwnerOnly = 0600;
  OutputFile file(open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, kOwnerOnly), true);
  if (file.descriptor_ < 0) {
    return SystemError("cannot write " + path);
  }
  struct stat status {};
  if (fstat(file.descriptor_, &status) != 0) {
    return SystemError("cannot look at " + path);
  }
  if (S_ISREG(status.st_mode)) {
    if (static_cast<std::uint64_t>(status.st_size) < keep_bytes) {
      return Error{Code::kCorrupt, path +
                                       " has fewer bytes than were written to it; start anew "
                                       "without --resume"};
    }
    if (ftruncate(file.descriptor_, static_cast<off_t>(keep_bytes)) != 0 ||
        lseek(file.descriptor_, 0, SEEK_END) < 0) {
      return SystemError("cannot go on with " + path);
    }
  }
  return file;
}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), is_owned_(other.is_owned_) {}

OutputFile::~OutputFile() {
  if (is_owned_ && descriptor_ >= 0) {
    (void)close(descriptor_);
  }
}

base::Status OutputFile::Write(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t count = write(descriptor_, bytes.data(), bytes.size());
    if (count < 0 && errno != EINTR) {
      return SystemError("cannot write");
    }
    bytes.remove_prefix(count > 0 ? static_cast<std::size_t>(count) : 0);
  }
  return base::Ok{};
}

base::Status OutputFile::Sync() const {
  if (is_owned_ && fsync(descriptor_) != 0 && errno != EINVAL) {  // A pipe has no medium.
    return SystemError("cannot sync");
  }
  return base::Ok{};
}

}  // namespace reprise::client
