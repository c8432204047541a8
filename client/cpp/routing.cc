#include "client/cpp/routing.h"

#include <utility>

#include "client/cpp/fields.h"

namespace reprise::client {
namespace {

using base::Value;

double NumberOf(const Value& map, std::string_view name) {
  const Value* found = map.Find(name);
  return found == nullptr ? 0 : found->AsDouble().value_or(0);
}

template <typename T>
void AddIfGiven(OptionMap& map, std::string_view name, const std::optional<T>& value) {
  if (value.has_value()) {
    map.Add(name, *value);
  }
}

void AddIfTrue(OptionMap& map, std::string_view name, bool value) {
  if (value) {
    map.Add(name, true);
  }
}

}  // namespace

base::Result<ModelChoice> RoutingCommands::Select(std::string_view prompt,
                                                  const SelectOptions& options,
                                                  const CallOptions& call) {
  OptionMap map;
  map.AddIfSet("models", options.models);
  map.AddIfSet("type", options.type);
  AddIfTrue(map, "critical", options.critical);
  AddIfGiven(map, "importance", options.importance);
  map.AddIfSet("conversation", options.conversation);
  map.AddIfSet("context_tokens", options.context_tokens);
  map.AddIfSet("answer_tokens", options.answer_tokens);
  AddIfGiven(map, "max_cost_nano", options.max_cost_nano);
  map.AddIfSet("max_latency_ms", options.max_latency_ms);
  AddIfGiven(map, "min_quality", options.min_quality);
  map.AddIfSet("needs", options.needs);
  map.AddIfSet("scopes", options.scopes);
  AddIfGiven(map, "pressure", options.pressure);
  Value::Array params{prompt};
  std::move(map).AppendTo(params);
  ASSIGN_OR_RETURN(const Value reply, caller_.Call("ROUTE.SELECT", params, call));
  RETURN_IF_ERROR(ExpectMap(reply, "ROUTE.SELECT"));
  ModelChoice choice;
  choice.decision = UintOf(reply, "decision");
  choice.model = TextOf(reply, "model");
  choice.score = NumberOf(reply, "score");
  choice.level = TextOf(reply, "level");
  choice.confidence = NumberOf(reply, "confidence");
  choice.quality = NumberOf(reply, "quality");
  choice.gain = NumberOf(reply, "gain");
  choice.cost_nano = IntOf(reply, "cost_nano");
  choice.propensity = NumberOf(reply, "propensity");
  choice.reason = TextOf(reply, "reason");
  choice.fallbacks = TextsOf(reply, "fallbacks");
  choice.would = TextOf(reply, "would");
  return choice;
}

base::Result<bool> RoutingCommands::Feedback(std::uint64_t decision, const ModelFeedback& feedback,
                                             const CallOptions& call) {
  OptionMap map;
  map.AddIfSet("model", feedback.model);
  AddIfGiven(map, "quality", feedback.quality);
  AddIfTrue(map, "error", feedback.failed);
  AddIfGiven(map, "latency_ms", feedback.latency_ms);
  AddIfGiven(map, "tokens_in", feedback.tokens_in);
  AddIfGiven(map, "tokens_out", feedback.tokens_out);
  AddIfGiven(map, "cost_nano", feedback.cost_nano);
  Value::Array params{decision};
  std::move(map).AppendTo(params);
  ASSIGN_OR_RETURN(const Value reply, caller_.Call("ROUTE.FEEDBACK", params, call));
  RETURN_IF_ERROR(ExpectMap(reply, "ROUTE.FEEDBACK"));
  return BoolOf(reply, "learned");
}

base::Result<bool> RoutingCommands::SetModel(std::string_view model, const ModelOptions& options,
                                             const CallOptions& call) {
  OptionMap map;
  map.AddIfSet("provider", options.provider);
  AddIfGiven(map, "input_nano", options.input_nano);
  AddIfGiven(map, "output_nano", options.output_nano);
  AddIfGiven(map, "cached_input_nano", options.cached_input_nano);
  map.AddIfSet("context_window", options.context_window);
  map.AddIfSet("capabilities", options.capabilities);
  map.AddIfSet("latency_ms", options.latency_ms);
  AddIfGiven(map, "strength", options.strength);
  AddIfTrue(map, "shared", options.shared);
  Value::Array params{model};
  std::move(map).AppendTo(params);
  ASSIGN_OR_RETURN(const Value reply, caller_.Call("ROUTE.MODEL.SET", params, call));
  RETURN_IF_ERROR(ExpectMap(reply, "ROUTE.MODEL.SET"));
  return BoolOf(reply, "added");
}

base::Status RoutingCommands::DeleteModel(std::string_view model, bool shared,
                                          const CallOptions& call) {
  OptionMap map;
  AddIfTrue(map, "shared", shared);
  Value::Array params{model};
  std::move(map).AppendTo(params);
  RETURN_IF_ERROR(caller_.Call("ROUTE.MODEL.DEL", params, call));
  return base::Ok{};
}

base::Result<Value> RoutingCommands::Models(const CallOptions& call) {
  return caller_.Call("ROUTE.MODELS", {}, call);
}

base::Result<Value> RoutingCommands::Score(std::string_view prompt, const CallOptions& call) {
  return caller_.Call("ROUTE.SCORE", {prompt}, call);
}

base::Result<Value> RoutingCommands::Stats(const CallOptions& call) {
  return caller_.Call("ROUTE.STATS", {}, call);
}

}  // namespace reprise::client
