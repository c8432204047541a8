// Rules: "faq: how do i *", the operator's own way to say which query type a prompt has.
//
// A pattern is words; a '*' stands alone (any number of words) or begins or ends a word (any
// letters). What a pattern matches is decided in server/cache/classify.h. Units: bytes of UTF-8.
// Errors: a problem is a sentence for people, empty when there is none. Complexity: O(bytes).
// Threads: any. Lifetime: results are views into the argument. Limits: kRuleBytesMax.
#pragma once

#include <cstddef>
#include <string_view>

namespace reprise::config {

inline constexpr std::size_t kRuleBytesMax = 256;

struct Rule {
  std::string_view type;
  std::string_view pattern;
};
// The parts without the white space around them; without a colon the type is empty.
Rule SplitRule(std::string_view text);

// What is wrong with "type: pattern", or with a pattern alone.
std::string_view RuleProblem(std::string_view text);
std::string_view PatternProblem(std::string_view pattern);

// ASCII bytes that are no part of a word: white space, control bytes and most punctuation, but not
// those that can be part of one: . ' * + # - _ @ $ % & ~ ^ and the backslash.
bool IsWordSeparator(char byte);

}  // namespace reprise::config
