// Buffer: bytes appended at the back and consumed at the front, for connection input and output.
//
// Threads: one owner. Lifetime: views and spans are valid until the next non-const call. Memory
// grows by doubling and is given back by Shrink(). Errors: none (out of memory throws
// std::bad_alloc). Complexity: Append is amortised O(bytes), Consume is O(1) apart from the rare
// move to the front.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

#include "protocol/base/ensure.h"

namespace reprise::base {

class Buffer {
 public:
  Buffer() = default;

  std::size_t size() const { return end_ - begin_; }
  bool empty() const { return begin_ == end_; }
  const char* data() const { return bytes_.get() + begin_; }
  std::string_view view() const { return {data(), size()}; }
  std::size_t capacity() const { return capacity_; }

  void Append(std::string_view bytes) {
    if (bytes.empty()) {
      return;
    }
    std::memcpy(Reserve(bytes.size()), bytes.data(), bytes.size());
    end_ += bytes.size();
  }
  void Append(char byte) {
    *Reserve(1) = byte;
    ++end_;
  }

  // At least `bytes` of writable space behind the content; Commit says how much of it was used.
  char* Reserve(std::size_t bytes) {
    if (capacity_ - end_ < bytes) [[unlikely]] {
      Grow(bytes);
    }
    return bytes_.get() + end_;
  }
  std::span<char> Space() { return {bytes_.get() + end_, capacity_ - end_}; }
  void Commit(std::size_t bytes) {
    DENSURE(bytes <= capacity_ - end_);
    end_ += bytes;
  }

  void Consume(std::size_t bytes) {
    DENSURE(bytes <= size());
    begin_ += bytes;
    if (begin_ == end_) {
      begin_ = end_ = 0;
    }
  }
  // Drops what was appended after the content had `bytes` bytes.
  void Truncate(std::size_t bytes) {
    DENSURE(bytes <= size());
    end_ = begin_ + bytes;
  }
  void Clear() { begin_ = end_ = 0; }
  // Gives memory back when the buffer is empty and holds more than `keep` bytes.
  void Shrink(std::size_t keep) {
    if (empty() && capacity_ > keep) {
      bytes_.reset();
      capacity_ = begin_ = end_ = 0;
    }
  }
  // The same under the name that msgpack::packer expects of a stream.
  // NOLINTNEXTLINE(readability-identifier-naming): the name is msgpack's.
  void write(const char* bytes, std::size_t count) { Append({bytes, count}); }

 private:
  void Grow(std::size_t bytes);

  std::unique_ptr<char[]> bytes_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace reprise::base
