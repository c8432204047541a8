// BATCH.BEAT: a worker is alive.
#include "protocol/wire/reader.h"
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/batch_common.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

using base::Code;

constexpr std::array kArgs{kWorkerArg};
constexpr std::array kOptions{kLeaseMsOption};
constexpr std::array kErrors{Code::kReadOnly};
constexpr std::array kExamples{
    Example{R"(["BATCH.BEAT", ["w"]])", R"({"leases": 0})"},
    Example{R"(["BATCH.SUBMIT", [{"payload": 1, "max_wait_ms": 0}]])", R"("*")"},
    Example{R"(["BATCH.TAKE", ["w"]])", R"("*")"},
    Example{R"(["BATCH.BEAT", ["w", {"lease_ms": 30000}]])", R"({"leases": 1})"},
};

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  reply.Map(1);
  reply.Field("leases", context.instance.jobs().Beat(context.principal.namespace_id, args.Bytes(0),
                                                     args.IntOr(0, 0), context.view.transaction()));
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kBatchBeat;
constexpr CommandSpec kBatchBeat{
    .name = "BATCH.BEAT",
    .family = Family::kJobs,
    .summary =
        "The heartbeat of a worker: starts the time of all its leases of this namespace anew.",
    .complexity = "O(items of its batches)",
    .since = "0.2",
    .flags = kWrite | kIdempotent,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = kOptions,
    .result = "{leases}: how many it holds",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
