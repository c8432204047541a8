#include "server/semantic/frame.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace reprise::semantic {
namespace {

// Instructions stand at the ends of a frame and beside what fills it, not inside a document.
constexpr std::size_t kInstructionSegments = 4;

// Wherever they stand, they speak of what is made of a text.
constexpr std::array<std::string_view, 10> kAnywhere{
    "translat", "summar",   "paraphras", "proofread", "rewrit",
    "rephras",  "transcri", "classif",   "sentiment", "grammar"};
// Only as an order.
constexpr std::array<std::string_view, 39> kOrders{
    "correct",  "fix",      "check",     "convert", "extract",   "format",   "repeat",   "count",
    "reverse",  "spell",    "edit",      "shorten", "expand",    "improve",  "simplify", "tag",
    "label",    "rate",     "score",     "grade",   "detect",    "critique", "refactor", "debug",
    "analyze",  "analyse",  "evaluate",  "turn",    "transform", "write",    "draft",    "compose",
    "generate", "identify", "determine", "decide",  "choose",    "pick",     "output"};
// Of which these make the order one to answer.
constexpr std::array<std::string_view, 4> kAnswers{"answer", "answers", "question", "questions"};
// In front of an order.
constexpr std::array<std::string_view, 26> kBefore{
    "please", "kindly", "now",  "then", "can", "could",     "would",  "you", "must",
    "should", "will",   "your", "task", "job", "is",        "to",     "i",   "want",
    "need",   "the",    "only", "just", "and", "following", "always", "me"};

template <std::size_t kSize>
bool IsIn(std::string_view word, const std::array<std::string_view, kSize>& list) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

// The segments of one side that are not in the frame, in order.
using Places = std::vector<std::size_t>;

struct Split {
  std::size_t front = 0;
  std::size_t back = 0;
  Places stored;
  Places asked;
};

// One prompt in its segments.
struct Prompt {
  std::string_view text;
  Segments segments;

  explicit Prompt(std::string_view from) : text(from), segments(SegmentsOf(from)) {}
  std::size_t size() const { return segments.size(); }
  std::string_view At(std::size_t place) const { return segments[place].In(text); }
};

bool IsShared(const Prompt& stored, std::size_t here, const Prompt& asked, std::size_t there) {
  return stored.segments[here].key == asked.segments[there].key &&
         AreSame(stored.At(here), asked.At(there));
}

// The longest common subsequence between front and back.
void SplitMiddle(const Prompt& stored, const Prompt& asked, Split& split) {
  const std::size_t rows = stored.size() - split.front - split.back;
  const std::size_t columns = asked.size() - split.front - split.back;
  const auto is_same = [&](std::size_t row, std::size_t column) {
    return IsShared(stored, split.front + row, asked, split.front + column);
  };
  const bool is_compared = rows <= kMiddleSegments && columns <= kMiddleSegments;
  std::vector<std::uint16_t> common(is_compared ? (rows + 1) * (columns + 1) : 0);
  const auto at = [&](std::size_t row, std::size_t column) -> std::uint16_t& {
    return common[row * (columns + 1) + column];
  };
  for (std::size_t row = rows; is_compared && row-- > 0;) {
    for (std::size_t column = columns; column-- > 0;) {
      at(row, column) = is_same(row, column)
                            ? static_cast<std::uint16_t>(at(row + 1, column + 1) + 1)
                            : std::max(at(row + 1, column), at(row, column + 1));
    }
  }
  std::size_t row = 0;
  std::size_t column = 0;
  while (row < rows || column < columns) {
    if (is_compared && row < rows && column < columns && is_same(row, column)) {
      ++row;
      ++column;
    } else if (column == columns ||
               (row < rows && (!is_compared || at(row + 1, column) >= at(row, column + 1)))) {
      split.stored.push_back(split.front + row++);
    } else {
      split.asked.push_back(split.front + column++);
    }
  }
}

Split SplitOf(const Prompt& stored, const Prompt& asked) {
  Split split;
  const std::size_t least = std::min(stored.size(), asked.size());
  while (split.front < least && IsShared(stored, split.front, asked, split.front)) {
    ++split.front;
  }
  while (split.front + split.back < least &&
         IsShared(stored, stored.size() - 1 - split.back, asked, asked.size() - 1 - split.back)) {
    ++split.back;
  }
  SplitMiddle(stored, asked, split);
  return split;
}

// The label that introduces a segment: right in front of it, or of its line.
std::optional<std::size_t> LabelOf(const Prompt& prompt, std::size_t place) {
  while (place > 0 && !prompt.segments[place - 1].is_label && !prompt.segments[place].begins_line) {
    --place;
  }
  return place > 0 && prompt.segments[place - 1].is_label ? std::optional(place - 1) : std::nullopt;
}

// All of them ask. Without a question mark only what stands at an end of the prompt, or behind a
// label that says so, is taken for a question: sentences of documents begin with "When", too.
bool Asks(const Prompt& prompt, const Places& places) {
  bool asks = false;
  // What a label says is the question is one, however it is put.
  const std::optional<std::size_t> label = LabelOf(prompt, places.front());
  const bool is_told = label.has_value() && IsQuestionLabel(prompt.At(*label)) &&
                       std::none_of(places.begin() + 1, places.end(), [&](std::size_t place) {
                         return prompt.segments[place].begins_line;
                       });
  if (is_told) {
    return true;
  }
  for (const std::size_t place : places) {
    const Role role = RoleOf(prompt.At(place));
    const bool is_outside =
        place == 0 || place + 1 == prompt.size() || IsQuestionLabel(prompt.At(place - 1));
    if (role == Role::kText || (role == Role::kRequest && !is_outside)) {
      return false;
    }
    asks = asks || role != Role::kNothing;
  }
  return asks;
}

Filling FillingOf(const Prompt& prompt, const Places& places) {
  Filling filling;
  for (std::size_t i = 0; i < places.size(); ++i) {
    const Segment& segment = prompt.segments[places[i]];
    filling.runs += i == 0 || places[i] != places[i - 1] + 1 ? 1 : 0;
    filling.words += segment.words;
    filling.text += i == 0 ? "" : "\n";
    filling.text += segment.In(prompt.text);
    const bool is_outer = i < kInstructionSegments || i + kInstructionSegments >= places.size();
    filling.instructs = filling.instructs || (is_outer && IsInstruction(prompt.At(places[i])));
  }
  if (places.empty()) {
    return filling;
  }
  filling.begins_line = prompt.segments[places.front()].begins_line;
  if (const std::optional<std::size_t> label = LabelOf(prompt, places.front())) {
    filling.is_introduced = true;
    filling.is_asked_for = IsQuestionLabel(prompt.At(*label));
  }
  filling.asks = Asks(prompt, places);
  return filling;
}

// What the frame says at its ends and beside `places`, which fill it.
void Listen(const Prompt& prompt, const Places& places, Frame& frame) {
  const auto is_near = [](std::size_t one, std::size_t other) {
    return (one < other ? other - one : one - other) <= kInstructionSegments;
  };
  std::size_t next = 0;  // of the places
  for (std::size_t i = 0; i < prompt.size(); ++i) {
    if (next < places.size() && places[next] == i) {
      ++next;
      continue;
    }
    const bool is_beside = (next < places.size() && is_near(i, places[next])) ||
                           (next > 0 && is_near(i, places[next - 1]));
    if (i < kInstructionSegments || i + kInstructionSegments >= prompt.size() || is_beside) {
      frame.has_instruction = frame.has_instruction || IsInstruction(prompt.At(i));
      frame.asks = frame.asks || RoleOf(prompt.At(i)) == Role::kQuestion;
    }
  }
}

std::uint32_t WordsOf(const Segments& segments) {
  std::uint32_t words = 0;
  for (const Segment& segment : segments) {
    words += segment.words;
  }
  return words;
}

// What says something beside the words; full stops, commas and quotation marks do not.
std::string SignsOf(std::string_view text) {
  constexpr std::string_view kSilent = ".,!;\"' \t\r\n";
  std::string signs;
  for (const char byte : text) {
    const bool is_word = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                         (byte >= '0' && byte <= '9');
    if (!is_word && kSilent.find(byte) == std::string_view::npos) {
      signs.push_back(byte);
    }
  }
  // A typographic apostrophe is one, and quotation marks are no words.
  for (const std::string_view mark :
       {"\xE2\x80\x98", "\xE2\x80\x99", "\xE2\x80\x9C", "\xE2\x80\x9D"}) {
    for (std::size_t at = signs.find(mark); at != std::string::npos; at = signs.find(mark)) {
      signs.erase(at, mark.size());
    }
  }
  return signs;
}

}  // namespace

bool IsInstruction(std::string_view segment) {
  const match::Words words = match::ReadWords(segment);
  bool opening = true;
  bool orders = false;
  bool answers = false;
  for (const match::Word& word : words.list) {
    if (std::any_of(kAnywhere.begin(), kAnywhere.end(),
                    [&word](std::string_view stem) { return word.folded.starts_with(stem); })) {
      return true;
    }
    opening = opening || word.Is(match::mark::kClause);
    orders = orders || (opening && IsIn(word.folded, kOrders));
    answers = answers || IsIn(word.folded, kAnswers);
    opening = opening && (word.Has(match::trait::kFiller) || IsIn(word.folded, kBefore));
  }
  return orders && !answers;
}

bool AreSameWords(std::string_view stored, std::string_view asked) {
  const match::Words one = match::ReadWords(stored);
  const match::Words other = match::ReadWords(asked);
  if (one.cut || other.cut || SignsOf(stored) != SignsOf(asked)) {
    return false;
  }
  return !one.list.empty() &&
         std::equal(one.list.begin(), one.list.end(), other.list.begin(), other.list.end(),
                    [](const match::Word& left, const match::Word& right) {
                      return left.kind == right.kind &&
                             (left.kind == match::Kind::kPlain ? left.folded == right.folded
                                                               : left.canon == right.canon);
                    });
}

Border FindBorder(const match::Words& stored, const match::Words& asked) {
  const std::size_t least = std::min(stored.list.size(), asked.list.size());
  const std::size_t most = std::max(stored.list.size(), asked.list.size());
  Border border;
  const auto is_same = [&](const match::Word& one, const match::Word& other) {
    border.content += one.folded == other.folded && one.IsContent() ? 1 : 0;
    return one.folded == other.folded;
  };
  while (border.words < least && is_same(stored.list[border.words], asked.list[border.words])) {
    ++border.words;
  }
  for (std::size_t back = 1; border.words < least && is_same(stored.list[stored.list.size() - back],
                                                             asked.list[asked.list.size() - back]);
       ++back) {
    ++border.words;
  }
  border.share = most == 0 ? 1 : static_cast<double>(border.words) / static_cast<double>(most);
  return border;
}

Frame FindFrame(std::string_view stored, std::string_view asked) {
  const Prompt here(stored);
  const Prompt there(asked);
  const Split split = SplitOf(here, there);
  Frame frame;
  frame.stored = FillingOf(here, split.stored);
  frame.asked = FillingOf(there, split.asked);
  const std::uint32_t words = WordsOf(there.segments);
  frame.shared = words - frame.asked.words;
  const std::uint32_t longest = std::max(words, WordsOf(here.segments));
  frame.share = longest == 0 ? 1 : static_cast<double>(frame.shared) / static_cast<double>(longest);
  Listen(there, split.asked, frame);
  return frame;
}

}  // namespace reprise::semantic
