#include "server/cache/stream_openai.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

namespace reprise::cache {
namespace {

using base::Code;
using base::Error;
using base::Value;

// Calls in the answer have no index: they stand in their order.
Value WithoutIndex(const Value::Array& calls) {
  Value::Array plain;
  plain.reserve(calls.size());
  for (const Value& call : calls) {
    Value::Map fields = *call.AsMap();
    std::erase_if(fields, [](const auto& field) { return field.first == Value("index"); });
    plain.emplace_back(std::move(fields));
  }
  return Value(std::move(plain));
}

// What is said, in pieces.
bool IsText(std::string_view name) {
  constexpr std::array<std::string_view, 4> kTexts{"content", "reasoning", "reasoning_content",
                                                   "refusal"};
  return std::find(kTexts.begin(), kTexts.end(), name) != kTexts.end();
}

// Some give an array of parts.
bool MayBeText(const Value& value) {
  return value.IsNil() || value.AsText().has_value() || value.AsArray() != nullptr;
}

}  // namespace

base::Status OpenAiJoin::Take(const Value& chunk) {
  for (const auto& [key, value] : *chunk.AsMap()) {
    const auto name = key.AsText().value_or("");
    if (name != "choices" && name != "object" && name != "obfuscation") {
      fields_.Update(name, value);
    }
  }
  const Value* choices = chunk.Find("choices");
  if (choices == nullptr || choices->IsNil()) {
    return base::Ok{};
  }
  if (choices->AsArray() == nullptr) {
    return Error{Code::kBadRequest, "'choices' is no array"};
  }
  for (const Value& piece : *choices->AsArray()) {
    RETURN_IF_ERROR(TakeChoice(piece));
  }
  return base::Ok{};
}

base::Status OpenAiJoin::TakeChoice(const Value& piece) {
  if (piece.AsMap() == nullptr) {
    return Error{Code::kBadRequest, "an item of 'choices' is no map"};
  }
  std::size_t index = 0;  // Of the only choice it may be missing.
  if (HasAt(piece, "index")) {
    ASSIGN_OR_RETURN(index, IndexAt(piece, "index"));
  }
  Choice& choice = choices_[index];
  choice.fields.Set("index", Value(index));
  for (const auto& [key, value] : *piece.AsMap()) {
    const auto name = key.AsText().value_or("");
    if (name == "delta") {
      RETURN_IF_ERROR(TakeDelta(value, choice));
    } else if (name == "logprobs") {
      RETURN_IF_ERROR(choice.fields.Grow(name, value));
    } else if (name != "index" && name != "message") {
      choice.fields.Update(name, value);
    }
  }
  const std::string_view reason = TextAt(piece, "finish_reason");
  choice.is_finished = choice.is_finished || !reason.empty();
  has_failed_ = has_failed_ || reason == "error";
  return base::Ok{};
}

base::Status OpenAiJoin::TakeDelta(const Value& delta, Choice& choice) {
  if (delta.IsNil()) {
    return base::Ok{};
  }
  if (delta.AsMap() == nullptr) {
    return Error{Code::kBadRequest, "'delta' is no map"};
  }
  Value::Map rest;
  for (const auto& [key, value] : *delta.AsMap()) {
    const auto name = key.AsText().value_or("");
    if (IsText(name) && !MayBeText(value)) {
      return Error{Code::kBadRequest, "'" + std::string(name) + "' is no text"};
    }
    if (name == "tool_calls") {
      RETURN_IF_ERROR(choice.tool_calls.Merge(value));
    } else if (name == "reasoning_details") {
      RETURN_IF_ERROR(choice.reasoning_details.Merge(value));
    } else if (name != "obfuscation") {
      rest.emplace_back(key, value);
    }
  }
  return choice.message.Merge(rest);
}

StreamEnding OpenAiJoin::Ending(bool is_done, bool is_text) const {
  if (has_failed_) {
    return {StreamEnd::kUpstreamError, "a choice was ended by an error (its finish_reason)"};
  }
  if (is_done) {
    return {StreamEnd::kComplete};
  }
  const bool all_finished =
      !choices_.empty() && std::all_of(choices_.begin(), choices_.end(),
                                       [](const auto& pair) { return pair.second.is_finished; });
  if (is_text) {  // The usage may come behind the last finish_reason.
    return {StreamEnd::kCut, "it has no [DONE]"};
  }
  return all_finished ? StreamEnding{StreamEnd::kComplete}
                      : StreamEnding{StreamEnd::kCut, "a choice has no finish_reason"};
}

Value OpenAiJoin::Message(Choice& choice) {
  const bool calls = !choice.tool_calls.empty() || choice.message.Has("function_call");
  const bool says_nothing = !choice.message.HasContent("content");
  Fields message;
  const std::string_view role = choice.message.Text("role");
  message.Set("role", role.empty() ? "assistant" : role);
  message.Set("content", Value());
  const bool keeps_content = !says_nothing || !(calls || choice.message.HasContent("refusal"));
  for (auto& [key, value] : choice.message.Take()) {
    const std::string name(key.AsText().value_or(""));
    if (name != "role" && (name != "content" || keeps_content)) {
      message.Set(name, std::move(value));
    }
  }
  if (!choice.tool_calls.empty()) {
    message.Set("tool_calls", WithoutIndex(choice.tool_calls.Take()));
  }
  if (!choice.reasoning_details.empty()) {
    message.Set("reasoning_details", Value(choice.reasoning_details.Take()));
  }
  return Value(message.Take());
}

Value OpenAiJoin::Answer() && {
  Value::Array choices;
  choices.reserve(choices_.size());
  for (auto& [index, choice] : choices_) {
    if (!choice.fields.Has("finish_reason")) {
      choice.fields.Set("finish_reason", Value());
    }
    choice.fields.Set("message", Message(choice));
    choices.emplace_back(choice.fields.Take());
  }
  fields_.Set("object", "chat.completion");
  fields_.Set("choices", Value(std::move(choices)));
  return Value(fields_.Take());
}

}  // namespace reprise::cache
