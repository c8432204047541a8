// BUDGET.DEL: removes a budget.
#include "protocol/wire/writer.h"
#include "server/commands/spend_common.h"

namespace reprise::commands {
namespace {

constexpr std::array kArgs{
    ArgSpec{.name = "budget",
            .kind = ArgKind::kText,
            .doc = "its name: bot:coder/day",
            .min = 1,
            .max = 64 + static_cast<std::int64_t>(spend::kScopeNameBytesMax)}};
constexpr std::array kOptions{kNamespaceOption};
constexpr std::array kErrors{base::Code::kNotFound, base::Code::kReadOnly};
constexpr std::array kExamples{
    Example{R"(["BUDGET.SET", ["bot:coder", 100, {"period": "day"}]])", R"("*")"},
    Example{R"(["BUDGET.DEL", ["bot:coder/day"]])", R"(true)"},
    Example{R"(["BUDGET.DEL", ["bot:coder/day"]])", R"({"error": "not_found"})"},
};

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  ASSIGN_OR_RETURN(const storage::NamespaceId owner, NamespaceFrom(context, args, 0));
  RETURN_IF_ERROR(
      context.instance.spend().budgets().Delete(owner, args.Bytes(0), context.view.transaction()));
  reply.Bool(true);
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kBudgetDel;
constexpr CommandSpec kBudgetDel{
    .name = "BUDGET.DEL",
    .family = Family::kSpend,
    .summary = "Removes a budget. Reservations that hold its money stay, in their other budgets.",
    .complexity = "O(log budgets)",
    .since = "0.2",
    .flags = kAdmin | kWrite | kDurable,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = kOptions,
    .result = "true",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
