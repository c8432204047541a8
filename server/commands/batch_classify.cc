// BATCH.CLASSIFY: the category that a task with this text would get.
#include "protocol/wire/reader.h"
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/batch_common.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

using base::Code;

constexpr std::array kArgs{ArgSpec{.name = "text",
                                   .kind = ArgKind::kText,
                                   .doc = "as in the payload or `text` of a task",
                                   .min = 1,
                                   .max = base::limits::kPromptBytes.ceiling}};
constexpr std::array<Code, 0> kErrors{};
constexpr std::array kExamples{
    Example{R"(["BATCH.CLASSIFY", ["translate this"]])",
            R"({"category": "", "score": 0.0, "margin": 0.0})"},
};

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  const jobs::Category found =
      context.instance.jobs().Classify(context.principal.namespace_id, args.Bytes(0));
  reply.Map(3);
  reply.Field("category", found.category);
  reply.Field("score", found.score);
  reply.Field("margin", found.margin);
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kBatchClassify;
constexpr CommandSpec kBatchClassify{
    .name = "BATCH.CLASSIFY",
    .family = Family::kJobs,
    .summary =
        "The category that a task with this text would get; empty while BATCH.TRAIN was never "
        "called.",
    .complexity = "O(bytes x categories); the first 2 KiB count",
    .since = "0.2",
    .flags = kRead | kIdempotent,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = {},
    .result =
        "{category, score, margin}: score above 0 means that the category claims the text, margin "
        "is "
        "the distance to the next one",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
