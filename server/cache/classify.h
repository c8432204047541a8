// Classify: which query type a prompt has when its caller does not say, and why.
//
// In this order: the operator's rules, then two built-in rules: a question whose answer changes by
// the hour ("what is the weather in Paris") and an order to do something ("delete my account") are
// of the type "live", which is not stored by default. All else is "general". The built-in rules
// know English only and look at the first kHeadBytes and the last kTailBytes of a prompt: what
// stands in the middle of a long one is pasted text, not the question.
//
//   Classify("what is the weather in paris", options)
//     -> {"live", "the word \"weather\" makes it time-dependent (built-in rule)"}
//
// Units: bytes. Errors: none; a rule that is not well-formed matches nothing. Complexity:
// O(prompt bytes x rules), at most 64 short rules; O(1) for the built-in ones. Threads: any.
// Lifetime: Classified::type is a view into `options` or a constant. Limits: config/rule.h.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "server/config/options.h"

namespace reprise::cache {

inline constexpr std::string_view kGeneralType = "general";
inline constexpr std::string_view kLiveType = "live";

inline constexpr std::size_t kHeadBytes = 1'024;
inline constexpr std::size_t kTailBytes = 512;

struct Classified {
  std::string_view type;
  std::string reason;  // a phrase for people; holds words of rules, none of the prompt's own
};

// `normalized_prompt` as text::Normalize makes it.
Classified Classify(std::string_view normalized_prompt, const config::CacheOptions& options);

// The first of the operator's bypass rules that matches; empty when none does.
std::string_view BypassRule(std::string_view normalized_prompt,
                            const config::CacheOptions& options);

// Whether a pattern of words and stars (config/rule.h) stands somewhere in the prompt.
bool MatchesPattern(std::string_view normalized_prompt, std::string_view pattern);

}  // namespace reprise::cache
