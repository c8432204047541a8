#include "server/embed/crc32.h"

#include <array>
#include <cstddef>
#include <cstring>

namespace reprise::embed {
namespace {

constexpr std::size_t kSlices = 8;
using Tables = std::array<std::array<std::uint32_t, 256>, kSlices>;

// kTables[n][b]: what byte b does to the checksum when n bytes follow it.
constexpr Tables kTables = [] {
  constexpr std::uint32_t kPolynomial = 0xEDB88320U;
  Tables tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? kPolynomial : 0);
    }
    tables[0][byte] = crc;
  }
  for (std::size_t slice = 1; slice < kSlices; ++slice) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t before = tables[slice - 1][byte];
      tables[slice][byte] = (before >> 8U) ^ tables[0][before & 0xFFU];
    }
  }
  return tables;
}();

}  // namespace

std::uint32_t Crc32(std::string_view bytes, std::uint32_t before) {
  std::uint32_t crc = ~before;
  const char* at = bytes.data();
  const char* const end = at + bytes.size();
  for (std::uint64_t word = 0; end - at >= static_cast<std::ptrdiff_t>(sizeof(word));
       at += sizeof(word)) {
    std::memcpy(&word, at, sizeof(word));
    word ^= crc;
    crc = 0;
    for (std::size_t slice = kSlices; slice > 0; --slice) {
      crc ^= kTables[slice - 1][word & 0xFFU];
      word >>= 8U;
    }
  }
  for (; at != end; ++at) {
    crc = (crc >> 8U) ^ kTables[0][(crc ^ static_cast<std::uint8_t>(*at)) & 0xFFU];
  }
  return ~crc;
}

}  // namespace reprise::embed
