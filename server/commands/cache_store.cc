// CACHE.STORE: puts an answer in.
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/cache_common.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"
#include "server/commands/strategies.h"

namespace reprise::commands {
namespace {

constexpr std::array kArgs{kPromptArg, ArgSpec{.name = "response",
                                               .kind = ArgKind::kValue,
                                               .doc = "the answer: any MessagePack value but nil",
                                               .max = base::limits::kValueBytes.ceiling}};
constexpr std::array kOptions{
    kIdentityOption, kRequestOption,   kIdentityModeOption, kTypeOption,  kTagsOption,  kTtlOption,
    kTokensInOption, kTokensOutOption, kCostNanoOption,     kModelOption, kVectorOption};
constexpr std::array kErrors{base::Code::kTooLarge, base::Code::kReadOnly};
constexpr std::array kExamples{
    Example{
        R"(["CACHE.STORE", ["What is RAII?", "Resource acquisition is initialization.", {"type": "factLookup", "tokens_in": 12, "tokens_out": 40, "cost_nano": 90000}]])",
        R"({"stored": true, "id": "*", "tier_keys": {"exact": "*", "normalized": "*"}, "expires_at_ms": "*"})"},
    Example{R"(["CACHE.STORE", ["What is the weather in Paris?", "Rain."]])",
            R"({"stored": false, "reason": "*"})"},
    Example{
        R"(["CACHE.STORE", [null, "An idiom.", {"request": {"model": "m", "messages": [{"role": "user", "content": "What is RAII?"}]}}]])",
        R"({"stored": true, "id": "*", "tier_keys": "*", "expires_at_ms": "*"})"},
    Example{
        R"(["CACHE.LOOKUP", [null, {"request": {"messages": [{"content": "what is raii", "role": "user"}], "user": "u-1", "model": "m"}}]])",
        R"({"status": "hit", "tier": "normalized", "id": "*", "response": "An idiom.", "type": "general", "age_ms": "*", "expires_at_ms": "*", "tokens_in": 0, "tokens_out": 0, "cost_nano": 0, "model": "m", "reason": "*"})"},
    Example{R"(["CACHE.STORE", ["What is RAII?", null]])", R"({"error": "bad_request"})"},
    Example{R"(["CACHE.STORE", ["p", "r", {"type": "nonsense"}]])", R"({"error": "bad_request"})"},
};

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  ASSIGN_OR_RETURN(const Asked asked, AskedBy(context, args));
  ASSIGN_OR_RETURN(cache::Answer answer, AnswerOf(args, args.Bytes(1), kQuestionOptions));
  if (answer.model.empty()) {
    answer.model = asked.model();
  }
  answer.for_semantic = SemanticMayRun(context);
  ASSIGN_OR_RETURN(const cache::Stored stored,
                   context.instance.cache().Store(asked.question, answer, context.config.cache,
                                                  context.view.transaction()));
  WriteStored(stored, reply);
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kCacheStore;
constexpr CommandSpec kCacheStore{
    .name = "CACHE.STORE",
    .family = Family::kCache,
    .summary =
        "Stores the answer to a prompt; the same prompt and identity replaces what was there.",
    .complexity = "O(prompt + identity + response bytes)",
    .since = "0.1",
    .flags = kWrite | kIdempotent,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = kOptions,
    .result =
        "{stored: true, id, tier_keys: {exact, normalized}, expires_at_ms}, or {stored: false, "
        "reason} "
        "when the policies keep no answer to this question (see CACHE.TYPES)",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
