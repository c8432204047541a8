// LIMIT.RENEW: who holds a lease of limits is still at work.
#include <array>

#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/limit_common.h"
#include "server/commands/spec.h"

namespace reprise::commands {

extern const CommandSpec kLimitRenew;

namespace {

enum Option : std::size_t { kLeaseMs };
constexpr std::array kArgs{kLimitLeaseArg};
constexpr std::array kOptions{ArgSpec{.name = "lease_ms",
                                      .kind = ArgKind::kMillis,
                                      .doc = "how long from now; as long as before when not given",
                                      .min = base::limits::kLeaseMs.floor,
                                      .max = base::limits::kLeaseMs.ceiling}};
constexpr std::array kErrors{base::Code::kNotFound};
constexpr std::array kExamples{
    Example{R"(["LIMIT.RENEW", ["0123456789abcdef"]])", R"({"error": "not_found"})"},
};

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  ASSIGN_OR_RETURN(
      const auto lease_ms,
      In(kLimitRenew, context.instance.rate().Renew(context.principal.namespace_id, args.Bytes(0),
                                                    args.IntOr(kLeaseMs, 0))));
  reply.Map(1);
  reply.Field("lease_ms", lease_ms);
  return base::Ok{};
}

}  // namespace

constexpr CommandSpec kLimitRenew{
    .name = "LIMIT.RENEW",
    .family = Family::kSpend,
    .summary = "Gives a lease of LIMIT.TAKE or LIMIT.ACQUIRE its whole time once more.",
    .complexity = "O(log leases)",
    .since = "0.1",
    .flags = kInMemory | kIdempotent,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = kOptions,
    .result = "{lease_ms}",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
