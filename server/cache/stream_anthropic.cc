#include "server/cache/stream_anthropic.h"

#include <algorithm>
#include <array>
#include <utility>

#include "protocol/wire/plain_json.h"
#include "server/cache/chat_request_json.h"

namespace reprise::cache {
namespace {

using base::Code;
using base::Error;
using base::Value;

constexpr std::array<std::string_view, 6> kTypes{"message_start",       "content_block_start",
                                                 "content_block_delta", "content_block_stop",
                                                 "message_delta",       "message_stop"};

void UpdateAll(const Value::Map& map, Fields& fields) {
  for (const auto& [key, value] : map) {
    fields.Update(key.AsText().value_or(""), value);
  }
}

}  // namespace

bool IsAnthropicType(std::string_view type) {
  return std::find(kTypes.begin(), kTypes.end(), type) != kTypes.end();
}

base::Status AnthropicJoin::Take(const Value& event) {
  const std::string_view type = TextAt(event, "type");
  if (type == "message_start") {
    return StartMessage(event);
  }
  if (!IsAnthropicType(type)) {
    return base::Ok{};
  }
  if (!is_started_) {
    return Error{Code::kBadRequest, std::string(type) + " comes before message_start"};
  }
  if (type == "content_block_start") {
    return StartBlock(event);
  }
  if (type == "content_block_delta") {
    return GrowBlock(event);
  }
  if (type == "content_block_stop") {
    return StopBlock(event);
  }
  return type == "message_delta" ? ChangeMessage(event) : StopMessage();
}

base::Status AnthropicJoin::StartMessage(const Value& event) {
  if (is_started_) {
    return Error{Code::kBadRequest, "a second message_start"};
  }
  ASSIGN_OR_RETURN(const Value* message, MapAt(event, "message"));
  is_started_ = true;
  UpdateAll(*message->AsMap(), message_);
  message_.Set("content", Value());
  if (const Value* usage = message->Find("usage"); usage != nullptr && usage->AsMap() != nullptr) {
    UpdateAll(*usage->AsMap(), usage_);
  }
  return base::Ok{};
}

base::Status AnthropicJoin::StartBlock(const Value& event) {
  ASSIGN_OR_RETURN(const std::size_t index, IndexAt(event, "index"));
  ASSIGN_OR_RETURN(const Value* content, MapAt(event, "content_block"));
  if (index != blocks_.size()) {
    return Error{Code::kBadRequest, "content block " + std::to_string(index) + " begins where " +
                                        std::to_string(blocks_.size()) + " was to come"};
  }
  UpdateAll(*content->AsMap(), blocks_.emplace_back().fields);
  return base::Ok{};
}

base::Result<AnthropicJoin::Block*> AnthropicJoin::OpenBlock(const Value& event) {
  ASSIGN_OR_RETURN(const std::size_t index, IndexAt(event, "index"));
  if (index >= blocks_.size() || !blocks_[index].is_open) {
    return Error{Code::kBadRequest, "content block " + std::to_string(index) + " is not open"};
  }
  return &blocks_[index];
}

base::Status AnthropicJoin::GrowBlock(const Value& event) {
  ASSIGN_OR_RETURN(Block* const block, OpenBlock(event));
  ASSIGN_OR_RETURN(const Value* delta, MapAt(event, "delta"));
  const std::string_view type = TextAt(*delta, "type");
  if (type == "input_json_delta") {
    block->input.append(TextAt(*delta, "partial_json"));
    return base::Ok{};
  }
  if (type == "citations_delta") {
    const Value* citation = delta->Find("citation");
    return citation != nullptr ? block->fields.Grow("citations", Value(Value::Array{*citation}))
                               : base::Status(base::Ok{});
  }
  for (const auto& [key, value] : *delta->AsMap()) {
    const auto name = key.AsText().value_or("");
    if (name != "type") {
      RETURN_IF_ERROR(block->fields.Grow(name, value));
    }
  }
  return base::Ok{};
}

base::Status AnthropicJoin::StopBlock(const Value& event) {
  ASSIGN_OR_RETURN(Block* const block, OpenBlock(event));
  block->is_open = false;
  if (block->input.empty()) {
    return base::Ok{};
  }
  auto input = wire::FromPlainJson(block->input, kJsonDepth);
  if (!input.ok()) {
    return Error{input.error().code, "the input of a tool: " + input.error().detail};
  }
  block->fields.Set("input", std::move(input).value());
  block->input.clear();
  return base::Ok{};
}

base::Status AnthropicJoin::ChangeMessage(const Value& event) {
  for (const auto& [key, value] : *event.AsMap()) {
    const auto name = key.AsText().value_or("");
    if (name == "delta" && value.AsMap() != nullptr) {
      UpdateAll(*value.AsMap(), message_);
    } else if (name == "usage" && value.AsMap() != nullptr) {
      UpdateAll(*value.AsMap(), usage_);
    } else if (name != "type" && name != "delta" && name != "usage" && name != "content") {
      message_.Update(name, value);
    }
  }
  return base::Ok{};
}

base::Status AnthropicJoin::StopMessage() {
  if (std::any_of(blocks_.begin(), blocks_.end(), [](const Block& b) { return b.is_open; })) {
    return Error{Code::kBadRequest, "the message stops within a content block"};
  }
  is_stopped_ = true;
  return base::Ok{};
}

StreamEnding AnthropicJoin::Ending() const {
  return is_stopped_ ? StreamEnding{StreamEnd::kComplete}
                     : StreamEnding{StreamEnd::kCut, "it has no message_stop"};
}

Value AnthropicJoin::Answer() && {
  Value::Array content;
  content.reserve(blocks_.size());
  for (Block& block : blocks_) {
    content.emplace_back(block.fields.Take());
  }
  message_.Set("content", Value(std::move(content)));
  if (!usage_.empty()) {
    message_.Set("usage", Value(usage_.Take()));
  }
  return Value(message_.Take());
}

}  // namespace reprise::cache
