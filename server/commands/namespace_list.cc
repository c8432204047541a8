// NAMESPACE.LIST: all namespaces.
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

constexpr std::array kExamples{
    Example{R"(["NAMESPACE.LIST", []])",
            R"([{"name": "default", "id": 1, "created_at_ms": "*", "entries": 0}])"},
};

base::Status Run(Context& context, const Args& /*args*/, wire::Writer& reply) {
  const auto all = context.instance.access().Namespaces();
  reply.Array(all.size());
  for (const access::Namespace& entry : all) {
    reply.Map(4);
    reply.Field("name", entry.name);
    reply.Field("id", static_cast<std::uint32_t>(entry.id));
    reply.Field("created_at_ms", base::ToInt(entry.created_at));
    reply.Field("entries", context.instance.cache().Stats(entry.id).entries);
  }
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kNamespaceList;
constexpr CommandSpec kNamespaceList{
    .name = "NAMESPACE.LIST",
    .family = Family::kServer,
    .summary = "All namespaces, by name.",
    .complexity = "O(namespaces)",
    .since = "0.1",
    .flags = kAdmin | kIdempotent,
    .args = {},
    .repeat_from = kNoRepeat,
    .options = {},
    .result = "[{name, id, created_at_ms, entries}, ...]",
    .errors = {},
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
