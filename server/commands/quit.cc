// QUIT: ends the connection.
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

constexpr std::array kExamples{
    Example{R"(["QUIT", []])", R"(true)"},
};

base::Status Run(Context& context, const Args& /*args*/, wire::Writer& reply) {
  context.session->close_after_reply = true;
  reply.Bool(true);
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kQuit;
constexpr CommandSpec kQuit{
    .name = "QUIT",
    .family = Family::kConnection,
    .summary = "Answers true, then closes the connection once everything before it is answered.",
    .complexity = "O(1)",
    .since = "0.1",
    .flags = kNoAuth | kSession,
    .args = {},
    .repeat_from = kNoRepeat,
    .options = {},
    .result = "true",
    .errors = {},
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
