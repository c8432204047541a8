#include "server/cache/poison.h"

#include <algorithm>
#include <array>
#include <string>

#include "protocol/base/value.h"
#include "protocol/wire/decode.h"
#include "protocol/wire/reader.h"
#include "server/cache/stream_fields.h"
#include "server/text/utf8.h"

namespace reprise::cache {
namespace {

using base::Code;
using base::Error;
using base::Value;

constexpr char kNil = '\xc0';
constexpr char kFalse = '\xc2';

bool IsBlankCodePoint(char32_t point) {
  constexpr std::array<char32_t, 10> kBlank{0x85,   0xa0,   0x1680, 0x2028, 0x2029,
                                            0x202f, 0x205f, 0x2060, 0x3000, 0xfeff};
  return point <= 0x20 || (point >= 0x2000 && point <= 0x200d) ||
         std::find(kBlank.begin(), kBlank.end(), point) != kBlank.end();
}

bool IsBlank(std::string_view text) {
  while (!text.empty()) {
    const text::CodePoint first = text::FirstCodePoint(text);
    if (first.bytes == 0 || !IsBlankCodePoint(first.value)) {
      return false;
    }
    text.remove_prefix(first.bytes);
  }
  return true;
}

Error Empty(std::string_view what) {
  return Error{Code::kBadRequest,
               "the answer is empty" + (what.empty() ? "" : " (" + std::string(what) + ")")};
}

Error UpstreamError(std::string_view what) {
  return Error{Code::kBadRequest,
               "the answer is an error of the upstream (" + std::string(what) + ")"};
}

// The fields of an answer that tell whether it is one; MessagePack, empty when not there.
struct Marks {
  std::string_view error;
  std::string_view type;
  std::string_view object;
  std::string_view status;
  std::string_view choices;
  std::string_view content;
  std::string_view output;
};

std::string_view TextOf(std::string_view raw) {
  wire::Reader reader(raw);
  const auto text = reader.Str();
  return text.ok() ? text.value() : "";
}

base::Result<Marks> ReadMarks(wire::Reader& reader, std::uint32_t pairs) {
  Marks marks;
  const std::array<std::pair<std::string_view, std::string_view*>, 7> places{
      {{"error", &marks.error},
       {"type", &marks.type},
       {"object", &marks.object},
       {"status", &marks.status},
       {"choices", &marks.choices},
       {"content", &marks.content},
       {"output", &marks.output}}};
  for (std::uint32_t i = 0; i < pairs; ++i) {
    ASSIGN_OR_RETURN(const std::string_view key, reader.Raw());
    ASSIGN_OR_RETURN(const std::string_view value, reader.Raw());
    const std::string_view name = TextOf(key);
    for (const auto& [wanted, place] : places) {
      if (name == wanted) {
        *place = value;
      }
    }
  }
  return marks;
}

// A list of parts, a text or nil that says nothing.
bool SaysNothing(const Value* content) {
  if (content == nullptr || content->IsNil()) {
    return true;
  }
  if (const auto text = content->AsText(); text.has_value()) {
    return IsBlank(*text);
  }
  const Value::Array* parts = content->AsArray();
  return parts != nullptr && std::all_of(parts->begin(), parts->end(), [](const Value& part) {
           return TextAt(part, "type") == "text" && SaysNothing(part.Find("text"));
         });
}

bool IsEmptyChoice(const Value& choice) {
  constexpr std::array<std::string_view, 8> kOther{"tool_calls", "function_call",    "refusal",
                                                   "audio",      "images",           "reasoning",
                                                   "parsed",     "reasoning_content"};
  const Value* message = choice.Find("message");
  if (message == nullptr) {
    const Value* text = choice.Find("text");
    return text != nullptr && SaysNothing(text);
  }
  return message->AsMap() != nullptr && SaysNothing(message->Find("content")) &&
         std::none_of(kOther.begin(), kOther.end(), [&](std::string_view name) {
           const Value* other = message->Find(name);
           return other != nullptr && (other->AsMap() != nullptr || !SaysNothing(other));
         });
}

// The list is there, and holds nothing, or nothing but items that say nothing.
template <typename IsEmptyItem>
bool IsEmptyList(std::string_view raw, IsEmptyItem is_empty) {
  const auto list = wire::Decode(raw);
  if (raw.empty() || !list.ok() || list.value().AsArray() == nullptr) {
    return false;
  }
  return std::all_of(list.value().AsArray()->begin(), list.value().AsArray()->end(), is_empty);
}

base::Status CheckMap(const Marks& marks) {
  if (!marks.error.empty() && marks.error.front() != kNil && marks.error.front() != kFalse) {
    return UpstreamError("it has 'error'");
  }
  const std::string_view type = TextOf(marks.type);
  if (type == "error") {
    return UpstreamError("its type is 'error'");
  }
  if (IsEmptyList(marks.choices, &IsEmptyChoice)) {
    return Empty("'choices'");
  }
  const auto is_empty_part = [](const Value& part) {
    return TextAt(part, "type") == "text" && SaysNothing(part.Find("text"));
  };
  if (type == "message" && IsEmptyList(marks.content, is_empty_part)) {
    return Empty("'content'");
  }
  if (TextOf(marks.object) != "response") {
    return base::Ok{};
  }
  const std::string_view status = TextOf(marks.status);
  if (status == "failed") {
    return UpstreamError("its status is 'failed'");
  }
  if (status == "queued" || status == "in_progress" || status == "cancelled") {
    return Error{Code::kBadRequest,
                 "the answer is not finished (its status is '" + std::string(status) + "')"};
  }
  return IsEmptyList(marks.output, [](const Value& /*item*/) { return false; })
             ? base::Status(Empty("'output'"))
             : base::Status(base::Ok{});
}

}  // namespace

base::Status CheckNotPoisoned(std::string_view response) {
  wire::Reader reader(response);
  const std::string_view before = reader.Rest();
  ASSIGN_OR_RETURN(const wire::Token token, reader.Next());
  if (token.kind == wire::Kind::kNil || (token.IsContainer() && token.length == 0)) {
    return Empty("");
  }
  if (token.kind == wire::Kind::kStr || token.kind == wire::Kind::kBin) {
    return IsBlank(before.substr(token.header_bytes, token.length)) ? base::Status(Empty(""))
                                                                    : base::Status(base::Ok{});
  }
  if (token.kind != wire::Kind::kMap) {
    return base::Ok{};
  }
  ASSIGN_OR_RETURN(const Marks marks, ReadMarks(reader, token.length));
  return CheckMap(marks);
}

}  // namespace reprise::cache
