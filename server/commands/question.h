// Asked: the question of a command of the cache family, whichever way it was given: a prompt with
// an identity, or a whole chat request (server/cache/chat_request.h) from which both are derived.
//
// Threads: as the command. A request of more than kInlineRequestBytes is not read on the loop:
// kWouldBlock, and the command is run again on a storage thread. Errors: kBadRequest and kTooLarge,
// those of a request with the path. Complexity: O(1) for a prompt, O(bytes log items) for a
// request; nothing of it is kept between two runs of one command.
#pragma once

#include <memory>
#include <string_view>

#include "server/cache/cache.h"
#include "server/cache/chat_request.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"

namespace reprise::commands {

inline constexpr ArgSpec kPromptArg{.name = "prompt",
                                    .kind = ArgKind::kText,
                                    .doc = "the question, UTF-8; nil when `request` is given",
                                    .nullable = true,
                                    .min = 1,
                                    .max = base::limits::kPromptBytes.ceiling};

// The first options of each command that asks a question; the first three of one that names it.
enum QuestionOption : std::size_t { kIdentity, kRequest, kIdentityMode, kType, kQuestionOptions };
inline constexpr ArgSpec kIdentityOption{
    .name = "identity",
    .kind = ArgKind::kValue,
    .doc =
        "all besides the prompt that can change the answer: model, system prompt, tools, "
        "temperature ...; compared exactly, but for the order of keys, the spelling of numbers (1 "
        "and 1.0 are the same) and of Unicode (canonically equivalent text is the same)",
    .max = base::limits::kIdentityBytes.value};
inline constexpr ArgSpec kRequestOption{
    .name = "request",
    .kind = ArgKind::kValue,
    .doc =
        "a whole chat request in the shape of OpenAI's Chat Completions, OpenAI's Responses or "
        "Anthropic's Messages, instead of prompt and identity, which are derived from it: the "
        "prompt "
        "is what the user said last, all else that can change the answer is the identity",
    .max = base::limits::kFrameBytes.ceiling};
inline constexpr ArgSpec kIdentityModeOption{
    .name = "identity_mode",
    .kind = ArgKind::kText,
    .doc =
        "what of the request is compared: strict (the default) everything; conversation not the "
        "earlier turns, so that \"and the second one?\" may get the answer from another "
        "conversation; prompt_only nothing but the user's turn, so that the answer may be "
        "another "
        "model's, another persona's or of another format",
    .max = base::limits::kNameBytes.value};
inline constexpr ArgSpec kTypeOption{.name = "type",
                                     .kind = ArgKind::kText,
                                     .doc = "the query type; found by rules when not given",
                                     .max = base::limits::kNameBytes.value};

// Larger ones take long enough to hold up the other connections of a loop.
inline constexpr std::size_t kInlineRequestBytes = 32UL * 1024;

struct Asked {
  // Owns what `question` points into; null: that is the frame of the command.
  std::unique_ptr<const cache::ChatQuestion> chat;
  cache::Question question;

  // Who is asked, as far as the question says.
  std::string_view model() const {
    return chat == nullptr ? std::string_view() : std::string_view(chat->model);
  }
};

// `prompt` is empty when it was nil or left out. The options must stand in the row as in
// QuestionOption.
base::Result<Asked> AskedBy(const Context& context, const Args& args, std::string_view prompt,
                            std::string_view type);
// Of a row that begins with kPromptArg and has all of QuestionOption.
inline base::Result<Asked> AskedBy(const Context& context, const Args& args) {
  return AskedBy(context, args, args.Bytes(0), args.BytesOr(kType, ""));
}

}  // namespace reprise::commands
