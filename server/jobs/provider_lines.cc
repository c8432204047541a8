#include "server/jobs/provider_lines.h"

#include <algorithm>

#include "protocol/wire/decode.h"
#include "protocol/wire/json.h"

namespace reprise::jobs {
namespace {

using base::Value;

constexpr std::int64_t kAnthropicTokensMax = 1'024;  // it asks for a bound; parameters may say more

Value Decoded(std::string_view bytes) {
  if (bytes.empty()) {
    return Value();
  }
  auto value = wire::Decode(bytes);
  return value.ok() ? std::move(value).value() : Value();
}

// What a payload asks, as text.
std::string TextOf(const Value& payload) {
  if (const auto text = payload.AsText()) {
    return std::string(*text);
  }
  for (const std::string_view name : {"prompt", "text", "content", "input"}) {
    const Value* field = payload.Find(name);
    const auto text = field == nullptr ? std::nullopt : field->AsText();
    if (text.has_value()) {
      return std::string(*text);
    }
  }
  const Value* messages = payload.Find("messages");
  const Value::Array* all = messages == nullptr ? nullptr : messages->AsArray();
  if (all == nullptr || all->size() != 1) {
    return wire::ToJson(payload);  // Of a longer conversation all of it counts.
  }
  return TextOf(all->front());
}

void SetIfAbsent(Value::Map& map, std::string_view name, Value value) {
  const bool is_there = std::any_of(
      map.begin(), map.end(), [&](const auto& field) { return field.first.AsText() == name; });
  if (!is_there && !value.IsNil()) {
    map.emplace_back(name, std::move(value));
  }
}

void MergeIfAbsent(Value::Map& map, const Value& more, std::string_view but = {}) {
  if (const Value::Map* fields = more.AsMap()) {
    for (const auto& [name, value] : *fields) {
      const auto text = name.AsText();
      if (text.has_value() && *text != but) {
        SetIfAbsent(map, *text, value);
      }
    }
  }
}

// The system prompt in a context: all of it, or its field.
Value SystemOf(const Value& context) {
  if (context.AsText().has_value()) {
    return context;
  }
  const Value* system = context.Find("system");
  return system == nullptr ? Value() : *system;
}

bool BeginsWithSystem(const Value::Array& messages) {
  if (messages.empty()) {
    return false;
  }
  const Value* role = messages.front().Find("role");
  return role != nullptr && role->AsText() == "system";
}

Value UserMessage(const Value& payload) {
  return Value::Map{{"role", "user"}, {"content", TextOf(payload)}};
}

// The request of one item, without what the provider's line adds.
Value::Map RequestOf(const Value& payload) {
  const bool is_request = payload.Find("messages") != nullptr || payload.Find("input") != nullptr;
  if (is_request) {
    return *payload.AsMap();
  }
  return {{"messages", Value::Array{UserMessage(payload)}}};
}

Value OpenAiLine(const std::string& ticket, Value::Map body, const Value& system) {
  const bool is_responses = std::any_of(
      body.begin(), body.end(), [](const auto& field) { return field.first.AsText() == "input"; });
  if (is_responses) {
    SetIfAbsent(body, "instructions", system);
  }
  for (auto& [name, value] : body) {
    const Value::Array* messages = name.AsText() == "messages" ? value.AsArray() : nullptr;
    if (messages != nullptr && !system.IsNil() && !BeginsWithSystem(*messages)) {
      Value::Array with_system{Value::Map{{"role", "system"}, {"content", system}}};
      with_system.insert(with_system.end(), messages->begin(), messages->end());
      value = Value(std::move(with_system));
    }
  }
  return Value::Map{{"custom_id", ticket},
                    {"method", "POST"},
                    {"url", is_responses ? "/v1/responses" : "/v1/chat/completions"},
                    {"body", std::move(body)}};
}

Value AnthropicLine(const std::string& ticket, Value::Map params, const Value& system) {
  SetIfAbsent(params, "system", system);
  SetIfAbsent(params, "max_tokens", kAnthropicTokensMax);
  return Value::Map{{"custom_id", ticket}, {"params", std::move(params)}};
}

}  // namespace

std::string NumberedPrompt(const Batch& batch) {
  const std::size_t count = batch.payloads.size();
  const std::string mark = "[" + TicketText(TaskId{batch.view.token.nonce}).substr(0, 8) + "]";
  std::string prompt =
      "Below are " + std::to_string(count) +
      (count == 1 ? " task" : " tasks that have nothing to do with each other") +
      ". Each begins behind a line \"" + mark +
      " task NUMBER\"; whatever a task says, it speaks for itself alone. Do each one "
      "as if it were the only one.\n"
      "Answer with a JSON array and nothing else, with one object for each task: "
      "[{\"task\": NUMBER, \"answer\": ANSWER}, ...]\n";
  for (std::size_t i = 0; i < count; ++i) {
    prompt += "\n" + mark + " task " + std::to_string(i + 1) + "\n" +
              TextOf(Decoded(batch.payloads[i])) + "\n";
  }
  return prompt;
}

std::optional<LineFormat> LineFormatNamed(std::string_view name) {
  if (name == "openai") {
    return LineFormat::kOpenAi;
  }
  return name == "anthropic" ? std::optional(LineFormat::kAnthropic) : std::nullopt;
}

std::vector<std::string> ProviderLines(const Batch& batch, LineFormat format) {
  const Value context = Decoded(batch.context);
  const Value parameters = Decoded(batch.parameters);
  const Value system = SystemOf(context);
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < batch.payloads.size(); ++i) {
    const std::string ticket = TicketText(batch.view.items[i].id);
    Value::Map request = RequestOf(Decoded(batch.payloads[i]));
    MergeIfAbsent(request, parameters);
    MergeIfAbsent(request, context, "system");
    if (!batch.view.group.model.empty()) {
      SetIfAbsent(request, "model", batch.view.group.model);
    }
    lines.push_back(wire::ToJson(format == LineFormat::kOpenAi
                                     ? OpenAiLine(ticket, std::move(request), system)
                                     : AnthropicLine(ticket, std::move(request), system)));
  }
  return lines;
}

}  // namespace reprise::jobs
