// BATCH.RESULT: what became of a task.
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

constexpr std::array kArgs{kTicketArg};
enum Option : std::size_t { kWaitMs };
constexpr std::array kOptions{
    ArgSpec{.name = "wait_ms",
            .kind = ArgKind::kMillis,
            .doc = "wait for its end for so long; 0 (the default): how it stands now",
            .max = base::limits::kJobWaitMs.ceiling}};
constexpr std::array kErrors{Code::kBadRequest, Code::kNotFound, Code::kBusy};
constexpr std::array kExamples{
    Example{R"(["BATCH.RESULT", ["00000000000000ff"]])", R"({"error": "not_found"})"},
    Example{R"(["BATCH.RESULT", ["mine"]])", R"({"error": "bad_request"})"},
};

// How the task stands. Errors: kNotFound; kWouldBlock where the disk would have to be read.
base::Status Answer(instance::Instance& instance, storage::NamespaceId home, jobs::TaskId id,
                    const storage::View& view, wire::Writer& reply) {
  if (const auto task = instance.jobs().View(home, id)) {
    WriteTask(*task, view.now(), reply);
    return base::Ok{};
  }
  ASSIGN_OR_RETURN(const auto row, jobs::Jobs::FindResult(home, id, view));
  if (!row.has_value()) {
    return Error{Code::kNotFound, "BATCH.RESULT: ticket " + jobs::TicketText(id) +
                                      " is not known, or its result was kept as long as "
                                      "jobs.result_ttl_ms says"};
  }
  ASSIGN_OR_RETURN(const jobs::ResultRow result, jobs::ParseResult(row->value()));
  WriteResult(id, result, reply);
  return base::Ok{};
}

class WaitingForEnd final : public jobs::ResultReceiver {
 public:
  WaitingForEnd(std::shared_ptr<LateReply> reply, instance::Instance& instance,
                storage::NamespaceId home, jobs::TaskId id)
      : reply_(std::move(reply)), instance_(instance), home_(home), id_(id) {}

  // On any thread, the writer's too: the row was just committed, and memory has it. Where it has
  // not, a storage thread reads it.
  void Ended() override {
    if (Give(storage::ReadMode::kMemory)) {
      return;
    }
    auto task = base::MakeTask([reply = reply_, &instance = instance_, home = home_, id = id_] {
      WaitingForEnd(reply, instance, home, id).Give(storage::ReadMode::kDisk);
    });
    if (!instance_.store().PostRead(std::move(task))) {
      reply_->Give([](wire::Writer&) -> base::Status {
        return Error{Code::kBusy, "BATCH.RESULT: the queue of the storage threads is full"};
      });
    }
  }

 private:
  // False: the disk would have to be read.
  bool Give(storage::ReadMode mode) {
    base::Buffer answer;
    wire::Writer writer(answer);
    const storage::View view(instance_.store(), instance_.clock().Now(), mode);
    base::Status outcome =
        reply_->revoked() ? base::Status(Error{Code::kUnauthenticated,
                                               "the access key of this connection was revoked; "
                                               "send AUTH"})
                          : Answer(instance_, home_, id_, view, writer);
    if (!outcome.ok() && outcome.error().code == Code::kWouldBlock) {
      return false;
    }
    reply_->Give([&](wire::Writer& out) -> base::Status {
      RETURN_IF_ERROR(outcome);
      out.Raw(answer.view());
      return base::Ok{};
    });
    return true;
  }

  std::shared_ptr<LateReply> reply_;
  instance::Instance& instance_;
  storage::NamespaceId home_;
  jobs::TaskId id_;
};

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  ASSIGN_OR_RETURN(const jobs::TaskId id, TicketOf("BATCH.RESULT", args.Bytes(0)));
  const storage::NamespaceId home = context.principal.namespace_id;
  const auto task = context.instance.jobs().View(home, id);
  const bool waits =
      args.IntOr(kWaitMs, 0) > 0 && task.has_value() && task->place != jobs::Place::kDead;
  if (waits && context.on_loop()) {
    return Error{Code::kWouldBlock, "it has to wait"};
  }
  if (!waits || context.deferral == nullptr) {
    return Answer(context.instance, home, id, context.view, reply);
  }
  instance::Instance& instance = context.instance;
  const std::int64_t wait_ms = args.IntOr(kWaitMs, 0);
  const std::uint64_t owner = context.owner;
  const std::shared_ptr<LateReply> late = context.deferral->Take();
  auto receiver = std::make_shared<WaitingForEnd>(late, instance, home, id);
  const auto waiting = instance.jobs().AwaitResult(home, id, owner, wait_ms, receiver);
  if (!waiting.ok()) {
    late->Give([&](wire::Writer&) -> base::Status {
      return Error{waiting.error().code, "BATCH.RESULT: " + waiting.error().detail};
    });
  } else if (!waiting.value()) {
    receiver->Ended();  // It ended just now.
  }
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kBatchResult;
constexpr CommandSpec kBatchResult{
    .name = "BATCH.RESULT",
    .family = Family::kJobs,
    .summary =
        "How a task stands, or its result. Results are kept for jobs.result_ttl_ms. With `wait_ms` "
        "the "
        "answer comes when the task ends, or as it stands when that time is over.",
    .complexity = "O(bytes of the result)",
    .since = "0.2",
    .flags = kRead | kWaits | kIdempotent,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = kOptions,
    .result =
        "{status: \"succeeded\", \"failed\", \"canceled\" or \"expired\", ticket, category, model, "
        "custom_id, attempts, submitted_ms, finished_ms, error, usage, result, cost_nano}; or "
        "{status: "
        "\"queued\", \"leased\" or (a dead letter) \"failed\", ticket, phase: ready, delayed, "
        "deferred, "
        "blocked, paused, leased or dead, category, model, context_key, custom_id, priority, "
        "attempts, "
        "attempts_max, age_ms, not_before_ms, deadline_ms, deferral, after, error; of a leased one "
        "worker, lease_ms}",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
