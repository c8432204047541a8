// Tier: how a lookup hit. Threads: values. Errors: none.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace reprise::cache {

// Numbers are stored (FORMAT.md): append only.
enum class Tier : std::uint8_t { kExact, kNormalized, kSemantic };
inline constexpr std::array kTiers{Tier::kExact, Tier::kNormalized, Tier::kSemantic};
std::string_view NameOf(Tier tier);

}  // namespace reprise::cache
