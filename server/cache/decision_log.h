// The decision log: one record for each decision about a question, or for a sample of them.
//
//   decision --sampled--> pending records --WriteCounters--> one row for up to kLogRowRecords
//
// Records and counters are written in one transaction, so that after any crash the sum of the
// records is what the counters say (for as long as every decision was recorded and no row has
// expired). A record that finds too many pending, because the store refuses writes, is dropped and
// counted with what it saved: the counters are then larger by exactly that. Prompts, identities and
// answers are never in a record. Bytes: FORMAT.md.
//
// Units: milliseconds, tokens, nano-dollars, ppm. Threads: LogShare any; DecisionLog one owner at a
// time (Space's mutex); ReadDecisionLog a storage thread. Errors: kCorrupt, kIo. Complexity: O(1) a
// decision. Limits: the constants below.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/clock.h"
#include "protocol/base/result.h"
#include "server/cache/row.h"
#include "server/cache/tier.h"
#include "storage/engine/store.h"

namespace reprise::cache {

inline constexpr std::uint32_t kAllPpm = 1'000'000;
inline constexpr std::size_t kLogRowRecords = 4'096;        // most records of one row
inline constexpr std::size_t kLogFlushRecords = 65'536;     // so many pending are written at once
inline constexpr std::size_t kLogPendingRecords = 262'144;  // of all namespaces; 14 MiB
inline constexpr std::size_t kLogPageRecords = 1'000;       // most of one answer
inline constexpr std::size_t kLogExaminedRecords = 65'536;  // most looked at for one answer

// Numbers are stored: append only.
enum class DecisionKind : std::uint8_t { kHit, kStale, kMiss, kBypass, kRefused };
enum class Reason : std::uint8_t {
  kStored,       // an entry answered
  kWaited,       // another caller's answer came
  kUnknown,      // no entry
  kExpired,      // from here on: there was one, but
  kTooOld,       //
  kInvalidated,  //
  kAskedFor,     // the caller wanted no stored answer
  kNoAnswer,     // the fill was empty, an error or cut
  kTooLarge,     // the fill was
  kNoLease,      // the fill came with a lease that had ended, or was never given
  kPolicy,       // the query type or a rule keeps the question out
  kGuarded,      // from here on: the semantic tier had a near entry, but it differs in what matters
  kUnsure,       // it was not likely enough, or not the only one
  kBarred,       // somebody had said that it was wrong
  kNoVector,     // the embedder did not answer
  kVerify,       // it is to be verified
  kTemplate,     // it shared only a template
  kContext,      // long prompts, about different texts
  kTooLong,      // the question was longer than the tier reads
};
std::string_view NameOf(DecisionKind kind);
std::string_view NameOf(Reason reason);

// One decision, with its accounts as numbers (accounts.h).
struct DecisionRecord {
  base::UnixMillis time{0};
  std::uint64_t entry = 0;  // its id; 0: none
  Worth worth;              // what it saved
  std::uint32_t sample_ppm = kAllPpm;
  std::uint16_t type = 0;
  std::uint16_t model = 0;
  std::uint16_t bot = 0;
  DecisionKind kind = DecisionKind::kMiss;
  std::optional<Tier> tier;
  Reason reason = Reason::kUnknown;
};

// Names of the accounts by number. Lifetime: that of the accounts.
struct AccountNames {
  std::vector<std::string_view> types;
  std::vector<std::string_view> models;
  std::vector<std::string_view> bots;
};

// How many records a namespace has had, and what those that are missing would have said.
struct LogTotals {
  std::uint64_t recorded = 0;  // the position of the newest record that was written
  std::uint64_t dropped = 0;
  std::uint64_t dropped_tokens_in = 0;
  std::uint64_t dropped_tokens_out = 0;
  std::uint64_t dropped_cost_nano = 0;

  bool operator==(const LogTotals&) const = default;
};
struct LogStats {
  LogTotals totals;
  std::uint64_t pending = 0;  // records not yet written
};

// What the logs of all namespaces share: the settings, and the bound on pending records.
class LogShare {
 public:
  void Set(std::int64_t sample_ppm, std::int64_t keep_ms);
  std::uint32_t sample_ppm() const { return sample_ppm_.load(std::memory_order_relaxed); }
  std::int64_t keep_ms() const { return keep_ms_.load(std::memory_order_relaxed); }

  // Room for one more record; false when there is none.
  bool Take();
  void Release(std::size_t records) { pending_.fetch_sub(records, std::memory_order_relaxed); }
  std::size_t pending() const { return pending_.load(std::memory_order_relaxed); }
  // Once for each time that kLogFlushRecords is reached.
  bool TakeFlushWanted();

 private:
  std::atomic<std::uint32_t> sample_ppm_{0};
  std::atomic<std::int64_t> keep_ms_{std::int64_t{7} * 86'400'000};
  std::atomic<std::size_t> pending_{0};
  std::atomic<bool> flush_wanted_{false};
};

// The pending records of one namespace.
class DecisionLog {
 public:
  // Which decisions are in a sample follows from `seed`.
  DecisionLog(LogShare& share, std::uint64_t seed) : share_(share), random_(seed) {}

  // Whether a decision is in the sample: the share that is in force, or 0 when it is not.
  std::uint32_t Draw() {
    const std::uint32_t ppm = share_.sample_ppm();
    return ppm != 0 && IsInSample(ppm) ? ppm : 0;
  }
  // Keeps the record of a decision that was drawn.
  void Add(DecisionRecord record);

  struct Taken {
    std::vector<DecisionRecord> records;
    std::uint64_t first = 0;  // position of the first of them; positions begin with 1
    LogTotals totals;         // once they are written
  };
  // All pending records, in order. Each Taken ends with one of the two calls behind it; several
  // taken at a time are put back newest first.
  Taken Take();
  void Written(const Taken& taken);
  void PutBack(Taken taken);
  // Instead of them for what was taken before Forget.
  void Discard(const Taken& taken) { share_.Release(taken.records.size()); }

  void Load(const LogTotals& totals) { totals_ = totals; }
  // The namespace goes: pending records too.
  void Forget();
  LogStats Stats() const { return {totals_, pending_.size() + in_flight_}; }

 private:
  bool IsInSample(std::uint32_t ppm);

  LogShare& share_;
  std::uint64_t random_;
  base::UnixMillis latest_{0};
  std::vector<DecisionRecord> pending_;
  std::size_t in_flight_ = 0;  // taken, and neither written nor put back
  LogTotals totals_;
};

// One row of the family `ledger`: its key holds the position of the last record, so that a scan
// behind a position begins with the row that holds the next one.
std::string LogRowKey(storage::NamespaceId id, std::uint64_t last);
std::string LogRowPrefix(storage::NamespaceId id);
// The rows for `taken`, given one by one: key and value.
struct LogRow {
  std::string key;
  std::string value;
};
std::vector<LogRow> FormatLogRows(storage::NamespaceId id, const DecisionLog::Taken& taken,
                                  const AccountNames& names);
// Row of the family `meta`.
std::string LogTotalsKey(storage::NamespaceId id);
std::string FormatLogTotals(const LogTotals& totals);
base::Result<LogTotals> ParseLogTotals(std::string_view value);

// A record as readers see it.
struct LoggedDecision {
  std::uint64_t position = 0;
  DecisionRecord record;  // its account numbers mean nothing here
  std::string type;
  std::string model;
  std::string bot;
};
struct LogRequest {
  std::uint64_t after = 0;  // records behind this position
  std::size_t limit = kLogPageRecords;
  std::optional<std::string_view> bot;  // only its records
  std::optional<std::string_view> type;
};
struct LogPage {
  std::vector<LoggedDecision> records;
  std::uint64_t next = 0;  // `after` of the next page
  bool more = false;       // there may be more at this moment
};
base::Result<LogPage> ReadDecisionLog(const storage::Store& store, storage::NamespaceId id,
                                      const LogRequest& request, base::UnixMillis now);

}  // namespace reprise::cache
