#include "server/spend/match_rule.h"

#include <algorithm>
#include <array>
#include <optional>

namespace reprise::spend {
namespace {

using base::Code;
using base::Error;
using base::Value;
using Kind = MatchRule::Kind;

struct KindRow {
  std::string_view name;
  Kind kind;
};
constexpr std::array kKinds{KindRow{"equals", Kind::kEquals},
                            KindRow{"starts_with", Kind::kStartsWith},
                            KindRow{"ends_with", Kind::kEndsWith},
                            KindRow{"contains", Kind::kContains},
                            KindRow{"regex", Kind::kRegex},
                            KindRow{"or", Kind::kOr},
                            KindRow{"and", Kind::kAnd}};

Error BadRule(std::string_view what) {
  return {Code::kBadRequest, "a match rule: " + std::string(what)};
}

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

// One unit of a pattern: a literal letter or a digit, so many times.
struct Atom {
  std::optional<char> literal{};  // absent: any digit
  std::size_t times = 1;
};
struct Pattern {
  bool at_start = false;
  bool at_end = false;
  std::vector<Atom> atoms{};
};

// "{8}" at the front of the text; 1 when there is none, 0 when it cannot be read.
std::size_t TakeTimes(std::string_view& text) {
  if (!text.starts_with('{')) {
    return 1;
  }
  std::size_t times = 0;
  std::size_t place = 1;
  while (place < text.size() && place < 4 && IsDigit(text[place])) {
    times = times * 10 + static_cast<std::size_t>(text[place] - '0');
    ++place;
  }
  if (place >= text.size() || text[place] != '}') {
    return 0;
  }
  text.remove_prefix(place + 1);
  return times;
}

// What follows a backslash: a digit, or the sign itself; false when it means something else.
bool TakeEscaped(std::string_view& text, Atom& atom) {
  if (text.empty()) {
    return false;
  }
  const char escaped = text.front();
  text.remove_prefix(1);
  const bool is_word =
      (escaped >= 'a' && escaped <= 'z') || (escaped >= 'A' && escaped <= 'Z') || IsDigit(escaped);
  atom.literal = escaped == 'd' ? std::nullopt : std::optional(escaped);
  return !is_word || escaped == 'd';
}

std::optional<Atom> TakeAtom(std::string_view& text) {
  Atom atom{text.front()};
  text.remove_prefix(1);
  const bool is_read =
      *atom.literal == '\\'
          ? TakeEscaped(text, atom)
          : std::string_view(".[](){}*+?|^$").find(*atom.literal) == std::string_view::npos;
  if (!is_read) {
    return std::nullopt;
  }
  atom.times = TakeTimes(text);
  return atom.times == 0 || atom.times > kRuleTextBytesMax ? std::nullopt : std::optional(atom);
}

// Absent when the pattern is more than this module reads.
std::optional<Pattern> ReadPattern(std::string_view text) {
  Pattern pattern;
  pattern.at_start = text.starts_with('^');
  text.remove_prefix(pattern.at_start ? 1 : 0);
  while (!text.empty() && text != "$") {
    const auto atom = TakeAtom(text);
    if (!atom.has_value()) {
      return std::nullopt;
    }
    pattern.atoms.push_back(*atom);
  }
  pattern.at_end = text == "$";
  return pattern.atoms.empty() ? std::nullopt : std::optional(pattern);
}

// How many letters the pattern takes from the front of `name`; absent when it does not match there.
std::optional<std::size_t> MatchedAt(const Pattern& pattern, std::string_view name) {
  std::size_t place = 0;
  for (const Atom& atom : pattern.atoms) {
    for (std::size_t i = 0; i < atom.times; ++i, ++place) {
      const bool fits =
          place < name.size() &&
          (atom.literal.has_value() ? name[place] == *atom.literal : IsDigit(name[place]));
      if (!fits) {
        return std::nullopt;
      }
    }
  }
  return place;
}

bool MatchesPattern(std::string_view text, std::string_view name) {
  const auto pattern = ReadPattern(text);
  if (!pattern.has_value()) {
    return false;
  }
  const std::size_t starts = pattern->at_start ? 1 : name.size() + 1;
  for (std::size_t start = 0; start < starts; ++start) {
    const auto taken = MatchedAt(*pattern, name.substr(start));
    if (taken.has_value() && (!pattern->at_end || start + *taken == name.size())) {
      return true;
    }
  }
  return false;
}

// Reads a rule with all that is in it, within the bounds.
class Reader {
 public:
  explicit Reader(std::uint64_t* skipped) : skipped_(skipped) {}

  base::Result<MatchRule> Read(const Value& value, int depth) {
    if (++parts_ > kRulePartsMax || depth > kRuleDepthMax) {
      return Error{Code::kTooLarge, "a match rule has at most 128 parts, 4 levels deep"};
    }
    const Value::Map* map = value.AsMap();
    if (map == nullptr || map->size() != 1) {
      return BadRule("a map with one of equals, starts_with, ends_with, contains, regex, or, and");
    }
    const auto name = map->front().first.AsText();
    const Value& body = map->front().second;
    const auto row = std::find_if(kKinds.begin(), kKinds.end(),
                                  [&name](const KindRow& each) { return name == each.name; });
    if (row == kKinds.end()) {
      return BadRule("allowed are equals, starts_with, ends_with, contains, regex, or, and");
    }
    return row->kind == Kind::kOr || row->kind == Kind::kAnd ? ReadParts(row->kind, body, depth)
                                                             : ReadText(row->kind, body);
  }

 private:
  base::Result<MatchRule> ReadParts(Kind kind, const Value& body, int depth) {
    // An 'or' of nothing matches nothing; an 'and' of nothing would match everything.
    if (body.AsArray() == nullptr || (kind == Kind::kAnd && body.AsArray()->empty())) {
      return BadRule("'or' and 'and' take a list of rules");
    }
    MatchRule rule{kind};
    for (const Value& each : *body.AsArray()) {
      ASSIGN_OR_RETURN(MatchRule part, Read(each, depth + 1));
      rule.parts.push_back(std::move(part));
    }
    return rule;
  }

  base::Result<MatchRule> ReadText(Kind kind, const Value& body) {
    const auto text = body.AsText();
    if (!text.has_value() || text->empty() || text->size() > kRuleTextBytesMax) {
      return BadRule("a text of 1 to 128 bytes is expected");
    }
    if (kind == Kind::kRegex) {
      if (ReadPattern(*text).has_value()) {
        return MatchRule{kind, std::string(*text), {}};
      }
      if (skipped_ == nullptr) {
        return BadRule("this regular expression is not read here: only letters, \\d, \\d{n}, ^, $");
      }
      ++*skipped_;
      return MatchRule{Kind::kOr};  // of nothing
    }
    return MatchRule{kind, ToLower(*text), {}};
  }

  std::uint64_t* skipped_;
  std::size_t parts_ = 0;
};

}  // namespace

std::string ToLower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return lower;
}

bool MatchRule::Matches(std::string_view name) const {
  const auto matches = [name](const MatchRule& part) { return part.Matches(name); };
  switch (kind) {
    case Kind::kEquals:
      return name == text;
    case Kind::kStartsWith:
      return name.starts_with(text);
    case Kind::kEndsWith:
      return name.ends_with(text);
    case Kind::kContains:
      return name.find(text) != std::string_view::npos;
    case Kind::kRegex:
      return MatchesPattern(text, name);
    case Kind::kOr:
      return std::any_of(parts.begin(), parts.end(), matches);
    case Kind::kAnd:
      return std::all_of(parts.begin(), parts.end(), matches);
  }
  return false;
}

base::Result<MatchRule> MatchRuleFrom(const Value& value, std::uint64_t* skipped) {
  return Reader(skipped).Read(value, 1);
}

MatchRule AliasRule(std::string_view alias) {
  const bool open_start = alias.starts_with('*');
  const bool open_end = alias.size() > 1 && alias.ends_with('*');
  alias.remove_prefix(open_start ? 1 : 0);
  alias.remove_suffix(open_end ? 1 : 0);
  const Kind kind = open_start ? (open_end ? Kind::kContains : Kind::kEndsWith)
                               : (open_end ? Kind::kStartsWith : Kind::kEquals);
  return {kind, ToLower(alias), {}};
}

Value ToValue(const MatchRule& rule) {
  const auto row = std::find_if(kKinds.begin(), kKinds.end(),
                                [&](const KindRow& each) { return each.kind == rule.kind; });
  if (rule.kind != Kind::kOr && rule.kind != Kind::kAnd) {
    return Value::Map{{row->name, rule.text}};
  }
  Value::Array parts;
  for (const MatchRule& part : rule.parts) {
    parts.push_back(ToValue(part));
  }
  return Value::Map{{row->name, std::move(parts)}};
}

}  // namespace reprise::spend
