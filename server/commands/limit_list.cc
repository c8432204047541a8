// LIMIT.LIST: the named limits.
#include <array>

#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/limit_common.h"
#include "server/commands/spec.h"

namespace reprise::commands {

extern const CommandSpec kLimitList;

namespace {

constexpr std::array kExamples{
    Example{R"(["LIMIT.LIST", []])", R"([])"},
    Example{R"(["LIMIT.SET", ["chat", {"limit": 60, "period_ms": 60000}]])", R"("*")"},
    Example{
        R"(["LIMIT.LIST", []])",
        R"([{"name": "chat", "from": "namespace", "algorithm": "gcra", "limit": 60, "period_ms": 60000, "burst": 60, "lease_ms": null}])"},
};

base::Status Run(Context& context, const Args& /*args*/, wire::Writer& reply) {
  const auto rules = context.instance.rate().Rules(context.principal.namespace_id);
  reply.Array(rules.size());
  for (const rate::NamedRule& named : rules) {
    reply.Map(kRuleFields + 2);
    reply.Field("name", named.name);
    reply.Field("from", named.is_configured ? "configuration" : "namespace");
    WriteRule(named.rule, reply);
  }
  return base::Ok{};
}

}  // namespace

constexpr CommandSpec kLimitList{
    .name = "LIMIT.LIST",
    .family = Family::kSpend,
    .summary = "The named limits that hold in this namespace, by name.",
    .complexity = "O(limits)",
    .since = "0.1",
    .flags = kRead | kIdempotent,
    .args = {},
    .repeat_from = kNoRepeat,
    .options = {},
    .result =
        "[{name, from: configuration or namespace, algorithm, limit, period_ms, burst, lease_ms}, "
        "...]",
    .errors = {},
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
