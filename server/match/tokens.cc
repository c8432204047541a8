// Owns how text is cut into tokens.
#include "server/match/tokens.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "server/match/lexicon.h"
#include "server/match/literals.h"
#include "server/text/normalize.h"
#include "server/text/utf8.h"

namespace reprise::match {
namespace {

bool IsSpace(char byte) {
  return byte == ' ' || (byte >= '\t' && byte <= '\r');
}
bool IsDigit(char byte) {
  return byte >= '0' && byte <= '9';
}
bool IsUpper(char byte) {
  return byte >= 'A' && byte <= 'Z';
}
bool IsLetter(char byte) {
  return IsUpper(byte) || (byte >= 'a' && byte <= 'z');
}
bool IsAscii(char byte) {
  return static_cast<unsigned char>(byte) < 0x80;
}
char Lower(char byte) {
  return IsUpper(byte) ? static_cast<char>(byte | 0x20) : byte;
}

bool IsBetween(char32_t value, char32_t first, char32_t last) {
  return value >= first && value <= last;
}

// Scripts without spaces between words: each sign is a word.
bool IsIdeograph(char32_t value) {
  return IsBetween(value, 0x3040, 0x30FF) || IsBetween(value, 0x3400, 0x9FFF) ||
         IsBetween(value, 0xF900, 0xFAFF) || IsBetween(value, 0x20000, 0x3FFFF);
}

// Punctuation, marks and pictures: nothing that a question is about.
bool IsSeparator(char32_t value) {
  return IsBetween(value, 0x80, 0xA9) || IsBetween(value, 0xAB, 0xAF) || value == 0xB4 ||
         value == 0xBB || value == 0xBF || IsBetween(value, 0x2000, 0x206F) ||
         IsBetween(value, 0x2190, 0x21FF) || IsBetween(value, 0x2500, 0x27BF) ||
         IsBetween(value, 0x3000, 0x303F) || IsBetween(value, 0xFE00, 0xFE0F) ||
         IsBetween(value, 0xFF00, 0xFF0F) || IsBetween(value, 0x1F000, 0x1FAFF);
}

constexpr std::string_view kMoney[] = {"$", "€", "£", "¥", "₹"};

class Tokenizer {
 public:
  explicit Tokenizer(std::string_view text) : text_(text.substr(0, kTextBytesMax)) {
    out_.cut = text.size() > kTextBytesMax;
  }

  Tokens Run() && {
    out_.list.reserve(std::min<std::size_t>(text_.size() / 4 + 4, kTokensMax));
    while (pos_ < text_.size() && out_.list.size() < kTokensMax) {
      if (IsSpace(text_[pos_])) {
        ++pos_;
      } else if (!TakeQuote() && !TakeLiteral() && !TakeNumber() && !TakeLetters()) {
        TakeSign();
      }
    }
    out_.cut = out_.cut || pos_ < text_.size();
    return std::move(out_);
  }

 private:
  bool At(std::size_t pos, char byte) const { return pos < text_.size() && text_[pos] == byte; }
  bool DigitAt(std::size_t pos) const { return pos < text_.size() && IsDigit(text_[pos]); }
  bool LetterAt(std::size_t pos) const { return pos < text_.size() && IsLetter(text_[pos]); }
  bool SpaceAt(std::size_t pos) const { return pos >= text_.size() || IsSpace(text_[pos]); }
  bool WordBefore() const {
    return pos_ > 0 && (IsLetter(text_[pos_ - 1]) || IsDigit(text_[pos_ - 1]));
  }

  Token& Push(std::size_t begin, std::size_t end, Shape shape) {
    Token token;
    token.begin = static_cast<std::uint32_t>(begin);
    token.end = static_cast<std::uint32_t>(end);
    token.shape = shape;
    token.begins_sentence = sentence_;
    token.begins_clause = clause_;
    token.glued = !out_.list.empty() && out_.list.back().end == begin;
    token.quote = quote_end_ > begin ? out_.quotes : std::uint16_t{0};
    sentence_ = false;
    clause_ = false;
    out_.list.push_back(std::move(token));
    return out_.list.back();
  }

  std::string Folded(std::size_t begin, std::size_t end) const {
    const std::string_view piece = text_.substr(begin, end - begin);
    std::string folded;
    if (!std::all_of(piece.begin(), piece.end(), IsAscii) && text::Normalize(piece, folded).ok()) {
      return folded;
    }
    folded.resize(piece.size());
    std::transform(piece.begin(), piece.end(), folded.begin(), Lower);
    return folded;
  }

  // The bytes of a quotation mark at `pos`, and of the one that ends it.
  std::pair<std::string_view, std::string_view> QuoteAt(std::size_t pos) const {
    const std::string_view rest = text_.substr(pos);
    for (const auto& [open, close] : {std::pair<std::string_view, std::string_view>{"\"", "\""},
                                      {"“", "”"},
                                      {"„", "“"},
                                      {"«", "»"},
                                      {"`", "`"}}) {
      if (rest.starts_with(open)) {
        return {open, close};
      }
    }
    if (rest.starts_with("'") && (pos == 0 || !IsLetter(text_[pos - 1]))) {
      return {"'", "'"};
    }
    return {};
  }

  // An opening mark with its partner begins a quotation; back quotes make code. Lone marks are
  // skipped.
  bool TakeQuote() {
    const auto [open, close] = QuoteAt(pos_);
    if (open.empty()) {
      return false;
    }
    if (pos_ < quote_end_) {
      pos_ += open.size();
      return true;
    }
    const std::size_t begin = pos_ + open.size();
    const std::string_view near = text_.substr(0, begin + kQuoteBytesMax);
    std::size_t end = near.find(close, begin);
    while (close == "'" && end != std::string_view::npos && LetterAt(end + 1)) {
      end = near.find(close, end + 1);  // an apostrophe
    }
    pos_ = begin;
    if (end == std::string_view::npos || end == begin) {
      return true;
    }
    if (open == "`" && end - begin <= kTokenBytesMax) {
      Push(begin, end, Shape::kCode).folded = CodeForm(begin, end);
      pos_ = end + close.size();
      return true;
    }
    ++out_.quotes;
    quote_end_ = end;
    return true;
  }

  // `fn()` is `fn`.
  std::string CodeForm(std::size_t begin, std::size_t end) const {
    std::string folded = Folded(begin, end);
    if (folded.size() > 2 && folded.ends_with("()")) {
      folded.resize(folded.size() - 2);
    }
    return folded;
  }

  bool TakeLiteral() {
    if (pos_ > 0 && !IsSpace(text_[pos_ - 1]) && text_[pos_ - 1] != '(' &&
        QuoteAt(pos_ - 1).first.empty()) {
      return false;  // in the middle of a run
    }
    std::size_t end = pos_;
    while (end < text_.size() && !IsSpace(text_[end]) && IsAscii(text_[end]) && text_[end] != '"' &&
           end - pos_ <= kTokenBytesMax) {
      ++end;
    }
    const std::string_view tail = ".,;:!?)]}'*";
    while (end > pos_ && tail.find(text_[end - 1]) != std::string_view::npos &&
           !text_.substr(pos_, end - pos_).ends_with("()")) {
      --end;
    }
    const Literal literal = LiteralOf(text_.substr(pos_, end - pos_));
    if (literal == Literal::kNone) {
      return false;
    }
    Push(pos_, end, literal == Literal::kUrl ? Shape::kUrl : Shape::kCode).folded =
        CodeForm(pos_, end);
    pos_ = end;
    return true;
  }

  std::size_t DigitsEnd(std::size_t pos) const {
    const std::size_t end = std::min(text_.size(), pos_ + kTokenBytesMax);
    while (pos < end && IsDigit(text_[pos])) {
      ++pos;
    }
    return pos;
  }

  bool TakeNumber() {
    const bool fraction = text_[pos_] == '.' && DigitAt(pos_ + 1) && !WordBefore();
    if (!IsDigit(text_[pos_]) && !fraction) {
      return false;
    }
    const std::size_t begin = pos_;
    if (TakeClock(begin) || TakeDate(begin)) {
      return true;
    }
    std::string digits;
    std::size_t dots = 0;
    std::size_t end = pos_;
    while (end < text_.size() && end - begin < kTokenBytesMax) {
      const char byte = text_[end];
      if (IsDigit(byte)) {
        digits += byte;
      } else if (byte == '.' && DigitAt(end + 1)) {
        digits += byte;
        ++dots;
      } else if (!(byte == ',' && IsThousands(end + 1))) {
        break;
      }
      ++end;
    }
    Token& token = Push(begin, end, dots > 1 ? Shape::kVersion : Shape::kNumber);
    std::from_chars(digits.data(), digits.data() + digits.size(), token.value);
    token.folded = std::move(digits);
    pos_ = end;
    if (At(end, '/') && DigitAt(end + 1) && dots == 0) {
      TakeDivisor(token);
    }
    TakeNumberEnding(token);
    return true;
  }

  bool IsThousands(std::size_t pos) const {
    return DigitAt(pos) && DigitAt(pos + 1) && DigitAt(pos + 2) && !DigitAt(pos + 3);
  }

  // "1/2" is a half; "24/7" stays what it is.
  void TakeDivisor(Token& token) {
    const std::size_t end = DigitsEnd(pos_ + 1);
    double divisor = 0;
    std::from_chars(text_.data() + pos_ + 1, text_.data() + end, divisor);
    if (divisor > 0 && token.value < divisor) {
      token.value /= divisor;
      token.folded = Folded(token.begin, end);
      token.end = static_cast<std::uint32_t>(end);
      pos_ = end;
    }
  }

  // Letters at a number: 3rd, 3.5k, 2m; and those that make it a word: 2fa, 3d, 4x.
  void TakeNumberEnding(Token& token) {
    std::size_t end = pos_;
    while (LetterAt(end) && end - pos_ < kTokenBytesMax) {
      ++end;
    }
    const std::string letters = Folded(pos_, end);
    if (letters.empty()) {
      return;
    }
    if (letters == "st" || letters == "nd" || letters == "rd" || letters == "th") {
      token.ordinal = true;
    } else if (const double scale = ScaleOf(letters); scale > 1) {
      token.value *= scale;
      token.folded += letters;
    } else if (letters == "am" || letters == "pm") {
      SetClock(token, static_cast<int>(token.value), 0, letters);
    } else if (IsPartOfWord(letters, token.value) || DigitAt(end)) {
      end = WordEnd(end);
      token.shape = Shape::kWord;
      token.folded = Folded(token.begin, end);
    } else if (letters != "s") {
      return;  // a unit, or a word; a token of its own
    }
    token.end = static_cast<std::uint32_t>(end);
    pos_ = end;
  }

  // 3d, 5g, 2fa, 4x; but "30d" is thirty days.
  static bool IsPartOfWord(std::string_view letters, double value) {
    constexpr double kDimensionsMax = 4;
    return letters == "g" || letters == "fa" || letters == "x" ||
           (letters == "d" && value <= kDimensionsMax);
  }

  // "10M" is ten million, "10 m" ten metres.
  double ScaleOf(std::string_view letters) const {
    const bool capital = IsUpper(text_[pos_]);
    if (letters == "k") {
      return 1e3;
    }
    if (letters == "mln" || (letters == "m" && capital)) {
      return 1e6;
    }
    return letters == "bn" || (letters == "b" && capital) ? 1e9 : 1;
  }

  std::size_t WordEnd(std::size_t end) const {
    while ((LetterAt(end) || DigitAt(end)) && end - pos_ < kTokenBytesMax) {
      ++end;
    }
    return end;
  }

  static void SetClock(Token& token, int hour, int minute, std::string_view half) {
    if (half == "pm" && hour < 12) {
      hour += 12;
    } else if (half == "am" && hour == 12) {
      hour = 0;
    }
    token.shape = Shape::kClock;
    token.value = hour * 60 + minute;
    token.folded = std::to_string(hour * 60 + minute);
  }

  bool TakeClock(std::size_t begin) {
    const std::size_t colon = DigitsEnd(begin);
    if (colon - begin > 2 || !At(colon, ':') || !DigitAt(colon + 1) || !DigitAt(colon + 2) ||
        DigitAt(colon + 3)) {
      return false;
    }
    int hour = 0;
    int minute = 0;
    std::from_chars(text_.data() + begin, text_.data() + colon, hour);
    std::from_chars(text_.data() + colon + 1, text_.data() + colon + 3, minute);
    std::size_t end = colon + 3;
    const std::size_t half = end + (At(end, ' ') ? 1 : 0);
    std::string letters;
    if (LetterAt(half) && LetterAt(half + 1) && !LetterAt(half + 2)) {
      letters = Folded(half, half + 2);
    }
    if (letters == "am" || letters == "pm") {
      end = half + 2;
    }
    SetClock(Push(begin, end, Shape::kClock), hour, minute, letters);
    pos_ = end;
    return true;
  }

  // 2024-12-31 and 12/31/2024: three parts with the same mark between them.
  bool TakeDate(std::size_t begin) {
    const std::size_t one = DigitsEnd(begin);
    if (one >= text_.size() || (text_[one] != '-' && text_[one] != '/') || !DigitAt(one + 1)) {
      return false;
    }
    const std::size_t two = DigitsEnd(one + 1);
    if (!At(two, text_[one]) || !DigitAt(two + 1)) {
      return false;
    }
    const std::size_t end = DigitsEnd(two + 1);
    if (end - begin > 10 || one - begin > 4 || two - one > 3) {
      return false;
    }
    Token& token = Push(begin, end, Shape::kDate);
    token.folded = Folded(begin, end);
    pos_ = end;
    return true;
  }

  // What is a letter of a word at `pos`, in bytes; 0: none.
  std::size_t LetterBytes(std::size_t pos) const {
    if (pos >= text_.size()) {
      return 0;
    }
    if (IsAscii(text_[pos])) {
      return IsLetter(text_[pos]) || IsDigit(text_[pos]) ? 1 : 0;
    }
    const text::CodePoint point = text::FirstCodePoint(text_.substr(pos));
    const bool letter = point.bytes > 0 && !IsSeparator(point.value) && !IsIdeograph(point.value) &&
                        !IsMoney(text_.substr(pos, point.bytes));
    return letter ? point.bytes : 0;
  }

  static bool IsMoney(std::string_view sign) {
    return std::find(std::begin(kMoney), std::end(kMoney), sign) != std::end(kMoney);
  }

  // The bytes of an apostrophe inside a word.
  std::size_t ApostropheBytes(std::size_t pos) const {
    const std::size_t bytes = At(pos, '\'') ? 1 : text_.substr(pos).starts_with("’") ? 3 : 0;
    return bytes > 0 && LetterAt(pos + bytes) ? bytes : 0;
  }

  bool TakeLetters() {
    if (LetterBytes(pos_) == 0) {
      return false;
    }
    const std::size_t begin = pos_;
    std::string folded;
    std::size_t end = begin;
    while (end - begin < kTokenBytesMax) {
      if (const std::size_t bytes = LetterBytes(end); bytes > 0) {
        end += bytes;
      } else if (const std::size_t mark = ApostropheBytes(end); mark > 0) {
        folded += Folded(pos_, end) + "'";
        pos_ = end = end + mark;
      } else {
        break;
      }
    }
    folded += Folded(pos_, end);
    end = TakeTail(begin, end, folded);
    if (!TakeNamedNumber(begin, end, folded)) {
      Token& token = Push(begin, end, Shape::kWord);
      token.folded = std::move(folded);
      SetCase(token);
    }
    pos_ = end;
    return true;
  }

  // c++, c#, node.js, u.s., w/o, km/h: what stands behind the letters and belongs to them.
  std::size_t TakeTail(std::size_t begin, std::size_t end, std::string& folded) const {
    const std::string_view rest = text_.substr(end);
    if (folded.size() == 1 && (rest.starts_with("++") || rest.starts_with("#"))) {
      const std::size_t bytes = rest[0] == '#' ? 1 : 2;
      folded += rest.substr(0, bytes);
      return end + bytes;
    }
    for (const std::string_view joined :
         {"node.js", "vue.js", "next.js", "u.s.a", "u.s", "u.k", "w/out", "w/o", "w/", "km/h",
          "m/s", "e.g", "i.e", "a.m", "p.m"}) {
      const std::size_t stop = begin + joined.size();
      if (joined.starts_with(folded) && joined.size() > folded.size() && stop <= text_.size() &&
          Folded(begin, stop) == joined && !LetterAt(stop)) {
        folded = joined == "a.m" ? "am" : joined == "p.m" ? "pm" : joined;
        return At(stop, '.') && SpaceAt(stop + 1) ? stop + 1 : stop;
      }
    }
    return end;
  }

  static bool IsVersioned(std::string_view name) {
    const Concept* known = FindForm(name);
    return known != nullptr && (known->traits & trait::kVersioned) != 0;
  }

  // iphone15 is "iphone 15" and v2.1 a version; mp3 and h264 stay words.
  bool TakeNamedNumber(std::size_t begin, std::size_t& end, const std::string& folded) {
    std::size_t digits = 0;
    while (digits < folded.size() && IsLetter(folded[digits])) {
      ++digits;
    }
    const bool all_digits =
        digits < folded.size() &&
        std::all_of(folded.begin() + static_cast<std::ptrdiff_t>(digits), folded.end(), IsDigit);
    const bool version = digits == 1 && folded[0] == 'v';
    if (!all_digits || end - begin != folded.size() ||
        (digits < 3 && !version && !IsVersioned(folded.substr(0, digits)))) {
      return false;
    }
    if (digits > 1) {
      Token& name = Push(begin, begin + digits, Shape::kWord);
      name.folded = folded.substr(0, digits);
      SetCase(name);
    }
    std::size_t stop = end;
    while (DigitAt(stop) || (At(stop, '.') && DigitAt(stop + 1))) {
      ++stop;
    }
    Token& number = Push(begin + digits, stop, version ? Shape::kVersion : Shape::kNumber);
    number.folded = Folded(begin + digits, stop);
    std::from_chars(number.folded.data(), number.folded.data() + number.folded.size(),
                    number.value);
    end = stop;
    return true;
  }

  void SetCase(Token& token) const {
    const std::string_view piece = text_.substr(token.begin, token.end - token.begin);
    const auto capitals = std::count_if(piece.begin(), piece.end(), IsUpper);
    const auto letters = std::count_if(piece.begin(), piece.end(), IsLetter);
    token.capital = IsUpper(piece[0]);
    token.shout = letters >= 2 && capitals == letters;
    token.mixed = !token.shout && capitals > (token.capital ? 1 : 0);
  }

  void TakeSign() {
    const char byte = text_[pos_];
    if (!IsAscii(byte)) {
      TakeForeignSign();
      return;
    }
    const bool ends = (byte == '.' || byte == '!' || byte == '?') && SpaceAt(pos_ + 1);
    sentence_ = sentence_ || ends || byte == '\n';
    clause_ =
        clause_ || ends || byte == ',' || byte == ';' || byte == ':' || byte == '(' || byte == ')';
    const bool money = byte == '$' || byte == '%';
    const bool between =
        (DigitAt(pos_ + 1) || (SpaceAt(pos_ + 1) && DigitAt(pos_ + 2))) && AfterNumber();
    const bool sums =
        byte == '+' || byte == '*' || byte == '/' || byte == '^' || byte == '=' || byte == '-';
    const bool joins = byte == '-' && DigitAt(pos_ + 1) && !IsFormula();
    if (money || (sums && between && !joins)) {
      Push(pos_, pos_ + 1, money ? Shape::kWord : Shape::kSymbol).folded = std::string(1, byte);
    }
    ++pos_;
  }

  // A number, or a term of a formula: "5x".
  bool AfterNumber() const {
    if (out_.list.empty() || out_.list.back().end + 1 < pos_) {
      return false;
    }
    const Token& last = out_.list.back();
    return last.shape == Shape::kNumber ||
           (last.shape == Shape::kWord && last.folded.ends_with('x') && DigitAt(last.begin) &&
            IsFormula());
  }

  // In "x^2-5x" a dash is a minus, in "pages 2-5" it is not.
  bool IsFormula() const { return text_.find_first_of("=^") != std::string_view::npos; }

  void TakeForeignSign() {
    const text::CodePoint point = text::FirstCodePoint(text_.substr(pos_));
    if (point.bytes == 0) {
      ++pos_;  // not UTF-8
      return;
    }
    const std::size_t end = pos_ + point.bytes;
    if (IsIdeograph(point.value) || IsMoney(text_.substr(pos_, point.bytes))) {
      Push(pos_, end, Shape::kWord).folded = Folded(pos_, end);
    }
    pos_ = end;
  }

  static constexpr std::size_t kQuoteBytesMax = 1024;

  std::string_view text_;
  std::size_t pos_ = 0;
  std::size_t quote_end_ = 0;
  bool sentence_ = true;
  bool clause_ = true;
  Tokens out_;
};

}  // namespace

Tokens Tokenize(std::string_view text) {
  return Tokenizer(text).Run();
}

}  // namespace reprise::match
