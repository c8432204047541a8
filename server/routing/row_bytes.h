// Row bytes: numbers and texts as the rows of this module have them (FORMAT.md).
//
// All numbers are little-endian, as the machines are that this runs on. Internal to server/routing.
// Threads: any. Errors: a Cursor remembers when the bytes were too short. Complexity: O(bytes).
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace reprise::routing {

template <typename Number>
void AppendNumber(Number number, std::string& out) {
  char bytes[sizeof(Number)];
  std::memcpy(bytes, &number, sizeof(Number));
  out.append(bytes, sizeof(Number));
}

// A length of one byte: names have at most 128.
inline void AppendName(std::string_view name, std::string& out) {
  out.push_back(static_cast<char>(static_cast<std::uint8_t>(name.size())));
  out.append(name);
}

class Cursor {
 public:
  explicit Cursor(std::string_view bytes) : bytes_(bytes) {}

  template <typename Number>
  Number Take() {
    Number number{};
    const std::string_view taken = TakeBytes(sizeof(Number));
    if (!taken.empty()) {
      std::memcpy(&number, taken.data(), sizeof(Number));
    }
    return number;
  }
  std::string_view TakeName() { return TakeBytes(Take<std::uint8_t>()); }
  // Empty when there are fewer.
  std::string_view TakeBytes(std::size_t count) {
    if (bytes_.size() < count) {
      failed_ = true;
      bytes_ = {};
      return {};
    }
    const std::string_view taken = bytes_.substr(0, count);
    bytes_.remove_prefix(count);
    return taken;
  }
  bool failed() const { return failed_; }
  // All was there, and nothing is left.
  bool Complete() const { return !failed_ && bytes_.empty(); }

 private:
  std::string_view bytes_;
  bool failed_ = false;
};

}  // namespace reprise::routing
