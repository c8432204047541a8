#include "client/cpp/keys.h"

#include "client/cpp/fields.h"

namespace reprise::client {
namespace {

using base::Value;

Value::Array ToParams(const std::vector<std::string>& texts) {
  return {texts.begin(), texts.end()};
}

}  // namespace

base::Result<bool> KeyCommands::Set(std::string_view key, const Value& value,
                                    const SetOptions& options, const CallOptions& call) {
  OptionMap map;
  map.AddIfSet("ttl_ms", options.ttl_ms);
  if (options.only_if_absent) {
    map.Add("nx", true);
  }
  if (options.only_if_present) {
    map.Add("xx", true);
  }
  Value::Array params{key, value};
  std::move(map).AppendTo(params);
  ASSIGN_OR_RETURN(const Value reply, caller_.Call("SET", params, call));
  return ExpectBool(reply, "SET");
}

base::Result<std::optional<Value>> KeyCommands::Get(std::string_view key, const CallOptions& call) {
  ASSIGN_OR_RETURN(Value reply, caller_.Call("GET", {key}, call));
  return reply.IsNil() ? std::optional<Value>{} : std::optional<Value>(std::move(reply));
}

base::Result<std::vector<std::optional<Value>>> KeyCommands::MGet(
    const std::vector<std::string>& keys, const CallOptions& call) {
  ASSIGN_OR_RETURN(const Value reply, caller_.Call("MGET", ToParams(keys), call));
  ASSIGN_OR_RETURN(const Value::Array* items, ExpectArray(reply, "MGET"));
  if (items->size() != keys.size()) {
    return base::Error{base::Code::kCorrupt, "MGET answered for another number of keys"};
  }
  std::vector<std::optional<Value>> values;
  values.reserve(items->size());
  for (const Value& item : *items) {
    values.push_back(item.IsNil() ? std::optional<Value>{} : std::optional<Value>(item));
  }
  return values;
}

base::Status KeyCommands::MSet(const std::vector<std::pair<std::string, Value>>& pairs,
                               std::int64_t ttl_ms, const CallOptions& call) {
  Value::Array params;
  params.reserve(2 * pairs.size() + 1);
  for (const auto& [key, value] : pairs) {
    params.emplace_back(key);
    params.push_back(value);
  }
  OptionMap map;
  map.AddIfSet("ttl_ms", ttl_ms);
  std::move(map).AppendTo(params);
  RETURN_IF_ERROR(caller_.Call("MSET", params, call));
  return base::Ok{};
}

base::Result<std::uint64_t> KeyCommands::Del(const std::vector<std::string>& keys,
                                             const CallOptions& call) {
  ASSIGN_OR_RETURN(const Value reply, caller_.Call("DEL", ToParams(keys), call));
  return ExpectUint(reply, "DEL");
}

base::Result<std::uint64_t> KeyCommands::Exists(const std::vector<std::string>& keys,
                                                const CallOptions& call) {
  ASSIGN_OR_RETURN(const Value reply, caller_.Call("EXISTS", ToParams(keys), call));
  return ExpectUint(reply, "EXISTS");
}

base::Result<bool> KeyCommands::Expire(std::string_view key, std::int64_t ttl_ms,
                                       const CallOptions& call) {
  ASSIGN_OR_RETURN(const Value reply, caller_.Call("EXPIRE", {key, ttl_ms}, call));
  return ExpectBool(reply, "EXPIRE");
}

base::Result<bool> KeyCommands::Persist(std::string_view key, const CallOptions& call) {
  ASSIGN_OR_RETURN(const Value reply, caller_.Call("PERSIST", {key}, call));
  return ExpectBool(reply, "PERSIST");
}

base::Result<TimeToLive> KeyCommands::Ttl(std::string_view key, const CallOptions& call) {
  ASSIGN_OR_RETURN(const Value reply, caller_.Call("TTL", {key}, call));
  if (reply.IsNil()) {
    return TimeToLive{};
  }
  ASSIGN_OR_RETURN(const std::int64_t left_ms, ExpectInt(reply, "TTL"));
  return TimeToLive{true, left_ms < 0 ? std::optional<std::int64_t>{} : std::optional(left_ms)};
}

base::Result<std::int64_t> KeyCommands::IncrBy(std::string_view key, std::int64_t delta,
                                               std::int64_t ttl_ms, const CallOptions& call) {
  Value::Array params{key, delta};
  OptionMap map;
  map.AddIfSet("ttl_ms", ttl_ms);
  std::move(map).AppendTo(params);
  ASSIGN_OR_RETURN(const Value reply, caller_.Call("INCRBY", params, call));
  return ExpectInt(reply, "INCRBY");
}

base::Result<ScanPage> KeyCommands::Scan(const ScanOptions& options, const CallOptions& call) {
  OptionMap map;
  map.AddIfSet("prefix", options.prefix);
  map.AddIfSet("after", options.after);
  map.AddIfSet("limit", options.limit);
  Value::Array params;
  std::move(map).AppendTo(params);
  ASSIGN_OR_RETURN(const Value reply, caller_.Call("SCAN", params, call));
  RETURN_IF_ERROR(ExpectMap(reply, "SCAN"));
  ScanPage page;
  page.keys = TextsOf(reply, "keys");
  const Value* next = reply.Find("next");
  if (next != nullptr && next->AsText().has_value()) {
    page.next = std::string(*next->AsText());
  }
  return page;
}

}  // namespace reprise::client
