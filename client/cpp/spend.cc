#include "client/cpp/spend.h"

#include <utility>

#include "client/cpp/fields.h"

namespace reprise::client {
namespace {

using base::Value;

Value UsageMap(const TokenUsage& usage) {
  Value::Map map;
  const auto add = [&map](const char* name, std::int64_t count) {
    if (count != 0) {
      map.emplace_back(name, count);
    }
  };
  add("input_tokens", usage.input_tokens);
  add("output_tokens", usage.output_tokens);
  add("cache_read_tokens", usage.cache_read_tokens);
  add("cache_write_tokens", usage.cache_write_tokens);
  add("cache_write_1h_tokens", usage.cache_write_1h_tokens);
  add("input_audio_tokens", usage.input_audio_tokens);
  add("output_reasoning_tokens", usage.output_reasoning_tokens);
  add("output_audio_tokens", usage.output_audio_tokens);
  add("output_image_tokens", usage.output_image_tokens);
  add("web_searches", usage.web_searches);
  return map;
}

Value AmountOf(std::optional<std::int64_t> nano) {
  return nano.has_value() ? Value(*nano) : Value();
}

void AddCost(const std::optional<TokenUsage>& usage, const PriceChoice& price, OptionMap& map) {
  if (usage.has_value()) {
    map.Add("usage", UsageMap(*usage));
  }
  map.AddIfSet("model", price.model);
  map.AddIfSet("provider", price.provider);
  map.AddIfSet("tier", price.tier);
}

Value TextArray(const std::vector<std::string>& texts) {
  return Value::Array(texts.begin(), texts.end());
}

std::optional<std::int64_t> MaybeInt(const Value& map, std::string_view name) {
  const Value* found = map.Find(name);
  return found == nullptr ? std::nullopt : found->AsInt();
}

ChargeResult ChargeFrom(const Value& reply) {
  return {IntOf(reply, "charged_nano"), IntOf(reply, "reserved_nano"), IntOf(reply, "over_nano"),
          BoolOf(reply, "duplicate"),   BoolOf(reply, "late"),         UintOf(reply, "sequence"),
          TextsOf(reply, "exceeded")};
}

// What charges once however often it is sent.
CallOptions Repeatable(CallOptions call, bool is_named) {
  if (is_named && call.retry == Retry::kSafe) {
    call.retry = Retry::kAlways;
  }
  return call;
}

}  // namespace

base::Result<ReserveResult> SpendCommands::Reserve(const std::vector<std::string>& scopes,
                                                   std::optional<std::int64_t> amount_nano,
                                                   const ReserveOptions& options,
                                                   const CallOptions& call) {
  OptionMap map;
  map.AddIfSet("lease_ms", options.lease_ms);
  AddCost(options.usage, options.price, map);
  Value::Array params{TextArray(scopes), AmountOf(amount_nano)};
  std::move(map).AppendTo(params);
  ASSIGN_OR_RETURN(const Value reply, caller_.Call("BUDGET.RESERVE", params, call));
  RETURN_IF_ERROR(ExpectMap(reply, "BUDGET.RESERVE"));
  ReserveResult result;
  result.granted = BoolOf(reply, "granted");
  result.reservation = UintOf(reply, "reservation");
  result.amount_nano = IntOf(reply, "amount_nano");
  result.blocked_by = TextOf(reply, "blocked_by");
  result.retry_after_ms = MaybeInt(reply, "retry_after_ms");
  const Value* blocked = reply.Find("blocked");
  if (blocked != nullptr && blocked->AsArray() != nullptr) {
    for (const Value& each : *blocked->AsArray()) {
      result.blocked.push_back({TextOf(each, "budget"), MaybeInt(each, "retry_after_ms")});
    }
  }
  result.exceeded = TextsOf(reply, "exceeded");
  return result;
}

base::Result<ChargeResult> SpendCommands::Commit(std::uint64_t reservation,
                                                 std::optional<std::int64_t> actual_nano,
                                                 const ChargeOptions& options,
                                                 const CallOptions& call) {
  OptionMap map;
  AddCost(options.usage, options.price, map);
  map.AddIfSet("charge_id", options.charge_id);
  Value::Array params{reservation, AmountOf(actual_nano)};
  std::move(map).AppendTo(params);
  ASSIGN_OR_RETURN(const Value reply,
                   caller_.Call("BUDGET.COMMIT", params, Repeatable(call, true)));
  RETURN_IF_ERROR(ExpectMap(reply, "BUDGET.COMMIT"));
  return ChargeFrom(reply);
}

base::Result<std::int64_t> SpendCommands::Release(std::uint64_t reservation,
                                                  const CallOptions& call) {
  ASSIGN_OR_RETURN(const Value reply, caller_.Call("BUDGET.RELEASE", {reservation}, call));
  RETURN_IF_ERROR(ExpectMap(reply, "BUDGET.RELEASE"));
  return IntOf(reply, "freed_nano");
}

base::Result<ChargeResult> SpendCommands::Record(std::optional<std::int64_t> amount_nano,
                                                 const RecordOptions& options,
                                                 const CallOptions& call) {
  OptionMap map;
  AddCost(options.usage, options.price, map);
  if (!options.scopes.empty()) {
    map.Add("scopes", TextArray(options.scopes));
  }
  map.AddIfSet("strategy", options.strategy);
  map.AddIfSet("charge_id", options.charge_id);
  Value::Array params{AmountOf(amount_nano)};
  std::move(map).AppendTo(params);
  ASSIGN_OR_RETURN(const Value reply, caller_.Call("SPEND.RECORD", params,
                                                   Repeatable(call, !options.charge_id.empty())));
  RETURN_IF_ERROR(ExpectMap(reply, "SPEND.RECORD"));
  return ChargeFrom(reply);
}

base::Status SpendCommands::SetBudget(std::string_view scope, std::int64_t limit_nano,
                                      const BudgetOptions& options, const CallOptions& call) {
  OptionMap map;
  map.AddIfSet("period", options.period);
  map.AddIfSet("window_ms", options.window_ms);
  map.AddIfSet("timezone", options.timezone);
  if (options.soft) {
    map.Add("soft", true);
  }
  map.AddIfSet("namespace", options.name_space);
  Value::Array params{scope, limit_nano};
  std::move(map).AppendTo(params);
  RETURN_IF_ERROR(caller_.Call("BUDGET.SET", params, call));
  return base::Ok{};
}

base::Status SpendCommands::DeleteBudget(std::string_view budget, const CallOptions& call) {
  RETURN_IF_ERROR(caller_.Call("BUDGET.DEL", {budget}, call));
  return base::Ok{};
}

base::Result<std::vector<BudgetReading>> SpendCommands::Budgets(const CallOptions& call) {
  ASSIGN_OR_RETURN(const Value reply, caller_.Call("BUDGET.STATUS", {}, call));
  RETURN_IF_ERROR(ExpectMap(reply, "BUDGET.STATUS"));
  std::vector<BudgetReading> readings;
  const Value* budgets = reply.Find("budgets");
  if (budgets != nullptr && budgets->AsArray() != nullptr) {
    for (const Value& each : *budgets->AsArray()) {
      readings.push_back({TextOf(each, "budget"), TextOf(each, "scope"), BoolOf(each, "hard"),
                          IntOf(each, "limit_nano"), IntOf(each, "spent_nano"),
                          IntOf(each, "reserved_nano"), IntOf(each, "left_nano"),
                          IntOf(each, "used_ppm"), IntOf(each, "ends_at_ms")});
    }
  }
  return readings;
}

base::Result<Value> SpendCommands::Report(const ReportOptions& options, const CallOptions& call) {
  OptionMap map;
  map.AddIfSet("from", options.from);
  map.AddIfSet("to", options.to);
  if (!options.by.empty()) {
    map.Add("by", TextArray(options.by));
  }
  Value::Array params;
  std::move(map).AppendTo(params);
  return caller_.Call("SPEND.REPORT", params, call);
}

base::Result<std::int64_t> SpendCommands::Quote(const TokenUsage& usage, const PriceChoice& price,
                                                const CallOptions& call) {
  OptionMap map;
  map.AddIfSet("provider", price.provider);
  map.AddIfSet("tier", price.tier);
  Value::Array params{price.model, UsageMap(usage)};
  std::move(map).AppendTo(params);
  ASSIGN_OR_RETURN(const Value reply, caller_.Call("PRICE.QUOTE", params, call));
  RETURN_IF_ERROR(ExpectMap(reply, "PRICE.QUOTE"));
  return IntOf(reply, "cost_nano");
}

}  // namespace reprise::client
