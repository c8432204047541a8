// MatchRule: which model names a row of the price table is for.
//
// Names are compared in lower case (ASCII). A pattern is the part of regular expressions that price
// files use for dates: literals, `\d`, `\d{n}`, `^` at the start and `$` at the end; others are
// refused, so that no rule can be slow. Threads: values. Errors: kBadRequest. Complexity: O(rule +
// name). Limits: below.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/result.h"
#include "protocol/base/value.h"

namespace reprise::spend {

inline constexpr std::size_t kRuleTextBytesMax = 128;
inline constexpr std::size_t kRulePartsMax = 128;  // of one rule, all levels together
inline constexpr int kRuleDepthMax = 4;

std::string ToLower(std::string_view text);

struct MatchRule {
  // Names as price files have them.
  enum class Kind : std::uint8_t { kEquals, kStartsWith, kEndsWith, kContains, kRegex, kOr, kAnd };
  Kind kind = Kind::kEquals;
  std::string text{};              // in lower case
  std::vector<MatchRule> parts{};  // of kOr and kAnd

  static MatchRule Equals(std::string_view name) { return {Kind::kEquals, ToLower(name), {}}; }
  // `name` must be in lower case.
  bool Matches(std::string_view name) const;
};

// {"equals": "a"}, {"or": [{"starts_with": "b"}, ...]}. `skipped`, when it is not null, counts
// patterns that are beyond what is read here and leaves them out, so that they match nothing.
base::Result<MatchRule> MatchRuleFrom(const base::Value& value, std::uint64_t* skipped = nullptr);
// An alias: a name, with a '*' at its start or end for any letters.
MatchRule AliasRule(std::string_view alias);
base::Value ToValue(const MatchRule& rule);

}  // namespace reprise::spend
