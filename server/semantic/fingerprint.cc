#include "server/semantic/fingerprint.h"

namespace reprise::semantic {

std::uint64_t StableHash(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char byte : text) {
    hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  }
  return hash;
}

FingerprintHash HashOf(std::string_view fingerprint) {
  return FingerprintHash{StableHash(fingerprint)};
}

std::string HexOf(FingerprintHash hash) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  constexpr unsigned kDigitBits = 4;
  std::string digits;
  for (std::size_t i = 2 * sizeof(hash); i-- > 0;) {
    digits.push_back(kDigits[(static_cast<std::uint64_t>(hash) >> (kDigitBits * i)) & 0xFU]);
  }
  return digits;
}

}  // namespace reprise::semantic
