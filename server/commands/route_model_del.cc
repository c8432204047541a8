// ROUTE.MODEL.DEL: takes a model out of the catalogue.
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/route_common.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

constexpr std::array kArgs{ModelNameArg("as ROUTE.MODELS shows it")};
constexpr std::array kOptions{kSharedOption};
constexpr std::array kErrors{base::Code::kNotFound, base::Code::kForbidden, base::Code::kReadOnly};
constexpr std::array kExamples{
    Example{R"(["ROUTE.MODEL.SET", ["m-old", {}]])", R"({"model": "m-old", "added": true})"},
    Example{R"(["ROUTE.MODEL.DEL", ["m-old"]])", R"(true)"},
    Example{R"(["ROUTE.MODEL.DEL", ["m-old"]])", R"({"error": "not_found"})"},
};

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  ASSIGN_OR_RETURN(const routing::Catalogue::Owner owner,
                   OwnerFrom(context, args.BoolOr(0, false)));
  RETURN_IF_ERROR(
      context.instance.routing().DeleteModel(owner, args.Bytes(0), context.view.transaction()));
  reply.Bool(true);
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kRouteModelDel;
constexpr CommandSpec kRouteModelDel{
    .name = "ROUTE.MODEL.DEL",
    .family = Family::kRouting,
    .summary =
        "Takes a model out of the catalogue: it is not chosen any more. What was learned of it is "
        "kept as long as there is room, for the day it comes back.",
    .complexity = "O(models)",
    .since = "0.2",
    .flags = kWrite | kDurable,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = kOptions,
    .result = "true",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
