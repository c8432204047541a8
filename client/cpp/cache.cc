#include "client/cpp/cache.h"

#include "client/cpp/fields.h"

namespace reprise::client {
namespace {

using base::Value;

CacheCounters CountersOf(const Value& map) {
  CacheCounters counters;
  counters.hits_exact = UintOf(map, "hits_exact");
  counters.hits_normalized = UintOf(map, "hits_normalized");
  counters.misses = UintOf(map, "misses");
  counters.lookups = counters.hits_exact + counters.hits_normalized + counters.misses;
  counters.stores = UintOf(map, "stores");
  counters.evictions = UintOf(map, "evictions");
  counters.tokens_saved_in = UintOf(map, "tokens_saved_in");
  counters.tokens_saved_out = UintOf(map, "tokens_saved_out");
  counters.cost_saved_nano = UintOf(map, "cost_saved_nano");
  return counters;
}

}  // namespace

base::Result<StoreResult> CacheCommands::Store(std::string_view prompt, const Value& response,
                                               const StoreOptions& options,
                                               const CallOptions& call) {
  OptionMap map;
  if (!options.identity.IsNil()) {
    map.Add("identity", options.identity);
  }
  map.AddIfSet("type", options.type);
  map.AddIfSet("tags", options.tags);
  map.AddIfSet("ttl_ms", options.ttl_ms);
  map.AddIfSet("tokens_in", options.tokens_in);
  map.AddIfSet("tokens_out", options.tokens_out);
  map.AddIfSet("cost_nano", options.cost_nano);
  map.AddIfSet("model", options.model);
  Value::Array params{prompt, response};
  std::move(map).AppendTo(params);
  ASSIGN_OR_RETURN(Value reply, caller_.Call("CACHE.STORE", params, call));
  RETURN_IF_ERROR(ExpectMap(reply, "CACHE.STORE"));
  StoreResult result;
  result.id = TextOf(reply, "id");
  result.expires_at_ms = IntOf(reply, "expires_at_ms");
  result.details = std::move(reply);
  return result;
}

base::Result<LookupResult> CacheCommands::Lookup(std::string_view prompt,
                                                 const LookupOptions& options,
                                                 const CallOptions& call) {
  OptionMap map;
  if (!options.identity.IsNil()) {
    map.Add("identity", options.identity);
  }
  map.AddIfSet("type", options.type);
  map.AddIfSet("max_age_ms", options.max_age_ms);
  map.AddIfSet("tier", options.tier);
  Value::Array params{prompt};
  std::move(map).AppendTo(params);
  ASSIGN_OR_RETURN(const Value reply, caller_.Call("CACHE.LOOKUP", params, call));
  RETURN_IF_ERROR(ExpectMap(reply, "CACHE.LOOKUP"));
  LookupResult result;
  result.hit = TextOf(reply, "status") == "hit";
  result.tier = TextOf(reply, "tier");
  result.id = TextOf(reply, "id");
  if (const Value* response = reply.Find("response")) {
    result.response = *response;
  }
  result.type = TextOf(reply, "type");
  result.age_ms = IntOf(reply, "age_ms");
  result.expires_at_ms = IntOf(reply, "expires_at_ms");
  result.tokens_in = UintOf(reply, "tokens_in");
  result.tokens_out = UintOf(reply, "tokens_out");
  result.cost_nano = UintOf(reply, "cost_nano");
  result.reason = TextOf(reply, "reason");
  return result;
}

base::Result<std::map<std::string, std::int64_t>> CacheCommands::Types(const CallOptions& call) {
  ASSIGN_OR_RETURN(const Value reply, caller_.Call("CACHE.TYPES", {}, call));
  ASSIGN_OR_RETURN(const Value::Map* pairs, ExpectMap(reply, "CACHE.TYPES"));
  std::map<std::string, std::int64_t> types;
  for (const auto& [name, policy] : *pairs) {
    types.emplace(name.AsText().value_or(""), IntOf(policy, "ttl_ms"));
  }
  return types;
}

base::Result<CacheStatistics> CacheCommands::Stats(const CallOptions& call) {
  ASSIGN_OR_RETURN(const Value reply, caller_.Call("CACHE.STATS", {}, call));
  RETURN_IF_ERROR(ExpectMap(reply, "CACHE.STATS"));
  CacheStatistics statistics;
  statistics.entries = UintOf(reply, "entries");
  statistics.entries_max = UintOf(reply, "entries_max");
  statistics.memory_bytes = UintOf(reply, "memory_bytes");
  if (const Value* total = reply.Find("total")) {
    statistics.total = CountersOf(*total);
  }
  const Value* types = reply.Find("types");
  if (types != nullptr && types->AsMap() != nullptr) {
    for (const auto& [name, counters] : *types->AsMap()) {
      statistics.types.emplace(name.AsText().value_or(""), CountersOf(counters));
    }
  }
  return statistics;
}

}  // namespace reprise::client
