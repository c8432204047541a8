// The page that Prometheus reads. Threads: any; it takes a reading of each part. Errors: none.
#pragma once

#include <string>
#include <vector>

#include "server/commands/server_state.h"
#include "server/instance/instance.h"
#include "server/loop/listener.h"
#include "server/loop/loop.h"

namespace reprise::app {

struct MetricsSources {
  instance::Instance& instance;
  commands::ServerState& server;
  loop::ConnectionBudget& budget;
  std::vector<loop::Loop*> loops;
  std::vector<loop::Listener*> listeners;
};

std::string RenderMetrics(const MetricsSources& sources);

}  // namespace reprise::app
