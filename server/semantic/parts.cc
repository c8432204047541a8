#include "server/semantic/parts.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <string>

#include "server/match/words.h"

namespace reprise::semantic {
namespace {

constexpr std::size_t kAtTheEnds = 3;      // segments of each end that may be the question
constexpr std::size_t kLabelWords = 4;     // a longer one is a sentence of its own
constexpr std::size_t kLetters = 4;        // of a token
constexpr std::string_view kSilent = ".";  // at the end of a segment
constexpr std::uint64_t kBasis = 0xCBF29CE484222325;
constexpr std::uint64_t kPrime = 0x100000001B3;

bool IsSpace(char byte) {
  return byte == ' ' || (byte >= '\t' && byte <= '\r');
}
bool IsDigit(char byte) {
  return byte >= '0' && byte <= '9';
}
bool IsSmall(char byte) {
  return byte >= 'a' && byte <= 'z';
}
bool IsAscii(char byte) {
  return static_cast<unsigned char>(byte) < 0x80;
}
char Folded(char byte) {
  return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte - 'A' + 'a') : byte;
}
bool IsLetter(char byte) {
  return IsSmall(Folded(byte));
}
bool IsWord(char byte) {
  return IsLetter(byte) || IsDigit(byte) || !IsAscii(byte);
}

// Counts as bytes come.
class Meter {
 public:
  void Take(char byte) {
    const auto code = static_cast<unsigned char>(byte);
    if (IsLetter(byte)) {
      tokens_ += letters_++ % kLetters == 0 ? 1 : 0;
      return;
    }
    letters_ = 0;
    constexpr unsigned kContinues = 0x80;
    constexpr unsigned kTopBits = 0xC0;
    tokens_ += IsSpace(byte) || (code & kTopBits) == kContinues ? 0 : 1;
  }
  std::size_t tokens() const { return tokens_; }

 private:
  std::size_t tokens_ = 0;
  std::size_t letters_ = 0;  // of the word so far
};

// Full stops, question and exclamation marks and colons of CJK text need no space behind them.
bool EndsWide(std::string_view text) {
  return text.ends_with("\xE3\x80\x82") || text.ends_with("\xEF\xBC\x81") ||
         text.ends_with("\xEF\xBC\x9F") || text.ends_with("\xEF\xBC\x9A");
}

bool EndsWithQuestionMark(std::string_view text) {
  while (!text.empty() && (IsSpace(text.back()) || text.back() == '"' || text.back() == '\'' ||
                           text.back() == ')' || text.back() == '*' || text.back() == '>')) {
    text.remove_suffix(1);
  }
  return text.ends_with('?') || text.ends_with("\xEF\xBC\x9F");
}

// The stop behind "Dr", "Mr" or one letter ("e.g.", "J. Smith") ends no sentence.
bool IsAbbreviated(std::string_view before) {
  std::size_t letters = 0;
  while (letters < before.size() && IsLetter(before[before.size() - 1 - letters])) {
    ++letters;
  }
  const bool is_title = letters == 2 && !IsSmall(before[before.size() - letters]);
  return letters < before.size() && (letters == 1 || is_title);
}

std::string_view Without(std::string_view marks, std::string_view text) {
  const std::size_t last = text.find_last_not_of(marks);
  return last == std::string_view::npos ? text : text.substr(0, last + 1);
}

// Small letters, and one space for many; white space counts as far as "2 3" is not "23".
template <typename Take>
void Read(std::string_view text, const Take& take) {
  bool gap = false;
  for (const char byte : text) {
    if (IsSpace(byte)) {
      gap = true;
      continue;
    }
    if (gap) {
      take(' ');
      gap = false;
    }
    take(Folded(byte));
  }
}

std::uint64_t KeyOf(std::string_view text) {
  std::uint64_t key = kBasis;
  Read(text, [&key](char byte) { key = (key ^ static_cast<unsigned char>(byte)) * kPrime; });
  return key;
}

class Cutter {
 public:
  explicit Cutter(std::string_view text) : text_(text) {}

  Segments Run() {
    for (std::size_t at = 0; at < text_.size(); ++at) {
      meter_.Take(text_[at]);
      if (meter_.tokens() > kPartTokens) {
        Break(at);
      } else if (EndsAt(at)) {
        Close(at + 1);
      }
    }
    Close(text_.size());
    return std::move(list_);
  }

 private:
  bool EndsAt(std::size_t at) const {
    const char byte = text_[at];
    if (byte == '\n') {
      return true;
    }
    if (byte == '-' && at > begin_ && text_[at - 1] == ' ' &&
        text_.substr(at + 1).starts_with(' ')) {
      return true;
    }
    if (!IsAscii(byte)) {
      return EndsWide(text_.substr(0, at + 1));
    }
    // Behind a sentence's end may stand closing quotes and brackets.
    std::size_t mark = at;
    while (mark > begin_ && (text_[mark] == '"' || text_[mark] == '\'' || text_[mark] == ')')) {
      --mark;
    }
    const std::string_view behind = text_.substr(at + 1);
    const bool is_free = behind.empty() || IsSpace(behind.front());
    const char end = text_[mark];
    if (!is_free || (end != '.' && end != '!' && end != '?' && (end != ':' || mark != at))) {
      return false;
    }
    return end != '.' || !IsAbbreviated(text_.substr(begin_, mark - begin_));
  }

  // Too long: cut in front of the word that is too much, else where it is.
  void Break(std::size_t at) {
    std::size_t cut = at;
    while (cut > begin_ && !IsSpace(text_[cut])) {
      --cut;
    }
    if (cut == begin_) {
      constexpr unsigned kContinues = 0x80;
      constexpr unsigned kTopBits = 0xC0;
      cut = at;
      while (cut > begin_ && (static_cast<unsigned char>(text_[cut]) & kTopBits) == kContinues) {
        --cut;
      }
      cut = cut > begin_ ? cut : at;
    }
    Close(cut);
    for (std::size_t i = cut; i <= at; ++i) {
      meter_.Take(text_[i]);
    }
  }

  void Close(std::size_t end) {
    std::size_t first = begin_;
    while (first < end && IsSpace(text_[first])) {
      lines_ = lines_ || text_[first] == '\n';
      ++first;
    }
    std::size_t last = end;
    while (last > first && IsSpace(text_[last - 1])) {
      --last;
    }
    if (first < last) {
      Segment segment;
      segment.begin = static_cast<std::uint32_t>(first);
      segment.end = static_cast<std::uint32_t>(last);
      const std::string_view text = segment.In(text_);
      for (std::size_t i = 0; i < text.size(); ++i) {
        segment.words += IsWord(text[i]) && (i == 0 || !IsWord(text[i - 1])) ? 1 : 0;
      }
      segment.is_label = text.ends_with(':') || text.ends_with("\xEF\xBC\x9A");
      segment.begins_line = lines_;
      segment.key = KeyOf(Without(kSilent, text));
      list_.push_back(segment);
      lines_ = false;
    }
    lines_ = lines_ || text_.substr(last, end - last).find('\n') != std::string_view::npos;
    begin_ = end;
    meter_ = Meter();
  }

  const std::string_view text_;
  std::size_t begin_ = 0;
  bool lines_ = false;  // a line has ended since the last segment
  Meter meter_;
  Segments list_;
};

bool IsIn(std::string_view word, std::initializer_list<std::string_view> list) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

// It begins as a question or an order does.
bool Opens(const match::Words& words) {
  const auto first =
      std::find_if(words.list.begin(), words.list.end(),
                   [](const match::Word& word) { return !word.Has(match::trait::kFiller); });
  // "Give me" is a phrase, and politeness.
  const auto is_order = [](const match::Word& word) {
    const std::string_view verb = std::string_view(word.folded).substr(0, word.folded.find('_'));
    return IsIn(verb, {"tell", "give", "show", "list", "explain", "describe", "define", "help",
                       "find", "name", "make", "provide", "create"});
  };
  return first != words.list.end() &&
         (first->Has(match::trait::kQuestion | match::trait::kTask) ||
          words.asks == match::Asks::kYesNo || is_order(*first) || is_order(words.list.front()));
}

}  // namespace

std::size_t TokensAbout(std::string_view text) {
  Meter meter;
  for (const char byte : text) {
    meter.Take(byte);
  }
  return meter.tokens();
}

bool IsLong(std::string_view text) {
  Meter meter;
  return std::any_of(text.begin(), text.end(), [&meter](char byte) {
    meter.Take(byte);
    return meter.tokens() > kPartTokens;
  });
}

Segments SegmentsOf(std::string_view text) {
  return Cutter(text).Run();
}

bool AreSame(std::string_view segment, std::string_view other) {
  std::string one;
  std::string two;
  Read(Without(kSilent, segment), [&one](char byte) { one.push_back(byte); });
  Read(Without(kSilent, other), [&two](char byte) { two.push_back(byte); });
  return one == two;
}

Role RoleOf(std::string_view segment) {
  if (EndsWithQuestionMark(segment)) {
    return Role::kQuestion;
  }
  const match::Words words = match::ReadWords(segment);
  const bool is_label = segment.ends_with(':');
  if (Opens(words) && (!is_label || words.list.size() > 1)) {
    return Role::kRequest;
  }
  if (is_label && words.list.size() <= kLabelWords) {
    return Role::kNothing;
  }
  return std::none_of(words.list.begin(), words.list.end(),
                      [](const auto& word) { return word.IsContent(); })
             ? Role::kNothing
             : Role::kText;
}

bool IsQuestionLabel(std::string_view segment) {
  if (!segment.ends_with(':') && !segment.ends_with("\xEF\xBC\x9A")) {
    return false;
  }
  static constexpr std::array<std::string_view, 9> kLabels{
      "question", "questions", "q", "query", "ask", "asks", "asked", "user", "human"};
  const match::Words words = match::ReadWords(segment);
  return std::any_of(words.list.begin(), words.list.end(), [](const match::Word& word) {
    return std::find(kLabels.begin(), kLabels.end(), word.folded) != kLabels.end();
  });
}

std::size_t FindQuestion(std::string_view text, const Segments& segments) {
  const std::size_t count = segments.size();
  for (std::size_t i = count; i-- > 1;) {
    if (segments[i - 1].is_label && IsQuestionLabel(segments[i - 1].In(text))) {
      return i;
    }
  }
  const auto asks = [&](std::size_t place) {
    const Role role = RoleOf(segments[place].In(text));
    return role == Role::kQuestion || role == Role::kRequest;
  };
  for (std::size_t i = 0; i < std::min(count, kAtTheEnds); ++i) {
    for (const std::size_t place : {count - 1 - i, i}) {
      if (asks(place)) {
        return place;
      }
    }
  }
  return 0;
}

}  // namespace reprise::semantic
