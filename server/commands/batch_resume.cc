// BATCH.RESUME: a queue goes on.
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
    Example{R"(["BATCH.RESUME", []])", R"({"changed": false})"},
    Example{R"(["BATCH.PAUSE", []])", R"({"changed": true})"},
    Example{R"(["BATCH.RESUME", []])", R"({"changed": true})"},
};

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  return SetPaused(context, args, false, reply);
}

}  // namespace

extern const CommandSpec kBatchResume;
constexpr CommandSpec kBatchResume{
    .name = "BATCH.RESUME",
    .family = Family::kJobs,
    .summary = "Takes back a BATCH.PAUSE with the same names.",
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
