// Chunks: a stream read piece by piece, with what has been read but not yet used.
//
// Threads: one owner. Errors: failed() after the stream broke; its end is not a failure. Memory:
// what is asked for at a time, and 64 KiB. Lifetime: the stream outlives it.
#pragma once

#include <cstdint>
#include <istream>
#include <string>
#include <string_view>

namespace reprise::client {

class Chunks {
 public:
  // `offset`: of the stream's next byte.
  Chunks(std::istream& stream, std::uint64_t offset) : stream_(stream), offset_(offset) {}

  // At least `bytes` of what comes next, or all there is; more when it has been read already. Valid
  // until the next call.
  std::string_view Peek(std::size_t bytes) {
    while (buffer_.size() - used_ < bytes && Fill()) {
    }
    return std::string_view(buffer_).substr(used_);
  }
  void Consume(std::size_t bytes) {
    used_ += bytes;
    offset_ += bytes;
  }
  std::uint64_t offset() const { return offset_; }
  bool failed() const { return stream_.bad(); }

 private:
  bool Fill() {
    constexpr std::size_t kChunk = std::size_t{64} * 1024;
    if (!stream_.good()) {
      return false;
    }
    buffer_.erase(0, used_);
    used_ = 0;
    const std::size_t before = buffer_.size();
    buffer_.resize(before + kChunk);
    stream_.read(buffer_.data() + before, static_cast<std::streamsize>(kChunk));
    buffer_.resize(before + static_cast<std::size_t>(stream_.gcount()));
    return buffer_.size() > before;
  }

  std::istream& stream_;
  std::uint64_t offset_;
  std::string buffer_;
  std::size_t used_ = 0;  // bytes of buffer_ that were consumed
};

}  // namespace reprise::client
