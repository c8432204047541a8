// NAMESPACE.CREATE: makes a namespace.
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

constexpr std::array kArgs{NameArg("name", "letters, digits, dot, dash, underscore")};
constexpr std::array kErrors{base::Code::kExists, base::Code::kBadRequest};
constexpr std::array kExamples{
    Example{R"(["NAMESPACE.CREATE", ["team-a"]])", R"({"name": "team-a", "id": "*"})"},
    Example{R"(["NAMESPACE.CREATE", ["team-a"]])", R"({"error": "exists"})"},
    Example{R"(["NAMESPACE.CREATE", ["a b"]])", R"({"error": "bad_request"})"},
};

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  ASSIGN_OR_RETURN(const access::Namespace made, context.instance.access().CreateNamespace(
                                                     args.Bytes(0), context.view.transaction()));
  context.view.transaction().OnCommit(  // A weight in the configuration may name it.
      [&instance = context.instance, jobs = context.config.jobs] {
        instance.SetJobsOptions(jobs);
      });
  reply.Map(2);
  reply.Field("name", made.name);
  reply.Field("id", static_cast<std::uint32_t>(made.id));
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kNamespaceCreate;
constexpr CommandSpec kNamespaceCreate{
    .name = "NAMESPACE.CREATE",
    .family = Family::kServer,
    .summary = "Makes a namespace: a tenant that shares nothing with the others.",
    .complexity = "O(namespaces)",
    .since = "0.1",
    .flags = kAdmin | kWrite | kDurable,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = {},
    .result = "{name, id}",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
