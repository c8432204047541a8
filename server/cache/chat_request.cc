#include "server/cache/chat_request.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "protocol/base/limits.h"
#include "server/cache/chat_request_content.h"
#include "server/cache/chat_request_fields.h"
#include "server/cache/chat_request_tree.h"

namespace reprise::cache {
namespace {

using base::limits::kIdentityBytes;
using base::limits::kPromptBytes;
using base::limits::kTagBytes;

std::string_view MessagesField(ChatShape shape) {
  return shape == ChatShape::kOpenAiResponses ? "input" : "messages";
}

base::Result<std::string> ReadModel(const Node& request, const Path& path) {
  const Node* model = request.Find("model");
  if (model == nullptr) {
    return path["model"].Bad("missing; the name of the model is part of the identity");
  }
  if (!model->IsStr() || model->text.empty()) {
    return path["model"].Bad(FoundIn(*model) + ", the name of the model expected");
  }
  if (model->text.size() > static_cast<std::size_t>(kTagBytes.value)) {
    return path["model"].TooLarge(std::to_string(model->text.size()) +
                                  " bytes are more than the limit of " +
                                  std::to_string(kTagBytes.value));
  }
  return model->text;
}

void DropVolatile(const std::vector<std::string>& additions, Node& request) {
  std::erase_if(request.members, [&](const Member& member) {
    const auto is_it = [&](std::string_view field) { return field == member.key; };
    if (member.key == "messages" || member.key == "input" || member.key == "model") {
      return false;
    }
    return std::any_of(kVolatileFields.begin(), kVolatileFields.end(), is_it) ||
           std::any_of(additions.begin(), additions.end(), is_it);
  });
}

base::Status NormalizeMessages(ChatShape shape, Node& messages, const Path& path) {
  if (shape == ChatShape::kOpenAiResponses && messages.IsStr()) {
    messages = Node::Array({Node::Map(
        {{"role", Node::Str("user")}, {"content", Node::Str(std::string(messages.text))}})});
    return base::Ok{};
  }
  if (!messages.IsArray()) {
    return path.Bad(std::string(wire::NameOf(messages.kind)) + " found, " +
                    (shape == ChatShape::kOpenAiResponses ? "text or an array" : "an array") +
                    " expected");
  }
  for (std::size_t i = 0; i < messages.items.size(); ++i) {
    Node& message = messages.items[i];
    RETURN_IF_ERROR(shape == ChatShape::kOpenAiResponses
                        ? NormalizeItem(message, RolesOf(shape), path[i])
                        : NormalizeMessage(message, RolesOf(shape), path[i]));
  }
  return base::Ok{};
}

struct Prompt {
  std::string text;
  std::size_t place = 0;  // which message it was taken from
};

base::Result<Prompt> TakePrompt(Node& messages, const Path& path) {
  for (std::size_t i = messages.items.size(); i-- > 0;) {
    if (messages.items[i].TextAt("role") != "user") {
      continue;
    }
    std::string text = TakeText(messages.items[i]);
    if (text.size() > static_cast<std::size_t>(kPromptBytes.ceiling)) {
      return path[i].TooLarge("a prompt of " + std::to_string(text.size()) +
                              " bytes is over the limit of " +
                              std::to_string(kPromptBytes.ceiling));
    }
    if (!text.empty()) {
      return Prompt{std::move(text), i};
    }
  }
  return path.Bad("no user message with text, which would be the prompt");
}

// What the user was told and said before. Tool results and the like behind the prompt belong to the
// turn that is answered.
void DropEarlierTurns(Node& messages, Prompt& prompt) {
  std::vector<Node> kept;
  std::size_t place = 0;
  for (std::size_t i = 0; i < messages.items.size(); ++i) {
    const std::string_view role = messages.items[i].TextAt("role");
    if (i == prompt.place) {
      place = kept.size();
    }
    if (i >= prompt.place || role == "system" || role == "developer") {
      kept.push_back(std::move(messages.items[i]));
    }
  }
  prompt.place = place;
  messages.items = std::move(kept);
}

// One item in place of many: their number and the hash of their canonical bytes.
Node Folded(std::vector<Node> items) {
  const std::size_t count = items.size();
  return Node::Map({{"folded", Node::Uint(count)},
                    {"sha256", Node::Bin(Sha256(Node::Array(std::move(items)).Encoded()))}});
}

// Folds what stands before the prompt and what stands behind it, each into one item.
void Fold(Node& messages, std::size_t place) {
  const auto prompt = messages.items.begin() + static_cast<std::ptrdiff_t>(place);
  std::vector<Node> before(std::make_move_iterator(messages.items.begin()),
                           std::make_move_iterator(prompt));
  std::vector<Node> behind(std::make_move_iterator(prompt + 1),
                           std::make_move_iterator(messages.items.end()));
  std::vector<Node> folded;
  if (!before.empty()) {
    folded.push_back(Folded(std::move(before)));
  }
  folded.push_back(std::move(*prompt));
  if (!behind.empty()) {
    folded.push_back(Folded(std::move(behind)));
  }
  messages.items = std::move(folded);
}

std::string_view LargestField(const Node& request) {
  std::string_view largest;
  std::size_t most = 0;
  for (const Member& member : request.members) {
    const std::size_t bytes = member.value.Encoded().size();
    if (bytes > most) {
      most = bytes;
      largest = member.key;
    }
  }
  return largest;
}

struct Frame {
  ChatShape shape;
  IdentityMode mode;
  std::size_t prompt_place;
};

// The mode is inside, so that a strict caller never gets what was computed for a conversation whose
// turns were left out.
base::Result<std::string> IdentityOf(const Frame& frame, Node request, const Path& path) {
  const auto limit = static_cast<std::size_t>(kIdentityBytes.value);
  Node identity =
      Node::Map({{"shape", Node::Str(NameOf(frame.shape))}, {"request", std::move(request)}});
  if (frame.mode == IdentityMode::kConversation) {
    identity.Set("mode", Node::Str("conversation"));
  }
  std::string bytes = identity.Encoded();
  if (bytes.size() <= limit) {
    return bytes;
  }
  Node& whole = *identity.Find("request");
  Fold(*whole.Find(MessagesField(frame.shape)), frame.prompt_place);
  bytes = identity.Encoded();
  if (bytes.size() > limit) {
    const std::string_view largest = LargestField(whole);
    return path[largest].TooLarge(
        "with this field the identity has " + std::to_string(bytes.size()) +
        " bytes besides other turns, over the limit of " + std::to_string(limit));
  }
  return bytes;
}

// Attachments are part of what the user asked; without them the identity is that of a bare prompt.
base::Result<std::string> IdentityOfTurn(const Node& turn) {
  const Node* content = turn.Find("content");
  return content->IsArray() ? Node::Map({{"content", *content}}).Encoded()
                            : Node::Map({}).Encoded();
}

}  // namespace

base::Result<ChatQuestion> ReadChatRequest(std::string_view request, const ChatRules& rules) {
  const Path path("request");
  ASSIGN_OR_RETURN(Node root, ReadTree(request, path));
  ASSIGN_OR_RETURN(const ChatShape shape, ShapeOf(root, path));
  ASSIGN_OR_RETURN(std::string model, ReadModel(root, path));
  DropVolatile(rules.volatile_fields, root);
  RETURN_IF_ERROR(NormalizeFields(shape, root, path));
  if (rules.mode == IdentityMode::kConversation) {  // references to earlier turns kept elsewhere
    root.Erase("previous_response_id");
    root.Erase("conversation");
  }
  Node& messages = *root.Find(MessagesField(shape));
  const Path messages_path = path[MessagesField(shape)];
  RETURN_IF_ERROR(NormalizeMessages(shape, messages, messages_path));
  ASSIGN_OR_RETURN(Prompt prompt, TakePrompt(messages, messages_path));
  if (rules.mode == IdentityMode::kConversation) {
    DropEarlierTurns(messages, prompt);
  }
  ComposeText(root);  // Only now: the prompt stays as it was given.
  auto identity = rules.mode == IdentityMode::kPromptOnly
                      ? IdentityOfTurn(messages.items[prompt.place])
                      : IdentityOf({shape, rules.mode, prompt.place}, std::move(root), path);
  if (!identity.ok()) {
    return std::move(identity).error();
  }
  return ChatQuestion{std::move(prompt.text), std::move(identity).value(), std::move(model),
                      std::string(NameOf(shape))};
}

}  // namespace reprise::cache
