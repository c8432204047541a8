// What several commands of the cache family share: how a question is asked. Threads: as the
// command.
#pragma once

#include "server/cache/cache.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"

namespace reprise::commands {

inline constexpr ArgSpec kPromptArg{.name = "prompt",
                                    .kind = ArgKind::kText,
                                    .doc = "the question, UTF-8",
                                    .min = 1,
                                    .max = base::limits::kPromptBytes.ceiling};
// The first two options of each command that asks a question.
enum QuestionOption : std::size_t { kIdentity, kType, kQuestionOptions };
inline constexpr ArgSpec kIdentityOption{
    .name = "identity",
    .kind = ArgKind::kValue,
    .doc =
        "all besides the prompt that can change the answer: model, system prompt, tools, "
        "temperature ...; compared exactly, but for the order of keys and the spelling of numbers: "
        "1 and 1.0 are the same",
    .max = base::limits::kIdentityBytes.value};
inline constexpr ArgSpec kTypeOption{.name = "type",
                                     .kind = ArgKind::kText,
                                     .doc = "the query type; `general` when not given",
                                     .max = base::limits::kNameBytes.value};

inline cache::Question QuestionOf(const Context& context, const Args& args) {
  return {context.principal.namespace_id, args.Bytes(0), args.BytesOr(kIdentity, ""),
          args.BytesOr(kType, "")};
}

}  // namespace reprise::commands
