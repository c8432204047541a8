// Strategies: which are in force and for whom, and what their guardrails see, as two tables.
//
// From STRATEGY.LIST and GUARDRAIL.STATUS. Threads: one. Errors: those of the Client. Complexity:
// two round trips.
#pragma once

#include <iosfwd>
#include <string>

#include "client/cli/format.h"
#include "client/cpp/client.h"

namespace reprise::client {

struct StrategiesOptions {
  std::string bot;  // whose decision is shown; empty: this connection's
  std::string conversation;
  std::string name_space;  // empty: that of the access key
};

// Lists of like maps, which FormatReply shows as tables.
base::Value StrategyTable(const base::Value& list);
base::Value GuardrailTable(const base::Value& status);

base::Status ShowStrategies(Client& client, const StrategiesOptions& options, bool for_terminal,
                            std::ostream& out);

}  // namespace reprise::client
