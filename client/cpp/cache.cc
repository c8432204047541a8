#include "client/cpp/cache.h"

#include <algorithm>
#include <array>
#include <utility>

#include "client/cpp/fields.h"

namespace reprise::client {
namespace {

using base::Value;

struct CounterName {
  std::string_view name;
  std::uint64_t CacheCounters::*field;
};
constexpr std::array kCounterNames{
    CounterName{"lookups", &CacheCounters::lookups},
    CounterName{"hits_exact", &CacheCounters::hits_exact},
    CounterName{"hits_normalized", &CacheCounters::hits_normalized},
    CounterName{"hits_semantic", &CacheCounters::hits_semantic},
    CounterName{"misses_guarded", &CacheCounters::misses_guarded},
    CounterName{"misses_unsure", &CacheCounters::misses_unsure},
    CounterName{"misses_barred", &CacheCounters::misses_barred},
    CounterName{"misses_no_vector", &CacheCounters::misses_no_vector},
    CounterName{"misses_to_verify", &CacheCounters::misses_to_verify},
    CounterName{"misses_template", &CacheCounters::misses_template},
    CounterName{"misses_context", &CacheCounters::misses_context},
    CounterName{"misses_too_long", &CacheCounters::misses_too_long},
    CounterName{"misses", &CacheCounters::misses},
    CounterName{"stores", &CacheCounters::stores},
    CounterName{"evictions", &CacheCounters::evictions},
    CounterName{"tokens_saved_in", &CacheCounters::tokens_saved_in},
    CounterName{"tokens_saved_out", &CacheCounters::tokens_saved_out},
    CounterName{"cost_saved_nano", &CacheCounters::cost_saved_nano},
    CounterName{"followers", &CacheCounters::followers},
    CounterName{"stale", &CacheCounters::stale},
    CounterName{"shadow_hits", &CacheCounters::shadow_hits},
    CounterName{"shadow_cost_nano", &CacheCounters::shadow_cost_nano},
    CounterName{"bypasses", &CacheCounters::bypasses},
    CounterName{"misses_expired", &CacheCounters::misses_expired},
    CounterName{"misses_too_old", &CacheCounters::misses_too_old},
    CounterName{"misses_invalidated", &CacheCounters::misses_invalidated},
    CounterName{"misses_by_policy", &CacheCounters::misses_by_policy},
    CounterName{"misses_unknown", &CacheCounters::misses_unknown},
    CounterName{"refused_fills", &CacheCounters::refused_fills},
    CounterName{"hit_age_ms", &CacheCounters::hit_age_ms},
    CounterName{"lookup_micros", &CacheCounters::lookup_micros},
    CounterName{"follower_wait_ms", &CacheCounters::follower_wait_ms}};

std::vector<std::uint64_t> UintsOf(const Value& map, std::string_view name) {
  std::vector<std::uint64_t> numbers;
  const Value* list = map.Find(name);
  if (list != nullptr && list->AsArray() != nullptr) {
    for (const Value& number : *list->AsArray()) {
      numbers.push_back(number.AsUint().value_or(0));
    }
  }
  return numbers;
}

CacheCounters CountersOf(const Value& map) {
  CacheCounters counters;
  for (const CounterName& row : kCounterNames) {
    counters.*row.field = UintOf(map, row.name);
  }
  counters.hit_ages = UintsOf(map, "hit_ages");
  counters.lookup_times = UintsOf(map, "lookup_times");
  return counters;
}

DecisionLogStatistics LogOf(const Value& map) {
  return {UintOf(map, "sample_ppm"),        UintOf(map, "pending"),
          UintOf(map, "recorded"),          UintOf(map, "dropped"),
          UintOf(map, "dropped_tokens_in"), UintOf(map, "dropped_tokens_out"),
          UintOf(map, "dropped_cost_nano")};
}

// The server counts entries; a client takes an id as it comes.
std::string IdOf(const Value& reply) {
  const Value* id = reply.Find("id");
  const auto number = id == nullptr ? std::nullopt : id->AsUint();
  return number.has_value() ? std::to_string(*number) : TextOf(reply, "id");
}

// Nil, when the question is a chat request.
Value PromptOf(std::string_view prompt, const Value& request) {
  return prompt.empty() && !request.IsNil() ? Value() : Value(prompt);
}

template <typename Options>
void AddQuestion(const Options& options, OptionMap& map) {
  if (!options.identity.IsNil()) {
    map.Add("identity", options.identity);
  }
  if (!options.request.IsNil()) {
    map.Add("request", options.request);
  }
  map.AddIfSet("identity_mode", options.identity_mode);
}

template <typename Options>
void AddFacts(const Options& options, OptionMap& map) {
  map.AddIfSet("tags", options.tags);
  map.AddIfSet("ttl_ms", options.ttl_ms);
  map.AddIfSet("tokens_in", options.tokens_in);
  map.AddIfSet("tokens_out", options.tokens_out);
  map.AddIfSet("cost_nano", options.cost_nano);
  map.AddIfSet("model", options.model);
}

void AddIfTrue(std::string_view name, bool flag, OptionMap& map) {
  if (flag) {
    map.Add(name, true);
  }
}

StoreResult StoredFrom(Value reply) {
  StoreResult result;
  result.stored = reply.Find("stored") == nullptr || BoolOf(reply, "stored");
  result.reason = TextOf(reply, "reason");
  result.id = IdOf(reply);
  result.expires_at_ms = IntOf(reply, "expires_at_ms");
  result.details = std::move(reply);
  return result;
}

LookupResult FoundIn(const Value& reply) {
  LookupResult result;
  const std::string status = TextOf(reply, "status");
  result.stale = status == "stale";
  result.hit = status == "hit" || result.stale;
  result.tier = TextOf(reply, "tier");
  result.id = IdOf(reply);
  if (const Value* response = reply.Find("response")) {
    result.response = *response;
  }
  result.type = TextOf(reply, "type");
  result.age_ms = IntOf(reply, "age_ms");
  result.expires_at_ms = IntOf(reply, "expires_at_ms");
  result.tokens_in = UintOf(reply, "tokens_in");
  result.tokens_out = UintOf(reply, "tokens_out");
  result.cost_nano = UintOf(reply, "cost_nano");
  result.model = TextOf(reply, "model");
  result.reason = TextOf(reply, "reason");
  return result;
}

constexpr std::array<std::string_view, 7> kStatuses{"hit",    "stale",   "lease", "miss",
                                                    "bypass", "timeout", "error"};

base::Result<FetchResult> FetchedFrom(const Value& reply) {
  const std::string status = TextOf(reply, "status");
  const auto* const row = std::find(kStatuses.begin(), kStatuses.end(), status);
  FetchResult result;
  result.found = FoundIn(reply);
  result.lease = TextOf(reply, "lease");
  result.lease_ms = IntOf(reply, "lease_ms");
  result.error = TextOf(reply, "error");
  result.retry_after_ms = IntOf(reply, "retry_after_ms");
  result.reason = TextOf(reply, "reason");
  if (row == kStatuses.end() || (status == "lease" && result.lease.empty())) {
    return base::Error{base::Code::kCorrupt,
                       "the reply to CACHE.FETCH is not understood; is the server of another "
                       "version?"};
  }
  result.status = static_cast<FetchStatus>(row - kStatuses.begin());
  return result;
}

}  // namespace

std::string_view NameOf(FetchStatus status) {
  return kStatuses.at(static_cast<std::size_t>(status));
}

base::Result<StoreResult> CacheCommands::Store(std::string_view prompt, const Value& response,
                                               const StoreOptions& options,
                                               const CallOptions& call) {
  OptionMap map;
  AddQuestion(options, map);
  map.AddIfSet("type", options.type);
  AddFacts(options, map);
  Value::Array params{PromptOf(prompt, options.request), response};
  std::move(map).AppendTo(params);
  ASSIGN_OR_RETURN(Value reply, caller_.Call("CACHE.STORE", params, call));
  RETURN_IF_ERROR(ExpectMap(reply, "CACHE.STORE"));
  return StoredFrom(std::move(reply));
}

base::Result<LookupResult> CacheCommands::Lookup(std::string_view prompt,
                                                 const LookupOptions& options,
                                                 const CallOptions& call) {
  OptionMap map;
  AddQuestion(options, map);
  map.AddIfSet("type", options.type);
  map.AddIfSet("max_age_ms", options.max_age_ms);
  map.AddIfSet("tier", options.tier);
  map.AddIfSet("replay", options.replay);
  map.AddIfSet("conversation", options.conversation);
  Value::Array params{PromptOf(prompt, options.request)};
  std::move(map).AppendTo(params);
  ASSIGN_OR_RETURN(const Value reply, caller_.Call("CACHE.LOOKUP", params, call));
  RETURN_IF_ERROR(ExpectMap(reply, "CACHE.LOOKUP"));
  return FoundIn(reply);
}

base::Result<FetchResult> CacheCommands::Fetch(std::string_view prompt, const FetchOptions& options,
                                               const CallOptions& call) {
  OptionMap map;
  AddQuestion(options, map);
  map.AddIfSet("type", options.type);
  map.AddIfSet("max_age_ms", options.max_age_ms);
  map.AddIfSet("tier", options.tier);
  if (options.stale_ok_ms.has_value()) {
    map.Add("stale_ok_ms", *options.stale_ok_ms);
  }
  if (!options.wait) {
    map.Add("wait", false);
  }
  map.AddIfSet("wait_ms", options.wait_ms);
  map.AddIfSet("lease_ms", options.lease_ms);
  AddIfTrue("no_cache", options.no_cache, map);
  AddIfTrue("no_store", options.no_store, map);
  AddIfTrue("only_if_cached", options.only_if_cached, map);
  AddIfTrue("bypass", options.bypass, map);
  map.AddIfSet("stream", options.stream);
  map.AddIfSet("replay", options.replay);
  map.AddIfSet("conversation", options.conversation);
  Value::Array params{PromptOf(prompt, options.request)};
  std::move(map).AppendTo(params);
  CallOptions again = call;
  if (again.retry == Retry::kSafe) {  // A lease that a lost connection had has been passed on.
    again.retry = Retry::kAlways;
  }
  ASSIGN_OR_RETURN(const Value reply, caller_.Call("CACHE.FETCH", params, again));
  RETURN_IF_ERROR(ExpectMap(reply, "CACHE.FETCH"));
  return FetchedFrom(reply);
}

base::Result<StoreResult> CacheCommands::Fill(std::string_view lease, const Value& response,
                                              const AnswerFacts& facts, const CallOptions& call) {
  OptionMap map;
  AddFacts(facts, map);
  Value::Array params{lease, response};
  std::move(map).AppendTo(params);
  ASSIGN_OR_RETURN(Value reply, caller_.Call("CACHE.FILL", params, call));
  RETURN_IF_ERROR(ExpectMap(reply, "CACHE.FILL"));
  return StoredFrom(std::move(reply));
}

base::Result<std::int64_t> CacheCommands::Renew(std::string_view lease, const CallOptions& call) {
  ASSIGN_OR_RETURN(const Value reply, caller_.Call("CACHE.RENEW", {lease}, call));
  RETURN_IF_ERROR(ExpectMap(reply, "CACHE.RENEW"));
  return IntOf(reply, "lease_ms");
}

base::Result<std::uint64_t> CacheCommands::Append(std::string_view lease, const Value& chunk,
                                                  const CallOptions& call) {
  ASSIGN_OR_RETURN(const Value reply, caller_.Call("CACHE.APPEND", {lease, chunk}, call));
  RETURN_IF_ERROR(ExpectMap(reply, "CACHE.APPEND"));
  return UintOf(reply, "chunks");
}

base::Status CacheCommands::Abandon(std::string_view lease, const AbandonOptions& options,
                                    const CallOptions& call) {
  OptionMap map;
  map.AddIfSet("error", options.error);
  map.AddIfSet("ttl_ms", options.ttl_ms);
  Value::Array params{lease};
  std::move(map).AppendTo(params);
  RETURN_IF_ERROR(caller_.Call("CACHE.ABANDON", params, call));
  return base::Ok{};
}

base::Result<std::uint64_t> CacheCommands::Invalidate(std::string_view what, std::string_view value,
                                                      const InvalidateOptions& options,
                                                      const CallOptions& call) {
  OptionMap map;
  AddQuestion(options, map);
  AddIfTrue("dry_run", options.dry_run, map);
  Value::Array params{what};
  if (!value.empty()) {
    params.emplace_back(value);
  }
  std::move(map).AppendTo(params);
  ASSIGN_OR_RETURN(const Value reply, caller_.Call("CACHE.INVALIDATE", params, call));
  RETURN_IF_ERROR(ExpectMap(reply, "CACHE.INVALIDATE"));
  return UintOf(reply, "entries");
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

base::Result<CacheStatistics> CacheCommands::Stats(const CallOptions& call, std::string_view by) {
  Value::Array params;
  if (by != "type") {
    params.emplace_back(Value::Map{{"by", by}});
  }
  ASSIGN_OR_RETURN(const Value reply, caller_.Call("CACHE.STATS", params, call));
  RETURN_IF_ERROR(ExpectMap(reply, "CACHE.STATS"));
  CacheStatistics statistics;
  statistics.entries = UintOf(reply, "entries");
  statistics.entries_max = UintOf(reply, "entries_max");
  statistics.bytes = UintOf(reply, "bytes");
  statistics.bytes_max = UintOf(reply, "bytes_max");
  statistics.eviction = TextOf(reply, "eviction");
  statistics.memory_bytes = UintOf(reply, "memory_bytes");
  statistics.by = by;
  if (const Value* log = reply.Find("log")) {
    statistics.log = LogOf(*log);
  }
  if (const Value* total = reply.Find("total")) {
    statistics.total = CountersOf(*total);
  }
  const Value* accounts = reply.Find(std::string(by) + "s");
  if (accounts != nullptr && accounts->AsMap() != nullptr) {
    for (const auto& [name, counters] : *accounts->AsMap()) {
      statistics.accounts.emplace(name.AsText().value_or(""), CountersOf(counters));
    }
  }
  if (by == "type") {
    statistics.types = statistics.accounts;
  }
  return statistics;
}

}  // namespace reprise::client
