#include "storage/engine/blob.h"

#include <cstring>
#include <limits>
#include <new>

#include "protocol/base/ensure.h"

namespace reprise::storage {

BlobRef BlobRef::Make(std::string_view key, std::string_view value, base::UnixMillis expires_at) {
  ENSURE(key.size() <= std::numeric_limits<std::uint32_t>::max());
  ENSURE(value.size() <= std::numeric_limits<std::uint32_t>::max());
  void* memory = ::operator new(sizeof(Header) + key.size() + value.size());
  auto* header = new (memory) Header{{1},
                                     static_cast<std::uint32_t>(key.size()),
                                     static_cast<std::uint32_t>(value.size()),
                                     expires_at};
  char* bytes = reinterpret_cast<char*>(header + 1);
  if (!key.empty()) {
    std::memcpy(bytes, key.data(), key.size());
  }
  if (!value.empty()) {
    std::memcpy(bytes + key.size(), value.data(), value.size());
  }
  BlobRef blob;
  blob.blob_ = header;
  return blob;
}

// The allocator's own word and its rounding belong to the price.
std::size_t BlobRef::MemoryBytes() const {
  constexpr std::size_t kAllocatorBytes = 16;
  return sizeof(Header) + blob_->key_bytes + blob_->value_bytes + kAllocatorBytes;
}

void BlobRef::Release() {
  if (blob_ == nullptr) {
    return;
  }
  if (blob_->references.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    blob_->~Header();
    ::operator delete(blob_);
  }
  blob_ = nullptr;
}

}  // namespace reprise::storage
