// Crc32: the checksum of zip and zlib, for the sections of model files.
//
// Units: bytes. Threads: any. Errors: none. Complexity: O(bytes), about 1.5 GB/s.
#pragma once

#include <cstdint>
#include <string_view>

namespace reprise::embed {

// `before`: the checksum of the bytes in front, to go on with.
std::uint32_t Crc32(std::string_view bytes, std::uint32_t before = 0);

}  // namespace reprise::embed
