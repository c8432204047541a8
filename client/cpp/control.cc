#include "client/cpp/control.h"

#include "client/cpp/fields.h"

namespace reprise::client {
namespace {

using base::Value;

double NumberOf(const Value& map, std::string_view name) {
  const Value* found = map.Find(name);
  return found == nullptr ? 0 : found->AsDouble().value_or(0);
}

const Value& At(const Value& map, std::string_view name) {
  static const Value none;
  const Value* found = map.Find(name);
  return found == nullptr ? none : *found;
}

template <typename T>
void AddIfGiven(OptionMap& map, std::string_view name, const std::optional<T>& value) {
  if (value.has_value()) {
    map.Add(name, *value);
  }
}

Value ArrayOf(const std::vector<std::string>& texts) {
  return Value::Array(texts.begin(), texts.end());
}

StrategyState StateOf(const Value& map) {
  StrategyState state;
  state.strategy = TextOf(map, "strategy");
  state.mode = TextOf(map, "mode");
  state.source = TextOf(map, "source");
  state.rollout_percent = NumberOf(map, "rollout_percent");
  state.hold_out_percent = NumberOf(map, "hold_out_percent");
  state.unit = TextOf(map, "unit");
  state.tripped_by = TextOf(map, "tripped_by");
  if (const Value::Array* overrides = At(map, "overrides").AsArray()) {
    for (const Value& item : *overrides) {
      state.overrides.push_back({TextOf(item, "scope"), TextOf(item, "name"), TextOf(item, "mode"),
                                 IntOf(item, "set_at_ms"), IntOf(item, "expires_at_ms")});
    }
  }
  const Value& decision = At(map, "decision");
  state.in_force = TextOf(decision, "mode");
  state.group = TextOf(decision, "group");
  state.reason = TextOf(decision, "reason");
  return state;
}

GuardrailState GuardrailOf(const Value& map) {
  GuardrailState state;
  state.name = TextOf(map, "name");
  state.metric = TextOf(map, "metric");
  state.limit = NumberOf(map, "limit");
  state.strategies = TextsOf(map, "strategies");
  state.source = TextOf(map, "source");
  state.off = BoolOf(map, "off");
  state.cool_down_ms = IntOf(map, "cool_down_ms");
  state.tripped = At(map, "trip").AsMap() != nullptr;
  state.details = map;
  return state;
}

}  // namespace

base::Result<StrategyState> ControlCommands::SetStrategy(std::string_view strategy,
                                                         const StrategyOptions& options,
                                                         const CallOptions& call) {
  OptionMap map;
  map.AddIfSet("mode", options.mode);
  AddIfGiven(map, "rollout_percent", options.rollout_percent);
  AddIfGiven(map, "hold_out_percent", options.hold_out_percent);
  map.AddIfSet("unit", options.unit);
  if (options.reset) {
    map.Add("reset", true);
  }
  map.AddIfSet("override", options.override_to);
  map.AddIfSet("bot", options.bot);
  map.AddIfSet("conversation", options.conversation);
  map.AddIfSet("ttl_ms", options.ttl_ms);
  map.AddIfSet("namespace", options.name_space);
  Value::Array params{strategy};
  std::move(map).AppendTo(params);
  ASSIGN_OR_RETURN(const Value reply, caller_.Call("STRATEGY.SET", params, call));
  RETURN_IF_ERROR(ExpectMap(reply, "STRATEGY.SET"));
  return StateOf(reply);
}

base::Result<std::vector<StrategyState>> ControlCommands::Strategies(const StrategyFor& who,
                                                                     const CallOptions& call) {
  OptionMap map;
  map.AddIfSet("bot", who.bot);
  map.AddIfSet("conversation", who.conversation);
  map.AddIfSet("namespace", who.name_space);
  Value::Array params;
  std::move(map).AppendTo(params);
  ASSIGN_OR_RETURN(const Value reply, caller_.Call("STRATEGY.LIST", params, call));
  ASSIGN_OR_RETURN(const Value::Array* items, ExpectArray(reply, "STRATEGY.LIST"));
  std::vector<StrategyState> states;
  for (const Value& item : *items) {
    states.push_back(StateOf(item));
  }
  return states;
}

base::Result<std::vector<std::string>> ControlCommands::RecordQuality(const QualityRecord& record,
                                                                      const CallOptions& call) {
  OptionMap map;
  AddIfGiven(map, "quality", record.quality);
  if (record.failed) {
    map.Add("error", true);
  }
  AddIfGiven(map, "response_ms", record.response_ms);
  AddIfGiven(map, "cost_nano", record.cost_nano);
  AddIfGiven(map, "baseline_nano", record.baseline_nano);
  map.AddIfSet("bot", record.bot);
  map.AddIfSet("conversation", record.conversation);
  if (record.strategies.has_value()) {
    map.Add("strategies", ArrayOf(*record.strategies));
  }
  map.AddIfSet("held_out", record.held_out);
  Value::Array params;
  std::move(map).AppendTo(params);
  ASSIGN_OR_RETURN(const Value reply, caller_.Call("QUALITY.RECORD", params, call));
  RETURN_IF_ERROR(ExpectMap(reply, "QUALITY.RECORD"));
  return TextsOf(reply, "tripped");
}

base::Status ControlCommands::SetGuardrail(std::string_view name, const GuardrailOptions& options,
                                           const CallOptions& call) {
  OptionMap map;
  map.AddIfSet("metric", options.metric);
  AddIfGiven(map, "limit", options.limit);
  map.AddIfSet("strategies", options.strategies);
  AddIfGiven(map, "cool_down_ms", options.cool_down_ms);
  if (options.off) {
    map.Add("off", true);
  }
  if (options.reset) {
    map.Add("reset", true);
  }
  map.AddIfSet("namespace", options.name_space);
  Value::Array params{name};
  std::move(map).AppendTo(params);
  RETURN_IF_ERROR(caller_.Call("GUARDRAIL.SET", params, call));
  return base::Ok{};
}

base::Result<std::vector<GuardrailState>> ControlCommands::Guardrails(std::string_view name_space,
                                                                      const CallOptions& call) {
  OptionMap map;
  map.AddIfSet("namespace", std::string(name_space));
  Value::Array params;
  std::move(map).AppendTo(params);
  ASSIGN_OR_RETURN(const Value reply, caller_.Call("GUARDRAIL.STATUS", params, call));
  RETURN_IF_ERROR(ExpectMap(reply, "GUARDRAIL.STATUS"));
  std::vector<GuardrailState> states;
  if (const Value::Array* items = At(reply, "guardrails").AsArray()) {
    for (const Value& item : *items) {
      states.push_back(GuardrailOf(item));
    }
  }
  return states;
}

base::Result<std::vector<std::string>> ControlCommands::Rearm(std::string_view name,
                                                              const CallOptions& call) {
  Value::Array params;
  if (!name.empty()) {
    params.emplace_back(name);
  }
  ASSIGN_OR_RETURN(const Value reply, caller_.Call("GUARDRAIL.REARM", params, call));
  RETURN_IF_ERROR(ExpectMap(reply, "GUARDRAIL.REARM"));
  return TextsOf(reply, "rearmed");
}

}  // namespace reprise::client
