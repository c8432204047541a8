#include "client/cpp/model_call.h"

#include <algorithm>
#include <utility>

namespace reprise::client {
namespace {

using base::Code;
using base::Error;

Error Stopped(const ReserveResult& refused) {
  std::string detail = "the budget '" + refused.blocked_by + "' has no room for this call of " +
                       std::to_string(refused.amount_nano) + " nano-dollars; ";
  detail += refused.retry_after_ms.has_value()
                ? "it has again in " + std::to_string(*refused.retry_after_ms) + " ms"
                : "it never has so much";
  return {Code::kBusy, detail};
}

// Gives back what is held unless it was charged.
class Hold {
 public:
  Hold(Caller& caller, std::uint64_t reservation) : caller_(caller), reservation_(reservation) {}
  ~Hold() {
    if (reservation_ != 0) {
      (void)caller_.Spend().Release(reservation_).ok();  // Else it ends with its lease.
    }
  }
  Hold(const Hold&) = delete;
  Hold& operator=(const Hold&) = delete;
  Hold(Hold&&) = delete;
  Hold& operator=(Hold&&) = delete;
  void Keep() { reservation_ = 0; }

 private:
  Caller& caller_;
  std::uint64_t reservation_;
};

base::Result<ChargeResult> Charge(Caller& caller, const ReserveResult& held,
                                  const ModelAnswer& answer, ModelCallResult& result) {
  ChargeOptions options{.charge_id = result.charge_id};
  if (answer.cost_nano.has_value()) {
    return caller.Spend().Commit(held.reservation, *answer.cost_nano, options);
  }
  if (answer.usage.has_value()) {
    options.usage = answer.usage;
    options.price.model = result.choice.model;
    auto charged = caller.Spend().Commit(held.reservation, std::nullopt, options);
    if (charged.ok() || charged.error().code != Code::kNotFound) {
      return charged;
    }
    options = {.charge_id = result.charge_id};  // The price table does not know the model.
  }
  result.charge_is_estimate = true;
  return caller.Spend().Commit(held.reservation, held.amount_nano, options);
}

void Settle(Caller& caller, const ReserveResult& held, ModelAnswer& answer,
            ModelCallResult& result) {
  ModelFeedback feedback{.quality = answer.quality, .latency_ms = answer.latency_ms};
  if (answer.usage.has_value()) {
    feedback.tokens_in = answer.usage->input_tokens;
    feedback.tokens_out = answer.usage->output_tokens;
  }
  const auto charged = Charge(caller, held, answer, result);
  if (charged.ok()) {
    result.charged_nano = charged.value().charged_nano;
    feedback.cost_nano = result.charged_nano;
  } else {
    result.unsettled = charged.error();
  }
  const auto fed = caller.Routing().Feedback(result.choice.decision, feedback);
  if (!fed.ok() && !result.unsettled.has_value()) {
    result.unsettled = fed.error();
  }
  result.response = std::move(answer.response);
}

}  // namespace

base::Result<ModelCallResult> CallModel(Caller& caller, const ModelCall& call,
                                        const AskModel& ask) {
  ModelCallResult result;
  SelectOptions select = call.select;
  std::vector<std::string> next;
  for (std::size_t attempt = 1;; ++attempt) {
    ASSIGN_OR_RETURN(result.choice, caller.Routing().Select(call.prompt, select));
    if (attempt == 1) {
      next = result.choice.fallbacks;
    }
    const std::int64_t amount = call.reserve_nano.value_or(result.choice.cost_nano);
    ASSIGN_OR_RETURN(const ReserveResult held, caller.Spend().Reserve(call.select.scopes, amount,
                                                                      {.lease_ms = call.lease_ms}));
    if (!held.granted) {
      return Stopped(held);
    }
    Hold hold(caller, held.reservation);
    auto answer = ask(result.choice.model);
    if (answer.ok()) {
      hold.Keep();
      result.charge_id = "route-" + std::to_string(result.choice.decision);
      Settle(caller, held, answer.value(), result);
      return result;
    }
    (void)caller.Routing().Feedback(result.choice.decision, {.failed = true}).ok();
    if (next.empty() || attempt >= std::max<std::size_t>(call.attempts_max, 1)) {
      return answer.error();
    }
    result.failed.push_back(result.choice.model);
    select.models = {next.front()};  // Routed again: its cost, and a decision to feed back.
    next.erase(next.begin());
  }
}

}  // namespace reprise::client
