// PortState: how far an export or import has come, in a small file beside the data, for --resume.
//
// It is written after each step, whole or not at all (a temporary name, then a rename), and removed
// at the end. Threads: one owner. Errors: kIo, kCorrupt (a file that is no state).
#pragma once

#include <optional>
#include <string>

#include "protocol/base/result.h"
#include "protocol/base/value.h"

namespace reprise::client {

class PortState {
 public:
  explicit PortState(std::string path) : path_(std::move(path)) {}

  const std::string& path() const { return path_; }
  // Absent when there is none.
  base::Result<std::optional<base::Value>> Load() const;
  base::Status Save(const base::Value::Map& state) const;
  void Remove() const;

 private:
  std::string path_;
};

// A member of a state, absent or empty when it is not there.
std::uint64_t CountIn(const base::Value& state, std::string_view name);
std::string TextIn(const base::Value& state, std::string_view name);

// Writes a file through the system's calls, so that nothing is kept back when the program is
// killed.
class OutputFile {
 public:
  // "-": standard output. Others are made for their owner only; what a file holds behind
  // `keep_bytes` is cut off. Errors: kIo, kCorrupt (the file has fewer bytes than are to be kept).
  static base::Result<OutputFile> Open(const std::string& path, std::uint64_t keep_bytes);
  OutputFile(OutputFile&& other) noexcept;
  OutputFile& operator=(OutputFile&&) = delete;
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  ~OutputFile();

  base::Status Write(std::string_view bytes) const;
  // To the medium.
  base::Status Sync() const;

 private:
  OutputFile(int descriptor, bool is_owned) : descriptor_(descriptor), is_owned_(is_owned) {}
  int descriptor_;
  bool is_owned_;
};

// The last error of the system, with what was being done.
base::Error SystemError(const std::string& doing);

}  // namespace reprise::client
