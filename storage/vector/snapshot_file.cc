#include "storage/vector/snapshot_file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/vector/crc32c.h"

namespace reprise::vector {
namespace {

// Before each frame: its length and its checksum.
constexpr std::size_t kHeadBytes = 8;

std::string TemporaryName(const std::string& path) {
  return path + ".new";
}

std::uint32_t ChecksumOf(std::uint64_t number, const char* bytes, std::uint32_t count) {
  std::uint32_t sum = Crc32c(0, reinterpret_cast<const char*>(&number), sizeof(number));
  sum = Crc32c(sum, reinterpret_cast<const char*>(&count), sizeof(count));
  return Crc32c(sum, bytes, count);
}

}  // namespace

base::Result<SnapshotWriter> SnapshotWriter::Create(const std::string& path) {
  ASSIGN_OR_RETURN(storage::File file,
                   storage::File::Open(TemporaryName(path), O_WRONLY | O_CREAT | O_TRUNC));
  return SnapshotWriter(std::move(file), path);
}

SnapshotWriter::SnapshotWriter(storage::File file, std::string path)
    : file_(std::move(file)), path_(std::move(path)), frame_(kFrameBytes) {}

void SnapshotWriter::Append(const void* bytes, std::size_t count) {
  const char* from = static_cast<const char*>(bytes);
  while (count > 0) {
    const std::size_t part = std::min(count, frame_.size() - filled_);
    std::memcpy(frame_.data() + filled_, from, part);
    filled_ += part;
    from += part;
    count -= part;
    if (filled_ == frame_.size()) {
      WriteFrame();
    }
  }
}

// Also the empty one that ends the file.
void SnapshotWriter::WriteFrame() {
  const auto count = static_cast<std::uint32_t>(filled_);
  const std::array<std::uint32_t, 2> head{count, ChecksumOf(number_, frame_.data(), count)};
  Write(reinterpret_cast<const char*>(head.data()), kHeadBytes);
  Write(frame_.data(), filled_);
  ++number_;
  filled_ = 0;
}

void SnapshotWriter::Write(const char* bytes, std::size_t count) {
  while (status_.ok() && count > 0) {
    const ssize_t written = ::write(file_.descriptor(), bytes, count);
    if (written < 0 && errno == EINTR) {
      continue;
    }
    if (written < 0) {
      status_ = storage::SystemError("cannot write", TemporaryName(path_));
      return;
    }
    bytes += written;
    count -= static_cast<std::size_t>(written);
  }
}

base::Status SnapshotWriter::Finish() {
  if (filled_ > 0) {
    WriteFrame();
  }
  WriteFrame();
  const std::string temporary = TemporaryName(path_);
  if (status_.ok() && ::fsync(file_.descriptor()) != 0) {
    status_ = storage::SystemError("cannot sync", temporary);
  }
  if (status_.ok() && ::rename(temporary.c_str(), path_.c_str()) != 0) {
    status_ = storage::SystemError("cannot rename to", path_);
  }
  if (!status_.ok()) {
    ::unlink(temporary.c_str());
    return status_;
  }
  const std::string folder = std::filesystem::path(path_).parent_path().string();
  return storage::SyncDirectory(folder.empty() ? "." : folder);
}

base::Result<SnapshotReader> SnapshotReader::Open(const std::string& path) {
  ASSIGN_OR_RETURN(storage::File file, storage::File::Open(path, O_RDONLY));
  struct stat found {};
  if (::fstat(file.descriptor(), &found) != 0) {
    return storage::SystemError("cannot look at", path);
  }
  return SnapshotReader(std::move(file), path, static_cast<std::uint64_t>(found.st_size));
}

SnapshotReader::SnapshotReader(storage::File file, std::string path, std::uint64_t file_bytes)
    : file_(std::move(file)), path_(std::move(path)), file_bytes_left_(file_bytes) {}

base::Error SnapshotReader::Corrupt(std::string_view what) const {
  return {base::Code::kCorrupt, "the snapshot " + path_ + " is damaged: " + std::string(what)};
}

base::Status SnapshotReader::ReadExactly(char* bytes, std::size_t count) {
  if (count > file_bytes_left_) {
    return Corrupt("it ends too early");
  }
  file_bytes_left_ -= count;
  while (count > 0) {
    const ssize_t taken = ::read(file_.descriptor(), bytes, count);
    if (taken < 0 && errno == EINTR) {
      continue;
    }
    if (taken < 0) {
      return storage::SystemError("cannot read", path_);
    }
    if (taken == 0) {
      return Corrupt("it ends too early");
    }
    bytes += taken;
    count -= static_cast<std::size_t>(taken);
  }
  return base::Ok{};
}

base::Status SnapshotReader::ReadFrame() {
  std::array<std::uint32_t, 2> head{};
  RETURN_IF_ERROR(ReadExactly(reinterpret_cast<char*>(head.data()), kHeadBytes));
  if (head[0] > kFrameBytes || head[0] > file_bytes_left_) {
    return Corrupt("a frame is too long");
  }
  frame_.resize(head[0]);
  RETURN_IF_ERROR(ReadExactly(frame_.data(), frame_.size()));
  if (ChecksumOf(number_, frame_.data(), head[0]) != head[1]) {
    return Corrupt("frame " + std::to_string(number_) + " has another checksum");
  }
  ++number_;
  filled_ = frame_.size();
  taken_ = 0;
  return base::Ok{};
}

base::Status SnapshotReader::Read(void* bytes, std::size_t count) {
  char* to = static_cast<char*>(bytes);
  while (count > 0) {
    if (taken_ == filled_) {
      RETURN_IF_ERROR(ReadFrame());
      if (filled_ == 0) {
        return Corrupt("its content ends too early");
      }
    }
    const std::size_t part = std::min(count, filled_ - taken_);
    std::memcpy(to, frame_.data() + taken_, part);
    taken_ += part;
    to += part;
    count -= part;
  }
  return base::Ok{};
}

base::Status SnapshotReader::ExpectRoomFor(std::uint64_t count, std::uint64_t each) const {
  const std::uint64_t left = file_bytes_left_ + (filled_ - taken_);
  if (each > 0 && count > left / each) {
    return Corrupt("it counts more than it can hold");
  }
  return base::Ok{};
}

base::Status SnapshotReader::ExpectEnd() {
  if (taken_ != filled_) {
    return Corrupt("there is more in it than it counts");
  }
  RETURN_IF_ERROR(ReadFrame());
  if (filled_ != 0 || file_bytes_left_ != 0) {
    return Corrupt("there is more behind its end");
  }
  return base::Ok{};
}

}  // namespace reprise::vector
