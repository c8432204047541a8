// ControlCommands: which strategies are in force, how calls went, what guardrails make of it.
//
//   if (client.Control().Strategies({.conversation = "c-17"}).value()[7].in_force == "on") { ... }
//   client.Control().RecordQuality({.quality = 0.97, .response_ms = 850, .conversation = "c-17"});
//
// Units: percent, milliseconds, nano-dollars. Threads: those of the Caller, which must outlive
// this. Errors: those of caller.h; kForbidden without the admin permission (SetStrategy,
// SetGuardrail, Rearm, other namespaces), kBadRequest, kNotFound, kTooLarge. Repeating: Strategies
// and Guardrails are repeated when a connection is lost, the others only when nothing had been
// sent. Complexity: one round trip each.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/cpp/caller.h"

namespace reprise::client {

// What is not given stays as it was.
struct StrategyOptions {
  std::string mode{};  // "on", "shadow", "off"
  std::optional<double> rollout_percent{};
  std::optional<double> hold_out_percent{};
  std::string unit{};         // "conversation" or "bot"
  bool reset = false;         // back to the configuration
  std::string override_to{};  // "on", "shadow", "off"; "none" takes it back. For:
  std::string bot{};
  std::string conversation{};
  std::int64_t ttl_ms = 0;  // of the override; 0: for good
  std::string name_space{};
};

struct StrategyOverride {
  std::string scope{};  // "conversation", "bot", "namespace"
  std::string name{};
  std::string mode{};
  std::int64_t set_at_ms = 0;
  std::int64_t expires_at_ms = 0;  // 0: never
};
struct StrategyState {
  std::string strategy{};
  std::string mode{};    // as it is set
  std::string source{};  // "configuration" or "namespace"
  double rollout_percent = 0;
  double hold_out_percent = 0;
  std::string unit{};
  std::string tripped_by{};  // empty: by none
  std::vector<StrategyOverride> overrides{};
  // For the bot or conversation that was asked about.
  std::string in_force{};  // "on", "shadow", "off"
  std::string group{};     // "treated", "control", "none"
  std::string reason{};
};

// Whom a question is about; empty: this connection's bot, no conversation, its own namespace.
struct StrategyFor {
  std::string bot{};
  std::string conversation{};
  std::string name_space{};
};

// One call of a model. At least one of the first four is given.
struct QualityRecord {
  std::optional<double> quality{};  // 0 to 1
  std::optional<std::int64_t> response_ms{};
  std::optional<std::int64_t> cost_nano{};
  bool failed = false;
  std::optional<std::int64_t> baseline_nano{};  // what it would have cost
  std::string bot{};
  std::string conversation{};
  // Absent: as the server decides now.
  std::optional<std::vector<std::string>> strategies{};
  std::vector<std::string> held_out{};
};

struct GuardrailOptions {
  std::string metric{};
  std::optional<double> limit{};
  std::vector<std::string> strategies{};
  std::optional<std::int64_t> cool_down_ms{};
  bool off = false;
  bool reset = false;
  std::string name_space{};
};
struct GuardrailState {
  std::string name{};
  std::string metric{};
  double limit = 0;
  std::vector<std::string> strategies{};
  std::string source{};
  bool off = false;
  std::int64_t cool_down_ms = 0;
  bool tripped = false;
  base::Value details{};  // the whole: trip and what is watched
};

class ControlCommands {
 public:
  explicit ControlCommands(Caller& caller) : caller_(caller) {}

  base::Result<StrategyState> SetStrategy(std::string_view strategy, const StrategyOptions& options,
                                          const CallOptions& call = {});
  // All of them.
  base::Result<std::vector<StrategyState>> Strategies(const StrategyFor& who = {},
                                                      const CallOptions& call = {});
  // The guardrails that tripped by this call.
  base::Result<std::vector<std::string>> RecordQuality(const QualityRecord& record,
                                                       const CallOptions& call = {});
  base::Status SetGuardrail(std::string_view name, const GuardrailOptions& options,
                            const CallOptions& call = {});
  base::Result<std::vector<GuardrailState>> Guardrails(std::string_view name_space = {},
                                                       const CallOptions& call = {});
  // Empty: all that tripped. Those whose trips have ended.
  base::Result<std::vector<std::string>> Rearm(std::string_view name = {},
                                               const CallOptions& call = {});

 private:
  Caller& caller_;
};

}  // namespace reprise::client
