// KEY.LIST: the access keys.
#include <algorithm>

#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/server_common.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

constexpr std::array kExamples{
    Example{R"(["KEY.LIST", []])", R"([])"},
};

constexpr std::size_t kKeysShownMax = 4096;  // what one reply may hold

base::Status Run(Context& context, const Args& /*args*/, wire::Writer& reply) {
  auto keys = context.instance.access().Keys();
  keys.resize(std::min<std::size_t>(keys.size(), kKeysShownMax));
  reply.Array(keys.size());
  for (const access::AccessKey& entry : keys) {
    reply.Map(5);
    reply.Field("id", access::KeyIdText(entry.id));
    reply.Field("namespace", context.instance.access().NameOf(entry.namespace_id));
    reply.Str("permissions");
    WriteTexts(access::NamesOf(entry.permissions), reply);
    reply.Field("label", entry.label);
    reply.Field("created_at_ms", base::ToInt(entry.created_at));
  }
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kKeyList;
constexpr CommandSpec kKeyList{
    .name = "KEY.LIST",
    .family = Family::kServer,
    .summary = "The access keys, oldest first, without their secrets.",
    .complexity = "O(access keys)",
    .since = "0.1",
    .flags = kAdmin | kIdempotent,
    .args = {},
    .repeat_from = kNoRepeat,
    .options = {},
    .result = "[{id, namespace, permissions, label, created_at_ms}, ...]",
    .errors = {},
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
