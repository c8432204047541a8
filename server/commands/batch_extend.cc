// BATCH.EXTEND: keeps a lease.
#include "protocol/wire/reader.h"
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/batch_common.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

using base::Code;

constexpr std::array kArgs{kBatchLeaseArg};
constexpr std::array kOptions{kLeaseMsOption};
constexpr std::array kErrors{Code::kBadRequest, Code::kNotFound, Code::kReadOnly};
constexpr std::array kExamples{
    Example{R"(["BATCH.EXTEND", ["00000000000000010000000000000002"]])",
            R"({"error": "not_found"})"},
    Example{R"(["BATCH.EXTEND", ["mine"]])", R"({"error": "bad_request"})"},
};

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  ASSIGN_OR_RETURN(const jobs::LeaseAsk ask, LeaseAskOf(context, "BATCH.EXTEND", args.Bytes(0)));
  ASSIGN_OR_RETURN(
      const std::int64_t lives_ms,
      context.instance.jobs().Extend(ask, args.IntOr(0, 0), context.view.transaction()));
  reply.Map(1);
  reply.Field("lease_ms", lives_ms);
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kBatchExtend;
constexpr CommandSpec kBatchExtend{
    .name = "BATCH.EXTEND",
    .family = Family::kJobs,
    .summary =
        "Starts the time of a lease anew; as long as BATCH.TAKE said, or as `lease_ms` says.",
    .complexity = "O(items of the batch)",
    .since = "0.2",
    .flags = kWrite | kIdempotent,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = kOptions,
    .result = "{lease_ms}: how long it lives from now",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
