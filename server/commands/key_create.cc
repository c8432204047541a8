// KEY.CREATE: makes an access key.
#include "protocol/wire/reader.h"
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/server_common.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

constexpr std::array kArgs{NameArg("namespace", "where the key's bots read and write")};
enum Option : std::size_t { kPermissions, kLabel };
constexpr std::array kOptions{
    ArgSpec{.name = "permissions",
            .kind = ArgKind::kTexts,
            .doc = "of read, write, admin; read and write when not given. "
                   "admin is server-wide, for all namespaces, and does not "
                   "include read and write",
            .max = 256},
    ArgSpec{.name = "label",
            .kind = ArgKind::kText,
            .doc = "a name for KEY.LIST",
            .max = base::limits::kNameBytes.value}};
constexpr std::array kErrors{base::Code::kNotFound, base::Code::kBadRequest};
constexpr std::array kExamples{
    Example{R"(["KEY.CREATE", ["nowhere"]])", R"({"error": "not_found"})"},
    Example{R"(["KEY.CREATE", ["default", {"permissions": ["fly"]}]])",
            R"({"error": "bad_request"})"},
};

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  std::uint8_t permissions = access::kMayRead | access::kMayWrite;
  if (args.Has(kPermissions)) {
    permissions = 0;
    wire::Reader names(args.BytesOr(kPermissions, ""));
    ASSIGN_OR_RETURN(const std::uint32_t count, names.Array());
    for (std::uint32_t i = 0; i < count; ++i) {
      ASSIGN_OR_RETURN(const std::string_view name, names.Str());
      ASSIGN_OR_RETURN(const access::Permission permission, access::PermissionNamed(name));
      permissions |= permission;
    }
  }
  ASSIGN_OR_RETURN(
      const access::NewKey made,
      context.instance.access().CreateKey(args.Bytes(0), permissions, args.BytesOr(kLabel, ""),
                                          context.view.transaction()));
  reply.Map(4);
  reply.Field("id", access::KeyIdText(made.id));
  reply.Field("key", made.text);
  reply.Field("namespace", args.Bytes(0));
  reply.Str("permissions");
  WriteTexts(access::NamesOf(permissions), reply);
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kKeyCreate;
constexpr CommandSpec kKeyCreate{
    .name = "KEY.CREATE",
    .family = Family::kServer,
    .summary =
        "Makes an access key for a namespace. Its text is shown this once. With the first key, "
        "every connection must AUTH.",
    .complexity = "O(access keys)",
    .since = "0.1",
    .flags = kAdmin | kWrite | kDurable,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = kOptions,
    .result = "{id, key, namespace, permissions}",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
