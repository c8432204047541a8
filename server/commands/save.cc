// SAVE: puts everything on the medium.
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

constexpr std::array kErrors{base::Code::kIo};
constexpr std::array kExamples{
    Example{R"(["SAVE", []])", R"({"sequence": "*"})"},
};

base::Status Run(Context& context, const Args& /*args*/, wire::Writer& reply) {
  RETURN_IF_ERROR(context.instance.store().Sync());
  reply.Map(1);
  reply.Field("sequence", context.instance.store().Stats().durable_sequence);
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kSave;
constexpr CommandSpec kSave{
    .name = "SAVE",
    .family = Family::kServer,
    .summary = "Waits until everything that was acknowledged is on the medium.",
    .complexity = "O(unsynced bytes)",
    .since = "0.1",
    .flags = kAdmin | kBlocking | kWaits | kIdempotent,
    .args = {},
    .repeat_from = kNoRepeat,
    .options = {},
    .result = "{sequence}: the last write that is safe",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
