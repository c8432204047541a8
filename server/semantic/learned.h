// Learned: the evidence of all namespaces, and what budgets allow by it.
//
// Evidence is of a namespace, a query type and an embedder: the probabilities of one embedder's
// hits say nothing of another's. What is learned of an embedder that does not run any more is kept,
// for the day it comes back. A labelled pair is evidence once, however often it is given.
//
// Threads: readers any; one mutex, a leaf. Add, Learn and DropNamespace inside a transaction, on
// the store's writer: memory is changed with the row. A commit that fails leaves memory ahead of
// the rows until the next start. Errors: kCorrupt (a row that cannot be read), kTooLarge, those of
// the store. Complexity: O(1), a new threshold O(kBins). Limits: kRulingsMax thresholds are kept;
// kLabelledPairsMax pairs a topic.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_set>
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

// Labelled pairs that are remembered of one topic.
inline constexpr std::size_t kLabelledPairsMax = 200'000;

// A pair of questions that the tier judged, and whether the answer of one serves the other.
struct LabelledPair {
  std::uint64_t hash = 0;  // of both texts and the label
  double probability = 0;
  bool is_right = false;

  static std::uint64_t HashOf(std::string_view stored, std::string_view asked, bool is_right);
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
  // `replace` forgets earlier pairs. Answers how many were known already. kTooLarge beyond
  // kLabelledPairsMax.
  base::Result<std::uint64_t> Learn(const Topic& topic, std::span<const LabelledPair> pairs,
                                    bool replace, storage::Transaction& transaction);
  void DropNamespace(storage::NamespaceId id, storage::Transaction& transaction);

 private:
  base::Status LoadEvidence(std::string_view key, std::string_view row);
  base::Status LoadLabelled(std::string_view key, std::string_view row);
  void Write(const Topic& topic, storage::Transaction& transaction) REQUIRES(mutex_);

  mutable base::Mutex mutex_;
  std::map<Topic, Evidence> evidence_ GUARDED_BY(mutex_);
  // Hashes of the labelled pairs that are counted in it.
  std::map<Topic, std::unordered_set<std::uint64_t>> labelled_ GUARDED_BY(mutex_);
  // By budget in ppm, forgotten when evidence changes.
  mutable std::map<std::tuple<Topic, Setting, std::int64_t>, Ruling> rulings_ GUARDED_BY(mutex_);
};

}  // namespace reprise::semantic
