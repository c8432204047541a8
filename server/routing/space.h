// Space: all that routing knows in one namespace: its learner, which model stands in which column,
// where outcomes stand, how reliable models are of late, the pace, the tallies.
//
// Learning happens on the store's writer thread, after the commit of the outcome's row, in the
// order of events; asking happens on any thread. The lock of the learner is for many readers; the
// one of tallies and pace is held for moments.
//
// Threads: "writer" methods on the store's writer thread; all others any. Locks: two leaves, never
// both. Errors: kCorrupt (Load). Complexity: see learner.h. Lifetime: shared; it may outlive its
// namespace. Limits: those of the learner; outcomes are bounded by the owner.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "protocol/base/clock.h"
#include "protocol/base/mutex.h"
#include "protocol/base/result.h"
#include "protocol/base/shared_mutex.h"
#include "server/routing/catalogue.h"
#include "server/routing/learner.h"
#include "server/routing/outcome_row.h"
#include "server/routing/pacing.h"
#include "server/routing/tallies.h"

namespace reprise::routing {

// What is expected of one model.
struct Expected {
  Estimate estimate;
  double failure_share = 0;     // of late
  std::int64_t latency_ms = 0;  // of late; 0: not known
};

// An outcome that is near, for explanations.
struct NearCase {
  std::uint64_t outcome = 0;
  float similarity = 0;
};

// How a model's quality came about, for explanations; in qualities, as the hashed view has them.
struct LinearTerms {
  double mean = 0;
  std::vector<double> grams;  // as asked for
  std::array<double, kLinearFigures> figures{};
};

class Space {
 public:
  Space(const Learner::Settings& settings, std::uint64_t seed);

  // One for each card.
  struct Query {
    const Input& input;
    std::string_view type;
    const Cards& cards;
    std::span<const double> strengths;
    base::UnixMillis now;
  };
  std::vector<Expected> Ask(const Query& query) const;
  std::vector<NearCase> NearCases(const Input& input, std::size_t count) const;
  LinearTerms Explain(const Input& input, std::span<const std::uint32_t> grams,
                      std::string_view model) const;

  // Pace and chance.
  std::optional<double> PriceFor(double share) const;
  void AddPace(double tips_at, bool is_cheap);
  double Draw();  // 0 to 1
  // Changes the tallies under their lock.
  void Count(const std::function<void(Tallies&)>& change);
  Tallies ReadTallies() const;
  // At the start.
  void SetTallies(Tallies tallies);

  // Writer.
  struct Lesson {
    std::uint64_t number = 0;  // of the outcome
    std::string type;
    Label label;
    const Cards* cards = nullptr;  // whose models keep their columns
  };
  // True: the model has changed, and is learned anew.
  bool Learn(const Input& input, const Lesson& lesson);
  void Forget(std::uint64_t number);
  struct Usage {
    std::string_view model;
    bool failed = false;
    std::optional<std::int64_t> latency_ms;
    base::UnixMillis at{0};
  };
  void NoteUsage(const Usage& usage);
  // What was learned up to here is in Save().
  std::uint64_t learned_event() const;
  std::string Save() const;
  // What Save wrote. False: it is of another version, and nothing was taken.
  bool Load(std::string_view bytes);
  // A row of before, at the start: where it stands. What its labels say is in the snapshot, or is
  // learned by Learn afterwards.
  void Place(std::uint64_t number, const OutcomeRow& row);

  std::size_t bytes() const;
  std::uint64_t drifts() const;
  std::uint64_t outcomes_of(std::string_view model) const;

 private:
  struct Health {
    double failures = 0;  // decaying sums
    double calls = 0;
    double latency_ms = 0;  // decaying mean
    base::UnixMillis at{0};
  };
  static double FailureShare(const Health& health, base::UnixMillis now);

  std::optional<std::size_t> ColumnOf(std::string_view model) const REQUIRES(mutex_);
  std::size_t ColumnFor(const Lesson& lesson) REQUIRES(mutex_);
  std::uint8_t TypeOf(std::string_view type) const REQUIRES(mutex_);
  std::uint8_t TypeFor(std::string_view type) REQUIRES(mutex_);
  std::uint32_t SlotFor(std::uint64_t number) REQUIRES(mutex_);

  mutable base::SharedMutex mutex_;
  Learner learner_ GUARDED_BY(mutex_);
  std::vector<std::string> columns_ GUARDED_BY(mutex_);  // model names
  std::vector<std::string> types_ GUARDED_BY(mutex_);
  std::unordered_map<std::uint64_t, std::uint32_t> slots_ GUARDED_BY(mutex_);  // by outcome
  std::vector<std::uint64_t> numbers_ GUARDED_BY(mutex_);                      // by slot
  std::vector<std::uint32_t> free_slots_ GUARDED_BY(mutex_);
  std::map<std::string, Health, std::less<>> health_ GUARDED_BY(mutex_);

  mutable base::Mutex tallies_mutex_;
  Tallies tallies_ GUARDED_BY(tallies_mutex_);
  Pacing pacing_ GUARDED_BY(tallies_mutex_);
  std::mt19937_64 random_ GUARDED_BY(tallies_mutex_);
};

}  // namespace reprise::routing
