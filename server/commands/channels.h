// The channels that SUBSCRIBE knows: what is told on each, and who may listen.
//
// An event arrives as the notification `EVENT [channel, event]`. Threads: constants.
#pragma once

#include <array>
#include <string_view>

#include "server/commands/context.h"
#include "server/commands/spec.h"

namespace reprise::commands {

inline constexpr std::string_view kSlowChannel = "slow";
inline constexpr std::string_view kConfigChannel = "config";

// Not to subscribe to: CACHE.FETCH with `stream` gets it.
inline constexpr std::string_view kChunkChannel = "chunk";

struct ChannelRow {
  std::string_view name;
  bool needs_admin;
  std::string_view event;
};

inline constexpr std::array kChannels{
    ChannelRow{kSlowChannel, true, "{command, duration_micros, namespace, peer} of a slow command"},
    ChannelRow{kConfigChannel, true, "{name, value} of a setting that CONFIG.SET changed"},
};

inline constexpr ArgSpec kChannelArg{
    .name = "channel", .kind = ArgKind::kText, .doc = "slow or config", .min = 1, .max = 256};

// What the connection listens to; kUnavailable in embedded mode.
inline base::Result<Subscriptions*> SubscriptionsOf(const Context& context) {
  if (context.session->subscriptions == nullptr) {
    return base::Error{base::Code::kUnavailable, "subscribing needs a connection"};
  }
  return context.session->subscriptions;
}

}  // namespace reprise::commands
