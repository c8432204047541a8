// BUDGET.SET: how much may be spent in a scope.
#include <algorithm>

#include "protocol/wire/writer.h"
#include "server/commands/spend_common.h"

namespace reprise::commands {
namespace {

constexpr std::array kArgs{
    ArgSpec{.name = "scope",
            .kind = ArgKind::kText,
            .doc = "key:NAME, bot:NAME, model:NAME, type:NAME, namespace, or global (all "
                   "namespaces)",
            .min = 1,
            .max = 8 + static_cast<std::int64_t>(spend::kScopeNameBytesMax)},
    ArgSpec{.name = "limit_nano",
            .kind = ArgKind::kInt,
            .doc = "nano-dollars; 0: nothing may be spent",
            .min = 0,
            .max = spend::kLimitNanoMax}};
enum Option : std::size_t { kPeriod, kWindowMs, kTimezone, kSoft, kCurrency, kNamespace };
constexpr std::array kOptions{
    ArgSpec{.name = "period",
            .kind = ArgKind::kText,
            .doc = "hour, day, month (the default), rolling, or total (never begins anew)",
            .min = 1,
            .max = base::limits::kNameBytes.value},
    ArgSpec{.name = "window_ms",
            .kind = ArgKind::kMillis,
            .doc = "of the period rolling",
            .min = base::limits::kBudgetWindowMs.floor,
            .max = base::limits::kBudgetWindowMs.ceiling},
    ArgSpec{.name = "timezone",
            .kind = ArgKind::kText,
            .doc = "where hour, day and month begin: UTC (the default), +05:30, Europe/Berlin",
            .min = 1,
            .max = base::limits::kNameBytes.value},
    ArgSpec{.name = "soft",
            .kind = ArgKind::kBool,
            .doc = "refuse nothing, only tell (default: false)"},
    kCurrencyOption,
    kNamespaceOption};
constexpr std::array kErrors{base::Code::kNotFound, base::Code::kTooLarge, base::Code::kReadOnly};
constexpr std::array kExamples{
    Example{
        R"(["BUDGET.SET", ["bot:coder", 5000000000, {"period": "day", "timezone": "+01:00"}]])",
        R"({"created": true, "over_nano": 0, "budget": "bot:coder/day", "scope": "bot:coder", "period": "day", "window_ms": 0, "timezone": "+01:00", "hard": true, "limit_nano": 5000000000, "spent_nano": 0, "reserved_nano": 0, "reservations": 0, "left_nano": 5000000000, "used_ppm": 0, "starts_at_ms": "*", "ends_at_ms": "*"})"},
    Example{R"(["BUDGET.SET", ["global", 100, {"period": "rolling"}]])",
            R"({"error": "bad_request"})"},
    Example{R"(["BUDGET.SET", ["global", 100, {"period": "day", "window_ms": 60000}]])",
            R"({"error": "bad_request"})"},
    Example{R"(["BUDGET.SET", ["global", 100, {"timezone": "Mars/Base"}]])",
            R"({"error": "not_found"})"},
    Example{R"(["BUDGET.SET", ["global", 100, {"currency": "EUR"}]])",
            R"({"error": "bad_request"})"},
    Example{R"(["BUDGET.SET", ["global", -1]])", R"({"error": "bad_request"})"},
};

base::Result<spend::BudgetTerms> TermsFrom(const Args& args) {
  spend::BudgetTerms terms;
  ASSIGN_OR_RETURN(terms.scope, spend::ParseScope(args.Bytes(0)));
  terms.limit_nano = args.Int(1);
  const std::string_view period = args.BytesOr(kPeriod, "month");
  const auto found = std::find(spend::kPeriodNames.begin(), spend::kPeriodNames.end(), period);
  if (found == spend::kPeriodNames.end()) {
    return base::Error{base::Code::kBadRequest,
                       "BUDGET.SET: 'period' must be hour, day, month, rolling or total"};
  }
  terms.period.kind = static_cast<spend::PeriodKind>(found - spend::kPeriodNames.begin());
  terms.period.window_ms = args.IntOr(kWindowMs, 0);
  terms.period.timezone = args.BytesOr(kTimezone, "UTC");
  terms.is_hard = !args.BoolOr(kSoft, false);
  return terms;
}

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  RETURN_IF_ERROR(CheckCurrencyOption(args, kCurrency));
  ASSIGN_OR_RETURN(const spend::BudgetTerms terms, TermsFrom(args));
  ASSIGN_OR_RETURN(const storage::NamespaceId owner, NamespaceFrom(context, args, kNamespace));
  ASSIGN_OR_RETURN(const spend::SetReport report, context.instance.spend().budgets().Set(
                                                      owner, terms, context.view.transaction()));
  reply.Map(kBudgetFieldCount + 2);
  reply.Field("created", report.is_new);
  reply.Field("over_nano", std::max<std::int64_t>(report.budget.held_nano() - terms.limit_nano, 0));
  WriteBudgetFields(report.budget, reply);
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kBudgetSet;
constexpr CommandSpec kBudgetSet{
    .name = "BUDGET.SET",
    .family = Family::kSpend,
    .summary =
        "Makes a budget, or changes the limit, the kind and the time zone of the one with this "
        "scope and period. It counts what is spent from now on; a change keeps what is spent and "
        "reserved. A limit below that refuses what is new, and takes nothing back.",
    .complexity = "O(log budgets)",
    .since = "0.2",
    .flags = kAdmin | kWrite | kDurable | kIdempotent,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = kOptions,
    .result =
        "{created, over_nano: spent and reserved beyond the limit, and the fields of "
        "BUDGET.STATUS}",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
