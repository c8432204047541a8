// CACHE.STATS: what the cache did and saved.
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

constexpr std::array kExamples{
    Example{
        R"(["CACHE.STATS", []])",
        R"({"entries": 0, "entries_max": 10000, "bytes": 0, "bytes_max": 1073741824, "eviction": "cost", "memory_bytes": 0, "types": {}, "total": {"hits_exact": 0, "hits_normalized": 0, "misses": 0, "stores": 0, "evictions": 0, "tokens_saved_in": 0, "tokens_saved_out": 0, "cost_saved_nano": 0, "followers": 0, "stale": 0, "shadow_hits": 0, "shadow_cost_nano": 0}})"},
};

void WriteCounters(const cache::Counters& counters, wire::Writer& reply) {
  reply.Map(cache::kCounterFields.size());
  for (const cache::CounterField& row : cache::kCounterFields) {
    reply.Field(row.name, counters.*row.field);
  }
}

base::Status Run(Context& context, const Args& /*args*/, wire::Writer& reply) {
  const cache::NamespaceStats stats =
      context.instance.cache().Stats(context.principal.namespace_id);
  reply.Map(8);
  reply.Field("entries", stats.entries);
  reply.Field("entries_max", context.config.cache.entries_max);
  reply.Field("bytes", stats.bytes);
  reply.Field("bytes_max", context.config.cache.bytes_max);
  reply.Field("eviction", cache::NameOf(context.config.cache.eviction));
  reply.Field("memory_bytes", stats.memory_bytes);
  reply.Str("types");
  reply.Map(stats.types.size());
  cache::Counters total;
  for (const cache::TypeStats& type : stats.types) {
    reply.Str(type.type);
    WriteCounters(type.counters, reply);
    total.Add(type.counters);
  }
  reply.Str("total");
  WriteCounters(total, reply);
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kCacheStats;
constexpr CommandSpec kCacheStats{
    .name = "CACHE.STATS",
    .family = Family::kCache,
    .summary =
        "Entries, and what each query type did and saved since the namespace was made; the "
        "counters survive restarts.",
    .complexity = "O(types)",
    .since = "0.1",
    .flags = kRead | kIdempotent,
    .args = {},
    .repeat_from = kNoRepeat,
    .options = {},
    .result =
        "{entries, entries_max, bytes, bytes_max, eviction, memory_bytes, types: {name: counters}, "
        "total: counters}; counters are {hits_exact, hits_normalized, misses, stores, evictions, "
        "tokens_saved_in, "
        "tokens_saved_out, cost_saved_nano, followers, stale, "
        "shadow_hits, shadow_cost_nano}",
    .errors = {},
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
