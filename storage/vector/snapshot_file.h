// The file of a snapshot as a stream: frames of up to one MiB, each with its number and CRC-32C.
//
// The writer uses a temporary name, syncs, renames and syncs the directory: the old file stays
// until the new one is whole. The reader gives out only bytes whose frame has been checked.
// Threads: one. Errors: kIo (naming the path), kCorrupt (saying what). Units: bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/result.h"
#include "storage/engine/file.h"

namespace reprise::vector {

inline constexpr std::size_t kFrameBytes = std::size_t{1} << 20U;

class SnapshotWriter {
 public:
  static base::Result<SnapshotWriter> Create(const std::string& path);

  // A failure is remembered, and Finish tells it.
  void Append(const void* bytes, std::size_t count);
  template <typename Number>
  void AppendNumber(Number number) {
    Append(&number, sizeof(number));
  }
  base::Status Finish();

 private:
  SnapshotWriter(storage::File file, std::string path);
  void WriteFrame();
  void Write(const char* bytes, std::size_t count);

  storage::File file_;
  std::string path_;
  std::vector<char> frame_;
  std::size_t filled_ = 0;
  std::uint64_t number_ = 0;
  base::Status status_ = base::Ok{};
};

class SnapshotReader {
 public:
  static base::Result<SnapshotReader> Open(const std::string& path);

  base::Status Read(void* bytes, std::size_t count);
  template <typename Number>
  base::Status ReadNumber(Number& number) {
    return Read(&number, sizeof(number));
  }
  // That `count` things of `each` bytes can still follow: before memory is taken for them.
  base::Status ExpectRoomFor(std::uint64_t count, std::uint64_t each) const;
  base::Status ExpectEnd();
  base::Error Corrupt(std::string_view what) const;

 private:
  SnapshotReader(storage::File file, std::string path, std::uint64_t file_bytes);
  base::Status ReadFrame();
  base::Status ReadExactly(char* bytes, std::size_t count);

  storage::File file_;
  std::string path_;
  std::uint64_t file_bytes_left_;
  std::vector<char> frame_;
  std::size_t filled_ = 0;
  std::size_t taken_ = 0;
  std::uint64_t number_ = 0;
};

}  // namespace reprise::vector
