// COMMAND.DOCS: the rows of the commands.
#include "protocol/wire/writer.h"
#include "server/commands/all.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/describe.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

constexpr std::array kArgs{ArgSpec{.name = "name",
                                   .kind = ArgKind::kText,
                                   .doc = "in any case; all commands when not given",
                                   .required = false,
                                   .min = 1,
                                   .max = base::limits::kMethodBytes.value}};
constexpr std::array kErrors{base::Code::kUnknownCommand};
constexpr std::array kExamples{
    Example{R"(["COMMAND.DOCS", ["nonsense"]])", R"({"error": "unknown_command"})"},
    Example{R"(["COMMAND.DOCS", [""]])", R"({"error": "bad_request"})"},
};

base::Status Run(Context& /*context*/, const Args& args, wire::Writer& reply) {
  if (args.size() == 0) {
    reply.Array(AllCommands().size());
    for (const CommandSpec* spec : AllCommands()) {
      reply.Write(Describe(*spec));
    }
    return base::Ok{};
  }
  const CommandSpec* spec = FindCommand(args.Bytes(0));
  if (spec == nullptr) {
    return base::Error{base::Code::kUnknownCommand, "no command has this name"};
  }
  reply.Array(1);
  reply.Write(Describe(*spec));
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kCommandDocs;
constexpr CommandSpec kCommandDocs{
    .name = "COMMAND.DOCS",
    .family = Family::kServer,
    .summary = "The row of one command, or of all: arguments, options, result, errors, examples.",
    .complexity = "O(commands)",
    .since = "0.1",
    .flags = kIdempotent,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = {},
    .result =
        "[{name, family, summary, complexity, since, flags, args, options, result, errors, "
        "examples}, ...]",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
