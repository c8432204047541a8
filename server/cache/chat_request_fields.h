// What the three shapes say about their fields beside the messages: which shape a request has, what
// a field means when it is absent, in which order tools do not matter.
//
// Threads: any. Errors: kBadRequest with the path. Complexity: O(bytes log items).
#pragma once

#include <cstdint>
#include <string_view>

#include "protocol/base/result.h"
#include "server/cache/chat_request_tree.h"

namespace reprise::cache {

enum class ChatShape : std::uint8_t { kOpenAiChat, kOpenAiResponses, kAnthropicMessages };

std::string_view NameOf(ChatShape shape);

// The roles of messages, with commas between.
std::string_view RolesOf(ChatShape shape);

// By the fields. A request that could be either kind of `messages` is Anthropic's when its model is
// called claude and it has max_tokens, which is required there, and Chat Completions' otherwise.
base::Result<ChatShape> ShapeOf(const Node& request, const Path& path);

// All fields but `messages` and `input`: nulls and documented defaults go, tools are sorted by
// name, one stop text and an array with it are the same.
base::Status NormalizeFields(ChatShape shape, Node& request, const Path& path);

}  // namespace reprise::cache
