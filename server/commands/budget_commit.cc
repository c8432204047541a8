// BUDGET.COMMIT: what a call with a reservation really cost.
#include "protocol/wire/writer.h"
#include "server/commands/spend_common.h"

namespace reprise::commands {
namespace {

constexpr std::array kArgs{kReservationArg,
                           AmountArg("actual_nano", "what the call cost; nil: by `usage`")};
enum Option : std::size_t { kUsage, kProvider, kTier, kModel, kChargeId };
constexpr std::array kOptions{
    kUsageOption, kProviderOption, kTierOption,
    PriceNameOption("model", "who really answered; as reserved when not given"), kChargeIdOption};
constexpr std::array kErrors{base::Code::kNotFound, base::Code::kExists, base::Code::kTooLarge,
                             base::Code::kReadOnly};
constexpr std::array kExamples{
    Example{R"(["BUDGET.COMMIT", [12345, 1000]])", R"({"error": "not_found"})"},
    Example{R"(["BUDGET.COMMIT", [12345, -1000]])", R"({"error": "bad_request"})"},
    Example{R"(["BUDGET.COMMIT", [0, 1000]])", R"({"error": "bad_request"})"},
};

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  spend::CommitAsk ask;
  ask.id = context.principal.namespace_id;
  ask.reservation = static_cast<std::uint64_t>(args.Int(0));
  ASSIGN_OR_RETURN(ask.cost, CostFrom(args, 1, kUsage));
  ask.charge_id = args.BytesOr(kChargeId, "");
  ask.model = args.BytesOr(kModel, "");
  ASSIGN_OR_RETURN(const spend::Settled settled,
                   context.instance.spend().Commit(ask, context.view.transaction()));
  PublishBudgetEvents(context, settled.events);
  WriteSettled(settled, reply);
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kBudgetCommit;
constexpr CommandSpec kBudgetCommit{
    .name = "BUDGET.COMMIT",
    .family = Family::kSpend,
    .summary =
        "Charges what a call really cost, frees the rest of its reservation, and writes the record "
        "of the ledger, in one. Sent twice it charges once. More than was reserved is charged as "
        "it "
        "is, and told; so is a commit after the lease was over, for 7 days. Reaching 50, 80 or 95 "
        "% "
        "of a limit is told on the channel budget.",
    .complexity = "O(scopes + budgets of these scopes)",
    .since = "0.2",
    .flags = kWrite | kDurable | kIdempotent,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = kOptions,
    .result = kSettledResult,
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
