// Owns the shape of rules. Does not own what they match (server/cache/classify.cc).
#include "server/config/rule.h"

#include <algorithm>

#include "server/config/table.h"
#include "server/config/trimmed.h"

namespace reprise::config {
namespace {

bool IsWordByte(char byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
         (byte >= '0' && byte <= '9') || static_cast<unsigned char>(byte) >= 0x80;
}

// "*", or a word with a letter or digit, and with stars at most first and last.
bool IsPatternWord(std::string_view word) {
  if (word == "*") {
    return true;
  }
  const std::size_t inner = word.find('*', 1);
  return std::any_of(word.begin(), word.end(), IsWordByte) &&
         (inner == std::string_view::npos || inner + 1 == word.size());
}

}  // namespace

bool IsWordSeparator(char byte) {
  constexpr std::string_view kPunctuation = ",;:!?()[]{}<>\"/|=`";
  const auto code = static_cast<unsigned char>(byte);
  return code <= 0x20 || code == 0x7F || kPunctuation.find(byte) != std::string_view::npos;
}

Rule SplitRule(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) {
    return {{}, Trimmed(text)};
  }
  return {Trimmed(text.substr(0, colon)), Trimmed(text.substr(colon + 1))};
}

std::string_view PatternProblem(std::string_view pattern) {
  pattern = Trimmed(pattern);
  if (pattern.empty() || pattern.size() > kRuleBytesMax) {
    return "a pattern has 1 to 256 bytes";
  }
  while (!pattern.empty()) {
    const std::size_t end = std::min(pattern.find(' '), pattern.size());
    const std::string_view word = pattern.substr(0, end);
    if (std::any_of(word.begin(), word.end(), IsWordSeparator)) {
      return "a pattern is words with single spaces or more between them, without commas, "
             "brackets, quotes and other punctuation";
    }
    if (!word.empty() && !IsPatternWord(word)) {
      return "each word of a pattern has a letter or digit; a * stands alone, or begins or ends "
             "a word";
    }
    pattern.remove_prefix(std::min(end + 1, pattern.size()));
  }
  return "";
}

std::string_view RuleProblem(std::string_view text) {
  if (text.size() > kRuleBytesMax) {
    return "a rule has at most 256 bytes";
  }
  const Rule rule = SplitRule(text);
  if (rule.type.empty()) {
    return "a rule is \"type: pattern\", as in \"faq: opening hours\"";
  }
  const std::string_view problem = TypeNameProblem(rule.type);
  return problem.empty() ? PatternProblem(rule.pattern) : problem;
}

}  // namespace reprise::config
