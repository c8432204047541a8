// 64-bit integers as eight little-endian bytes, for the formats of this module.
//
// Threads: any. Errors: none; the caller has checked that eight bytes are there.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

namespace reprise::storage {

static_assert(std::endian::native == std::endian::little, "the formats are copied as they are");

inline void StoreLittleEndian(std::uint64_t number, char* bytes) {
  std::memcpy(bytes, &number, sizeof(number));
}

inline std::uint64_t LoadLittleEndian(const char* bytes) {
  std::uint64_t number = 0;
  std::memcpy(&number, bytes, sizeof(number));
  return number;
}

}  // namespace reprise::storage
