// BUDGET.RESERVE: holds money for a call in all of its budgets.
#include "protocol/wire/writer.h"
#include "server/commands/spend_common.h"

namespace reprise::commands {
namespace {

constexpr std::array kArgs{
    kScopesArg, AmountArg("amount_nano", "the most that the call may cost; nil: by `usage`")};
enum Option : std::size_t { kUsage, kProvider, kTier, kModel, kLeaseMs };
constexpr std::array kOptions{
    kUsageOption, kProviderOption, kTierOption, kSpendModelOption,
    ArgSpec{.name = "lease_ms",
            .kind = ArgKind::kMillis,
            .doc = "how long the money is held when nobody settles it; 60000 when not given",
            .min = base::limits::kReservationMs.floor,
            .max = base::limits::kReservationMs.ceiling}};
constexpr std::array kErrors{base::Code::kNotFound, base::Code::kTooLarge, base::Code::kForbidden,
                             base::Code::kReadOnly};
constexpr std::array kExamples{
    Example{R"(["BUDGET.SET", ["bot:coder", 1000000, {"period": "day"}]])", R"("*")"},
    Example{
        R"(["BUDGET.RESERVE", [["bot:coder"], 700000, {"lease_ms": 30000}]])",
        R"({"granted": true, "reservation": "*", "amount_nano": 700000, "expires_at_ms": "*", "blocked_by": null, "retry_after_ms": null, "blocked": [], "exceeded": []})"},
    Example{
        R"(["BUDGET.RESERVE", [["bot:coder"], 700000]])",
        R"({"granted": false, "reservation": null, "amount_nano": 700000, "expires_at_ms": null, "blocked_by": "bot:coder/day", "retry_after_ms": 30000, "blocked": [{"budget": "bot:coder/day", "limit_nano": 1000000, "spent_nano": 0, "reserved_nano": 700000, "retry_after_ms": 30000}], "exceeded": []})"},
    Example{R"(["BUDGET.RESERVE", [["bot:coder"], null]])", R"({"error": "bad_request"})"},
    Example{R"(["BUDGET.RESERVE", [["colour:red"], 1]])", R"({"error": "bad_request"})"},
    Example{R"(["BUDGET.RESERVE", [[], -1]])", R"({"error": "bad_request"})"},
};

// The figures of the server's own budgets are for administrators.
void WriteBlocked(const spend::Blocked& blocked, bool shows_figures, wire::Writer& reply) {
  reply.Map(shows_figures ? 5 : 2);
  reply.Field("budget", spend::NameOf(blocked.budget.terms));
  if (shows_figures) {
    reply.Field("limit_nano", blocked.budget.terms.limit_nano);
    reply.Field("spent_nano", blocked.budget.balance.spent_nano);
    reply.Field("reserved_nano", blocked.budget.reserved_nano);
  }
  reply.Field("retry_after_ms", blocked.retry_after_ms);
}

// When all of them have room, if nothing else happens; absent: never.
std::optional<std::int64_t> LongestOf(const std::vector<spend::Blocked>& blocked) {
  std::int64_t longest = 0;
  for (const spend::Blocked& each : blocked) {
    if (!each.retry_after_ms.has_value()) {
      return std::nullopt;
    }
    longest = std::max(longest, *each.retry_after_ms);
  }
  return longest;
}

void WriteReserved(const Context& context, const spend::Reserved& reserved, std::int64_t amount,
                   wire::Writer& reply) {
  const bool is_admin = (context.principal.permissions & access::kMayAdminister) != 0;
  reply.Map(8);
  reply.Field("granted", reserved.granted());
  reply.Str("reservation");
  if (reserved.granted()) {
    reply.Uint(reserved.reservation);
  } else {
    reply.Nil();
  }
  reply.Field("amount_nano", amount);
  WriteMoment("expires_at_ms", reserved.expires_at, reply);
  reply.Str("blocked_by");
  if (reserved.granted()) {
    reply.Nil();
    reply.Field("retry_after_ms", std::optional<std::int64_t>());
  } else {
    reply.Str(spend::NameOf(reserved.blocked.front().budget.terms));
    reply.Field("retry_after_ms", LongestOf(reserved.blocked));
  }
  reply.Str("blocked");
  reply.Array(reserved.blocked.size());
  for (const spend::Blocked& blocked : reserved.blocked) {
    WriteBlocked(blocked, is_admin || blocked.budget.owner != spend::kServerWide, reply);
  }
  reply.Str("exceeded");
  WriteNames(reserved.exceeded, reply);
}

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  spend::Spend& spend = context.instance.spend();
  spend::ReserveAsk ask;
  ask.id = context.principal.namespace_id;
  ASSIGN_OR_RETURN(ask.scopes, ScopesFrom(context, args.Bytes(0), args.BytesOr(kModel, "")));
  ASSIGN_OR_RETURN(spend::CostAsk cost, CostFrom(args, 1, kUsage));
  ASSIGN_OR_RETURN(ask.amount_nano, spend.CostOf(ask.id, cost, ask.scopes.model, context.now()));
  ask.lease_ms = args.IntOr(kLeaseMs, base::limits::kReservationMs.value);
  ask.provider = std::move(cost.provider);
  ask.tier = std::move(cost.tier);
  ASSIGN_OR_RETURN(const spend::Reserved reserved,
                   spend.budgets().Reserve(ask, context.view.transaction()));
  WriteReserved(context, reserved, ask.amount_nano, reply);
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kBudgetReserve;
constexpr CommandSpec kBudgetReserve{
    .name = "BUDGET.RESERVE",
    .family = Family::kSpend,
    .summary =
        "Holds money for a call in all budgets of its scopes, or in none. What is held counts "
        "against their limits until it is committed, released, or its lease is over. A hard budget "
        "refuses what does not fit and says when it may; a soft one only tells.",
    .complexity = "O(scopes + budgets of these scopes)",
    .since = "0.2",
    .flags = kWrite | kDurable,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = kOptions,
    .result =
        "{granted, reservation or nil, amount_nano, expires_at_ms or nil, blocked_by: the first "
        "budget that refuses, or nil, retry_after_ms: when all have room if nothing else happens, "
        "nil: never, or granted, blocked: [{budget, limit_nano, spent_nano, reserved_nano, "
        "retry_after_ms}, ...] (figures of the scope global only for administrators), exceeded: "
        "soft budgets that it would bring above their limit}",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
