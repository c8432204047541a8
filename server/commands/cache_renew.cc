// CACHE.RENEW: the lease holder is still at work.
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/cache_common.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

constexpr std::array kArgs{kLeaseArg};
constexpr std::array kErrors{base::Code::kNotFound};
constexpr std::array kExamples{
    Example{R"(["CACHE.RENEW", ["0123456789abcdef0123456789abcdef"]])",
            R"({"error": "not_found"})"},
};

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  ASSIGN_OR_RETURN(const std::int64_t lease_ms, context.instance.cache().flights().Renew(
                                                    context.principal.namespace_id, args.Bytes(0)));
  reply.Map(1);
  reply.Field("lease_ms", lease_ms);
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kCacheRenew;
constexpr CommandSpec kCacheRenew{
    .name = "CACHE.RENEW",
    .family = Family::kCache,
    .summary =
        "Says that the answer is still being computed: the lease lives for its whole time again.",
    .complexity = "O(log leases)",
    .since = "0.1",
    .flags = kRead,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = {},
    .result = "{lease_ms}",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
