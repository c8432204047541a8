// KEY.DEL: revokes an access key.
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

constexpr std::array kArgs{NameArg("id", "as KEY.LIST shows it")};
constexpr std::array kErrors{base::Code::kNotFound, base::Code::kBadRequest};
constexpr std::array kExamples{
    Example{R"(["KEY.DEL", ["0123456789abcdef"]])", R"({"error": "not_found"})"},
};

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  ASSIGN_OR_RETURN(const std::uint64_t id, access::KeyIdFrom(args.Bytes(0)));
  RETURN_IF_ERROR(context.instance.access().DeleteKey(id, context.view.transaction()));
  reply.Bool(true);
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kKeyDel;
constexpr CommandSpec kKeyDel{
    .name = "KEY.DEL",
    .family = Family::kServer,
    .summary =
        "Revokes an access key; connections that use it are refused from their next request on.",
    .complexity = "O(access keys)",
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
