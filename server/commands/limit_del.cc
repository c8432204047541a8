// LIMIT.DEL: removes a named limit.
#include <array>

#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/limit_common.h"
#include "server/commands/spec.h"

namespace reprise::commands {

extern const CommandSpec kLimitDel;

namespace {

constexpr std::array kArgs{NameArg("name", "as LIMIT.SET made it")};
constexpr std::array kErrors{base::Code::kExists, base::Code::kReadOnly};
constexpr std::array kExamples{
    Example{R"(["LIMIT.SET", ["chat", {"limit": 60, "period_ms": 60000}]])", R"("*")"},
    Example{R"(["LIMIT.DEL", ["chat"]])", R"(true)"},
    Example{R"(["LIMIT.DEL", ["chat"]])", R"(false)"},
    Example{R"(["LIMIT.TAKE", ["user-1", {"rule": "chat"}]])", R"({"error": "not_found"})"},
};

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  ASSIGN_OR_RETURN(
      const auto was_there,
      In(kLimitDel, context.instance.rate().DeleteRule(context.principal.namespace_id,
                                                       args.Bytes(0), context.view.transaction())));
  reply.Bool(was_there);
  return base::Ok{};
}

}  // namespace

constexpr CommandSpec kLimitDel{
    .name = "LIMIT.DEL",
    .family = Family::kSpend,
    .summary =
        "Removes a named limit of this namespace. What was taken of it is remembered until it "
        "would "
        "be free again, should a limit of this name come back.",
    .complexity = "O(log limits)",
    .since = "0.1",
    .flags = kWrite | kDurable | kIdempotent,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = {},
    .result = "true; false when there was none of this name",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
