// BATCH.PAUSE: a queue stands still.
#include "protocol/wire/reader.h"
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/batch_common.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

using base::Code;

constexpr std::array kErrors{Code::kTooLarge, Code::kReadOnly};
constexpr std::array kExamples{
    Example{R"(["BATCH.PAUSE", [{"category": "c"}]])", R"({"changed": true})"},
    Example{R"(["BATCH.PAUSE", [{"category": "c"}]])", R"({"changed": false})"},
    Example{R"(["BATCH.SUBMIT", [{"payload": 1, "category": "c", "max_wait_ms": 0}]])", R"("*")"},
    Example{R"(["BATCH.TAKE", ["w"]])", R"(null)"},
};

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  return SetPaused(context, args, true, reply);
}

}  // namespace

extern const CommandSpec kBatchPause;
constexpr CommandSpec kBatchPause{
    .name = "BATCH.PAUSE",
    .family = Family::kJobs,
    .summary =
        "Stops handing out tasks of a category, a model, or both; with neither, of the whole "
        "namespace. Tasks are still taken in, wait, and expire by their deadlines. It lasts until "
        "BATCH.RESUME with the same names, over restarts too.",
    .complexity = "O(queues)",
    .since = "0.2",
    .flags = kWrite | kIdempotent,
    .args = {},
    .repeat_from = kNoRepeat,
    .options = kPauseOptions,
    .result = "{changed}",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
