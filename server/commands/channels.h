// The channels that SUBSCRIBE knows: what is told on each, and who may listen.
//
// An event arrives as the notification `EVENT [channel, event]`. Threads: constants.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "server/commands/context.h"
#include "server/commands/spec.h"

namespace reprise::commands {

inline constexpr std::string_view kSlowChannel = "slow";
inline constexpr std::string_view kConfigChannel = "config";
inline constexpr std::string_view kInvalidationChannel = "invalidation";
inline constexpr std::string_view kGuardrailChannel = "guardrail";

inline constexpr std::string_view kBudgetChannel = "budget";
inline constexpr std::string_view kBudgetsChannel = "budgets";
// Followed by what `reply_to` of a task said.
inline constexpr std::string_view kJobsChannel = "jobs:";

// Not to subscribe to: CACHE.FETCH with `stream` gets it.
inline constexpr std::string_view kChunkChannel = "chunk";

inline constexpr char kNamespaceMark = '@';

struct ChannelRow {
  std::string_view name;
  bool needs_admin;
  bool of_namespace;  // each namespace has its own
  std::string_view event;
};

inline constexpr ChannelRow kInvalidationRow{kInvalidationChannel, false, true,
                                             "{what, value, entries} of a CACHE.INVALIDATE"};
inline constexpr ChannelRow kBudgetRow{
    kBudgetChannel, false, true,
    "{budget, scope, threshold_percent, spent_nano, reserved_nano, limit_nano, ends_at_ms} when a "
    "budget reaches 50, 80 or 95 % of its limit"};
inline constexpr ChannelRow kBudgetsRow{
    kBudgetsChannel, true, false,
    "the same of all namespaces, and of the scope global, with {namespace}"};
inline constexpr ChannelRow kGuardrailRow{kGuardrailChannel, false, true,
                                          "{what: tripped, rearmed or cooled_down, guardrail, "
                                          "turned_off, ... as GUARDRAIL.STATUS says of "
                                          "a trip}"};
inline constexpr std::array kChannels{
    kInvalidationRow,
    kGuardrailRow,
    kBudgetRow,
    kBudgetsRow,
    ChannelRow{kSlowChannel, true, false,
               "{command, duration_micros, namespace, peer} of a slow command"},
    ChannelRow{kConfigChannel, true, false, "{name, value} of a setting that CONFIG.SET changed"},
};

// The channel as the event hub knows it.
inline std::string HubChannel(const ChannelRow& row, access::NamespaceId id) {
  std::string name(row.name);
  if (row.of_namespace) {
    name += kNamespaceMark + std::to_string(static_cast<std::uint32_t>(id));
  }
  return name;
}
inline std::string HubChannel(const ChannelRow& row, const access::Principal& principal) {
  return HubChannel(row, principal.namespace_id);
}
// The channel of tasks with this `reply_to`, as the event hub knows it.
inline std::string HubChannelOfJobs(std::string_view reply_to, storage::NamespaceId home) {
  return std::string(kJobsChannel) + std::string(reply_to) + kNamespaceMark +
         std::to_string(static_cast<std::uint32_t>(home));
}
// As its subscribers know it.
inline std::string_view NameOfHubChannel(std::string_view name) {
  return name.substr(0, name.find(kNamespaceMark));
}

inline constexpr ArgSpec kChannelArg{.name = "channel",
                                     .kind = ArgKind::kText,
                                     .doc =
                                         "invalidation, budget, budgets, guardrail, slow, config, "
                                         "or jobs: and the reply_to of tasks",
                                     .min = 1,
                                     .max = 256};

// What the connection listens to; kUnavailable in embedded mode.
inline base::Result<Subscriptions*> SubscriptionsOf(const Context& context) {
  if (context.session->subscriptions == nullptr) {
    return base::Error{base::Code::kUnavailable, "subscribing needs a connection"};
  }
  return context.session->subscriptions;
}

}  // namespace reprise::commands
