#include "server/commands/question.h"

#include <array>
#include <string>
#include <utility>

#include "server/telemetry/escape.h"

namespace reprise::commands {
namespace {

using base::Code;
using base::Error;

constexpr std::string_view kNil = "\xc0";

// Nil is how clients spell "not given".
std::string_view ValueOr(const Args& args, QuestionOption option) {
  const std::string_view bytes = args.BytesOr(option, "");
  return bytes == kNil ? std::string_view() : bytes;
}

struct ModeRow {
  std::string_view name;
  cache::IdentityMode mode;
};
constexpr std::array kModes{ModeRow{"strict", cache::IdentityMode::kStrict},
                            ModeRow{"conversation", cache::IdentityMode::kConversation},
                            ModeRow{"prompt_only", cache::IdentityMode::kPromptOnly}};

base::Result<cache::IdentityMode> ModeNamed(std::string_view name) {
  for (const ModeRow& row : kModes) {
    if (row.name == name) {
      return row.mode;
    }
  }
  std::string found;
  telemetry::AppendTextValue(telemetry::CutAt(name, 64), found);
  return Error{Code::kBadRequest,
               "'identity_mode' must be strict, conversation or prompt_only, found " + found};
}

base::Status CheckAlone(const Args& args, std::string_view prompt) {
  if (!prompt.empty()) {
    return Error{Code::kBadRequest, "a prompt and 'request' are given; give one of them"};
  }
  if (!ValueOr(args, kIdentity).empty()) {
    return Error{Code::kBadRequest,
                 "'identity' and 'request' are given; the identity is derived from the request"};
  }
  return base::Ok{};
}

}  // namespace

base::Result<Asked> AskedBy(const Context& context, const Args& args, std::string_view prompt,
                            std::string_view type) {
  const std::string_view request = ValueOr(args, kRequest);
  Asked asked;
  asked.question.namespace_id = context.principal.namespace_id;
  asked.question.type = type;
  asked.question.asker = context.asker;
  if (request.empty()) {
    if (prompt.empty()) {
      return Error{Code::kBadRequest, "neither a prompt nor 'request' is given"};
    }
    if (prompt.find_first_not_of(" \t\r\n") == std::string_view::npos) {
      return Error{Code::kBadRequest, "the prompt is nothing but white space"};
    }
    if (args.Has(kIdentityMode)) {
      return Error{Code::kBadRequest,
                   "'identity_mode' says how a 'request' is read; none is given"};
    }
    asked.question.prompt = prompt;
    asked.question.identity = args.BytesOr(kIdentity, "");
    return asked;
  }
  RETURN_IF_ERROR(CheckAlone(args, prompt));
  ASSIGN_OR_RETURN(const cache::IdentityMode mode,
                   ModeNamed(args.BytesOr(kIdentityMode, "strict")));
  if (context.on_loop() && request.size() > kInlineRequestBytes) {
    return Error{Code::kWouldBlock, "a large request is read on a storage thread"};
  }
  ASSIGN_OR_RETURN(cache::ChatQuestion chat,
                   cache::ReadChatRequest(request, {mode, context.config.cache.volatile_fields}));
  asked.chat = std::make_unique<const cache::ChatQuestion>(std::move(chat));
  asked.question.prompt = asked.chat->prompt;
  asked.question.identity = asked.chat->identity;
  return asked;
}

}  // namespace reprise::commands
