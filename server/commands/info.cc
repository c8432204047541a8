// INFO: the state of the server in sections.
#include <algorithm>
#include <array>
#include <string_view>

#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/server_common.h"
#include "server/commands/server_state.h"
#include "server/commands/spec.h"
#include "server/commands/version.h"

namespace reprise::commands {
namespace {

constexpr std::array kArgs{ArgSpec{
    .name = "section",
    .kind = ArgKind::kText,
    .doc = "server, clients, store, cache, semantic, spend, limits or process; all when not "
           "given",
    .required = false,
    .min = 1,
    .max = 64}};

void WriteServer(const Context& context, wire::Writer& reply) {
  const ServerState& server = *context.server;
  reply.Map(5);
  reply.Field("version", kServerVersion);
  reply.Field("started_at_ms", base::ToInt(server.started_at));
  reply.Field("uptime_ms", context.now() - server.started_at);
  reply.Field("now_ms", base::ToInt(context.now()));
  reply.Field("namespaces", context.instance.access().Namespaces().size());
}

void WriteClients(const Context& context, wire::Writer& reply) {
  reply.Map(2);
  reply.Field("connected", context.server->clients.size());
  reply.Field("connections_max", context.config.network.connections_max);
}

void WriteStore(const Context& context, wire::Writer& reply) {
  constexpr std::array<std::string_view, 3> kModes{"always", "interval", "none"};
  const storage::StoreStats stats = context.instance.store().Stats();
  reply.Map(24);
  reply.Field("durability", kModes[static_cast<std::size_t>(context.config.store.durability)]);
  reply.Field("sync_interval_ms", context.config.store.sync_interval_ms);
  reply.Field("read_only", stats.read_only);
  reply.Field("read_only_reason", stats.read_only_reason);
  reply.Field("sequence", stats.sequence);
  reply.Field("durable_sequence", stats.durable_sequence);
  reply.Field("oldest_unsynced_ms", stats.oldest_unsynced_ms);
  reply.Field("worst_unsynced_ms", stats.worst_unsynced_ms);
  reply.Field("clock_skew_ms", stats.clock_skew_ms);
  reply.Field("recovery_ms", stats.recovery_ms);
  reply.Field("commits", stats.commits);
  reply.Field("committed_mutations", stats.committed_mutations);
  reply.Field("failed_commits", stats.failed_commits);
  reply.Field("syncs", stats.syncs);
  reply.Field("write_queue_items", stats.write_queue_items);
  reply.Field("write_queue_items_peak", stats.write_queue_items_peak);
  reply.Field("hot_hits", stats.hot_hits);
  reply.Field("hot_misses", stats.hot_misses);
  reply.Field("hot_items", stats.hot_items);
  reply.Field("hot_bytes", stats.hot_bytes);
  reply.Field("expired_swept", stats.expired_swept);
  reply.Field("disk_bytes", stats.disk_bytes);
  reply.Field("memtable_bytes", stats.memtable_bytes);
  reply.Field("keys_estimate", stats.keys_estimate);
}

void WriteCache(const Context& context, wire::Writer& reply) {
  const cache::NamespaceStats stats =
      context.instance.cache().Stats(context.principal.namespace_id);
  // Of the whole server: INFO is for administrators.
  const cache::FlightStats flights = context.instance.cache().flights().Stats();
  cache::Counters sum;
  for (const cache::AccountStats& type : stats.types) {
    sum.Add(type.counters);
  }
  reply.Map(16);
  reply.Field("entries", stats.entries);
  reply.Field("entries_max", context.config.cache.entries_max);
  reply.Field("memory_bytes", stats.memory_bytes);
  reply.Field("flights", flights.flights);
  reply.Field("waiters", flights.waiters);
  reply.Field("leases_given", flights.leases_given);
  reply.Field("leases_handed_over", flights.handed_over);
  reply.Field("leases_expired", flights.leases_expired);
  reply.Field("flights_filled", flights.filled);
  reply.Field("wait_timeouts", flights.wait_timeouts);
  reply.Field("lookups", sum.lookups());
  reply.Field("hits", sum.hits_exact + sum.hits_normalized + sum.hits_semantic);
  reply.Field("stale", sum.stale);
  reply.Field("misses", sum.misses);
  reply.Field("log_pending", stats.log.pending);
  reply.Field("log_dropped", stats.log.totals.dropped);
}

std::string_view NameOf(const semantic::Filling& filling) {
  if (filling.is_loading) {
    return "reading";
  }
  return filling.is_embedding ? "embedding" : "no";
}

void WriteSemantic(const Context& context, wire::Writer& reply) {
  const semantic::SemanticStats stats = context.instance.semantic().Stats();
  reply.Map(28);
  reply.Field("embedder", stats.embedder);
  reply.Field("fingerprint", stats.fingerprint);
  reply.Field("warning", stats.warning);
  reply.Field("vectors", stats.index.entries);
  reply.Field("partitions", stats.index.partitions);
  reply.Field("graphs", stats.index.graphs);
  reply.Field("memory_bytes", stats.index.bytes);
  reply.Field("build_left", stats.index.build_left);
  reply.Field("queued", stats.queued);
  reply.Field("reconciling", stats.filling.is_loading || stats.filling.is_embedding);
  reply.Field("embedded", stats.embedded);
  reply.Field("failed", stats.failed);
  reply.Field("quarantined", stats.quarantined);
  reply.Field("snapshots", stats.snapshots);
  reply.Field("audited", stats.audited);
  reply.Field("unreachable", stats.unreachable);
  reply.Field("repaired", stats.repaired);
  reply.Field("dead", stats.index.dead);
  reply.Field("filling", NameOf(stats.filling));
  reply.Field("filled", stats.filling.total - std::min(stats.filling.left, stats.filling.total));
  reply.Field("filled_of", stats.filling.total);
  reply.Field("filled_per_second", stats.filling.per_second);
  reply.Field("filled_in_ms", stats.filling.left_ms());
  reply.Field("old_embedder", stats.replaced.embedder);
  reply.Field("old_fingerprint", stats.replaced.fingerprint);
  reply.Field("old_warning", stats.replaced.warning);
  reply.Field("old_vectors", stats.replaced.index.entries);
  reply.Field("old_memory_bytes", stats.replaced.index.bytes);
}

void WriteSpend(const Context& context, wire::Writer& reply) {
  const spend::BudgetStats stats = context.instance.spend().budgets().Stats();
  reply.Map(10);
  reply.Field("priced_models", context.instance.spend().prices().models());
  reply.Field("budgets", stats.budgets);
  reply.Field("reservations", stats.reservations);
  reply.Field("reserved_nano", stats.reserved_nano);
  reply.Field("granted", stats.granted);
  reply.Field("refused", stats.refused);
  reply.Field("settled", stats.settled);
  reply.Field("released", stats.released);
  reply.Field("expired", stats.expired);
  reply.Field("settled_late", stats.late);
}

void WriteLimits(const Context& context, wire::Writer& reply) {
  const rate::LimiterStats stats = context.instance.rate().Stats(context.principal.namespace_id);
  reply.Map(8);
  reply.Field("keys", stats.keys);
  reply.Field("keys_max", context.config.rate.keys_max);
  reply.Field("leases", stats.leases);
  reply.Field("allowed", stats.allowed);
  reply.Field("denied", stats.denied);
  reply.Field("refused", stats.refused);
  reply.Field("unsaved", stats.unsaved);
  reply.Field("segments", stats.segments);
}

void WriteJobs(const Context& context, wire::Writer& reply) {
  // Of the whole server: INFO is for administrators.
  const jobs::JobsStats stats = context.instance.jobs().Stats();
  reply.Map(6);
  reply.Field("tasks", stats.tasks);
  reply.Field("tasks_max", context.config.jobs.total_tasks_max);
  reply.Field("memory_bytes", stats.memory_bytes);
  reply.Field("waiting_takers", stats.waiting_takers);
  reply.Field("waiting_results", stats.waiting_results);
  reply.Field("upkeep_pending", stats.upkeep_pending);
}

void WriteProcess(const Context& /*context*/, wire::Writer& reply) {
  const telemetry::ProcessReading reading = telemetry::ReadProcess();
  reply.Map(6);
  reply.Field("cpu_user_seconds", reading.cpu_user_seconds);
  reply.Field("cpu_system_seconds", reading.cpu_system_seconds);
  reply.Field("resident_bytes", reading.resident_bytes);
  reply.Field("open_files", reading.open_files);
  reply.Field("open_files_max", reading.open_files_max);
  reply.Field("threads", reading.threads);
}

struct Section {
  std::string_view name;
  void (*write)(const Context&, wire::Writer&);
};
constexpr std::array kSections{
    Section{"server", &WriteServer},     Section{"clients", &WriteClients},
    Section{"store", &WriteStore},       Section{"cache", &WriteCache},
    Section{"semantic", &WriteSemantic}, Section{"spend", &WriteSpend},
    Section{"limits", &WriteLimits},     Section{"jobs", &WriteJobs},
    Section{"process", &WriteProcess}};

constexpr std::array kErrors{base::Code::kBadRequest};

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  RETURN_IF_ERROR(RequireServer(context));
  if (args.size() == 0) {
    reply.Map(kSections.size());
    for (const Section& section : kSections) {
      reply.Str(section.name);
      section.write(context, reply);
    }
    return base::Ok{};
  }
  for (const Section& section : kSections) {
    if (section.name == args.Bytes(0)) {
      reply.Map(1);
      reply.Str(section.name);
      section.write(context, reply);
      return base::Ok{};
    }
  }
  return base::Error{base::Code::kBadRequest,
                     "INFO: 'section' must be server, clients, store, cache, semantic, spend, "
                     "limits, jobs or process"};
}

}  // namespace

extern const CommandSpec kInfo;
constexpr CommandSpec kInfo{
    .name = "INFO",
    .family = Family::kServer,
    .summary =
        "The state of the server: versions, clients, storage, cache, semantic tier, money, limits, "
        "jobs, process.",
    .complexity = "O(1)",
    .since = "0.1",
    .flags = kAdmin | kIdempotent,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = {},
    .result = "{section: {field: value}}",
    .errors = kErrors,
    .examples = {},
    .run = &Run,
};

}  // namespace reprise::commands
