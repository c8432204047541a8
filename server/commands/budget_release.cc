// BUDGET.RELEASE: the call was not made.
#include "protocol/wire/writer.h"
#include "server/commands/spend_common.h"

namespace reprise::commands {
namespace {

constexpr std::array kArgs{kReservationArg};
constexpr std::array kErrors{base::Code::kNotFound, base::Code::kReadOnly};
constexpr std::array kExamples{
    Example{R"(["BUDGET.RELEASE", [12345]])", R"({"error": "not_found"})"},
};

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  ASSIGN_OR_RETURN(const std::int64_t freed,
                   context.instance.spend().budgets().Release(
                       context.principal.namespace_id, static_cast<std::uint64_t>(args.Int(0)),
                       context.view.transaction()));
  reply.Map(1);
  reply.Field("freed_nano", freed);
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kBudgetRelease;
constexpr CommandSpec kBudgetRelease{
    .name = "BUDGET.RELEASE",
    .family = Family::kSpend,
    .summary = "Gives the money of a reservation back: the call was not made, or cost nothing.",
    .complexity = "O(budgets of the reservation)",
    .since = "0.2",
    .flags = kWrite | kDurable,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = {},
    .result = "{freed_nano: 0 when the lease was over, which had freed it}",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
