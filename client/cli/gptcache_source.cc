#include "client/cli/gptcache_source.h"

#include <algorithm>
#include <utility>

#include "protocol/wire/decode.h"

namespace reprise::client {
namespace {

using base::Code;
using base::Error;
using base::Value;

constexpr std::string_view kSpace = " \t\r\n";
constexpr const char* kExpected =
    "expected {\"question\": ..., \"answer\": ...} or [question, answer]";

// Finds where one JSON value ends: brackets and quotes are all that matters.
class Extent {
 public:
  // True when `letter` is behind the value.
  bool IsBehind(char letter) const {
    return depth_ == 0 && !in_text_ &&
           (kSpace.find(letter) != std::string_view::npos || letter == ',' || letter == ']' ||
            letter == '}');
  }
  void Take(char letter) {
    if (escaped_) {
      escaped_ = false;
    } else if (in_text_) {
      escaped_ = letter == '\\';
      in_text_ = letter != '"';
    } else if (letter == '"') {
      in_text_ = true;
    } else if (letter == '{' || letter == '[') {
      ++depth_;
    } else if (letter == '}' || letter == ']') {
      depth_ -= depth_ > 0 ? 1 : 0;
    }
  }

 private:
  std::uint64_t depth_ = 0;
  bool in_text_ = false;
  bool escaped_ = false;
};

}  // namespace

GptCacheSource::GptCacheSource(std::istream& stream, const Position& start, Value::Map defaults)
    : chunks_(stream, start.offset),
      line_(start.line),
      in_list_(start.in_list),
      begun_(start.offset > 0),
      defaults_(std::move(defaults)) {}

base::Result<std::optional<Item>> GptCacheSource::Next() {
  if (!begun_) {
    begun_ = true;
    constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
    if (chunks_.Peek(kByteOrderMark.size()).starts_with(kByteOrderMark)) {
      chunks_.Consume(kByteOrderMark.size());
    }
    in_list_ = OpensList();
  }
  return in_list_ ? NextOfList() : NextLine();
}

void GptCacheSource::SkipSpace() {
  for (std::string_view seen = chunks_.Peek(1); !seen.empty(); seen = chunks_.Peek(1)) {
    const std::size_t count = std::min(seen.find_first_not_of(kSpace), seen.size());
    line_ += static_cast<std::uint64_t>(
        std::count(seen.begin(), seen.begin() + static_cast<std::ptrdiff_t>(count), '\n'));
    chunks_.Consume(count);
    if (count < seen.size()) {
      return;
    }
  }
}

// Whether the file is one array; its bracket is taken. A first line with a pair, ["q", "a"], is
// none.
bool GptCacheSource::OpensList() {
  constexpr std::size_t kLookAhead = 4096;
  SkipSpace();
  const std::string_view seen = chunks_.Peek(kLookAhead);
  if (!seen.starts_with('[')) {
    return false;
  }
  const std::size_t first = seen.find_first_not_of(kSpace, 1);
  if (first != std::string_view::npos && seen[first] == '"') {
    return false;
  }
  chunks_.Consume(1);
  return true;
}

base::Result<std::optional<Item>> GptCacheSource::NextLine() {
  while (true) {
    const Line line = ReadLine(chunks_);
    if (chunks_.failed()) {
      return CannotRead(chunks_);
    }
    if (line.is_end) {
      return std::optional<Item>();
    }
    ++line_;
    if (line.too_long || line.text.find_first_not_of(kSpace) != std::string::npos) {
      return std::optional(ToItem(line, line_));
    }
  }
}

base::Result<std::optional<Item>> GptCacheSource::NextOfList() {
  SkipSpace();
  if (!list_ended_ && chunks_.Peek(1).starts_with(',')) {
    chunks_.Consume(1);
    SkipSpace();
  }
  if (!list_ended_ && chunks_.Peek(1).starts_with(']')) {
    chunks_.Consume(1);
    list_ended_ = true;
    SkipSpace();
  }
  const std::string_view seen = chunks_.Peek(1);
  if (chunks_.failed()) {
    return CannotRead(chunks_);
  }
  if (list_ended_ && seen.empty()) {
    return std::optional<Item>();
  }
  if (list_ended_) {
    return Error{Code::kBadRequest, Place() + ": something follows the end of the list"};
  }
  if (seen.empty()) {
    return Error{Code::kBadRequest, Place() + ": the list is cut off: its ] is missing"};
  }
  const std::uint64_t line = line_ + 1;
  const Line element = ReadElementText();
  if (element.is_end) {
    return Error{Code::kBadRequest, "the list is cut off inside the element that begins in line " +
                                        std::to_string(line)};
  }
  return std::optional(ToItem(element, line));
}

// One element of the list; is_end: the file ended inside it.
Line GptCacheSource::ReadElementText() {
  Line element;
  element.is_end = true;
  Extent extent;
  for (std::string_view seen = chunks_.Peek(1); element.is_end && !seen.empty();
       seen = chunks_.Peek(1)) {
    std::size_t count = 0;
    while (count < seen.size() && element.is_end) {
      const char letter = seen[count];
      // A lone bracket or comma is an element that is wrong.
      const bool is_first = element.text.empty() && !element.too_long && count == 0;
      if (!is_first && extent.IsBehind(letter)) {
        element.is_end = false;
        break;
      }
      extent.Take(letter);
      line_ += letter == '\n' ? 1 : 0;
      ++count;
    }
    element.too_long = element.too_long || element.text.size() + count > kEntryBytesMax;
    if (!element.too_long) {
      element.text.append(seen.substr(0, count));
    }
    chunks_.Consume(count);
  }
  return element;
}

Item GptCacheSource::ToItem(const Line& element, std::uint64_t line) const {
  Item item{"line " + std::to_string(line), {}, {}};
  if (element.too_long) {
    item.bad = TooLong(in_list_ ? "the element" : "the line");
    return item;
  }
  const auto value = ReadElement(element.text);
  if (!value.ok()) {
    item.bad = value.error();
    return item;
  }
  auto entry = ToEntry(value.value());
  if (entry.ok()) {
    item.entry = std::move(entry).value();
  } else {
    item.bad = entry.error();
  }
  return item;
}

base::Result<std::string> GptCacheSource::ToEntry(const Value& element) const {
  const Value* question = element.Find("question");
  const Value* answer = element.Find("answer");
  if (const Value::Map* map = element.AsMap()) {
    for (const auto& [name, value] : *map) {
      if (name != Value("question") && name != Value("answer")) {
        return Error{
            Code::kBadRequest,
            "unknown field \"" + std::string(name.AsText().value_or("")) + "\"; " + kExpected};
      }
    }
  }
  if (const Value::Array* pair = element.AsArray(); pair != nullptr && pair->size() == 2) {
    question = &(*pair)[0];
    answer = &(*pair)[1];
  }
  if (question == nullptr || answer == nullptr) {
    return Error{Code::kBadRequest, kExpected};
  }
  if (!question->AsText().has_value()) {
    return Error{Code::kBadRequest, "the question must be a string"};
  }
  Value::Map entry{{"prompt", *question}, {"response", *answer}};
  entry.insert(entry.end(), defaults_.begin(), defaults_.end());
  return wire::Encode(Value(std::move(entry)));
}

}  // namespace reprise::client
