// How commands ask whether a strategy is in force (server/control), and what the commands of the
// family control share. Threads: as the command; Decide and TierModesFor any, in nanoseconds.
// Errors: kBadRequest, kForbidden, kNotFound.
#pragma once

#include <cstddef>
#include <string_view>

#include "server/cache/cache.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"
#include "server/control/control.h"

namespace reprise::commands {

inline constexpr ArgSpec kConversationOption{
    .name = "conversation",
    .kind = ArgKind::kText,
    .doc =
        "the conversation that it belongs to: what rollouts of strategies go by (STRATEGY.SET); "
        "the bot, when none is named",
    .min = 1,
    .max = base::limits::kUnitBytes.value};
inline constexpr ArgSpec kBotOption{.name = "bot",
                                    .kind = ArgKind::kText,
                                    .doc = "the bot that it is about; who asks, when none is named",
                                    .min = 1,
                                    .max = base::limits::kUnitBytes.value};
inline constexpr ArgSpec kStrategyArg{
    .name = "strategy",
    .kind = ArgKind::kText,
    .doc =
        "cache.exact, cache.normalized, cache.semantic, routing, batching, deferral, context, "
        "compression or tools",
    .min = 1,
    .max = base::limits::kNameBytes.value};
inline constexpr ArgSpec kHomeOption{
    .name = "namespace",
    .kind = ArgKind::kText,
    .doc = "another namespace than that of the access key; needs the permission `admin`",
    .min = 1,
    .max = base::limits::kNameBytes.value};

// The one decision, for the bot that asks. `conversation` may be empty.
control::Decision Decide(const Context& context, control::Strategy strategy,
                         std::string_view conversation = {});
cache::TierModes TierModesFor(const Context& context, std::string_view conversation);
// Single flight goes no further than the tiers that may answer this caller.
inline cache::Tier DeepestInFlight(const cache::LookupLimits& limits) {
  return limits.modes->normalized == config::TierMode::kOn ? limits.deepest : cache::Tier::kExact;
}
// Whether anybody in the namespace may ask the semantic tier.
bool SemanticMayRun(const Context& context);

base::Result<control::Strategy> StrategyFrom(std::string_view name);
base::Result<control::Mode> ModeFrom(std::string_view option, std::string_view name);
// `texts` is an array of str; `all` stands for all of them.
base::Result<control::StrategySet> StrategiesFrom(std::string_view texts);
void WriteStrategies(const control::StrategySet& strategies, wire::Writer& reply);
// Of kHomeOption; empty: the caller's own.
base::Result<storage::NamespaceId> HomeFrom(const Context& context, std::string_view name);

// {strategy, mode, source, rollout_percent, hold_out_percent, unit, tripped_by, overrides,
// decision} for this asker.
struct Shown {
  storage::NamespaceId home;
  std::string_view bot;
  std::string_view conversation;
};
void WriteStrategy(const Context& context, control::Strategy strategy, const Shown& shown,
                   wire::Writer& reply);
// A trip, as a map of TripFields() fields; also the event on the channel `guardrail`.
std::size_t TripFields();
void WriteTrip(const control::Trip& trip, wire::Writer& reply);
void WriteEvent(const control::Event& event, wire::Writer& writer);

}  // namespace reprise::commands
