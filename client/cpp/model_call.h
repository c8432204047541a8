// CallModel: one call around a model call: route, reserve, ask, charge, feed back.
//
//   auto answer = client::CallModel(client, {.prompt = text, .select = {.scopes = {"bot:coder"}}},
//                                   [&](const std::string& model) { return Ask(model, text); });
//
// ROUTE.SELECT names a model, BUDGET.RESERVE holds what the call is expected to cost of all budgets
// of `select.scopes`, `ask` asks the model, BUDGET.COMMIT charges what it took, once whatever is
// sent again, and ROUTE.FEEDBACK tells how it went. When `ask` fails, what was held is released,
// the failure is told, and the next model of the fallbacks is asked in the same way.
//
// Threads: those of the Caller; `ask` runs on the calling thread and may throw: what was held is
// released and the exception goes on. Errors: kBusy when a hard budget stops it: nothing was asked,
// and the text says which budget and when it has room again; the last error of `ask` when every
// model failed; those of the calls in front of `ask`. What fails behind it does not lose the
// answer: see `unsettled`. Complexity: four round trips, and three for each model that failed.
// Limits: a call that takes longer than `lease_ms` is charged all the same, outside its
// reservation.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "client/cpp/routing.h"
#include "client/cpp/spend.h"

namespace reprise::client {

struct ModelCall {
  std::string prompt{};
  SelectOptions select{};
  // The most that the call may cost; absent: what ROUTE.SELECT expects.
  std::optional<std::int64_t> reserve_nano{};
  std::int64_t lease_ms = 0;     // 0: the server's default
  std::size_t attempts_max = 3;  // models that are asked, at least one
};

// What `ask` made of it.
struct ModelAnswer {
  base::Value response{};
  std::optional<std::int64_t> cost_nano{};  // absent: by `usage`, else what was reserved
  std::optional<TokenUsage> usage{};
  std::optional<double> quality{};
  std::optional<std::int64_t> latency_ms{};
};
using AskModel = std::function<base::Result<ModelAnswer>(const std::string& model)>;

struct ModelCallResult {
  base::Value response{};
  ModelChoice choice{};  // of the model that answered
  std::int64_t charged_nano = 0;
  bool charge_is_estimate = false;    // neither cost nor a priced usage was told
  std::vector<std::string> failed{};  // models that were asked before
  // What could not be charged or fed back, and why. The charge has the id `charge_id`: a
  // SPEND.RECORD with it charges once.
  std::optional<base::Error> unsettled{};
  std::string charge_id{};
};

base::Result<ModelCallResult> CallModel(Caller& caller, const ModelCall& call, const AskModel& ask);

}  // namespace reprise::client
