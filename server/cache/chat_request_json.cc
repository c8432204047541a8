#include "server/cache/chat_request_json.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <utility>
#include <vector>

#include "protocol/base/ensure.h"
#include "server/cache/canonical_number.h"
#include "server/text/nfc.h"
#include "server/text/utf8.h"

namespace reprise::cache {
namespace {

constexpr std::size_t kExactDigits = 15;  // every integer of so many digits is a double

bool IsDigit(char letter) {
  return letter >= '0' && letter <= '9';
}

bool IsHighSurrogate(char32_t unit) {
  return unit >= 0xd800 && unit < 0xdc00;
}

bool IsLowSurrogate(char32_t unit) {
  return unit >= 0xdc00 && unit < 0xe000;
}

// The order of UTF-16 units: that of the bytes of UTF-8, but U+E000 to U+FFFF come after the
// surrogate pairs.
bool KeyComesBefore(const std::string& a, const std::string& b) {
  const auto [in_a, in_b] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  if (in_a == a.end() || in_b == b.end()) {
    return in_b != b.end();
  }
  const auto first = static_cast<std::uint8_t>(*in_a);
  const auto second = static_cast<std::uint8_t>(*in_b);
  if (first >= 0xee && second >= 0xee && (first >= 0xf0) != (second >= 0xf0)) {
    return first >= 0xf0;
  }
  return first < second;
}

void AppendEscaped(std::string_view text, std::string& out) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  constexpr std::string_view kShort = "btn?fr";  // U+0008 to U+000D; U+000B has no short form
  out.push_back('"');
  for (const char letter : text) {
    const auto byte = static_cast<std::uint8_t>(letter);
    if (letter == '"' || letter == '\\') {
      out.append({'\\', letter});
    } else if (byte >= 0x20) {
      out.push_back(letter);
    } else if (byte >= 0x08 && byte <= 0x0d && byte != 0x0b) {
      out.append({'\\', kShort[byte - 0x08U]});
    } else {
      out.append("\\u00").append({kDigits[byte >> 4U], kDigits[byte & 15U]});
    }
  }
  out.push_back('"');
}

// Reads JSON strictly and writes its canonical form. Each function is false when the text is no
// JSON; what is JSON but has no one meaning is noted in `refusal_` and read on, because it counts
// only if all of the text is JSON.
class JsonText {
 public:
  explicit JsonText(std::string_view text) : text_(text) {}

  bool ReadAll(std::string& out) {
    SkipSpace();
    if (!Value(out, 0)) {
      return false;
    }
    SkipSpace();
    return position_ == text_.size();
  }
  const std::string& refusal() const { return refusal_; }

 private:
  struct Pair {
    std::string key;
    std::string value;
  };

  char Now() const { return position_ < text_.size() ? text_[position_] : '\0'; }
  bool Take(char letter) {
    const bool here = position_ < text_.size() && text_[position_] == letter;
    position_ += here ? 1 : 0;
    return here;
  }
  void SkipSpace() {
    while (Now() == ' ' || Now() == '\t' || Now() == '\n' || Now() == '\r') {
      ++position_;
    }
  }
  void Refuse(std::string why) {
    if (refusal_.empty()) {
      refusal_ = std::move(why);
    }
  }

  bool Value(std::string& out, int depth) {
    switch (Now()) {
      case '{':
        return depth < kJsonDepth && Object(out, depth + 1);
      case '[':
        return depth < kJsonDepth && Array(out, depth + 1);
      case '"': {
        std::string text;
        if (!String(text)) {
          return false;
        }
        AppendEscaped(text, out);
        return true;
      }
      default:
        return Literal(out) || Number(out);
    }
  }

  bool Object(std::string& out, int depth) {
    std::vector<Pair> pairs;
    ++position_;
    SkipSpace();
    while (Now() != '}') {
      Pair& pair = pairs.emplace_back();
      if (!String(pair.key)) {
        return false;
      }
      SkipSpace();
      if (!Take(':')) {
        return false;
      }
      SkipSpace();
      if (!Value(pair.value, depth) || !Separator('}')) {
        return false;
      }
    }
    ++position_;
    WriteObject(pairs, out);
    return true;
  }

  void WriteObject(std::vector<Pair>& pairs, std::string& out) {
    std::sort(pairs.begin(), pairs.end(),
              [](const Pair& a, const Pair& b) { return KeyComesBefore(a.key, b.key); });
    out.push_back('{');
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      if (i > 0 && pairs[i].key == pairs[i - 1].key) {
        Refuse("a key stands twice in an object");
      }
      if (i > 0) {
        out.push_back(',');
      }
      AppendEscaped(pairs[i].key, out);
      out.append(":").append(pairs[i].value);
    }
    out.push_back('}');
  }

  bool Array(std::string& out, int depth) {
    ++position_;
    out.push_back('[');
    SkipSpace();
    for (bool first = true; Now() != ']'; first = false) {
      if (!first) {
        out.push_back(',');
      }
      if (!Value(out, depth) || !Separator(']')) {
        return false;
      }
    }
    ++position_;
    out.push_back(']');
    return true;
  }

  // Between two items: a comma and something behind it, or the end.
  bool Separator(char end) {
    SkipSpace();
    if (!Take(',')) {
      return Now() == end;
    }
    SkipSpace();
    return Now() != end;
  }

  bool Literal(std::string& out) {
    for (const std::string_view word : {"true", "false", "null"}) {
      if (text_.substr(position_, word.size()) == word) {
        position_ += word.size();
        out.append(word);
        return true;
      }
    }
    return false;
  }

  bool Digits() {
    const std::size_t before = position_;
    while (IsDigit(Now())) {
      ++position_;
    }
    return position_ > before;
  }

  bool Number(std::string& out) {
    const std::size_t start = position_;
    Take('-');
    if (!Take('0') && !Digits()) {
      return false;
    }
    bool whole = true;
    if (Take('.')) {
      whole = false;
      if (!Digits()) {
        return false;
      }
    }
    if (Take('e') || Take('E')) {
      whole = false;
      if (!Take('+')) {
        Take('-');
      }
      if (!Digits()) {
        return false;
      }
    }
    WriteNumber(text_.substr(start, position_ - start), whole, out);
    return true;
  }

  void WriteNumber(std::string_view spelled, bool whole, std::string& out) {
    double number = 0;
    const auto read = std::from_chars(spelled.data(), spelled.data() + spelled.size(), number);
    if (read.ec != std::errc()) {
      Refuse("a number is beyond what a double can hold");
      return;
    }
    std::string canonical;
    AppendCanonicalNumber(number, canonical);
    out.append(whole && spelled.size() > kExactDigits ? spelled : canonical);
  }

  bool String(std::string& out) {
    if (!Take('"')) {
      return false;
    }
    while (position_ < text_.size()) {
      const char letter = text_[position_++];
      if (letter == '"') {
        return Compose(out);
      }
      if (static_cast<std::uint8_t>(letter) < 0x20 || (letter == '\\' && !Escape(out))) {
        return false;
      }
      if (letter != '\\') {
        out.push_back(letter);
      }
    }
    return false;
  }

  // Escapes spell valid text as well: a lone surrogate is refused and leaves nothing.
  static bool Compose(std::string& out) {
    std::string scratch;
    const auto composed = text::Nfc(out, scratch);
    ENSURE(composed.ok());
    if (composed.value().data() != out.data()) {
      out = std::move(scratch);
    }
    return true;
  }

  bool Escape(std::string& out) {
    constexpr std::string_view kNames = "\"\\/bfnrt";
    constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
    const char name = Now();
    ++position_;
    if (name == 'u') {
      return UnicodeEscape(out);
    }
    const std::size_t which = kNames.find(name);
    if (which == std::string_view::npos) {
      return false;
    }
    out.push_back(kMeanings[which]);
    return true;
  }

  bool UnicodeEscape(std::string& out) {
    char32_t unit = 0;
    if (!FourDigits(unit)) {
      return false;
    }
    if (IsHighSurrogate(unit) && text_.substr(position_, 2) == "\\u") {
      position_ += 2;
      char32_t low = 0;
      if (!FourDigits(low)) {
        return false;
      }
      if (IsLowSurrogate(low)) {
        text::AppendUtf8(0x10000 + ((unit - 0xd800) << 10U) + (low - 0xdc00), out);
        return true;
      }
    }
    if (IsHighSurrogate(unit) || IsLowSurrogate(unit)) {
      Refuse("a string has a lone surrogate");
      return true;
    }
    text::AppendUtf8(unit, out);
    return true;
  }

  bool FourDigits(char32_t& unit) {
    const std::string_view digits = text_.substr(std::min(position_, text_.size()), 4);
    std::uint32_t value = 0;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    position_ += digits.size();
    unit = value;
    return digits.size() == 4 && read.ec == std::errc() &&
           read.ptr == digits.data() + digits.size();
  }

  std::string_view text_;
  std::size_t position_ = 0;
  std::string refusal_;
};

}  // namespace

base::Result<std::optional<std::string>> CanonicalJsonObject(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos || text[first] != '{') {
    return std::optional<std::string>();
  }
  JsonText json(text);
  std::string canonical;
  if (!json.ReadAll(canonical)) {
    return std::optional<std::string>();
  }
  if (!json.refusal().empty()) {
    return base::Error{base::Code::kBadRequest, json.refusal()};
  }
  return std::optional<std::string>(std::move(canonical));
}

}  // namespace reprise::cache
