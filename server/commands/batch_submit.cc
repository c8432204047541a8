// BATCH.SUBMIT: hands in tasks.
#include "protocol/wire/reader.h"
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/batch_common.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"
#include "server/commands/strategies.h"

namespace reprise::commands {
namespace {

using base::Code;
using base::Error;

constexpr std::array kArgs{ArgSpec{
    .name = "tasks",
    .kind = ArgKind::kValue,
    .doc = "a task, or an array of up to 1000. A task is a map: payload (any value); category "
           "(found in payload or `text` when not given), model, context (what tasks share: system "
           "prompt, tools; any value), context_key (a name for it), parameters (any value): tasks "
           "that agree in these may go out together; priority 0 to 9 (5); max_wait_ms for company; "
           "delay_ms or not_before_ms; deadline_ms or deadline_in_ms; defer: never, offpeak, any; "
           "dedup; custom_id; reply_to (a channel, SUBSCRIBE jobs:X); after: tickets, and numbers "
           "of tasks in this call; tokens; max_attempts; fill: {prompt, ...} as CACHE.STORE, to "
           "put the result into the cache. Times are milliseconds since 1970"}};
constexpr std::array kOptions{kConversationOption};
constexpr std::array kErrors{Code::kBadRequest, Code::kTooLarge, Code::kNotFound, Code::kBusy,
                             Code::kReadOnly};
constexpr std::array kExamples{
    Example{
        R"(["BATCH.SUBMIT", [{"payload": "Translate: hello", "category": "translate", "model": "m", "custom_id": "a"}]])",
        R"([{"ticket": "*", "duplicate": false, "category": "translate", "not_before_ms": "*", "deferral": "not asked for"}])"},
    Example{
        R"(["BATCH.SUBMIT", [[{"payload": 1, "dedup": "k"}, {"payload": 2, "after": [0]}, {"payload": 1, "dedup": "k"}]]])",
        R"(["*", "*", {"ticket": "*", "duplicate": true, "category": "", "not_before_ms": "*", "deferral": "*"}])"},
    Example{R"(["BATCH.SUBMIT", [[{"payload": 1, "after": [1]}, {"payload": 2, "after": [0]}]]])",
            R"({"error": "bad_request"})"},
    Example{R"(["BATCH.SUBMIT", [{"payload": 1, "deadline_ms": 1}]])",
            R"({"error": "bad_request"})"},
    Example{R"(["BATCH.SUBMIT", [{"payload": 1, "colour": "red"}]])",
            R"({"error": "bad_request"})"},
    Example{R"(["BATCH.SUBMIT", [{"payload": 1, "after": ["00000000000000ff"]}]])",
            R"({"error": "not_found"})"},
};

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  ASSIGN_OR_RETURN(const TasksAsked asked, TasksOf(context, args.Bytes(0)));
  const std::string_view conversation = args.BytesOr(0, "");
  const jobs::Strategies strategies{
      Decide(context, control::Strategy::kBatching, conversation).IsOn(),
      Decide(context, control::Strategy::kDeferral, conversation).IsOn()};
  auto submitted = context.instance.jobs().Submit(context.principal.namespace_id, asked.tasks,
                                                  strategies, context.view.transaction());
  if (!submitted.ok()) {
    return Error{submitted.error().code, "BATCH.SUBMIT: " + submitted.error().detail};
  }
  reply.Array(asked.tasks.size());
  for (std::size_t i = 0; i < asked.tasks.size(); ++i) {
    const jobs::Submitted& one = submitted.value()[i];
    reply.Map(5);
    reply.Field("ticket", jobs::TicketText(one.id));
    reply.Field("duplicate", one.is_duplicate);
    reply.Field("category", asked.tasks[i].category);
    reply.Field("not_before_ms", one.not_before_ms);
    reply.Field("deferral", jobs::NameOf(one.defer_reason));
  }
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kBatchSubmit;
constexpr CommandSpec kBatchSubmit{
    .name = "BATCH.SUBMIT",
    .family = Family::kJobs,
    .summary =
        "Hands in tasks, all of them or none. Similar ones go to a worker as one batch; unurgent "
        "ones "
        "wait for a cheaper hour. Answered when they are durable (jobs.durability). With `dedup` "
        "it "
        "may be repeated: the same key is the same task until its result goes. A task without "
        "company goes out when max_wait_ms is over. Where that is not given, jobs.max_wait_ms "
        "holds, and up to jobs.late_ppm of the tasks may be held longer for company, never beyond "
        "their deadlines.",
    .complexity = "O(bytes of the tasks)",
    .since = "0.2",
    .flags = kWrite,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = kOptions,
    .result =
        "[{ticket, duplicate, category, not_before_ms, deferral}, ...] in the order of the tasks; "
        "deferral says whether and why the task waits",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
