// FLUSH: empties the namespace.
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

constexpr std::array kErrors{base::Code::kReadOnly};
constexpr std::array kExamples{
    Example{R"(["SET", ["k", 1]])", R"(true)"},
    Example{R"(["FLUSH", []])", R"({"entries": 0})"},
    Example{R"(["GET", ["k"]])", R"(null)"},
};

base::Status Run(Context& context, const Args& /*args*/, wire::Writer& reply) {
  const auto home = access::PrefixOf(context.principal.namespace_id);
  storage::Transaction& transaction = context.view.transaction();
  transaction.DeletePrefix(storage::Family::kKeys, {home.data(), home.size()});
  const std::uint64_t entries =
      context.instance.cache().Drop(context.principal.namespace_id, false, transaction);
  reply.Map(1);
  reply.Field("entries", entries);
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kFlush;
constexpr CommandSpec kFlush{
    .name = "FLUSH",
    .family = Family::kServer,
    .summary = "Removes all keys and cache entries of the namespace.",
    .complexity = "O(1) for keys, O(entries) for the cache",
    .since = "0.1",
    .flags = kAdmin | kWrite | kDurable,
    .args = {},
    .repeat_from = kNoRepeat,
    .options = {},
    .result = "{entries}: how many cache entries went",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
