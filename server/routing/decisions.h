// Decisions: what ROUTE.SELECT chose of late, so that feedback can name it.
//
// A decision's number is random: nobody can teach with decisions that he was not given. Feedback
// may come for several models of one decision, once for each.
//
// Threads: any; one mutex, a leaf. Errors: none. Complexity: O(1), O(log n) in a namespace. Limits:
// kDecisionsMax a namespace, kDecisionsTotalMax in all (shares.h), about 1.5 KB each; the oldest
// goes, and every one after its time. They do not outlive a restart: feedback that comes later
// gives the prompt instead.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "protocol/base/clock.h"
#include "protocol/base/mutex.h"
#include "server/routing/features.h"
#include "server/routing/shares.h"
#include "storage/engine/namespace_id.h"

namespace reprise::routing {

inline constexpr std::size_t kDecisionsMax = 20'000;
inline constexpr std::size_t kDecisionsTotalMax = 50'000;

// A model as it stood when the choice was made.
struct Considered {
  std::string model;
  float quality = 0;     // expected
  float propensity = 0;  // the probability that it would be chosen
  float strength = 0;    // among the models then
  std::int64_t cost_nano = 0;
};

struct Decision {
  storage::NamespaceId namespace_id{0};
  std::string type;
  Features features;
  std::string excerpt;  // the beginning of the prompt
  std::string chosen;
  std::string strongest;  // of those considered
  float score = 0;        // of the cheap model, 0 to 1
  std::string scored;     // the model whose score that is
  std::vector<Considered> considered;
  base::UnixMillis at{0};
  std::uint64_t outcome = 0;          // number of its row; 0: nothing was learned yet
  std::vector<std::string> judged{};  // models that feedback came for

  const Considered* Find(std::string_view model) const;
};

class Decisions {
 public:
  // The number that names it, never 0.
  std::uint64_t Remember(Decision decision, std::int64_t ttl_ms);
  // A copy. Absent: unknown, too old, or of another namespace.
  std::optional<Decision> Find(storage::NamespaceId id, std::uint64_t number, base::UnixMillis now,
                               std::int64_t ttl_ms) const;
  // Feedback for `model` came, and was learned into the row `outcome` (0: into none).
  void Note(std::uint64_t number, const std::string& model, std::uint64_t outcome);
  // It could not be written: `outcome` is what it was before.
  void TakeBack(std::uint64_t number, const std::string& model, std::uint64_t outcome);
  void DropNamespace(storage::NamespaceId id);
  std::size_t size() const;

 private:
  using Order = std::deque<std::uint64_t>;  // the oldest in front
  void Forget(storage::NamespaceId id) REQUIRES(mutex_);

  mutable base::Mutex mutex_;
  std::unordered_map<std::uint64_t, Decision> decisions_ GUARDED_BY(mutex_);
  std::map<storage::NamespaceId, Order> orders_ GUARDED_BY(mutex_);
  Shares shares_ GUARDED_BY(mutex_){{kDecisionsMax, kDecisionsTotalMax}};
};

}  // namespace reprise::routing
