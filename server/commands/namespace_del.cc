// NAMESPACE.DEL: removes a namespace with all that is in it.
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

constexpr std::array kArgs{NameArg("name", "not `default`, which FLUSH empties")};
constexpr std::array kErrors{base::Code::kNotFound, base::Code::kBadRequest};
constexpr std::array kExamples{
    Example{R"(["NAMESPACE.CREATE", ["gone"]])", R"({"name": "gone", "id": "*"})"},
    Example{R"(["NAMESPACE.DEL", ["gone"]])", R"(true)"},
    Example{R"(["NAMESPACE.DEL", ["gone"]])", R"({"error": "not_found"})"},
    Example{R"(["NAMESPACE.DEL", ["default"]])", R"({"error": "bad_request"})"},
};

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  storage::Transaction& transaction = context.view.transaction();
  ASSIGN_OR_RETURN(const access::Namespace removed,
                   context.instance.access().DeleteNamespace(args.Bytes(0), transaction));
  context.instance.cache().Drop(removed.id, true, transaction);
  context.instance.spend().Drop(removed.id, transaction);
  context.instance.control().Drop(removed.id, transaction);
  context.instance.rate().Drop(removed.id, transaction);
  context.instance.routing().DropNamespace(removed.id, transaction);
  context.instance.jobs().Drop(removed.id, transaction);
  reply.Bool(true);
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kNamespaceDel;
constexpr CommandSpec kNamespaceDel{
    .name = "NAMESPACE.DEL",
    .family = Family::kServer,
    .summary = "Removes a namespace, its access keys and all its data.",
    .complexity = "O(entries + tasks + access keys)",
    .since = "0.1",
    .flags = kAdmin | kWrite | kDurable,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = {},
    .result = "true",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
