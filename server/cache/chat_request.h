// ReadChatRequest: prompt and identity of a whole chat request.
//
// A bot may hand over the request that it would send to a model, as one MessagePack value in the
// shape of OpenAI's Chat Completions, OpenAI's Responses or Anthropic's Messages. The prompt is the
// text of the last user turn that has text; the identity is all else that can change the answer.
// Two spellings of one request give the same bytes, any material change gives others. What that
// means field by field: README.md, section "Chat requests"; why: notes/0003-identity.md.
//
// Pure. Units: bytes of UTF-8 and MessagePack. Threads: any. Lifetime: the result owns its bytes.
// Errors: kBadRequest and kTooLarge, with the field's path ("request.messages[2].role: ...").
// Complexity: O(bytes log items). Limits: kPromptBytes (its ceiling), kIdentityBytes,
// kContainerItems (messages, tools), kDepth, kFrameItems, kTagBytes (model).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/result.h"

namespace reprise::cache {

// What of a request is compared byte by byte.
enum class IdentityMode : std::uint8_t {
  kStrict,        // everything
  kConversation,  // not the earlier turns; system and developer messages stay
  kPromptOnly,    // nothing but the user's turn: not even the model
};

struct ChatQuestion {
  std::string prompt;
  std::string identity;  // canonical: Canonicalize of identity.h changes nothing
  std::string model;
  std::string shape;  // openai_chat, openai_responses, anthropic_messages
};

struct ChatRules {
  IdentityMode mode = IdentityMode::kStrict;
  // The operator's additions to kVolatileFields: names of fields of the request. `messages`,
  // `input` and `model` stay even if they are named here.
  std::vector<std::string> volatile_fields;
};

// Fields of the request that cannot change the answer: who asks, how it is sent and billed.
inline constexpr std::array<std::string_view, 19> kVolatileFields{
    "cache_control",
    "client_request_id",
    "idempotency_key",
    "metadata",
    "prompt_cache_key",
    "prompt_cache_retention",
    "request_id",
    "request_timeout",
    "safety_identifier",
    "service_tier",
    "store",
    "stream",
    "stream_options",
    "timeout",
    "timeout_ms",
    "trace_id",
    "user",
    "user_id",
    "x_request_id",
};

base::Result<ChatQuestion> ReadChatRequest(std::string_view request, const ChatRules& rules);

}  // namespace reprise::cache
