// CACHE.TYPES: the query types and their policies.
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

constexpr std::array kExamples{
    Example{
        R"(["CACHE.TYPES", []])",
        R"({"general": {"ttl_ms": 3600000, "stale_ms": 0, "jitter_percent": 0, "sliding": false, "store": true, "response_bytes_max": 1048576, "semantic": true, "error_budget_ppm": 20000}, "research": "*", "factLookup": "*", "codePattern": "*", "commonTemplate": "*", "live": {"ttl_ms": 60000, "stale_ms": 0, "jitter_percent": 0, "sliding": false, "store": false, "response_bytes_max": 1048576, "semantic": false, "error_budget_ppm": 20000}})"},
};

void WriteType(const config::QueryType& type, wire::Writer& reply) {
  reply.Map(8);
  reply.Field("ttl_ms", type.ttl_ms);
  reply.Field("stale_ms", type.stale_ms);
  reply.Field("jitter_percent", type.jitter_percent);
  reply.Field("sliding", type.sliding);
  reply.Field("store", type.store);
  reply.Field("response_bytes_max", type.response_bytes_max);
  reply.Field("semantic", type.semantic);
  reply.Field("error_budget_ppm", type.error_budget_ppm);
}

base::Status Run(Context& context, const Args& /*args*/, wire::Writer& reply) {
  reply.Map(context.config.cache.types.size());
  for (const config::QueryType& type : context.config.cache.types) {
    reply.Str(type.name);
    WriteType(type, reply);
  }
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kCacheTypes;
constexpr CommandSpec kCacheTypes{
    .name = "CACHE.TYPES",
    .family = Family::kCache,
    .summary = "The configured query types with their policies.",
    .complexity = "O(types)",
    .since = "0.1",
    .flags = kRead | kIdempotent,
    .args = {},
    .repeat_from = kNoRepeat,
    .options = {},
    .result =
        "{name: {ttl_ms, stale_ms, jitter_percent, sliding, store, response_bytes_max, "
        "semantic, error_budget_ppm}, ...}",
    .errors = {},
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
