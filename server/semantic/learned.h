// Learned: the evidence of all namespaces, and what budgets allow by it.
//
// Evidence is of a namespace, a query type and an embedder: the probabilities of one embedder's
// hits say nothing of another's. What is learned of an embedder that does not run any more is kept,
// for the day it comes back.
//
// Threads: readers any; one mutex, a leaf. Add, Learn and DropNamespace inside a transaction, on
// the store's writer: memory is changed with the row. A commit that fails leaves memory ahead of
// the rows until the next start. Errors: kCorrupt (a row that cannot be read), those of the store.
// Complexity: O(1), a new threshold O(kBins). Limits: kRulingsMax thresholds are kept.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "protocol/base/mutex.h"
#include "protocol/base/result.h"
#include "server/semantic/budget.h"
#include "server/semantic/evidence.h"
#include "server/semantic/fingerprint.h"
#include "server/semantic/prior.h"
#include "storage/engine/namespace_id.h"
#include "storage/engine/store.h"

namespace reprise::semantic {

// What evidence is kept of.
struct Topic {
  storage::NamespaceId namespace_id{0};
  FingerprintHash embedder{0};
  std::string type;

  auto operator<=>(const Topic&) const = default;
};

// What there is to say of a topic, for people.
struct Report {
  Ruling ruling;
  Estimate verified;
  std::uint64_t evidence = 0;  // pairs from all sources
};

class Learned {
 public:
  base::Status Load(const storage::Store& store);

  // What is known before there is evidence: the embedder's, in this setting.
  struct Before {
    const Tally& prior;
    Setting setting;
  };
  Ruling RulingOf(const Topic& topic, const Before& before, double max_error) const;
  Report ReportOf(const Topic& topic, const Before& before, double max_error) const;

  struct Verdict {
    Source source = Source::kFeedback;
    double probability = 0;
    bool is_good = false;
  };
  void Add(const Topic& topic, const Verdict& verdict, storage::Transaction& transaction);
  // Labelled pairs; `replace` forgets earlier ones.
  void Learn(const Topic& topic, const Tally& pairs, bool replace,
             storage::Transaction& transaction);
  void DropNamespace(storage::NamespaceId id, storage::Transaction& transaction);

 private:
  void Write(const Topic& topic, storage::Transaction& transaction) REQUIRES(mutex_);

  mutable base::Mutex mutex_;
  std::map<Topic, Evidence> evidence_ GUARDED_BY(mutex_);
  // By budget in ppm, forgotten when evidence changes.
  mutable std::map<std::tuple<Topic, Setting, std::int64_t>, Ruling> rulings_ GUARDED_BY(mutex_);
};

}  // namespace reprise::semantic
