// BlobRef: a shared, immutable stored value together with its key and expiry, in one allocation.
//
// A reader keeps the bytes alive without holding a lock, whatever happens to the key meanwhile.
// Units: expires_at in UnixMillis, 0 = never. Threads: any; the count is atomic. Lifetime: value()
// and key() live as long as any BlobRef to it. Errors: none. Complexity: O(1) copy, O(bytes) Make.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "protocol/base/clock.h"

namespace reprise::storage {

// NOLINTNEXTLINE(cppcoreguidelines-special-member-functions): assignment by value moves too
class BlobRef {
 public:
  BlobRef() = default;
  static BlobRef Make(std::string_view key, std::string_view value, base::UnixMillis expires_at);

  BlobRef(const BlobRef& other) : blob_(other.blob_) {
    if (blob_ != nullptr) {
      blob_->references.fetch_add(1, std::memory_order_relaxed);
    }
  }
  BlobRef(BlobRef&& other) noexcept : blob_(std::exchange(other.blob_, nullptr)) {}
  BlobRef& operator=(BlobRef other) noexcept {
    std::swap(blob_, other.blob_);
    return *this;
  }
  ~BlobRef() { Release(); }

  explicit operator bool() const { return blob_ != nullptr; }
  std::string_view key() const { return {Bytes(), blob_->key_bytes}; }
  std::string_view value() const { return {Bytes() + blob_->key_bytes, blob_->value_bytes}; }
  base::UnixMillis expires_at() const { return blob_->expires_at; }
  // Starts to load the first bytes behind the header; the caller is about to read them.
  void Prefetch() const {
    constexpr std::size_t kLine = 64;
    for (std::size_t line = 1; line <= 3; ++line) {
      __builtin_prefetch(Bytes() + line * kLine);
    }
  }
  // Memory that the blob takes, for the hot table's bound.
  std::size_t MemoryBytes() const;

 private:
  struct Header {
    std::atomic<std::uint32_t> references;
    std::uint32_t key_bytes;
    std::uint32_t value_bytes;
    base::UnixMillis expires_at;
  };
  const char* Bytes() const { return reinterpret_cast<const char*>(blob_ + 1); }
  void Release();

  Header* blob_ = nullptr;
};

}  // namespace reprise::storage
