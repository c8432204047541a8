// BATCH.FAIL: gives items back.
#include "protocol/wire/reader.h"
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/batch_common.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

using base::Code;
using base::Error;

constexpr std::array kArgs{kBatchLeaseArg,
                           ArgSpec{.name = "ticket",
                                   .kind = ArgKind::kText,
                                   .doc = "of the item; nil: all that are open, as a whole",
                                   .required = false,
                                   .nullable = true,
                                   .min = 1,
                                   .max = base::limits::kNameBytes.value}};
enum Option : std::size_t { kError, kRetry };
constexpr std::array kOptions{
    ArgSpec{.name = "error", .kind = ArgKind::kText, .doc = "what went wrong", .max = 1024},
    ArgSpec{.name = "retry",
            .kind = ArgKind::kBool,
            .doc = "false: it would fail again; it becomes a dead letter at once"}};
constexpr std::array kErrors{Code::kBadRequest, Code::kNotFound, Code::kExists, Code::kReadOnly};
constexpr std::array kExamples{
    Example{R"(["BATCH.FAIL", ["00000000000000010000000000000002", null, {"error": "no JSON"}]])",
            R"({"error": "not_found"})"},
};

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  ASSIGN_OR_RETURN(const jobs::LeaseAsk ask, LeaseAskOf(context, "BATCH.FAIL", args.Bytes(0)));
  jobs::Engine::FailAsk what;
  if (args.size() > 1 && !args.Bytes(1).empty()) {
    ASSIGN_OR_RETURN(const jobs::TaskId id, TicketOf("BATCH.FAIL", args.Bytes(1)));
    what.items.push_back(id);
  }
  what.error = args.BytesOr(kError, "the worker gave no reason");
  what.may_retry = args.BoolOr(kRetry, true);
  const auto failed = context.instance.jobs().Fail(ask, what, context.view.transaction());
  if (!failed.ok()) {
    return Error{failed.error().code, "BATCH.FAIL: " + failed.error().detail};
  }
  reply.Map(3);
  reply.Field("retried", failed.value().retried);
  reply.Field("dead", failed.value().dead);
  reply.Str("retry_at_ms");
  if (failed.value().retry_at_ms != 0) {
    reply.Int(failed.value().retry_at_ms);
  } else {
    reply.Nil();
  }
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kBatchFail;
constexpr CommandSpec kBatchFail{
    .name = "BATCH.FAIL",
    .family = Family::kJobs,
    .summary =
        "Says that an item failed, or the batch as a whole (its answer could not be read). A whole "
        "batch "
        "is tried again in halves, without counting as an attempt, until each task stands alone. A "
        "task "
        "is tried again after a wait that doubles, until max_attempts: then it is a dead letter.",
    .complexity = "O(items)",
    .since = "0.2",
    .flags = kWrite,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = kOptions,
    .result = "{retried, dead, retry_at_ms}",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
