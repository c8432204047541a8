// CRC-32C (Castagnoli), by instruction where the processor has it.
//
// Threads: any. Errors: none. Complexity: O(bytes).
#pragma once

#include <cstddef>
#include <cstdint>

namespace reprise::vector {

// Of all bytes so far: `before` is 0 at the start, then the result of the call before.
std::uint32_t Crc32c(std::uint32_t before, const char* bytes, std::size_t count);

}  // namespace reprise::vector
