// SPEND.RECORD: a line of the ledger that no reservation settles.
#include "protocol/wire/writer.h"
#include "server/commands/spend_common.h"

namespace reprise::commands {
namespace {

constexpr std::array kArgs{AmountArg("amount_nano", "what was spent, or saved; nil: by `usage`")};
enum Option : std::size_t {
  kUsage,
  kProvider,
  kTier,
  kModel,
  kScopes,
  kStrategy,
  kCount,
  kChargeId,
  kCurrency
};
constexpr std::array kOptions{
    kUsageOption,
    kProviderOption,
    kTierOption,
    kSpendModelOption,
    kScopesArg,
    ArgSpec{.name = "strategy",
            .kind = ArgKind::kText,
            .doc = "a saving, and what saved it: cache.exact, cache.normalized, cache.semantic, "
                   "routing, batching, deferral, context, compression or tools. Not given: a call "
                   "that was paid for",
            .min = 1,
            .max = base::limits::kNameBytes.value},
    ArgSpec{.name = "count",
            .kind = ArgKind::kInt,
            .doc = "calls, or occasions of saving, that this is; 1 when not given",
            .min = 1,
            .max = 1'000'000'000},
    kChargeIdOption,
    kCurrencyOption};
constexpr std::array kErrors{base::Code::kNotFound, base::Code::kExists, base::Code::kTooLarge,
                             base::Code::kForbidden, base::Code::kReadOnly};
constexpr std::array kExamples{
    Example{
        R"(["SPEND.RECORD", [1500000, {"charge_id": "call-1", "scopes": ["bot:coder", "model:m-1"]}]])",
        R"({"charged_nano": 1500000, "reserved_nano": 0, "over_nano": 0, "duplicate": false, "late": false, "sequence": 1, "exceeded": []})"},
    Example{
        R"(["SPEND.RECORD", [1500000, {"charge_id": "call-1"}]])",
        R"({"charged_nano": 1500000, "reserved_nano": 0, "over_nano": 0, "duplicate": true, "late": false, "sequence": 1, "exceeded": []})"},
    Example{R"(["SPEND.RECORD", [1, {"charge_id": "call-1"}]])", R"({"error": "exists"})"},
    Example{
        R"(["SPEND.RECORD", [900000, {"strategy": "compression", "usage": {"input_tokens": 300}}]])",
        R"({"charged_nano": 900000, "reserved_nano": 0, "over_nano": 0, "duplicate": false, "late": false, "sequence": 2, "exceeded": []})"},
    Example{R"(["SPEND.RECORD", [1, {"strategy": "luck"}]])", R"({"error": "bad_request"})"},
    Example{R"(["SPEND.RECORD", [1, {"currency": "EUR"}]])", R"({"error": "bad_request"})"},
    Example{
        R"(["SPEND.RECORD", [null, {"usage": {"input_tokens": 1}, "provider": "nobody", "model": "m"}]])",
        R"({"error": "not_found"})"},
};

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  RETURN_IF_ERROR(CheckCurrencyOption(args, kCurrency));
  spend::RecordAsk ask;
  ask.id = context.principal.namespace_id;
  ASSIGN_OR_RETURN(ask.scopes,
                   ScopesFrom(context, args.BytesOr(kScopes, ""), args.BytesOr(kModel, "")));
  ASSIGN_OR_RETURN(ask.cost, CostFrom(args, 0, kUsage));
  ask.charge_id = args.BytesOr(kChargeId, "");
  ask.strategy = args.BytesOr(kStrategy, "");
  ask.count = static_cast<std::uint64_t>(args.IntOr(kCount, 1));
  ASSIGN_OR_RETURN(const spend::Settled settled,
                   context.instance.spend().Record(ask, context.view.transaction()));
  PublishBudgetEvents(context, settled.events);
  WriteSettled(settled, reply);
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kSpendRecord;
constexpr CommandSpec kSpendRecord{
    .name = "SPEND.RECORD",
    .family = Family::kSpend,
    .summary =
        "Writes to the ledger what a call cost that had no reservation, or what a strategy saved. "
        "A call counts in its budgets, and is recorded whatever they say; a saving counts in none. "
        "With a charge_id it may be sent again, and is recorded once.",
    .complexity = "O(scopes + budgets of these scopes)",
    .since = "0.2",
    .flags = kWrite | kDurable,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = kOptions,
    .result = kSettledResult,
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
