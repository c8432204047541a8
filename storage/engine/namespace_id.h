// NamespaceId: the tenant that a row belongs to; four bytes in front of every key of a tenant's
// rows.
//
// Threads: values. Errors: none.
#pragma once

#include <array>
#include <cstdint>

namespace reprise::storage {

enum class NamespaceId : std::uint32_t {};
inline constexpr NamespaceId kDefaultNamespace{1};

// Big-endian, so that the rows of one namespace stand together in key order.
constexpr std::array<char, 4> PrefixOf(NamespaceId id) {
  const auto number = static_cast<std::uint32_t>(id);
  return {static_cast<char>(number >> 24U), static_cast<char>(number >> 16U & 255U),
          static_cast<char>(number >> 8U & 255U), static_cast<char>(number & 255U)};
}

}  // namespace reprise::storage
