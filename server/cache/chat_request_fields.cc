#include "server/cache/chat_request_fields.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "server/cache/chat_request_content.h"

namespace reprise::cache {
namespace {

using wire::Kind;

constexpr std::uint8_t kChat = 1;
constexpr std::uint8_t kResponses = 2;
constexpr std::uint8_t kAnthropic = 4;

std::uint8_t BitOf(ChatShape shape) {
  return static_cast<std::uint8_t>(1U << static_cast<unsigned>(shape));
}

// What a field says when its value is the one that the API's reference gives as the default.
enum class Default : std::uint8_t { kZero, kOne, kFalse, kTrue, kEmpty, kWord, kType };

struct DefaultRow {
  std::uint8_t shapes;
  std::string_view field;
  Default value;
  std::string_view word = {};  // kWord: the text. kType: {"type": word} and nothing else.
};

// Only defaults that are the same for all models of the API. Left out on purpose: reasoning effort,
// thinking, top_k, max tokens, seed.
constexpr std::array kDefaults{
    DefaultRow{kChat | kResponses | kAnthropic, "temperature", Default::kOne},
    DefaultRow{kChat | kResponses, "top_p", Default::kOne},
    DefaultRow{kChat, "n", Default::kOne},
    DefaultRow{kChat, "presence_penalty", Default::kZero},
    DefaultRow{kChat, "frequency_penalty", Default::kZero},
    DefaultRow{kChat, "logprobs", Default::kFalse},
    DefaultRow{kChat, "logit_bias", Default::kEmpty},
    DefaultRow{kChat, "verbosity", Default::kWord, "medium"},
    DefaultRow{kChat, "response_format", Default::kType, "text"},
    DefaultRow{kChat | kResponses, "parallel_tool_calls", Default::kTrue},
    DefaultRow{kChat | kResponses | kAnthropic, "tools", Default::kEmpty},
    DefaultRow{kChat, "functions", Default::kEmpty},
    DefaultRow{kResponses, "truncation", Default::kWord, "disabled"},
    DefaultRow{kResponses, "background", Default::kFalse},
    DefaultRow{kResponses, "include", Default::kEmpty},
    DefaultRow{kAnthropic, "stop_sequences", Default::kEmpty},
};
// Of `text` in Responses.
constexpr std::array kTextDefaults{
    DefaultRow{kResponses, "format", Default::kType, "text"},
    DefaultRow{kResponses, "verbosity", Default::kWord, "medium"},
};

bool IsDefault(const Node& node, const DefaultRow& row) {
  switch (row.value) {
    case Default::kZero:
      return node.IsNumber(0);
    case Default::kOne:
      return node.IsNumber(1);
    case Default::kFalse:
      return node.kind == Kind::kBool && !node.IsTrue();
    case Default::kTrue:
      return node.IsTrue();
    case Default::kEmpty:
      return (node.IsArray() && node.items.empty()) || (node.IsMap() && node.members.empty());
    case Default::kWord:
      return node.IsStr() && node.text == row.word;
    case Default::kType:
      return node.members.size() == 1 && node.TextAt("type") == row.word;
  }
  return false;
}

template <std::size_t kRows>
void DropDefaults(const std::array<DefaultRow, kRows>& rows, ChatShape shape, Node& map) {
  for (const DefaultRow& row : rows) {
    const Node* found = (row.shapes & BitOf(shape)) != 0 ? map.Find(row.field) : nullptr;
    if (found != nullptr && IsDefault(*found, row)) {
      map.Erase(row.field);
    }
  }
}

bool Has(const Node& request, std::string_view field) {
  const Node* found = request.Find(field);
  return found != nullptr && !found->IsNil();
}

bool IsAnyOf(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::string_view NameOfTool(const Node& tool) {
  const Node* function = tool.Find("function");
  return function != nullptr && function->IsMap() ? function->TextAt("name") : tool.TextAt("name");
}

void NormalizeTool(ChatShape shape, Node& tool) {
  DropNulls(tool);
  Node* function = tool.Find("function");
  if (function != nullptr && function->IsMap()) {
    DropNulls(*function);
  }
  Node& declared = function != nullptr && function->IsMap() ? *function : tool;
  if (const Node* strict = declared.Find("strict");
      strict != nullptr && strict->kind == Kind::kBool &&
      strict->IsTrue() == (shape == ChatShape::kOpenAiResponses)) {
    declared.Erase("strict");
  }
  if (shape == ChatShape::kAnthropicMessages && tool.TextAt("type") == "custom") {
    tool.Erase("type");
  }
}

base::Status NormalizeTools(ChatShape shape, Node* tools, const Path& path) {
  if (tools == nullptr) {
    return base::Ok{};
  }
  RETURN_IF_ERROR(ExpectArray(*tools, path));
  struct Sorted {
    std::string name;
    std::string bytes;
    std::size_t place;
  };
  std::vector<Sorted> order;
  order.reserve(tools->items.size());
  for (std::size_t i = 0; i < tools->items.size(); ++i) {
    Node& tool = tools->items[i];
    RETURN_IF_ERROR(ExpectMap(tool, path[i]));
    NormalizeTool(shape, tool);
    ComposeText(tool);  // Their order must not depend on the spelling.
    order.push_back({std::string(NameOfTool(tool)), tool.Encoded(), i});
  }
  std::sort(order.begin(), order.end(), [](const Sorted& a, const Sorted& b) {
    return std::tie(a.name, a.bytes) < std::tie(b.name, b.bytes);
  });
  std::vector<Node> items;
  items.reserve(order.size());
  for (const Sorted& tool : order) {
    items.push_back(std::move(tools->items[tool.place]));
  }
  tools->items = std::move(items);
  return base::Ok{};
}

// "auto" is what happens anyway when there are tools, "none" when there are none.
void DropDefaultChoice(Node& request, std::string_view field, std::string_view tools) {
  Node* choice = request.Find(field);
  if (choice == nullptr) {
    return;
  }
  if (const Node* serial = choice->Find("disable_parallel_tool_use");
      serial != nullptr && serial->kind == Kind::kBool && !serial->IsTrue()) {
    choice->Erase("disable_parallel_tool_use");
  }
  const std::string_view usual = request.Find(tools) != nullptr ? "auto" : "none";
  const bool is_usual = choice->IsStr()
                            ? choice->text == usual
                            : choice->members.size() == 1 && choice->TextAt("type") == usual;
  if (is_usual) {
    request.Erase(field);
  }
}

bool IsAnthropicMessage(const Node& message) {
  const Node* content = message.Find("content");
  return content != nullptr &&
         std::any_of(content->items.begin(), content->items.end(), [](const Node& part) {
           return IsAnyOf(part.TextAt("type"),
                          {"tool_use", "tool_result", "thinking", "redacted_thinking", "image",
                           "document", "search_result", "server_tool_use"});
         });
}

bool IsOpenAiMessage(const Node& message) {
  const Node* content = message.Find("content");
  return IsAnyOf(message.TextAt("role"), {"system", "developer", "tool", "function"}) ||
         message.Find("tool_calls") != nullptr ||
         (content != nullptr &&
          std::any_of(content->items.begin(), content->items.end(), [](const Node& part) {
            return IsAnyOf(part.TextAt("type"), {"image_url", "input_audio", "file", "refusal"});
          }));
}

bool HasAnthropicFields(const Node& request) {
  for (const std::string_view field : {"system", "stop_sequences", "anthropic_version",
                                       "anthropic_beta", "mcp_servers", "thinking"}) {
    if (Has(request, field)) {
      return true;
    }
  }
  const Node* tools = request.Find("tools");
  return tools != nullptr &&
         std::any_of(tools->items.begin(), tools->items.end(),
                     [](const Node& tool) { return tool.Find("input_schema") != nullptr; });
}

ChatShape ShapeOfMessages(const Node& request, const Node& messages) {
  if (HasAnthropicFields(request)) {
    return ChatShape::kAnthropicMessages;
  }
  for (const Node& message : messages.items) {
    if (IsAnthropicMessage(message)) {
      return ChatShape::kAnthropicMessages;
    }
    if (IsOpenAiMessage(message)) {
      return ChatShape::kOpenAiChat;
    }
  }
  const Node* tools = request.Find("tools");  // without input_schema, as we know by now
  const bool looks_anthropic = request.TextAt("model").starts_with("claude") &&
                               Has(request, "max_tokens") &&
                               (tools == nullptr || tools->items.empty());
  return looks_anthropic ? ChatShape::kAnthropicMessages : ChatShape::kOpenAiChat;
}

}  // namespace

std::string_view NameOf(ChatShape shape) {
  constexpr std::array<std::string_view, 3> kNames{"openai_chat", "openai_responses",
                                                   "anthropic_messages"};
  return kNames[static_cast<std::size_t>(shape)];
}

std::string_view RolesOf(ChatShape shape) {
  constexpr std::array<std::string_view, 3> kRoles{
      "system, developer, user, assistant, tool, function", "system, developer, user, assistant",
      "user, assistant"};
  return kRoles[static_cast<std::size_t>(shape)];
}

base::Result<ChatShape> ShapeOf(const Node& request, const Path& path) {
  RETURN_IF_ERROR(ExpectMap(request, path));
  const bool has_messages = Has(request, "messages");
  const bool has_input = Has(request, "input");
  if (has_messages && has_input) {
    return path.Bad("both messages and input; a request has one of them");
  }
  if (has_input) {
    return ChatShape::kOpenAiResponses;
  }
  if (!has_messages) {
    return path.Bad(
        "neither messages (OpenAI Chat Completions, Anthropic Messages) nor input (OpenAI "
        "Responses)");
  }
  const Node& messages = *request.Find("messages");
  RETURN_IF_ERROR(ExpectArray(messages, path["messages"]));
  return ShapeOfMessages(request, messages);
}

base::Status NormalizeFields(ChatShape shape, Node& request, const Path& path) {
  DropNulls(request);
  for (const std::string_view field :
       {"response_format", "reasoning", "text", "tool_choice", "function_call", "thinking"}) {
    if (Node* found = request.Find(field); found != nullptr && found->IsMap()) {
      DropNulls(*found);
    }
  }
  if (shape == ChatShape::kAnthropicMessages) {
    if (Node* system = request.Find("system"); system != nullptr) {
      RETURN_IF_ERROR(NormalizeContent(*system, path["system"]));
    }
  }
  RETURN_IF_ERROR(NormalizeTools(shape, request.Find("tools"), path["tools"]));
  RETURN_IF_ERROR(NormalizeTools(shape, request.Find("functions"), path["functions"]));
  if (Node* text = request.Find("text");
      text != nullptr && text->IsMap() && shape == ChatShape::kOpenAiResponses) {
    DropDefaults(kTextDefaults, shape, *text);
    if (text->members.empty()) {
      request.Erase("text");
    }
  }
  if (Node* stop = request.Find("stop"); stop != nullptr && stop->IsStr()) {
    *stop = Node::Array({Node::Str(std::string(stop->text))});
  }
  DropDefaults(kDefaults, shape, request);
  DropDefaultChoice(request, "tool_choice", "tools");
  DropDefaultChoice(request, "function_call", "functions");
  return base::Ok{};
}

}  // namespace reprise::cache
