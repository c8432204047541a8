// GUARDRAIL.REARM: what a guardrail turned off may come back.
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/guardrail_common.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

constexpr std::array kArgs{
    ArgSpec{.name = "name",
            .kind = ArgKind::kText,
            .doc = "of the guardrail that tripped; all that did, when not given",
            .required = false,
            .nullable = true,
            .min = 1,
            .max = base::limits::kNameBytes.value}};
enum Option : std::size_t { kHome };
constexpr std::array kOptions{kHomeOption};
constexpr std::array kErrors{base::Code::kNotFound, base::Code::kReadOnly};
constexpr std::array kExamples{
    Example{R"(["GUARDRAIL.REARM", []])", R"({"rearmed": []})"},
    Example{R"(["GUARDRAIL.REARM", ["quality"]])", R"({"error": "not_found"})"},
};

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  ASSIGN_OR_RETURN(const storage::NamespaceId home, HomeFrom(context, args.BytesOr(kHome, "")));
  const std::string_view name = args.size() > 0 ? args.Bytes(0) : std::string_view();
  const std::vector<control::Trip> trips =
      context.instance.control().Rearm(home, name, context.view.transaction());
  if (trips.empty() && !name.empty()) {
    return base::Error{base::Code::kNotFound, "GUARDRAIL.REARM: no guardrail '" +
                                                  std::string(name) +
                                                  "' has tripped; GUARDRAIL.STATUS shows those"};
  }
  reply.Map(1);
  reply.Str("rearmed");
  reply.Array(trips.size());
  for (const control::Trip& trip : trips) {
    reply.Str(trip.rule.name);
  }
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kGuardrailRearm;
constexpr CommandSpec kGuardrailRearm{
    .name = "GUARDRAIL.REARM",
    .family = Family::kControl,
    .summary =
        "Ends the trip of a guardrail, before its cool-down does: the strategies that it turned "
        "off "
        "are as STRATEGY.SET and the configuration say, and its evidence begins anew.",
    .complexity = "O(guardrails)",
    .since = "0.1",
    .flags = kAdmin | kWrite | kDurable | kIdempotent,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = kOptions,
    .result = "{rearmed: [name]}",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
