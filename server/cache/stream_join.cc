#include "server/cache/stream_join.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "protocol/base/limits.h"
#include "protocol/wire/decode.h"
#include "protocol/wire/plain_json.h"
#include "protocol/wire/reader.h"
#include "server/cache/stream_anthropic.h"
#include "server/cache/stream_events.h"
#include "server/cache/stream_fields.h"
#include "server/cache/stream_openai.h"
#include "server/cache/stream_responses.h"
#include "server/text/normalize.h"

namespace reprise::cache {
namespace {

using base::Code;
using base::Error;
using base::Value;
namespace limits = base::limits;

constexpr std::string_view kDone = "[DONE]";
constexpr std::size_t kLevelsAround = 2;  // the response stands in the reply, which is a map
constexpr std::size_t kItemsAround = 64;  // and there are other fields

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  text.remove_prefix(std::min(text.find_first_not_of(kSpace), text.size()));
  return text.substr(0, text.find_last_not_of(kSpace) + 1);
}

bool IsErrorEvent(const Value& event) {
  return HasAt(event, "error") || TextAt(event, "type") == "error";
}

StreamShape ShapeOf(const Value& event) {
  const std::string_view type = TextAt(event, "type");
  if (type.starts_with("response.")) {
    return StreamShape::kOpenAiResponses;
  }
  if (IsAnthropicType(type)) {
    return StreamShape::kAnthropicMessages;
  }
  if (TextAt(event, "object") == "chat.completion.chunk") {
    return StreamShape::kOpenAiChat;
  }
  const Value* choices = event.Find("choices");
  const Value::Array* items = choices != nullptr ? choices->AsArray() : nullptr;
  const bool has_delta = items != nullptr && !items->empty() && items->front().Find("delta");
  // Azure begins with a chunk that has no choice and no name of its kind.
  const bool is_prelude = items != nullptr && items->empty() && HasAt(event, "object") &&
                          TextAt(event, "object").empty();
  return has_delta || is_prelude ? StreamShape::kOpenAiChat : StreamShape::kNone;
}

// Not cut short: the events of all APIs are objects.
bool IsWhole(const base::Result<Value>& event) {
  return event.ok() ? event.value().AsMap() != nullptr : event.error().code == Code::kTooLarge;
}

// The events of one stream, in their order.
class Stream {
 public:
  explicit Stream(bool is_text) : is_text_(is_text) {}

  base::Status TakeEvent(const Value& event) {
    ++count_;
    if (auto taken = Enter(event); !taken.ok()) {
      return Error{taken.error().code,
                   "event " + std::to_string(count_) + ": " + taken.error().detail};
    }
    return base::Ok{};
  }

  base::Status TakeText(const TextEvent& event) {
    if (has_failed_) {
      return base::Ok{};
    }
    const std::string_view data = Trimmed(event.data);
    if (data.empty() || data == kDone) {
      is_done_ = is_done_ || !data.empty();
      return base::Ok{};
    }
    auto value = wire::FromPlainJson(data, kStreamDepth);
    if (event.is_last_without_end && !IsWhole(value)) {
      is_cut_ = true;
      return base::Ok{};
    }
    if (event.name == "error") {
      has_failed_ = true;
      return base::Ok{};
    }
    if (!value.ok()) {
      return Error{value.error().code,
                   "event " + std::to_string(count_ + 1) + ": " + value.error().detail};
    }
    return TakeEvent(value.value());
  }

  void TakeDone() { is_done_ = true; }

  StreamShape shape() const { return shape_; }
  // Events of something else: none has a known shape.
  bool is_foreign() const {
    return shape_ == StreamShape::kNone && count_ > 0 && !has_failed_ && !is_cut_;
  }
  bool has_only_errors() const { return has_failed_ && count_ == errors_; }

  StreamEnding Ending() const {
    if (has_failed_) {
      return {StreamEnd::kUpstreamError, "the upstream ended it with an error"};
    }
    if (is_cut_) {
      return {StreamEnd::kCut, "it ends within an event"};
    }
    if (const auto* chat = std::get_if<OpenAiJoin>(&join_)) {
      return chat->Ending(is_done_, is_text_);
    }
    if (const auto* responses = std::get_if<ResponsesJoin>(&join_)) {
      return responses->Ending();
    }
    const auto* messages = std::get_if<AnthropicJoin>(&join_);
    return messages != nullptr ? messages->Ending()
                               : StreamEnding{StreamEnd::kCut, "it has no answer"};
  }
  StreamAnswer Answer() && {
    StreamAnswer answer{shape_, Ending(), {}};
    if (answer.ending.end != StreamEnd::kComplete) {
      return answer;
    }
    if (auto* chat = std::get_if<OpenAiJoin>(&join_)) {
      answer.answer = std::move(*chat).Answer();
    } else if (auto* responses = std::get_if<ResponsesJoin>(&join_)) {
      answer.answer = std::move(*responses).Answer();
    } else if (auto* messages = std::get_if<AnthropicJoin>(&join_)) {
      answer.answer = std::move(*messages).Answer();
    }
    return answer;
  }

 private:
  base::Status Enter(const Value& event) {
    if (event.AsMap() == nullptr) {
      return Error{Code::kBadRequest, "it is no object"};
    }
    if (IsErrorEvent(event)) {
      has_failed_ = true;
      ++errors_;
      return base::Ok{};
    }
    const StreamShape shape = ShapeOf(event);
    if (shape_ == StreamShape::kNone) {
      Begin(shape);
    }
    if (has_failed_) {
      return base::Ok{};  // Whatever follows, there is no answer.
    }
    if (shape != StreamShape::kNone && shape != shape_) {
      return Error{Code::kBadRequest, "it is of another API than those before"};
    }
    if (is_done_ || HasEnded()) {
      return TextAt(event, "type") == "ping"
                 ? base::Status(base::Ok{})
                 : Error{Code::kBadRequest, "it follows the end of the stream"};
    }
    if (auto* chat = std::get_if<OpenAiJoin>(&join_)) {
      return chat->Take(event);
    }
    if (auto* responses = std::get_if<ResponsesJoin>(&join_)) {
      return responses->Take(event);
    }
    auto* messages = std::get_if<AnthropicJoin>(&join_);
    return messages != nullptr ? messages->Take(event) : base::Status(base::Ok{});
  }

  void Begin(StreamShape shape) {
    shape_ = shape;
    if (shape == StreamShape::kOpenAiChat) {
      join_.emplace<OpenAiJoin>();
    } else if (shape == StreamShape::kOpenAiResponses) {
      join_.emplace<ResponsesJoin>();
    } else if (shape == StreamShape::kAnthropicMessages) {
      join_.emplace<AnthropicJoin>();
    }
  }

  bool HasEnded() const {
    const auto* responses = std::get_if<ResponsesJoin>(&join_);
    const auto* messages = std::get_if<AnthropicJoin>(&join_);
    return (responses != nullptr && responses->has_ended()) ||
           (messages != nullptr && messages->has_ended());
  }

  bool is_text_;
  StreamShape shape_ = StreamShape::kNone;
  std::variant<std::monostate, OpenAiJoin, ResponsesJoin, AnthropicJoin> join_;
  std::size_t count_ = 0;
  std::size_t errors_ = 0;
  bool is_done_ = false;
  bool is_cut_ = false;
  bool has_failed_ = false;
};

// The pieces of a response by their kinds; absent when it is no array of texts and maps.
struct Pieces {
  std::vector<std::string_view> raw;  // MessagePack
  std::size_t maps = 0;
  std::size_t bins = 0;
};

base::Result<std::optional<Pieces>> ReadPieces(std::string_view response) {
  wire::Reader reader(response);
  ASSIGN_OR_RETURN(const wire::Kind kind, reader.Peek());
  if (kind != wire::Kind::kArray) {
    return std::optional<Pieces>();
  }
  ASSIGN_OR_RETURN(const std::uint32_t count, reader.Array());
  Pieces pieces;
  for (std::uint32_t i = 0; i < count; ++i) {
    ASSIGN_OR_RETURN(const wire::Kind piece, reader.Peek());
    if (piece != wire::Kind::kMap && piece != wire::Kind::kStr && piece != wire::Kind::kBin) {
      return std::optional<Pieces>();
    }
    pieces.maps += piece == wire::Kind::kMap ? 1 : 0;
    pieces.bins += piece == wire::Kind::kBin ? 1 : 0;
    ASSIGN_OR_RETURN(const std::string_view raw, reader.Raw());
    pieces.raw.push_back(raw);
  }
  return pieces.raw.empty() ? std::optional<Pieces>() : std::optional(std::move(pieces));
}

base::Result<StreamAnswer> ReadText(const Pieces& pieces) {
  std::string text;
  for (const std::string_view raw : pieces.raw) {
    wire::Reader reader(raw);
    ASSIGN_OR_RETURN(const std::string_view piece, reader.Text());
    text.append(piece);
  }
  if (IsEventText(text)) {
    Stream stream(true);
    RETURN_IF_ERROR(
        ReadEventText(text, [&](const TextEvent& event) { return stream.TakeText(event); }));
    if (!stream.is_foreign()) {
      return std::move(stream).Answer();
    }
  }
  const bool is_str = pieces.bins < pieces.raw.size() && text::CheckUtf8(text).ok();
  return StreamAnswer{StreamShape::kText,
                      {},
                      is_str ? Value(std::move(text)) : Value(base::Binary{std::move(text)})};
}

base::Result<StreamAnswer> ReadMaps(const Pieces& pieces) {
  Stream stream(false);
  bool has_other_text = false;
  for (const std::string_view raw : pieces.raw) {
    ASSIGN_OR_RETURN(const Value piece, wire::Decode(raw));
    if (piece.AsMap() != nullptr) {
      RETURN_IF_ERROR(stream.TakeEvent(piece));
      continue;
    }
    const std::string_view text = Trimmed(piece.AsText().value_or(""));
    if (text == kDone) {
      stream.TakeDone();
    }
    has_other_text = has_other_text || (!text.empty() && text != kDone);
  }
  if (stream.shape() == StreamShape::kNone && !stream.has_only_errors()) {
    return StreamAnswer{};
  }
  if (has_other_text) {
    return Error{Code::kBadRequest, "texts stand among the events"};
  }
  return std::move(stream).Answer();
}

struct Extent {
  std::size_t depth = 0;
  std::size_t items = 0;
  std::size_t widest = 0;
};

void Measure(const Value& value, std::size_t depth, Extent& extent) {
  ++extent.items;
  if (const Value::Array* items = value.AsArray(); items != nullptr) {
    extent.depth = std::max(extent.depth, depth + 1);
    extent.widest = std::max(extent.widest, items->size());
    for (const Value& item : *items) {
      Measure(item, depth + 1, extent);
    }
  } else if (const Value::Map* map = value.AsMap(); map != nullptr) {
    extent.depth = std::max(extent.depth, depth + 1);
    extent.widest = std::max(extent.widest, map->size());
    for (const auto& [key, child] : *map) {
      Measure(child, depth + 1, extent);
      ++extent.items;
    }
  }
}

base::Status CheckBelow(std::size_t measured, std::int64_t most, std::string_view name) {
  if (std::cmp_less_equal(measured, most)) {
    return base::Ok{};
  }
  return Error{Code::kTooLarge, std::string(name) + ": the joined answer has " +
                                    std::to_string(measured) + ", the limit is " +
                                    std::to_string(most)};
}

}  // namespace

base::Result<StreamAnswer> ReadStream(std::string_view response) {
  ASSIGN_OR_RETURN(const std::optional<Pieces> pieces, ReadPieces(response));
  if (!pieces.has_value()) {
    return StreamAnswer{};
  }
  return pieces->maps == 0 ? ReadText(*pieces) : ReadMaps(*pieces);
}

base::Result<std::string> PackAnswer(const Value& answer, std::size_t bytes_max) {
  Extent extent;
  Measure(answer, 0, extent);
  RETURN_IF_ERROR(CheckBelow(extent.depth + kLevelsAround, limits::kDepth.value, "depth"));
  RETURN_IF_ERROR(
      CheckBelow(extent.widest, limits::kContainerItems.value, limits::kContainerItems.name));
  RETURN_IF_ERROR(
      CheckBelow(extent.items + kItemsAround, limits::kFrameItems.value, limits::kFrameItems.name));
  std::string packed = wire::Encode(answer);
  RETURN_IF_ERROR(CheckBelow(packed.size(), static_cast<std::int64_t>(bytes_max), "value_bytes"));
  return packed;
}

base::Result<std::string> JoinStream(std::string_view response, std::size_t bytes_max) {
  ASSIGN_OR_RETURN(const StreamAnswer stream, ReadStream(response));
  if (stream.shape == StreamShape::kNone && stream.ending.end == StreamEnd::kUnknown) {
    return std::string(response);
  }
  if (stream.ending.end == StreamEnd::kCut || stream.ending.end == StreamEnd::kUpstreamError) {
    return Error{Code::kBadRequest, "the stream is no answer: " + stream.ending.why};
  }
  return PackAnswer(stream.answer, bytes_max);
}

}  // namespace reprise::cache
