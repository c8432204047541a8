// BATCH.STATS: what waits, runs, went out, and what it saved.
#include "protocol/wire/reader.h"
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/batch_common.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

enum Option : std::size_t { kCategory, kModel };
constexpr std::array kOptions{kCategoryOption, kQueueModelOption};
constexpr std::array kExamples{
    Example{
        R"(["BATCH.STATS", []])",
        R"({"tasks": 0, "tasks_max": 1000000, "bytes": 0, "bytes_max": 4294967296, "groups": 0, "dead": 0, "waiting_takers": 0, "leases": 0, "oldest_lease_age_ms": 0, "queues": [], "workers": [], "pauses": []})"},
    Example{R"(["BATCH.SUBMIT", [{"payload": 1, "category": "c", "model": "m"}]])", R"("*")"},
    Example{
        R"(["BATCH.STATS", [{"category": "c"}]])",
        R"({"tasks": 1, "tasks_max": "*", "bytes": "*", "bytes_max": "*", "groups": 1, "dead": 0, "waiting_takers": 0, "leases": 0, "oldest_lease_age_ms": 0, "queues": [{"category": "c", "model": "m", "ready": 1, "delayed": 0, "blocked": 0, "leased": 0, "dead": 0, "oldest_age_ms": 0, "paused": false, "calls_max": 0, "wait_p50_ms": null, "wait_p95_ms": null, "wait_p99_ms": null, "service_p50_ms": null, "service_p95_ms": null, "submitted": 1, "succeeded": 0, "failed": 0, "canceled": 0, "expired": 0, "retried": 0, "leases_expired": 0, "deferred": 0, "late": 0, "deadlines_missed": 0, "batches": 0, "items": 0, "batched_share": 0.0, "batch_sizes": "*", "calls_saved": 0.0, "tokens_saved": 0, "cost_saved_nano": 0}], "workers": [], "pauses": []})"},
};

void WriteMaybe(std::string_view name, const std::optional<std::int64_t>& number,
                wire::Writer& reply) {
  reply.Str(name);
  if (number.has_value()) {
    reply.Int(*number);
  } else {
    reply.Nil();
  }
}

void WriteQueue(const jobs::QueueView& queue, std::int64_t now_ms, wire::Writer& reply) {
  const jobs::QueueCounters& counters = queue.counters;
  constexpr double kMillion = 1e6;
  reply.Map(32);
  reply.Field("category", queue.category);
  reply.Field("model", queue.model);
  reply.Field("ready", queue.ready);
  reply.Field("delayed", queue.delayed);
  reply.Field("blocked", queue.blocked);
  reply.Field("leased", queue.leased);
  reply.Field("dead", queue.dead);
  reply.Field("oldest_age_ms", queue.oldest_ready_ms == 0 ? 0 : now_ms - queue.oldest_ready_ms);
  reply.Field("paused", queue.paused);
  reply.Field("calls_max", queue.running_max);
  WriteMaybe("wait_p50_ms", queue.wait_p50_ms, reply);
  WriteMaybe("wait_p95_ms", queue.wait_p95_ms, reply);
  WriteMaybe("wait_p99_ms", queue.wait_p99_ms, reply);
  WriteMaybe("service_p50_ms", queue.service_p50_ms, reply);
  WriteMaybe("service_p95_ms", queue.service_p95_ms, reply);
  reply.Field("submitted", counters.submitted);
  reply.Field("succeeded", counters.succeeded);
  reply.Field("failed", counters.failed);
  reply.Field("canceled", counters.canceled);
  reply.Field("expired", counters.expired);
  reply.Field("retried", counters.retried);
  reply.Field("leases_expired", counters.leases_expired);
  reply.Field("deferred", counters.deferred);
  reply.Field("late", counters.late);
  reply.Field("deadlines_missed", counters.deadlines_missed);
  reply.Field("batches", counters.batches);
  reply.Field("items", counters.items);
  reply.Field("batched_share", counters.items == 0 ? 0.0
                                                   : static_cast<double>(counters.batched_items) /
                                                         static_cast<double>(counters.items));
  reply.Str("batch_sizes");
  reply.Array(counters.batch_sizes.size());
  for (const std::uint64_t count : counters.batch_sizes) {
    reply.Uint(count);
  }
  reply.Field("calls_saved", static_cast<double>(counters.calls_saved_ppm) / kMillion);
  reply.Field("tokens_saved", counters.tokens_saved);
  reply.Field("cost_saved_nano", counters.cost_saved_nano);
}

void WriteWorkers(const std::vector<jobs::WorkerView>& workers, std::int64_t now_ms,
                  wire::Writer& reply) {
  reply.Str("workers");
  reply.Array(workers.size());
  for (const jobs::WorkerView& worker : workers) {
    reply.Map(3);
    reply.Field("worker", worker.name);
    reply.Field("seen_ms_ago", now_ms - worker.seen_ms);
    reply.Field("leases", worker.leases);
  }
}

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  const jobs::Jobs& all = context.instance.jobs();
  const storage::NamespaceId home = context.principal.namespace_id;
  const std::int64_t now_ms = base::ToInt(context.now());
  const jobs::TenantView tenant = all.ViewTenant(home);
  std::vector<jobs::QueueView> queues = all.Queues(home);
  std::erase_if(queues, [&](const jobs::QueueView& queue) {
    return (args.Has(kCategory) && queue.category != args.BytesOr(kCategory, "")) ||
           (args.Has(kModel) && queue.model != args.BytesOr(kModel, ""));
  });
  reply.Map(12);
  reply.Field("tasks", tenant.tasks);
  reply.Field("tasks_max", context.config.jobs.tasks_max);
  reply.Field("bytes", tenant.bytes);
  reply.Field("bytes_max", context.config.jobs.bytes_max);
  reply.Field("groups", tenant.groups);
  reply.Field("dead", tenant.dead);
  reply.Field("waiting_takers", tenant.takers);
  reply.Field("leases", tenant.leases);
  reply.Field("oldest_lease_age_ms",
              tenant.oldest_lease_ms == 0 ? 0 : now_ms - tenant.oldest_lease_ms);
  reply.Str("queues");
  reply.Array(queues.size());
  for (const jobs::QueueView& queue : queues) {
    WriteQueue(queue, now_ms, reply);
  }
  WriteWorkers(all.Workers(home), now_ms, reply);
  const std::vector<jobs::Pause> pauses = all.Pauses(home);
  reply.Str("pauses");
  reply.Array(pauses.size());
  for (const jobs::Pause& pause : pauses) {
    reply.Map(2);
    reply.Field("category", pause.category);
    reply.Field("model", pause.model);
  }
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kBatchStats;
constexpr CommandSpec kBatchStats{
    .name = "BATCH.STATS",
    .family = Family::kJobs,
    .summary =
        "Depth, age, batch sizes, waits, retries and savings of each queue (category and model), "
        "the "
        "workers that were seen, and the pauses in force. Counters are those since the server's "
        "start; "
        "what was saved stands in the ledger.",
    .complexity = "O(ready tasks + queues)",
    .since = "0.2",
    .flags = kRead | kBlocking | kIdempotent,
    .args = {},
    .repeat_from = kNoRepeat,
    .options = kOptions,
    .result =
        "{tasks, tasks_max, bytes, bytes_max, groups, dead, waiting_takers, leases, "
        "oldest_lease_age_ms, queues: [{category, model, ready, delayed, blocked, leased, dead, "
        "oldest_age_ms, paused, calls_max, wait_p50_ms .. wait_p99_ms, service_p50_ms, "
        "service_p95_ms, "
        "submitted .. deadlines_missed, batches, items, batched_share, batch_sizes (of 1, 2, .. 16 "
        "and "
        "more), calls_saved, tokens_saved, cost_saved_nano}], workers: [{worker, seen_ms_ago, "
        "leases}], "
        "pauses: [{category, model}]}",
    .errors = {},
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
