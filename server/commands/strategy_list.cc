// STRATEGY.LIST: which strategies are in force.
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"
#include "server/commands/strategies.h"

namespace reprise::commands {
namespace {

enum Option : std::size_t { kBot, kConversation, kHome };
constexpr std::array kOptions{kBotOption, kConversationOption, kHomeOption};
constexpr std::array kErrors{base::Code::kForbidden, base::Code::kNotFound};
constexpr std::array kExamples{
    Example{
        R"(["STRATEGY.LIST", []])",
        R"([{"strategy": "cache.exact", "mode": "on", "source": "configuration", "rollout_percent": 100.0, "hold_out_percent": 0.0, "unit": "conversation", "tripped_by": null, "overrides": [], "decision": {"mode": "on", "group": "treated", "reason": "the server's configuration"}}, "*", "*", {"strategy": "routing", "mode": "on", "source": "configuration", "rollout_percent": 100.0, "hold_out_percent": 5.0, "unit": "conversation", "tripped_by": null, "overrides": [], "decision": "*"}, "*", "*", "*", "*", "*"])"},
    Example{R"(["STRATEGY.LIST", [{"namespace": "nowhere"}]])", R"({"error": "not_found"})"},
};

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  ASSIGN_OR_RETURN(const storage::NamespaceId home, HomeFrom(context, args.BytesOr(kHome, "")));
  const Shown shown{home, args.BytesOr(kBot, context.asker.bot), args.BytesOr(kConversation, "")};
  reply.Array(config::kStrategyCount);
  for (const control::Strategy strategy : config::kStrategies) {
    WriteStrategy(context, strategy, shown, reply);
  }
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kStrategyList;
constexpr CommandSpec kStrategyList{
    .name = "STRATEGY.LIST",
    .family = Family::kControl,
    .summary =
        "All strategies: how they are set, rolled out and overridden, and what is decided for one "
        "bot or conversation, and why.",
    .complexity = "O(strategies + overrides)",
    .since = "0.1",
    .flags = kRead | kIdempotent,
    .args = {},
    .repeat_from = kNoRepeat,
    .options = kOptions,
    .result =
        "[{strategy, mode, source: configuration or namespace, rollout_percent, hold_out_percent, "
        "unit, tripped_by: the guardrail that turned it off, or nil, overrides: [{scope: "
        "conversation, bot or namespace, name, mode, set_at_ms, expires_at_ms: 0: never}], "
        "decision: {mode, group: treated, control or none, reason}}]",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
