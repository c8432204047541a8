// Instance: one open data directory with every domain module; the server without a network.
//
// It opens the parts in the right order, hands them out, and does the small periodic work that
// belongs to no single part (writing counters, forgetting expired entries). Tests use it in
// process, and a C++ program may link it.
//
// Threads: accessors any; Tick one thread at a time, not a loop. Errors: those of the store at
// Open. Lifetime: everything handed out lives as long as the Instance.
#pragma once

#include <atomic>
#include <memory>

#include "protocol/base/clock.h"
#include "protocol/base/result.h"
#include "server/access/registry.h"
#include "server/cache/cache.h"
#include "server/config/options.h"
#include "server/control/control.h"
#include "server/instance/flight_timer.h"
#include "server/instance/index_writer.h"
#include "server/instance/job_timer.h"
#include "server/instance/rate_writer.h"
#include "server/jobs/jobs.h"
#include "server/rate/limiter.h"
#include "server/routing/routing.h"
#include "server/semantic/semantic.h"
#include "server/spend/spend.h"
#include "storage/engine/store.h"

namespace reprise::instance {

class Instance {
 public:
  // `clock` is raised to the latest time that the directory has seen.
  static base::Result<std::unique_ptr<Instance>> Open(const config::Config& config,
                                                      base::SystemClock& clock);
  static base::Result<std::unique_ptr<Instance>> OpenWithClock(const config::Config& config,
                                                               const base::Clock& clock);
  // Writes the counters, then closes the store.
  ~Instance();
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;
  Instance(Instance&&) = delete;
  Instance& operator=(Instance&&) = delete;

  storage::Store& store() { return *store_; }
  const storage::Store& store() const { return *store_; }
  cache::Cache& cache() { return *cache_; }
  semantic::Semantic& semantic() { return *semantic_; }
  jobs::Jobs& jobs() { return *jobs_; }
  access::Registry& access() { return *access_; }
  spend::Spend& spend() { return *spend_; }
  control::Control& control() { return *control_; }
  const control::Control& control() const { return *control_; }
  rate::Limiter& rate() { return *rate_; }
  routing::Routing& routing() { return *routing_; }
  const base::Clock& clock() const { return clock_; }

  // Prices for models that the directory has none of its own for; how many models. Before other
  // threads use the instance. Errors: those of reading the file, and kBadRequest.
  base::Result<std::size_t> UsePriceFile(const std::string& path);
  // Takes over live settings of the limits.
  void ConfigureRate(const config::RateOptions& options);
  // Takes over settings that were changed, or a namespace that came.
  void SetJobsOptions(const config::JobsOptions& options);

  // A connection waits for nothing any more: it has gone, or (Expel) its rights have changed, which
  // its waits are told. StopWaiting answers how many there were.
  void Disconnect(std::uint64_t owner);
  void Expel(std::uint64_t owner);
  std::size_t StopWaiting(std::uint64_t owner);

  // What hits saved is in the ledger of money when this returns. Any thread but loops and the
  // writer. A refused write is tried again by the next tick.
  void PostSavings();

  // Periodic work; call it every `counters_flush_ms` or more often.
  void Tick(const config::Config& config);

 private:
  Instance(std::unique_ptr<storage::Store> store, const base::Clock& clock);
  static base::Result<std::unique_ptr<Instance>> Load(std::unique_ptr<storage::Store> store,
                                                      const config::Config& config,
                                                      const base::Clock& clock);
  void WriteCounters();
  void PostSavings(bool all);
  void RecordSaving(const jobs::Saving& saving, storage::Transaction& transaction);
  void WriteRate();
  void WriteRouting(bool all);
  // As WriteCounters, but does not wait. Any thread.
  void SubmitCounters();
  class CountersCall;

  const base::Clock& clock_;
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<access::Registry> access_;
  std::unique_ptr<spend::Spend> spend_;
  std::unique_ptr<control::Control> control_;
  std::unique_ptr<semantic::Semantic> semantic_;
  std::unique_ptr<cache::Cache> cache_;
  std::unique_ptr<rate::Limiter> rate_;
  std::unique_ptr<routing::Routing> routing_;
  std::unique_ptr<RateWriter> rate_writer_;  // before the limiter goes
  std::unique_ptr<jobs::Jobs> jobs_;
  std::unique_ptr<IndexWriter> index_writer_;
  std::unique_ptr<FlightTimer> flight_timer_;  // before the cache goes
  std::unique_ptr<JobTimer> job_timer_;        // before the jobs go
  std::atomic<bool> counters_submitted_{false};
};

}  // namespace reprise::instance
