#include "client/cpp/limits.h"

#include <utility>

#include "client/cpp/fields.h"

namespace reprise::client {
namespace {

using base::Value;

void AddLimit(const Limit& limit, OptionMap& map) {
  map.AddIfSet("rule", limit.rule);
  map.AddIfSet("limit", limit.limit);
  map.AddIfSet("period_ms", limit.period_ms);
  map.AddIfSet("burst", limit.burst);
  map.AddIfSet("algorithm", limit.algorithm);
  if (limit.quantity.has_value()) {
    map.Add("quantity", *limit.quantity);
  }
  map.AddIfSet("key", limit.key);
}

Value::Array ParamsOf(std::string_view key, const Limit& limit, std::int64_t lease_ms) {
  OptionMap map;
  AddLimit(limit, map);
  map.AddIfSet("lease_ms", lease_ms);
  Value::Array params{limit.key.empty() ? key : std::string_view(limit.key)};
  std::move(map).AppendTo(params);
  return params;
}

Value::Array ParamsOf(std::string_view key, const std::vector<Limit>& limits,
                      std::int64_t lease_ms) {
  Value::Array items;
  for (const Limit& limit : limits) {
    OptionMap item;
    AddLimit(limit, item);
    Value::Array one;
    std::move(item).AppendTo(one);
    items.push_back(one.empty() ? Value(Value::Map()) : std::move(one.front()));
  }
  OptionMap map;
  map.AddIfSet("lease_ms", lease_ms);
  map.Add("limits", std::move(items));
  Value::Array params{key};
  std::move(map).AppendTo(params);
  return params;
}

void ReadVerdict(const Value& map, LimitVerdict& verdict) {
  verdict.allowed = BoolOf(map, "allowed");
  verdict.limit = IntOf(map, "limit");
  verdict.remaining = IntOf(map, "remaining");
  verdict.retry_after_ms = IntOf(map, "retry_after_ms");
  verdict.reset_ms = IntOf(map, "reset_ms");
}

Taken TakenOf(const Value& map) {
  Taken taken;
  ReadVerdict(map, taken);
  taken.lease = TextOf(map, "lease");
  taken.lease_ms = IntOf(map, "lease_ms");
  if (const Value* blocked = map.Find("blocked_by"); blocked != nullptr && !blocked->IsNil()) {
    taken.blocked_by = UintOf(map, "blocked_by");
  }
  const Value* limits = map.Find("limits");
  if (limits != nullptr && limits->AsArray() != nullptr) {
    for (const Value& item : *limits->AsArray()) {
      ReadVerdict(item, taken.limits.emplace_back());
    }
  }
  return taken;
}

LimitRule RuleOf(const Value& map) {
  return {TextOf(map, "name"),   TextOf(map, "from"),     TextOf(map, "algorithm"),
          IntOf(map, "limit"),   IntOf(map, "period_ms"), IntOf(map, "burst"),
          IntOf(map, "lease_ms")};
}

}  // namespace

base::Result<Taken> LimitCommands::Ask(std::string_view method, const Value::Array& params,
                                       const CallOptions& call) {
  ASSIGN_OR_RETURN(const Value reply, caller_.Call(method, params, call));
  RETURN_IF_ERROR(ExpectMap(reply, method));
  return TakenOf(reply);
}

base::Result<Taken> LimitCommands::Take(std::string_view key, const Limit& limit,
                                        std::int64_t lease_ms, const CallOptions& call) {
  return Ask("LIMIT.TAKE", ParamsOf(key, limit, lease_ms), call);
}

base::Result<Taken> LimitCommands::Take(std::string_view key, const std::vector<Limit>& limits,
                                        std::int64_t lease_ms, const CallOptions& call) {
  return Ask("LIMIT.TAKE", ParamsOf(key, limits, lease_ms), call);
}

base::Result<Taken> LimitCommands::Peek(std::string_view key, const Limit& limit,
                                        const CallOptions& call) {
  return Ask("LIMIT.PEEK", ParamsOf(key, limit, 0), call);
}

base::Result<Taken> LimitCommands::Peek(std::string_view key, const std::vector<Limit>& limits,
                                        const CallOptions& call) {
  return Ask("LIMIT.PEEK", ParamsOf(key, limits, 0), call);
}

base::Result<Taken> LimitCommands::Acquire(std::string_view key, const Limit& limit,
                                           std::int64_t lease_ms, const CallOptions& call) {
  Limit places;
  places.rule = limit.rule;
  places.limit = limit.limit;
  places.quantity = limit.quantity;
  return Ask("LIMIT.ACQUIRE", ParamsOf(key, places, lease_ms), call);
}

base::Result<std::int64_t> LimitCommands::Renew(std::string_view lease, std::int64_t lease_ms,
                                                const CallOptions& call) {
  OptionMap map;
  map.AddIfSet("lease_ms", lease_ms);
  Value::Array params{lease};
  std::move(map).AppendTo(params);
  ASSIGN_OR_RETURN(const Value reply, caller_.Call("LIMIT.RENEW", params, call));
  RETURN_IF_ERROR(ExpectMap(reply, "LIMIT.RENEW"));
  return IntOf(reply, "lease_ms");
}

base::Result<Corrected> LimitCommands::Release(std::string_view lease,
                                               std::optional<std::int64_t> quantity,
                                               const CallOptions& call) {
  OptionMap map;
  if (quantity.has_value()) {
    map.Add("quantity", *quantity);
  }
  Value::Array params{lease};
  std::move(map).AppendTo(params);
  ASSIGN_OR_RETURN(const Value reply, caller_.Call("LIMIT.RELEASE", params, call));
  RETURN_IF_ERROR(ExpectMap(reply, "LIMIT.RELEASE"));
  return Corrected{IntOf(reply, "given_back"), IntOf(reply, "charged")};
}

base::Result<LimitVerdict> LimitCommands::Adjust(std::string_view key, std::int64_t quantity,
                                                 const Limit& limit, const CallOptions& call) {
  Limit without = limit;
  without.quantity.reset();
  without.key.clear();
  OptionMap map;
  AddLimit(without, map);
  Value::Array params{key, quantity};
  std::move(map).AppendTo(params);
  ASSIGN_OR_RETURN(const Value reply, caller_.Call("LIMIT.ADJUST", params, call));
  RETURN_IF_ERROR(ExpectMap(reply, "LIMIT.ADJUST"));
  LimitVerdict verdict;
  ReadVerdict(reply, verdict);
  return verdict;
}

base::Result<LimitRule> LimitCommands::Set(std::string_view name, const LimitRule& rule,
                                           const CallOptions& call) {
  OptionMap map;
  map.AddIfSet("limit", rule.limit);
  map.AddIfSet("period_ms", rule.period_ms);
  map.AddIfSet("burst", rule.burst);
  map.AddIfSet("algorithm", rule.algorithm);
  map.AddIfSet("lease_ms", rule.lease_ms);
  Value::Array params{name};
  std::move(map).AppendTo(params);
  ASSIGN_OR_RETURN(const Value reply, caller_.Call("LIMIT.SET", params, call));
  RETURN_IF_ERROR(ExpectMap(reply, "LIMIT.SET"));
  return RuleOf(reply);
}

base::Result<std::vector<LimitRule>> LimitCommands::List(const CallOptions& call) {
  ASSIGN_OR_RETURN(const Value reply, caller_.Call("LIMIT.LIST", {}, call));
  ASSIGN_OR_RETURN(const Value::Array* items, ExpectArray(reply, "LIMIT.LIST"));
  std::vector<LimitRule> rules;
  for (const Value& item : *items) {
    rules.push_back(RuleOf(item));
  }
  return rules;
}

base::Result<bool> LimitCommands::Delete(std::string_view name, const CallOptions& call) {
  ASSIGN_OR_RETURN(const Value reply, caller_.Call("LIMIT.DEL", {name}, call));
  return ExpectBool(reply, "LIMIT.DEL");
}

}  // namespace reprise::client
