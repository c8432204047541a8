// Scope: whose money it is. A budget has one; a call has several, and counts in the budgets of all.
//
//   "key:customer-7"  "bot:coder"  "model:gpt-5"  "type:research"  "namespace"  "global"
//
// A call is always in `namespace` and in `global`, whether it says so or not. Threads: values.
// Errors: kBadRequest (unknown kind, no name, two bots), kTooLarge. Complexity: O(bytes). Limits:
// below.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/result.h"

namespace reprise::spend {

inline constexpr std::size_t kScopeNameBytesMax = 128;
inline constexpr std::size_t kKeysOfCallMax = 9;     // eight that it names, and its access key
inline constexpr std::size_t kScopesOfCallMax = 16;  // as they are written

// Numbers are stored: append only.
enum class ScopeKind : std::uint8_t { kKey, kBot, kModel, kType, kNamespace, kGlobal };
inline constexpr std::array<std::string_view, 6> kScopeKinds{"key",  "bot",       "model",
                                                             "type", "namespace", "global"};

struct Scope {
  ScopeKind kind = ScopeKind::kNamespace;
  std::string name{};  // empty for namespace and global

  bool operator==(const Scope&) const = default;
};
base::Result<Scope> ParseScope(std::string_view text);
std::string ScopeText(ScopeKind kind, std::string_view name);
inline std::string ScopeText(const Scope& scope) {
  return ScopeText(scope.kind, scope.name);
}

// What a call says of itself; empty: not told.
struct CallScopes {
  std::string bot{};
  std::string model{};
  std::string type{};
  std::vector<std::string> keys{};  // sorted, each once

  // Takes one more; a second bot, model or type is an error.
  base::Status Add(const Scope& scope);
  // All of them, `namespace` and `global` too.
  std::vector<Scope> All() const;
  bool operator==(const CallScopes&) const = default;
};

}  // namespace reprise::spend
