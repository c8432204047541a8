// Little-endian numbers and counted texts, for the rows of this module (FORMAT.md).
//
// Private to this folder. Threads: values. Errors: a reader that runs over the end, or over a text
// that is too long, is not ok() from then on and reads zeros. Complexity: O(bytes).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

namespace reprise::rate {

template <typename Number>
void AppendNumber(Number number, std::string& out) {
  auto bits = static_cast<std::uint64_t>(number);
  std::array<char, sizeof(Number)> bytes{};
  for (char& byte : bytes) {
    byte = static_cast<char>(bits & 0xffU);
    bits >>= 8U;
  }
  out.append(bytes.data(), bytes.size());
}

// At most 65,535 bytes.
inline void AppendText(std::string_view text, std::string& out) {
  AppendNumber(static_cast<std::uint16_t>(text.size()), out);
  out.append(text);
}

class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : bytes_(bytes) {}

  bool ok() const { return ok_; }
  bool AtEnd() const { return !ok_ || bytes_.empty(); }

  template <typename Number>
  Number Read() {
    using Bits = std::make_unsigned_t<Number>;
    if (bytes_.size() < sizeof(Number)) {
      ok_ = false;
      return 0;
    }
    std::uint64_t bits = 0;
    for (std::size_t i = sizeof(Number); i > 0; --i) {
      bits = bits << 8U | static_cast<unsigned char>(bytes_[i - 1]);
    }
    bytes_.remove_prefix(sizeof(Number));
    return static_cast<Number>(static_cast<Bits>(bits));
  }

  std::string_view ReadText() {
    const auto size = Read<std::uint16_t>();
    if (bytes_.size() < size) {
      ok_ = false;
      return {};
    }
    const std::string_view text = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return text;
  }

 private:
  std::string_view bytes_;
  bool ok_ = true;
};

}  // namespace reprise::rate
