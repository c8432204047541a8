// Shares: "name: 3", the operator's way to give a namespace or a model a number.
//
// Units: none. Errors: absent when the text is no share. Complexity: O(bytes). Threads: any.
// Lifetime: the name is a view into the argument. Limits: kShareMax; names of kTagBytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace reprise::config {

inline constexpr std::uint32_t kShareMax = 1'000;

struct Share {
  std::string_view name;
  std::uint32_t number = 0;  // 1 to kShareMax
};
// Without the white space around the parts; the last colon divides them.
std::optional<Share> ParseShare(std::string_view text);

}  // namespace reprise::config
