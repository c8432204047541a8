// BATCH.DEAD: tasks that failed as often as they may.
#include "protocol/wire/reader.h"
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/batch_common.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

using base::Code;
using base::Error;

constexpr std::size_t kListMost = 100;
constexpr std::size_t kChangeMost = 1'000;
constexpr std::array kArgs{
    ArgSpec{.name = "action",
            .kind = ArgKind::kText,
            .doc = "list, replay (try again from the start) or purge (give up)",
            .min = 1,
            .max = base::limits::kNameBytes.value}};
enum Option : std::size_t { kTickets, kAfter, kLimit };
constexpr std::array kOptions{
    ArgSpec{.name = "tickets",
            .kind = ArgKind::kTexts,
            .doc = "of replay and purge: these; the oldest when not given",
            .max = 32'768},
    ArgSpec{.name = "after",
            .kind = ArgKind::kText,
            .doc = "of list: behind this ticket",
            .max = base::limits::kNameBytes.value},
    ArgSpec{.name = "limit",
            .kind = ArgKind::kInt,
            .doc = "at most so many; list shows at most 100",
            .min = 1,
            .max = static_cast<std::int64_t>(kChangeMost)}};
constexpr std::array kErrors{Code::kBadRequest, Code::kNotFound, Code::kReadOnly};
constexpr std::array kExamples{
    Example{R"(["BATCH.DEAD", ["list"]])", R"({"tasks": [], "next": null})"},
    Example{R"(["BATCH.DEAD", ["replay"]])", R"({"changed": 0})"},
    Example{R"(["BATCH.DEAD", ["purge", {"tickets": ["00000000000000ff"]}]])",
            R"({"error": "not_found"})"},
    Example{R"(["BATCH.DEAD", ["bury"]])", R"({"error": "bad_request"})"},
};

base::Status List(Context& context, const Args& args, wire::Writer& reply) {
  jobs::TaskId after{0};
  if (args.Has(kAfter)) {
    ASSIGN_OR_RETURN(after, TicketOf("BATCH.DEAD", args.BytesOr(kAfter, "")));
  }
  const auto most =
      std::min(kListMost,
               static_cast<std::size_t>(args.IntOr(kLimit, static_cast<std::int64_t>(kListMost))));
  const std::vector<jobs::TaskView> dead =
      context.instance.jobs().DeadLetters(context.principal.namespace_id, after, most);
  reply.Map(2);
  reply.Str("tasks");
  reply.Array(dead.size());
  for (const jobs::TaskView& task : dead) {
    WriteTask(task, context.now(), reply);
  }
  reply.Str("next");
  if (dead.size() == most) {
    reply.Str(jobs::TicketText(dead.back().id));
  } else {
    reply.Nil();
  }
  return base::Ok{};
}

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  const std::string_view action = args.Bytes(0);
  if (action == "list") {
    return List(context, args, reply);
  }
  if (action != "replay" && action != "purge") {
    return Error{Code::kBadRequest, "BATCH.DEAD: 'action' must be list, replay or purge"};
  }
  ASSIGN_OR_RETURN(const std::vector<jobs::TaskId> ids,
                   TicketsOf("BATCH.DEAD", args.BytesOr(kTickets, "")));
  const auto most =
      static_cast<std::size_t>(args.IntOr(kLimit, static_cast<std::int64_t>(kListMost)));
  jobs::Jobs& queue = context.instance.jobs();
  const storage::NamespaceId home = context.principal.namespace_id;
  storage::Transaction& transaction = context.view.transaction();
  ASSIGN_OR_RETURN(const std::size_t changed, action == "replay"
                                                  ? queue.Replay(home, ids, most, transaction)
                                                  : queue.Purge(home, ids, most, transaction));
  reply.Map(1);
  reply.Field("changed", changed);
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kBatchDead;
constexpr CommandSpec kBatchDead{
    .name = "BATCH.DEAD",
    .family = Family::kJobs,
    .summary =
        "Dead letters: tasks that failed as often as they may, or for good. They are kept for "
        "jobs.dead_ttl_ms, at most jobs.dead_max of them.",
    .complexity = "O(tasks shown or changed)",
    .since = "0.2",
    .flags = kWrite,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = kOptions,
    .result = "of list {tasks: [as BATCH.RESULT], next: ticket or nil}; else {changed}",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
