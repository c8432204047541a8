// Limiter: how much of what, and how often. Rate limits of all namespaces.
//
// A limit is given with the call, or has a name: from the configuration (for all namespaces) or set
// at run time (for one). A key of a limit has a count of its own. Three algorithms: gcra (a bucket
// that fills), window (a sliding window), concurrency (leases that end). One call may take of
// several limits: of all of them, or of none.
//
// State lives in memory. What changed is saved in batches (WriteChanges), at the latest
// `rate.flush_ms` after it happened; what cannot be saved in time makes the limiter refuse to grant
// more. So after a crash nothing is granted twice but what was granted in the last
// `rate.flush_ms`. Time is the limiter's own (time_base.h): no clock that is set grants anything.
//
// Threads: any, but WriteChanges and what takes a Transaction run on the writer thread. Errors:
// kBadRequest, kNotFound, kExists, kTooLarge (a limit named in the detail), kBusy (no room for more
// keys or leases; state cannot be saved), kReadOnly. Complexity: O(limits of the call) expected.
// Limits: limits::kRate*. Lifetime: what the store has been given refers to it, so it outlives the
// store.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/clock.h"
#include "protocol/base/mutex.h"
#include "protocol/base/result.h"
#include "server/config/options.h"
#include "server/rate/lease.h"
#include "server/rate/time_base.h"
#include "server/rate/verdict.h"
#include "storage/engine/by_namespace.h"
#include "storage/engine/namespace_id.h"
#include "storage/engine/store.h"

namespace reprise::rate {

// One limit that a call takes of.
struct Want {
  std::string_view key;
  std::string_view rule;  // name of the limit; empty: `given` is the limit
  Rule given;             // complete (config::CompleteRate)
  std::int64_t quantity = 1;
  bool is_counted = false;  // the caller gave the quantity, and may put it right
};

struct TakeOptions {
  // How long the lease lives. 0: as the limits of concurrency say, and no lease without one.
  std::int64_t lease_ms = 0;
  bool must_hold = false;  // the one limit that is asked for has to be of concurrency
};

struct Taken {
  bool allowed = false;
  std::size_t decisive = 0;  // the limit that blocks longest, or the one that is nearest to its end
  std::optional<LeaseId> lease;
  std::int64_t lease_ms = 0;
};

// What a release put right, the least of all limits that were taken with a quantity.
struct Corrected {
  std::int64_t given_back = 0;
  std::int64_t charged = 0;
};

using RuleMap = std::map<std::string, Rule, std::less<>>;

struct NamedRule {
  std::string name;
  Rule rule;
  bool is_configured = false;
};

struct LimiterStats {
  std::uint64_t keys = 0;    // that are remembered
  std::uint64_t leases = 0;  // that are held
  std::uint64_t allowed = 0;
  std::uint64_t denied = 0;
  std::uint64_t refused = 0;   // while state could not be saved; of all namespaces
  std::uint64_t unsaved = 0;   // keys and leases that changed since they were saved
  std::uint64_t segments = 0;  // rows that hold the saved state
};

class Limiter {
 public:
  // Reads what was saved. `seed` must not be known to clients.
  static base::Result<std::unique_ptr<Limiter>> Load(
      const storage::Store& store, const std::vector<storage::NamespaceId>& namespaces,
      const config::RateOptions& options, const base::Clock& clock, std::uint64_t seed);
  ~Limiter();
  Limiter(const Limiter&) = delete;
  Limiter& operator=(const Limiter&) = delete;
  Limiter(Limiter&&) = delete;
  Limiter& operator=(Limiter&&) = delete;

  // Takes over new settings.
  void Configure(const config::RateOptions& options);

  // Takes of all, or of none. `verdicts` has a place for each of the wants: when all was taken,
  // what is left; else what each said.
  base::Result<Taken> Take(storage::NamespaceId id, std::span<const Want> wants,
                           const TakeOptions& options, std::span<Verdict> verdicts);
  // What Take would say; nothing is taken.
  base::Result<Taken> Peek(storage::NamespaceId id, std::span<const Want> wants,
                           std::span<Verdict> verdicts);
  // Charges what was used already, also when it is not free. Not of a limit of concurrency. In the
  // verdict `retry_after_ms` is until one unit is free.
  base::Result<Verdict> Adjust(storage::NamespaceId id, const Want& want);
  // How long it lives from now. `lease_ms` 0: as long as before.
  base::Result<std::int64_t> Renew(storage::NamespaceId id, std::string_view lease,
                                   std::int64_t lease_ms);
  // Ends a lease. `used`: what was really used of the limits that were taken with a quantity; more
  // is charged, less is given back as far as that cannot grant more than the limit.
  base::Result<Corrected> Release(storage::NamespaceId id, std::string_view lease,
                                  const std::optional<std::int64_t>& used);

  // `rule` is complete. kExists for a name of the configuration.
  base::Status SetRule(storage::NamespaceId id, std::string_view name, const Rule& rule,
                       storage::Transaction& transaction);
  // False when there was none.
  base::Result<bool> DeleteRule(storage::NamespaceId id, std::string_view name,
                                storage::Transaction& transaction);
  std::vector<NamedRule> Rules(storage::NamespaceId id);

  // How many batches it takes to save what has changed; 0: all is saved.
  std::size_t BatchesToWrite() const;
  // Busy buckets are saved with a sixty-fourth of their burst taken beforehand, so that they need
  // not be saved each time.
  void WriteChanges(storage::Transaction& transaction);
  // The last batches, before the store is closed: everything as it is. Nothing is taken any more.
  void BeginExact();
  // Forgets keys that are idle and leases that are over, some at a time.
  void Reclaim();
  // State cannot be saved: from now on nothing is granted, but this answered.
  void Refuse(base::Error reason);
  void Resume();

  // Everything of a namespace that is removed.
  void Drop(storage::NamespaceId id, storage::Transaction& transaction);

  LimiterStats Stats(storage::NamespaceId id) const;
  LimiterStats Total() const;

 private:
  struct Shared;
  class Space;

  Limiter(const TimeBase& time, std::uint64_t seed);
  Space* Find(storage::NamespaceId id) const;
  Space& FindOrMake(storage::NamespaceId id);
  std::shared_ptr<const RuleMap> Configured() const;
  base::Status MayGrant() const;

  const TimeBase time_;
  const std::unique_ptr<Shared> shared_;
  storage::ByNamespace<Space> spaces_;
  mutable base::Mutex mutex_;
  std::shared_ptr<const RuleMap> configured_ GUARDED_BY(mutex_);
  std::atomic<bool> refuses_{false};
  std::optional<base::Error> reason_ GUARDED_BY(mutex_);
  mutable std::atomic<std::uint64_t> refused_{0};
};

}  // namespace reprise::rate
