// What the commands about money share: their arguments, who pays, replies and events.
//
// Threads: as the command. Errors: kBadRequest, kForbidden, kNotFound, kTooLarge. Limits: those of
// server/spend.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"
#include "server/spend/spend.h"

namespace reprise::commands {

// The largest integer that every client's numbers hold.
inline constexpr std::int64_t kExactIntMax = (std::int64_t{1} << 53) - 1;

inline constexpr ArgSpec kScopesArg{
    .name = "scopes",
    .kind = ArgKind::kTexts,
    .doc =
        "who pays: key:NAME (up to 8), bot:NAME, model:NAME, type:NAME. The namespace, "
        "`global`, the caller's bot and its access key count always",
    .max = 4 * base::kKiB};
constexpr ArgSpec AmountArg(std::string_view name, std::string_view doc) {
  return {.name = name,
          .kind = ArgKind::kInt,
          .doc = doc,
          .nullable = true,
          .min = 0,
          .max = spend::kAmountNanoMax};
}
inline constexpr ArgSpec kReservationArg{.name = "reservation",
                                         .kind = ArgKind::kInt,
                                         .doc = "as BUDGET.RESERVE gave it",
                                         .min = 1,
                                         .max = kExactIntMax};
inline constexpr ArgSpec kUsageOption{
    .name = "usage",
    .kind = ArgKind::kValue,
    .doc =
        "a map of input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, "
        "cache_write_1h_tokens, input_audio_tokens, cache_audio_read_tokens, "
        "output_reasoning_tokens, output_audio_tokens, output_image_tokens, requests, "
        "web_searches; parts are counted inside input_tokens and output_tokens",
    .max = 4 * base::kKiB};
constexpr ArgSpec PriceNameOption(std::string_view name, std::string_view doc) {
  return {.name = name,
          .kind = ArgKind::kText,
          .doc = doc,
          .min = 1,
          .max = static_cast<std::int64_t>(spend::kModelNameBytesMax)};
}
inline constexpr ArgSpec kSpendModelOption =
    PriceNameOption("model", "the model that answers; the same as the scope model:NAME");
inline constexpr ArgSpec kProviderOption =
    PriceNameOption("provider", "whose price; needed where several have the model");
inline constexpr ArgSpec kTierOption =
    PriceNameOption("tier", "standard (the default), batch, flex, or what the table has");
inline constexpr ArgSpec kChargeIdOption{
    .name = "charge_id",
    .kind = ArgKind::kText,
    .doc = "names this charge: sent again within 30 days, it is not made again",
    .min = 1,
    .max = static_cast<std::int64_t>(spend::kChargeIdBytesMax)};
inline constexpr ArgSpec kCurrencyOption{
    .name = "currency", .kind = ArgKind::kText, .doc = "USD", .min = 1, .max = 16};
inline constexpr ArgSpec kNamespaceOption{.name = "namespace",
                                          .kind = ArgKind::kText,
                                          .doc = "whose; the caller's when not given",
                                          .min = 1,
                                          .max = base::limits::kNameBytes.value};

// Who pays: what the call names, and who calls. A bot whose access key has a label is that bot, and
// cannot name another.
base::Result<spend::CallScopes> ScopesFrom(const Context& context, std::string_view texts,
                                           std::string_view model);
// Of the options in this order from `first` on: usage, provider, tier.
inline constexpr std::array kCostOptions{kUsageOption, kProviderOption, kTierOption};
base::Result<spend::CostAsk> CostFrom(const Args& args, std::size_t amount, std::size_t first);
base::Status CheckCurrencyOption(const Args& args, std::size_t option);
// The namespace that an administrative command is about.
base::Result<storage::NamespaceId> NamespaceFrom(const Context& context, const Args& args,
                                                 std::size_t option);

// Tells the channels once the transaction is committed.
void PublishBudgetEvents(const Context& context, const std::vector<spend::BudgetEvent>& events);

void WriteNames(const std::vector<std::string>& names, wire::Writer& reply);
// {charged_nano, reserved_nano, over_nano, duplicate, late, sequence, exceeded}
inline constexpr std::string_view kSettledResult =
    "{charged_nano, reserved_nano, over_nano: what it cost beyond that, duplicate: it had been "
    "charged before and nothing was done, late: the lease was over, and the money was free for "
    "others meanwhile, sequence: of the record in the ledger, exceeded: budgets that are above "
    "their limit now}";
void WriteSettled(const spend::Settled& settled, wire::Writer& reply);
// One budget with its balance.
inline constexpr std::string_view kBudgetFields =
    "{budget: its name, scope, period, window_ms, timezone, hard, limit_nano, spent_nano, "
    "reserved_nano, reservations, left_nano, used_ppm, starts_at_ms, ends_at_ms (nil: never)}";
void WriteBudget(const spend::Budget& budget, wire::Writer& reply);
void WriteBudgetFields(const spend::Budget& budget, wire::Writer& reply);
inline constexpr std::size_t kBudgetFieldCount = 14;

// nil for a moment that never comes.
void WriteMoment(std::string_view name, base::UnixMillis at, wire::Writer& reply);

}  // namespace reprise::commands
