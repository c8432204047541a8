// CACHE.LOOKUP: asks the cache.
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/cache_common.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"
#include "server/commands/strategies.h"

namespace reprise::commands {
namespace {

constexpr std::array kArgs{kPromptArg};
enum Option : std::size_t {
  kMaxAgeMs = kQuestionOptions,
  kTier,
  kStaleOkMs,
  kReplay,
  kMaxError,
  kProbeVector,
  kConversation
};
constexpr std::array kOptions{kIdentityOption, kRequestOption, kIdentityModeOption, kTypeOption,
                              kMaxAgeOption,   kTierOption,    kStaleOkOption,      kReplayOption,
                              kMaxErrorOption, kVectorOption,  kConversationOption};
constexpr std::array kErrors{base::Code::kTooLarge};
constexpr std::array kExamples{
    Example{R"(["CACHE.STORE", ["What is RAII?", "Resource acquisition is initialization."]])",
            R"({"stored": true, "id": "*", "tier_keys": "*", "expires_at_ms": "*"})"},
    Example{
        R"(["CACHE.LOOKUP", ["what is  raii"]])",
        R"({"status": "hit", "tier": "normalized", "id": "*", "response": "Resource acquisition is initialization.", "type": "general", "age_ms": "*", "expires_at_ms": "*", "tokens_in": 0, "tokens_out": 0, "cost_nano": 0, "model": "", "reason": "the same prompt but for case, space or punctuation"})"},
    Example{R"(["CACHE.LOOKUP", ["what is  raii", {"tier": "exact"}]])",
            R"({"status": "miss", "reason": "*"})"},
    Example{R"(["CACHE.LOOKUP", ["What is RAII?", {"identity": {"model": "m-large"}}]])",
            R"({"status": "miss", "reason": "*"})"},
    Example{R"(["CACHE.STORE", ["And RAID?", ["An array ", "of disks."]]])",
            R"({"stored": true, "id": "*", "tier_keys": "*", "expires_at_ms": "*"})"},
    Example{
        R"(["CACHE.LOOKUP", ["And RAID?", {"replay": "joined"}]])",
        R"({"status": "hit", "tier": "exact", "id": "*", "response": "An array of disks.", "type": "general", "age_ms": "*", "expires_at_ms": "*", "tokens_in": 0, "tokens_out": 0, "cost_nano": 0, "model": "", "reason": "*"})"},
    Example{R"(["CACHE.LOOKUP", ["And RAID?", {"replay": "whole"}]])",
            R"({"error": "bad_request"})"},
};

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  cache::LookupLimits limits;
  limits.max_age_ms = args.MaybeInt(kMaxAgeMs);
  limits.stale_ok_ms = args.MaybeInt(kStaleOkMs);
  ASSIGN_OR_RETURN(limits.deepest, TierNamed(args.BytesOr(kTier, "semantic")));
  limits.max_error = args.MaybeShare(kMaxError);
  limits.pause = context.pause;
  limits.modes = TierModesFor(context, args.BytesOr(kConversation, ""));
  ASSIGN_OR_RETURN(limits.vector, VectorOf(args.BytesOr(kProbeVector, "")));
  ASSIGN_OR_RETURN(const Form form, FormOf(context, args, kReplay));
  ASSIGN_OR_RETURN(const Asked asked, AskedBy(context, args));
  ASSIGN_OR_RETURN(
      cache::Outcome outcome,
      context.instance.cache().Lookup(asked.question, limits, context.config.cache, context.view));
  if (!outcome.found.has_value()) {
    WriteMiss(outcome, reply);
    return base::Ok{};
  }
  std::shared_ptr<const std::string> joined;
  RETURN_IF_ERROR(Reshape(form, *outcome.found, joined));
  if (outcome.found->stale) {
    context.instance.cache().CountStale(asked.question.namespace_id, *outcome.found,
                                        asked.question.asker);
  }
  WriteHit(*outcome.found, outcome.reason, context.now(), reply);
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kCacheLookup;
constexpr CommandSpec kCacheLookup{
    .name = "CACHE.LOOKUP",
    .family = Family::kCache,
    .summary =
        "The stored answer to a prompt, or a miss: first by the same text, then by the same text "
        "but for case, white space and terminal punctuation, then the answer to the same question "
        "in other words, as long as the error budget allows. `verify` instead of `hit`: ask the "
        "model, and tell CACHE.FEEDBACK whether the answers agree.",
    .complexity = "O(prompt + identity + response bytes)",
    .since = "0.1",
    .flags = kRead | kIdempotent,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = kOptions,
    .result =
        "{status: \"hit\", \"stale\" or \"verify\", tier, id, response, type, age_ms, "
        "expires_at_ms, tokens_in, tokens_out, cost_nano, model, reason}, of the semantic tier "
        "also {hit: its number for CACHE.FEEDBACK, similarity, p_correct: the probability that "
        "the answer is right, bound: of the wrong share of such hits}; or {status: \"miss\", "
        "reason}",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
