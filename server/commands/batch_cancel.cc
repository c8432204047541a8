// BATCH.CANCEL: a task is not wanted any more.
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

constexpr std::array kArgs{kTicketArg};
constexpr std::array kErrors{Code::kBadRequest, Code::kNotFound, Code::kExists, Code::kReadOnly};
constexpr std::array kExamples{
    Example{R"(["BATCH.CANCEL", ["00000000000000ff"]])", R"({"error": "not_found"})"},
};

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  ASSIGN_OR_RETURN(const jobs::TaskId id, TicketOf("BATCH.CANCEL", args.Bytes(0)));
  const auto outcome = context.instance.jobs().Cancel(context.principal.namespace_id, id,
                                                      context.view.transaction());
  if (!outcome.ok()) {
    return Error{outcome.error().code, "BATCH.CANCEL: " + outcome.error().detail};
  }
  reply.Map(2);
  reply.Field("canceled", !outcome.value().has_value());
  reply.Field("status", jobs::NameOf(outcome.value().value_or(jobs::Outcome::kCanceled)));
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kBatchCancel;
constexpr CommandSpec kBatchCancel{
    .name = "BATCH.CANCEL",
    .family = Family::kJobs,
    .summary =
        "Cancels a task that waits or runs; a worker that has it is told when it completes. Tasks "
        "that "
        "wait for it (`after`) are canceled, too. Answered when it is durable.",
    .complexity = "O(log tasks)",
    .since = "0.2",
    .flags = kWrite | kIdempotent,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = {},
    .result = "{canceled, status}; canceled is false when the task had ended before",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
