// Owns how rules are matched and the built-in rules. Does not own their shape (config/rule.h).
#include "server/cache/classify.h"

#include <algorithm>
#include <array>
#include <vector>

#include "server/config/rule.h"
#include "server/text/normalize.h"

namespace reprise::cache {
namespace {

using Words = std::vector<std::string_view>;

// Without the full stops and quotes that end a sentence or a quotation inside the prompt.
std::string_view Trimmed(std::string_view word) {
  constexpr std::string_view kEdges = ".'";
  while (!word.empty() && kEdges.find(word.front()) != std::string_view::npos) {
    word.remove_prefix(1);
  }
  while (!word.empty() && kEdges.find(word.back()) != std::string_view::npos) {
    word.remove_suffix(1);
  }
  return word;
}

void AppendWords(std::string_view text, Words& words) {
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i == text.size() || config::IsWordSeparator(text[i])) {
      if (const std::string_view word = Trimmed(text.substr(begin, i - begin)); !word.empty()) {
        words.push_back(word);
      }
      begin = i + 1;
    }
  }
}

Words WordsOf(std::string_view text) {
  Words words;
  AppendWords(text, words);
  return words;
}

bool WordMatches(std::string_view word, std::string_view pattern) {
  const bool open_front = pattern.starts_with('*');
  const bool open_back = pattern.ends_with('*');
  if (open_front) {
    pattern.remove_prefix(1);
  }
  if (open_back) {
    pattern.remove_suffix(1);
  }
  if (open_front && open_back) {
    return word.find(pattern) != std::string_view::npos;
  }
  if (open_front) {
    return word.ends_with(pattern);
  }
  return open_back ? word.starts_with(pattern) : word == pattern;
}

// Greedy, back to the last star: O(words x pattern).
bool Stands(const Words& words, const Words& pattern) {
  std::size_t word = 0;
  std::size_t part = 0;
  std::size_t after_star = 0;  // A pattern may begin anywhere, as if a star stood in front.
  std::size_t retry = 0;
  while (part < pattern.size()) {
    if (pattern[part] == "*") {
      after_star = ++part;
      retry = word;
    } else if (word < words.size() && WordMatches(words[word], pattern[part])) {
      ++word;
      ++part;
    } else {
      if (++retry > words.size()) {
        return false;
      }
      word = retry;
      part = after_star;
    }
  }
  return true;
}

bool Matches(const Words& words, std::string_view pattern) {
  // Normalize folds case; it would take off signs at the end, but a pattern has none.
  std::string folded;
  if (!text::Normalize(pattern, folded).ok()) {
    return false;
  }
  return Stands(words, WordsOf(folded));
}

// What is asked changes by the hour.
constexpr std::array<std::string_view, 16> kTimely{
    "today",  "tonight", "yesterday", "tomorrow", "now",      "currently", "current", "latest",
    "newest", "recent",  "recently",  "weather",  "forecast", "news",      "price",   "prices"};
constexpr std::array<std::array<std::string_view, 2>, 6> kTimelyPairs{{{"this", "week"},
                                                                       {"this", "month"},
                                                                       {"this", "year"},
                                                                       {"this", "morning"},
                                                                       {"this", "evening"},
                                                                       {"exchange", "rate"}}};

// An order, when it opens the prompt.
constexpr std::array<std::string_view, 22> kActions{
    "delete",  "send",   "book",     "buy",     "order",    "cancel",    "remove",      "pay",
    "post",    "reply",  "schedule", "remind",  "transfer", "subscribe", "unsubscribe", "deploy",
    "restart", "reboot", "shutdown", "reserve", "rename",   "email"};
// What may stand in front of it.
constexpr std::array<std::string_view, 9> kPoliteness{"please", "can", "could", "would", "will",
                                                      "you",    "now", "then",  "just"};

template <std::size_t kSize>
bool Contains(const std::array<std::string_view, kSize>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

// The word, or the second of two.
std::string_view TimelyWord(const Words& words) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (Contains(kTimely, words[i])) {
      return words[i];
    }
    const bool ends_pair =
        i > 0 && std::any_of(kTimelyPairs.begin(), kTimelyPairs.end(), [&](const auto& pair) {
          return pair[0] == words[i - 1] && pair[1] == words[i];
        });
    if (ends_pair) {
      return words[i];
    }
  }
  return {};
}

std::string_view ActionWord(const Words& words) {
  for (const std::string_view word : words) {
    if (Contains(kActions, word)) {
      return word;
    }
    if (!Contains(kPoliteness, word)) {
      break;
    }
  }
  return {};
}

// The question stands at the beginning or the end; what is between is pasted text.
Words HeadAndTail(std::string_view prompt) {
  Words words;
  if (prompt.size() <= kHeadBytes + kTailBytes) {
    AppendWords(prompt, words);
    return words;
  }
  AppendWords(prompt.substr(0, kHeadBytes), words);
  AppendWords(prompt.substr(prompt.size() - kTailBytes), words);
  return words;
}

bool IsConfigured(std::string_view type, const config::CacheOptions& options) {
  return std::any_of(options.types.begin(), options.types.end(),
                     [type](const config::QueryType& known) { return known.name == type; });
}

}  // namespace

bool MatchesPattern(std::string_view normalized_prompt, std::string_view pattern) {
  return Matches(WordsOf(normalized_prompt), pattern);
}

std::string_view BypassRule(std::string_view normalized_prompt,
                            const config::CacheOptions& options) {
  if (options.bypass_rules.empty()) {
    return {};
  }
  const Words words = WordsOf(normalized_prompt);
  for (const std::string& pattern : options.bypass_rules) {
    if (Matches(words, pattern)) {
      return pattern;
    }
  }
  return {};
}

Classified Classify(std::string_view normalized_prompt, const config::CacheOptions& options) {
  if (!options.rules.empty()) {
    const Words words = WordsOf(normalized_prompt);
    for (const std::string& text : options.rules) {
      const config::Rule rule = config::SplitRule(text);
      if (Matches(words, rule.pattern)) {
        return {rule.type, "the rule \"" + text + "\" (cache.rules)"};
      }
    }
  }
  if (IsConfigured(kLiveType, options)) {
    const Words words = HeadAndTail(normalized_prompt);
    if (const std::string_view word = TimelyWord(words); !word.empty()) {
      return {kLiveType,
              "the word \"" + std::string(word) + "\" makes it time-dependent (built-in rule)"};
    }
    if (const std::string_view word = ActionWord(words); !word.empty()) {
      return {kLiveType,
              "the word \"" + std::string(word) + "\" makes it an order (built-in rule)"};
    }
  }
  return {kGeneralType, "no rule matches"};
}

}  // namespace reprise::cache
