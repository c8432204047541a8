// ServerState: the running process, as far as administrative commands may see and steer it.
//
// Threads: every member is safe from any thread. Lifetime: made before the first loop starts, gone
// after the last one ended.
#pragma once

#include <functional>
#include <string_view>

#include "protocol/base/clock.h"
#include "server/commands/client_registry.h"
#include "server/config/config.h"
#include "server/telemetry/event_hub.h"
#include "server/telemetry/slow_log.h"
#include "server/telemetry/telemetry.h"

namespace reprise::commands {

struct ServerState {
  config::ConfigHolder& config;
  telemetry::Telemetry& telemetry;
  telemetry::SlowLog& slow_log;
  telemetry::EventHub& events;
  ClientRegistry& clients;
  base::UnixMillis started_at;
  std::function<void()> request_shutdown;
  // Applies a configuration that was just published to the parts that hold copies.
  std::function<void()> config_changed;
};

}  // namespace reprise::commands
