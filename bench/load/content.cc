#include "bench/load/content.h"

#include <cstring>

#include "protocol/base/ensure.h"

namespace reprise::bench {

void WriteDigits(std::uint64_t number, char* out) {
  for (std::size_t i = kDigits; i > 0; --i) {
    out[i - 1] = static_cast<char>('0' + number % 10);
    number /= 10;
  }
}

std::string Digits(std::uint64_t number) {
  std::string text(kDigits, '0');
  WriteDigits(number, text.data());
  return text;
}

Content::Content(std::size_t value_bytes) : value_bytes_(value_bytes) {
  ENSURE(value_bytes >= kDigits);
  constexpr std::string_view kLetters =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .";
  static_assert(kLetters.size() == 64);
  constexpr std::uint64_t kPoolSeed = 20;  // fixed: see the file head
  Random random(kPoolSeed);
  pool_.resize(kPoolBytes + value_bytes);
  for (char& letter : pool_) {
    letter = kLetters[random.Below(kLetters.size())];
  }
}

std::string Content::ValueOf(std::uint64_t key) const {
  return Digits(key).append(Body(key));
}

bool Content::Matches(std::uint64_t key, std::string_view value) const {
  char digits[kDigits];
  WriteDigits(key, digits);
  const std::string_view body = Body(key);
  return value.size() == value_bytes_ && std::memcmp(value.data(), digits, kDigits) == 0 &&
         std::memcmp(value.data() + kDigits, body.data(), body.size()) == 0;
}

}  // namespace reprise::bench
