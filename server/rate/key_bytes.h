// KeyBytes: the key of an entry. A short one stands in the entry itself, so that comparing it costs
// no further cache miss.
//
// Threads: values. Errors: none. Limits: 65,535 bytes; up to kInline take no memory of their own.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

namespace reprise::rate {

class KeyBytes {
 public:
  static constexpr std::size_t kInline = 22;

  KeyBytes() = default;
  explicit KeyBytes(std::string_view key) : size_(static_cast<std::uint16_t>(key.size())) {
    char* place = bytes_.data();
    if (key.size() > kInline) {
      place = new char[key.size()];
      std::memcpy(bytes_.data(), &place, sizeof(place));
    }
    if (!key.empty()) {
      std::memcpy(place, key.data(), key.size());
    }
  }
  ~KeyBytes() {
    if (size_ > kInline) {
      delete[] Apart();
    }
  }
  KeyBytes(const KeyBytes&) = delete;
  KeyBytes& operator=(const KeyBytes&) = delete;
  KeyBytes(KeyBytes&& other) noexcept
      : bytes_(other.bytes_), size_(std::exchange(other.size_, std::uint16_t{0})) {}
  KeyBytes& operator=(KeyBytes&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    std::swap(size_, other.size_);
    return *this;
  }

  std::string_view view() const { return {size_ > kInline ? Apart() : bytes_.data(), size_}; }

 private:
  const char* Apart() const {
    const char* place = nullptr;
    std::memcpy(&place, bytes_.data(), sizeof(place));
    return place;
  }

  std::array<char, kInline> bytes_{};  // or the address of a longer key
  std::uint16_t size_ = 0;
};

}  // namespace reprise::rate
