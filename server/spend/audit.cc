#include "server/spend/audit.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "server/calendar/civil.h"
#include "server/spend/day_totals.h"

namespace reprise::spend {
namespace {

using base::Error;
using storage::Family;

constexpr std::size_t kRecordsPerScan = 10'000;

class Problems {
 public:
  explicit Problems(AuditReport& report) : report_(report) {}

  void Add(std::string problem) {
    ++report_.problem_count;
    if (report_.problems.size() < kProblemsShown) {
      report_.problems.push_back(std::move(problem));
    }
  }

 private:
  AuditReport& report_;
};

// One budget, counted anew.
struct Recount {
  Budget budget;  // as it stood at the moment of comparing
  std::int64_t spent_nano = 0;
  std::map<std::int64_t, std::int64_t> buckets{};  // by number
};

// All budgets; records of every namespace are added, in any order.
class BudgetBook {
 public:
  explicit BudgetBook(const std::vector<Budget>& budgets) {
    for (const Budget& budget : budgets) {
      const std::pair key{static_cast<std::uint32_t>(budget.owner), ScopeText(budget.terms.scope)};
      books_[key].push_back({budget});
    }
  }

  void Add(NamespaceId id, const LedgerRecord& record) {
    if (!record.is_call()) {
      return;
    }
    for (const Scope& scope : record.scopes.All()) {
      const NamespaceId owner = scope.kind == ScopeKind::kGlobal ? kServerWide : id;
      const auto found = books_.find({static_cast<std::uint32_t>(owner), ScopeText(scope)});
      if (found != books_.end()) {
        for (Recount& recount : found->second) {
          AddTo(recount, record);
        }
      }
    }
  }

  void Compare(Problems& problems) {
    for (auto& [key, recounts] : books_) {
      for (Recount& recount : recounts) {
        AddBefore(recount);
        const std::int64_t live = recount.budget.balance.spent_nano;
        if (recount.spent_nano != live || !SameBuckets(recount)) {
          problems.Add("budget " + NameOf(recount.budget.terms) + " says " + std::to_string(live) +
                       " nano-dollars, the ledger " + std::to_string(recount.spent_nano));
        }
      }
    }
  }

 private:
  static bool IsInWindow(const Balance& balance, std::int64_t bucket) {
    return bucket <= balance.newest_bucket && bucket >= balance.newest_bucket - kBuckets;
  }

  static void AddTo(Recount& recount, const LedgerRecord& record) {
    const Budget& budget = recount.budget;
    if (record.number <= budget.counted_from) {
      return;
    }
    const PeriodTerms& period = budget.terms.period;
    if (period.kind == PeriodKind::kRolling) {
      const std::int64_t bucket = base::ToInt(record.time) / period.bucket_ms();
      if (IsInWindow(budget.balance, bucket)) {
        recount.buckets[bucket] += record.cost_nano;
        recount.spent_nano += record.cost_nano;
      }
    } else if (period.kind == PeriodKind::kTotal || record.time >= budget.balance.begin) {
      recount.spent_nano += record.cost_nano;
    }
  }

  // What was spent before the ledger is asked.
  static void AddBefore(Recount& recount) {
    const Budget& budget = recount.budget;
    const Balance& before = budget.counted_before;
    const PeriodKind kind = budget.terms.period.kind;
    if (kind == PeriodKind::kTotal ||
        (budget.terms.period.is_calendar() && before.begin == budget.balance.begin)) {
      recount.spent_nano += before.spent_nano;
    }
    if (kind != PeriodKind::kRolling || before.buckets.empty()) {
      return;
    }
    for (std::int64_t bucket = std::max<std::int64_t>(before.newest_bucket - kBuckets, 0);
         bucket <= before.newest_bucket; ++bucket) {
      const std::int64_t nano = before.buckets[static_cast<std::size_t>(bucket % (kBuckets + 1))];
      if (IsInWindow(budget.balance, bucket)) {
        recount.buckets[bucket] += nano;
        recount.spent_nano += nano;
      }
    }
  }

  static bool SameBuckets(const Recount& recount) {
    const std::vector<std::int64_t>& live = recount.budget.balance.buckets;
    std::vector<std::int64_t> counted(live.size(), 0);
    for (const auto& [bucket, nano] : recount.buckets) {
      if (!counted.empty()) {
        counted[static_cast<std::size_t>(bucket % (kBuckets + 1))] += nano;
      }
    }
    return counted == live;
  }

  std::map<std::pair<std::uint32_t, std::string>, std::vector<Recount>> books_;
};

// The totals of one day, from which its records are taken off again until nothing is left.
class DayBook {
 public:
  DayBook(const storage::Store& store, NamespaceId id, AuditReport& report)
      : store_(store), id_(id), report_(report), problems_(report) {}

  // The highest record that the loaded totals count.
  std::uint64_t last_sequence() const { return last_sequence_; }

  base::Status Add(const LedgerRecord& record) {
    DayKey key = DayKeyOf(record);
    if (!day_.has_value() || *day_ != key.day) {
      Close();
      RETURN_IF_ERROR(Load(key.day));
    }
    auto row = rows_.find(key);
    if (row == rows_.end()) {
      key.bot = key.model = key.type = kOther;
      row = rows_.find(key);
    }
    if (row == rows_.end()) {
      problems_.Add(Day() + ": the totals lack record " + std::to_string(record.sequence));
      return base::Ok{};
    }
    if (record.sequence <= row->second.stored.last_sequence &&
        !row->second.counted.Add(TotalsOf(record))) {
      problems_.Add(Day() + ": a sum is beyond 64 bits");
    }
    return base::Ok{};
  }

  void Close() {
    for (const auto& [key, row] : rows_) {
      ++report_.totals;
      if (row.stored != row.counted) {
        problems_.Add(Day() + ": the totals say " + std::to_string(row.stored.cost_nano) +
                      " nano-dollars in " + std::to_string(row.stored.count) + ", the ledger " +
                      std::to_string(row.counted.cost_nano) + " in " +
                      std::to_string(row.counted.count));
      }
    }
    rows_.clear();
    day_.reset();
  }

  // Totals of days that have no record at all.
  base::Status CheckOtherDays() {
    const std::string prefix = RowPrefix(id_, RowKind::kDay);
    return store_.Scan({.family = Family::kLedger, .prefix = prefix, .after = ""}, storage::kNever,
                       [&](const storage::ScanRow& row) {
                         const auto key = ParseDayKey(row.key);
                         // Today's rows may be newer than the walk.
                         if (!key.ok() || (!days_.contains(key.value().day) &&
                                           (days_.empty() || key.value().day < *days_.rbegin()))) {
                           problems_.Add("there are totals of a day without records");
                           return false;
                         }
                         return true;
                       });
  }

 private:
  struct Row {
    DayTotals stored;
    DayTotals counted;
  };

  std::string Day() const {
    return "namespace " + std::to_string(static_cast<std::uint32_t>(id_)) + ", " +
           calendar::DayText(day_.value_or(0));
  }

  base::Status Load(std::int64_t day) {
    day_ = day;
    days_.insert(day);
    std::optional<Error> bad;
    const std::string prefix = DayRowPrefix(id_, day);
    RETURN_IF_ERROR(store_.Scan({.family = Family::kLedger, .prefix = prefix, .after = ""},
                                storage::kNever, [&](const storage::ScanRow& row) {
                                  auto key = ParseDayKey(row.key);
                                  const auto totals = ParseTotals(row.value);
                                  if (!key.ok() || !totals.ok()) {
                                    bad = key.ok() ? totals.error() : key.error();
                                    return false;
                                  }
                                  last_sequence_ =
                                      std::max(last_sequence_, totals.value().last_sequence);
                                  rows_.emplace(std::move(key).value(), Row{totals.value(), {}});
                                  return true;
                                }));
    if (bad.has_value()) {
      problems_.Add(Day() + ": " + bad->detail);
    }
    return base::Ok{};
  }

  const storage::Store& store_;
  const NamespaceId id_;
  AuditReport& report_;
  Problems problems_;
  std::optional<std::int64_t> day_;
  std::map<DayKey, Row> rows_;
  std::set<std::int64_t> days_;
  std::uint64_t last_sequence_ = 0;
};

// The chain of one namespace.
class Walk {
 public:
  Walk(const storage::Store& store, NamespaceId id, BudgetBook& budgets, AuditReport& report)
      : store_(store),
        id_(id),
        budgets_(budgets),
        report_(report),
        problems_(report),
        days_(store, id, report) {}

  base::Status Run(const LedgerHead& head) {
    // Totals that were read later count records behind the head; those are walked as well, by a new
    // scan, which sees them.
    while (sequence_ < std::max(head.sequence, days_.last_sequence())) {
      const std::uint64_t before = sequence_;
      RETURN_IF_ERROR(RunPart(head));
      if (stopped_) {
        return base::Ok{};
      }
      if (sequence_ == before) {
        problems_.Add(Where(sequence_ + 1) + " is missing");
        return base::Ok{};
      }
    }
    days_.Close();
    return days_.CheckOtherDays();
  }

 private:
  std::string Where(std::uint64_t sequence) const {
    return "namespace " + std::to_string(static_cast<std::uint32_t>(id_)) + ": record " +
           std::to_string(sequence);
  }

  base::Status RunPart(const LedgerHead& head) {
    const std::string prefix = RowPrefix(id_, RowKind::kRecord);
    const std::string after = NumberKey(id_, RowKind::kRecord, sequence_);
    std::size_t taken = 0;
    base::Status outcome = base::Ok{};
    RETURN_IF_ERROR(store_.Scan({.family = Family::kLedger, .prefix = prefix, .after = after},
                                storage::kNever, [&](const storage::ScanRow& row) {
                                  outcome = Take(row, head);
                                  return outcome.ok() && !stopped_ && ++taken < kRecordsPerScan &&
                                         sequence_ < std::max(head.sequence, days_.last_sequence());
                                }));
    return outcome;
  }

  base::Status Take(const storage::ScanRow& row, const LedgerHead& head) {
    const std::uint64_t sequence = NumberOf(row.key);
    const auto parsed = ParseRecord(sequence, row.value);
    if (sequence != sequence_ + 1 || !parsed.ok()) {
      problems_.Add(Where(sequence_ + 1) +
                    (parsed.ok() ? " is missing" : " cannot be read, or is missing"));
      stopped_ = true;
      return base::Ok{};
    }
    const LedgerRecord& record = parsed.value().record;
    if (parsed.value().hash != HashOf(sequence, row.value, hash_)) {
      problems_.Add(Where(sequence) + " was changed: its hash does not fit");
      stopped_ = true;
      return base::Ok{};
    }
    if (record.time < time_) {
      problems_.Add(Where(sequence) + " is older than the one before it");
    }
    hash_ = parsed.value().hash;
    time_ = record.time;
    sequence_ = sequence;
    if (sequence == head.sequence && hash_ != head.hash) {
      problems_.Add(Where(sequence) + " is not the one that the head names");
    }
    if (sequence <= head.sequence) {
      ++report_.records;
      budgets_.Add(id_, record);
    }
    return days_.Add(record);
  }

  const storage::Store& store_;
  const NamespaceId id_;
  BudgetBook& budgets_;
  AuditReport& report_;
  Problems problems_;
  DayBook days_;
  Digest hash_{};
  base::UnixMillis time_{0};
  std::uint64_t sequence_ = 0;
  bool stopped_ = false;
};

}  // namespace

base::Result<AuditReport> Audit(storage::Store& store, const Ledger& ledger,
                                const Budgets& budgets) {
  AuditReport report;
  Budgets::Snapshot snapshot;
  // One moment for all: between two transactions nothing moves, and what came before is visible to
  // scans once this one has committed.
  const auto capture = [&](storage::Transaction& transaction) -> base::Status {
    snapshot = budgets.TakeSnapshot(transaction);
    report.heads = ledger.Heads();
    return base::Ok{};
  };
  RETURN_IF_ERROR(store.Run(capture));
  Problems problems(report);
  for (const std::string& name : snapshot.unbalanced) {
    problems.Add("budget " + name + " holds another sum than its reservations");
  }
  BudgetBook book(snapshot.budgets);
  report.budgets = snapshot.budgets.size();
  for (const auto& [id, head] : report.heads) {
    RETURN_IF_ERROR(Walk(store, NamespaceId{id}, book, report).Run(head));
  }
  if (report.problem_count == 0) {  // A broken chain was not read to its end.
    book.Compare(problems);
  }
  return report;
}

}  // namespace reprise::spend
