// CACHE.ABANDON: the lease holder gives up.
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
    Example{R"(["CACHE.ABANDON", ["0123456789abcdef0123456789abcdef"]])",
            R"({"error": "not_found"})"},
};

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  RETURN_IF_ERROR(
      context.instance.cache().flights().Abandon(context.principal.namespace_id, args.Bytes(0)));
  reply.Map(0);
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kCacheAbandon;
constexpr CommandSpec kCacheAbandon{
    .name = "CACHE.ABANDON",
    .family = Family::kCache,
    .summary = "Gives a lease back without an answer: the caller who has waited longest gets it.",
    .complexity = "O(log leases)",
    .since = "0.1",
    .flags = kRead,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = {},
    .result = "{}",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
