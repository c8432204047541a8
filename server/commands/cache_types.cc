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
        R"({"general": {"ttl_ms": 3600000}, "research": {"ttl_ms": 3600000}, "factLookup": {"ttl_ms": 7200000}, "codePattern": {"ttl_ms": 86400000}, "commonTemplate": {"ttl_ms": 86400000}})"},
};

base::Status Run(Context& context, const Args& /*args*/, wire::Writer& reply) {
  reply.Map(context.config.cache.types.size());
  for (const config::QueryType& type : context.config.cache.types) {
    reply.Str(type.name);
    reply.Map(1);
    reply.Field("ttl_ms", type.ttl_ms);
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
    .result = "{name: {ttl_ms}, ...}",
    .errors = {},
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
