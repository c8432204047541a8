// BUDGET.STATUS: how budgets stand.
#include "protocol/wire/writer.h"
#include "server/commands/spend_common.h"

namespace reprise::commands {
namespace {

constexpr std::array kArgs{
    ArgSpec{.name = "scopes",
            .kind = ArgKind::kTexts,
            .doc = "only the budgets that a call with these scopes counts in, as of BUDGET.RESERVE",
            .required = false,
            .max = 4 * base::kKiB}};
constexpr std::array kErrors{base::Code::kForbidden};
constexpr std::array kExamples{
    Example{R"(["BUDGET.SET", ["bot:coder", 100, {"period": "total"}]])", R"("*")"},
    Example{R"(["BUDGET.RESERVE", [["bot:coder"], 60]])", R"("*")"},
    Example{
        R"(["BUDGET.STATUS", [["bot:coder"]]])",
        R"({"pressure": {"used_ppm": 600000, "elapsed_ppm": 0, "left_nano": 40, "budget": "bot:coder/total"}, "budgets": [{"budget": "bot:coder/total", "scope": "bot:coder", "period": "total", "window_ms": 0, "timezone": "UTC", "hard": true, "limit_nano": 100, "spent_nano": 0, "reserved_nano": 60, "reservations": 1, "left_nano": 40, "used_ppm": 600000, "starts_at_ms": null, "ends_at_ms": null}]})"},
    Example{
        R"(["BUDGET.STATUS", [["bot:other"]]])",
        R"({"pressure": {"used_ppm": 0, "elapsed_ppm": 0, "left_nano": null, "budget": null}, "budgets": []})"},
};

void WritePressure(const spend::Pressure& pressure, bool shows_figures, wire::Writer& reply) {
  reply.Map(4);
  reply.Field("used_ppm", pressure.used_ppm);
  reply.Field("elapsed_ppm", pressure.elapsed_ppm);
  reply.Str("left_nano");
  if (pressure.left_nano >= 0 && shows_figures) {
    reply.Int(pressure.left_nano);
  } else {
    reply.Nil();
  }
  reply.Str("budget");
  if (pressure.budget.empty()) {
    reply.Nil();
  } else {
    reply.Str(pressure.budget);
  }
}

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  const spend::Budgets& budgets = context.instance.spend().budgets();
  const storage::NamespaceId home = context.principal.namespace_id;
  const bool is_admin = (context.principal.permissions & access::kMayAdminister) != 0;
  const bool is_some = args.size() > 0;
  ASSIGN_OR_RETURN(const spend::CallScopes scopes,
                   ScopesFrom(context, is_some ? args.Bytes(0) : std::string_view(), ""));
  const auto listed = budgets.List(home, is_some ? &scopes : nullptr, is_admin, context.now());
  const spend::Pressure pressure = budgets.PressureOf(home, scopes, context.now());
  reply.Map(2);
  reply.Str("pressure");
  WritePressure(pressure, is_admin || !pressure.budget.starts_with("global/"), reply);
  reply.Str("budgets");
  reply.Array(listed.size());
  for (const spend::Budget& budget : listed) {
    WriteBudget(budget, reply);
  }
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kBudgetStatus;
constexpr CommandSpec kBudgetStatus{
    .name = "BUDGET.STATUS",
    .family = Family::kSpend,
    .summary =
        "The budgets of the namespace with what is spent and reserved, and how tight money is for "
        "a call with these scopes. Budgets of the scope global are shown to administrators.",
    .complexity = "O(budgets)",
    .since = "0.2",
    .flags = kRead | kIdempotent,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = {},
    .result =
        "{pressure: {used_ppm: spent and reserved of the tightest budget, in millionths of its "
        "limit, elapsed_ppm: of its period, left_nano: the least that hard budgets have left, or "
        "nil, budget: the tightest, or nil}, budgets: [{budget: its name, scope, period, "
        "window_ms, "
        "timezone, hard, limit_nano, spent_nano, reserved_nano, reservations, left_nano, used_ppm, "
        "starts_at_ms, ends_at_ms (nil: never)}, ...]}",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
