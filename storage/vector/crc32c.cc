#include "storage/vector/crc32c.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace reprise::vector {
namespace {

constexpr std::uint32_t kPolynomial = 0x82F63B78;  // reflected

constexpr std::array<std::uint32_t, 256> MakeTable() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < table.size(); ++byte) {
    std::uint32_t sum = byte;
    for (int bit = 0; bit < 8; ++bit) {
      sum = (sum & 1U) != 0 ? (sum >> 1U) ^ kPolynomial : sum >> 1U;
    }
    table[byte] = sum;
  }
  return table;
}

constexpr std::array<std::uint32_t, 256> kTable = MakeTable();

std::uint32_t ByTable(std::uint32_t sum, const char* bytes, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    sum = kTable[(sum ^ static_cast<std::uint8_t>(bytes[i])) & 0xFFU] ^ (sum >> 8U);
  }
  return sum;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t ByInstruction(std::uint32_t before,
                                                              const char* bytes,
                                                              std::size_t count) {
  std::uint64_t sum = before;
  while (count >= sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes, sizeof(word));
    sum = _mm_crc32_u64(sum, word);
    bytes += sizeof(word);
    count -= sizeof(word);
  }
  return ByTable(static_cast<std::uint32_t>(sum), bytes, count);
}
#endif

}  // namespace

std::uint32_t Crc32c(std::uint32_t before, const char* bytes, std::size_t count) {
#if defined(__x86_64__)
  static const bool has_instruction = __builtin_cpu_supports("sse4.2") != 0;
  if (has_instruction) {
    return ~ByInstruction(~before, bytes, count);
  }
#endif
  return ~ByTable(~before, bytes, count);
}

}  // namespace reprise::vector
