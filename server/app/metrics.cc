#include "server/app/metrics.h"

#include "server/commands/all.h"
#include "server/commands/version.h"

namespace reprise::app {
namespace {

using telemetry::MetricsText;

constexpr double kMicrosPerSecond = 1e6;

double Double(std::uint64_t number) {
  return static_cast<double>(number);
}
double Double(std::int64_t number) {
  return static_cast<double>(number);
}

void AddCommands(const MetricsSources& sources, MetricsText& text) {
  for (std::size_t i = 0; i < commands::AllCommands().size(); ++i) {
    const telemetry::CommandReading reading = sources.server.telemetry.Collect(i);
    if (reading.calls == 0) {
      continue;
    }
    const MetricsText::Labels labels{{"command", commands::AllCommands()[i]->name}};
    text.Counter("reprise_command_calls_total", "Requests by command.", Double(reading.calls),
                 labels);
    text.Counter("reprise_command_errors_total", "Requests answered with an error, by command.",
                 Double(reading.errors), labels);
    text.Histogram("reprise_command_duration_seconds", "Time from arrival to reply, by command.",
                   reading.latency, labels);
  }
}

void AddConnections(const MetricsSources& sources, MetricsText& text) {
  std::uint64_t accepted = 0;
  std::uint64_t errors = 0;
  for (const loop::Listener* listener : sources.listeners) {
    accepted += listener->accepted();
    errors += listener->accept_errors();
  }
  text.Gauge("reprise_connections", "Open client connections.", Double(sources.budget.open()));
  text.Counter("reprise_connections_accepted_total", "Connections accepted.", Double(accepted));
  text.Counter("reprise_connections_refused_total", "Connections over the limit.",
               Double(sources.budget.refused()));
  text.Counter("reprise_accept_errors_total", "Errors of accept.", Double(errors));
}

void AddLoops(const MetricsSources& sources, MetricsText& text) {
  for (std::size_t i = 0; i < sources.loops.size(); ++i) {
    const loop::LoopStats reading = sources.loops[i]->Stats();
    const std::string index = std::to_string(i);
    const MetricsText::Labels labels{{"loop", index}};
    text.Gauge("reprise_loop_lag_seconds_max", "Longest loop turn since the last reading.",
               Double(reading.lag_micros_max) / kMicrosPerSecond, labels);
    text.Gauge("reprise_loop_lag_seconds_mean", "Mean loop turn since the last reading.",
               Double(reading.lag_micros_mean) / kMicrosPerSecond, labels);
    text.Counter("reprise_loop_turns_total", "Loop turns.", Double(reading.turns), labels);
  }
}

void AddStore(const MetricsSources& sources, MetricsText& text) {
  const storage::StoreStats stats = sources.instance.store().Stats();
  text.Gauge("reprise_store_read_only", "1 while the store refuses writes.",
             stats.read_only ? 1 : 0);
  text.Counter("reprise_store_commits_total", "Batches committed.", Double(stats.commits));
  text.Counter("reprise_store_mutations_total", "Writes committed.",
               Double(stats.committed_mutations));
  text.Counter("reprise_store_failed_commits_total", "Batches that failed.",
               Double(stats.failed_commits));
  text.Counter("reprise_store_syncs_total", "Times the log was put on the medium.",
               Double(stats.syncs));
  text.Counter("reprise_store_sync_seconds_total", "Time spent in that.",
               Double(stats.sync_micros_total) / kMicrosPerSecond);
  text.Gauge("reprise_store_oldest_unsynced_seconds", "Age of the oldest write not on the medium.",
             Double(stats.oldest_unsynced_ms) / 1e3);
  text.Gauge("reprise_store_worst_unsynced_seconds", "The most a power cut could have lost so far.",
             Double(stats.worst_unsynced_ms) / 1e3);
  text.Gauge("reprise_store_clock_skew_seconds", "Wall clock minus server time.",
             Double(stats.clock_skew_ms) / 1e3);
  text.Gauge("reprise_store_write_queue_items", "Writes waiting for the writer.",
             Double(stats.write_queue_items));
  text.Gauge("reprise_store_write_queue_items_peak", "The most that ever waited.",
             Double(stats.write_queue_items_peak));
  text.Gauge("reprise_store_write_queue_bytes", "Bytes waiting for the writer.",
             Double(stats.write_queue_bytes));
  text.Gauge("reprise_store_read_queue_items", "Reads waiting for a storage thread.",
             Double(stats.storage_queue_items));
  text.Counter("reprise_hot_table_hits_total", "Reads answered by the hot table.",
               Double(stats.hot_hits));
  text.Counter("reprise_hot_table_misses_total", "Reads that went to RocksDB.",
               Double(stats.hot_misses));
  text.Gauge("reprise_hot_table_bytes", "Memory of the hot table.", Double(stats.hot_bytes));
  text.Gauge("reprise_hot_table_items", "Values in the hot table.", Double(stats.hot_items));
  text.Counter("reprise_hot_table_evictions_total", "Values that left the hot table.",
               Double(stats.hot_evictions));
  text.Counter("reprise_store_expired_total", "Expired rows removed.", Double(stats.expired_swept));
  text.Gauge("reprise_store_disk_bytes", "Size of the database files.", Double(stats.disk_bytes));
  text.Gauge("reprise_store_memtable_bytes", "Memory of the memtables.",
             Double(stats.memtable_bytes));
}

void AddCache(const MetricsSources& sources, MetricsText& text) {
  const cache::NamespaceStats stats = sources.instance.cache().Total();
  text.Gauge("reprise_cache_entries", "Cache entries of all namespaces.", Double(stats.entries));
  text.Gauge("reprise_cache_index_bytes", "Memory of the cache index.", Double(stats.memory_bytes));
  text.Counter("reprise_cache_foreign_bodies_total",
               "Rows of another namespace found where they must not be; must stay 0.",
               Double(stats.foreign_bodies));
  for (const cache::CounterField& row : cache::kCounterFields) {
    if (row.kind != cache::CounterKind::kFigure) {
      continue;
    }
    for (const cache::AccountStats& type : stats.types) {
      text.Counter("reprise_cache_" + std::string(row.name) + "_total", row.meaning,
                   Double(type.counters.*row.field), {{"type", type.name}});
    }
  }
  text.Gauge("reprise_cache_log_pending", "Records of decisions that are not yet written.",
             Double(stats.log.pending));
  text.Counter("reprise_cache_log_dropped_total",
               "Records of decisions that found too many pending.",
               Double(stats.log.totals.dropped));
}

void AddFlights(const MetricsSources& sources, MetricsText& text) {
  const cache::FlightStats stats = sources.instance.cache().flights().Stats();
  text.Gauge("reprise_cache_flights", "Answers that are being computed.", Double(stats.flights));
  text.Gauge("reprise_cache_waiters", "Callers that wait for them.", Double(stats.waiters));
  text.Counter("reprise_cache_leases_total", "Leases given.", Double(stats.leases_given));
  text.Counter("reprise_cache_leases_handed_over_total",
               "Leases that went on to a waiter, because the holder gave up or went away.",
               Double(stats.handed_over));
  text.Counter("reprise_cache_leases_expired_total", "Leases that were not renewed in time.",
               Double(stats.leases_expired));
  text.Counter("reprise_cache_flights_filled_total", "Leases that were filled.",
               Double(stats.filled));
  text.Counter("reprise_cache_wait_timeouts_total", "Waits that ended by their own deadline.",
               Double(stats.wait_timeouts));
}

void AddControl(const MetricsSources& sources, MetricsText& text) {
  const control::ControlStats stats = sources.instance.control().Stats();
  text.Counter("reprise_guardrail_trips_total", "Times that a guardrail turned strategies off.",
               Double(stats.trips));
  text.Gauge("reprise_guardrails_tripped", "Trips that hold, of all namespaces.",
             Double(stats.tripped));
  text.Counter("reprise_quality_records_total", "Calls of models that were recorded.",
               Double(stats.recorded));
  text.Gauge("reprise_strategy_overrides", "Overrides of strategies, of all namespaces.",
             Double(stats.overrides));
}

void AddJobs(const MetricsSources& sources, MetricsText& text) {
  const jobs::JobsStats stats = sources.instance.jobs().Stats();
  text.Gauge("reprise_jobs_tasks", "Tasks that wait, run or are dead letters.",
             Double(stats.tasks));
  text.Gauge("reprise_jobs_memory_bytes", "Memory of those, without their payloads.",
             Double(stats.memory_bytes));
  text.Gauge("reprise_jobs_waiting_takers", "Workers that wait for a batch.",
             Double(stats.waiting_takers));
  text.Gauge("reprise_jobs_waiting_results", "Callers that wait for a result.",
             Double(stats.waiting_results));
  text.Gauge("reprise_jobs_upkeep_pending", "Rows of jobs that follow what has happened already.",
             Double(stats.upkeep_pending));
}

void AddLimits(const MetricsSources& sources, MetricsText& text) {
  const rate::LimiterStats stats = sources.instance.rate().Total();
  text.Gauge("reprise_limit_keys", "Keys that limits remember.", Double(stats.keys));
  text.Gauge("reprise_limit_leases", "Leases of limits that are held.", Double(stats.leases));
  text.Gauge("reprise_limit_unsaved",
             "Keys and leases of limits that changed since they were saved.",
             Double(stats.unsaved));
  text.Counter("reprise_limit_allowed_total", "Calls that limits allowed.", Double(stats.allowed));
  text.Counter("reprise_limit_denied_total", "Calls that a limit denied.", Double(stats.denied));
  text.Counter("reprise_limit_refused_total",
               "Calls that were refused because the state of limits could not be saved.",
               Double(stats.refused));
}

void AddSpend(const MetricsSources& sources, MetricsText& text) {
  const spend::BudgetStats stats = sources.instance.spend().budgets().Stats();
  text.Gauge("reprise_budgets", "Budgets of all namespaces.", Double(stats.budgets));
  text.Gauge("reprise_budget_reservations", "Reservations of money that nobody has settled.",
             Double(stats.reservations));
  text.Counter("reprise_budget_granted_total", "Reservations granted.", Double(stats.granted));
  text.Counter("reprise_budget_refused_total", "Reservations that a hard budget refused.",
               Double(stats.refused));
  text.Counter("reprise_budget_settled_total", "Reservations committed.", Double(stats.settled));
  text.Counter("reprise_budget_settled_late_total", "Of those, after their lease was over.",
               Double(stats.late));
  text.Counter("reprise_budget_expired_total", "Reservations whose lease ended unsettled.",
               Double(stats.expired));
}

void AddProcess(MetricsText& text) {
  const telemetry::ProcessReading reading = telemetry::ReadProcess();
  text.Counter("process_cpu_seconds_total", "Processor time, user and system.",
               reading.cpu_user_seconds + reading.cpu_system_seconds);
  text.Gauge("process_resident_memory_bytes", "Resident memory.", Double(reading.resident_bytes));
  text.Gauge("process_open_fds", "Open file descriptors.", Double(reading.open_files));
  text.Gauge("process_max_fds", "The most file descriptors allowed.",
             Double(reading.open_files_max));
  text.Gauge("process_threads", "Threads.", Double(reading.threads));
}

}  // namespace

std::string RenderMetrics(const MetricsSources& sources) {
  MetricsText text;
  text.Gauge("reprise_info", "Always 1; the version is a label.", 1,
             {{"version", commands::kServerVersion}});
  AddCommands(sources, text);
  AddConnections(sources, text);
  AddLoops(sources, text);
  AddStore(sources, text);
  AddCache(sources, text);
  AddFlights(sources, text);
  AddControl(sources, text);
  AddLimits(sources, text);
  AddSpend(sources, text);
  AddJobs(sources, text);
  AddProcess(text);
  return text.Take();
}

}  // namespace reprise::app
