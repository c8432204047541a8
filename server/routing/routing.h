// Routing: which model answers a prompt, and what was learned from how it went.
//
//   prompt --Reader--> features --Space--> expected quality of each model --Rank--> a model
//   outcome --transaction: its row--> commit --> the namespace's Space learns
//
// Everything is of one namespace; nothing that one has learned reaches another. Before there is
// evidence the shipped prior decides. Embedding a prompt, budgets and price tables are other
// modules' work: vectors, pressure and prices come in with the call.
//
// Threads: Select, Score, reads: any. Feedback, Teach, SetModel, DeleteModel, Drop: inside a
// transaction, on the store's writer. Tick: one thread at a time, no loop. Errors: kNotFound (no
// model, unknown or old decision), kBadRequest, kExists (judged before), kTooLarge, kCorrupt, those
// of the store. Complexity: Select about 60 us at 100,000 outcomes (README.md). Limits: those of
// RoutingOptions, catalogue.h, decisions.h, conversations.h. Lifetime: the store outlives it.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
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
#include "server/routing/catalogue.h"
#include "server/routing/choice.h"
#include "server/routing/conversations.h"
#include "server/routing/decisions.h"
#include "server/routing/reader.h"
#include "server/routing/score.h"
#include "server/routing/shares.h"
#include "server/routing/space.h"
#include "storage/engine/namespace_id.h"
#include "storage/engine/store.h"
#include "storage/engine/view.h"

namespace reprise::routing {

struct SelectRequest {
  Prompt prompt;
  std::string_view type;                 // query type; empty: none
  std::vector<std::string_view> models;  // empty: all of the catalogue
  CostOfCall cost_of;
  Wish wish;                          // tokens, needs and bounds; its rest is filled in
  bool critical = false;              // quality first, whatever the mix
  std::optional<double> quality_min;  // absent: the configured floor
  std::string_view conversation;      // empty: none
  double pressure = 0;                // of the budget; 1 and above: it is spent
  // Not kOn: the strongest model answers; kShadow tells who would have.
  config::TierMode mode = config::TierMode::kOn;
};

struct Selection {
  std::uint64_t decision = 0;
  std::string model;
  double score = 0;  // 0 to 100: the chance that the cheap model is not good enough
  Level level = Level::kSimple;
  double confidence = 0;  // 0 to 1: how much of it was learned here
  double quality = 0;     // expected of `model`
  double gain = 0;        // of the strongest model over the cheapest, in quality
  std::int64_t cost_nano = 0;
  double propensity = 1;  // the probability with which `model` was chosen
  std::string reason;
  std::string would;                   // in shadow: the model that would have answered
  std::vector<std::string> fallbacks;  // when the model fails, in this order
};

// Why a score is what it is.
struct Factor {
  std::string name;
  double points = 0;  // of the score
};
struct PastCase {
  std::uint64_t outcome = 0;
  double similarity = 0;
  std::string excerpt;
  std::vector<Label> labels;
};
struct ModelScore {
  std::string model;
  double score = 0;
  Estimate estimate;
};
struct Explanation {
  std::string model;  // whose score it is; empty: a cheap one that nobody has named
  double score = 0;
  Level level = Level::kSimple;
  double confidence = 0;
  double gain = 0;
  std::vector<ModelScore> models;
  std::vector<Factor> factors;  // the heaviest first
  std::vector<PastCase> cases;  // the nearest first
};
struct ScoreRequest {
  Prompt prompt;
  std::string_view type;
  std::string_view model;  // empty: the cheapest
  CostOfCall cost_of;
  std::size_t factors_max = 8;
  std::size_t cases_max = 3;
};

struct FeedbackRequest {
  std::uint64_t decision = 0;
  std::string_view model;  // empty: the chosen one
  std::optional<double> quality;
  bool failed = false;  // the call failed
  std::optional<std::int64_t> latency_ms;
  std::optional<std::int64_t> tokens_in;
  std::optional<std::int64_t> tokens_out;
  std::optional<std::int64_t> cost_nano;  // what it cost; absent: by the tokens
  CostOfCall cost_of;
};
struct FeedbackResult {
  std::string model;
  bool learned = false;       // it had a quality
  std::uint64_t outcome = 0;  // number of the row; 0: none
};

// A prompt with the qualities of models, from elsewhere: logs, an evaluation.
struct Example {
  Features features;
  std::string excerpt;
  std::string type;
  struct Quality {
    std::string model;
    float quality = 0;
    float strength = 0.5F;  // of the model among the others
  };
  std::vector<Quality> qualities;
};

struct RoutingStats {
  Tallies tallies;
  std::uint64_t outcomes = 0;
  std::uint64_t outcomes_max = 0;
  std::uint64_t drifts = 0;
  std::uint64_t memory_bytes = 0;
  std::map<std::string, std::uint64_t> learned;  // outcomes by model, since it changed last
};

class Routing {
 public:
  static base::Result<std::unique_ptr<Routing>> Load(storage::Store& store,
                                                     const config::RoutingOptions& options,
                                                     std::uint64_t seed);

  // Any thread.
  const Reader& reader() const { return reader_; }
  CardsPtr Models(storage::NamespaceId id) const { return catalogue_.ListOf(id); }
  base::Result<Selection> Select(storage::NamespaceId id, const SelectRequest& request,
                                 const config::RoutingOptions& options, base::UnixMillis now);
  // Reads the rows of past cases through `view`, which may answer kWouldBlock.
  base::Result<Explanation> Score(storage::NamespaceId id, const ScoreRequest& request,
                                  const config::RoutingOptions& options,
                                  const storage::View& view) const;
  RoutingStats Stats(storage::NamespaceId id, const config::RoutingOptions& options) const;

  // Inside a transaction. A change of the catalogue is seen at once, and taken back when its commit
  // fails.
  base::Result<bool> SetModel(Catalogue::Owner owner, const ModelCard& card,
                              storage::Transaction& transaction) {
    return catalogue_.Set(owner, card, transaction);
  }
  base::Status DeleteModel(Catalogue::Owner owner, std::string_view name,
                           storage::Transaction& transaction) {
    return catalogue_.Delete(owner, name, transaction);
  }
  base::Result<FeedbackResult> Feedback(storage::NamespaceId id, const FeedbackRequest& request,
                                        const config::RoutingOptions& options,
                                        storage::Transaction& transaction);
  // Answers how many labels were learned.
  base::Result<std::size_t> Teach(storage::NamespaceId id, std::span<Example> examples,
                                  const config::RoutingOptions& options,
                                  storage::Transaction& transaction);
  void DropNamespace(storage::NamespaceId id, storage::Transaction& transaction);

  // Periodic work: tallies, and weights of what has learned enough since they were written. With
  // `all`, weights of everything that has learned anything.
  bool HasUnwritten(bool all);
  void Write(bool all, storage::Transaction& transaction);

 private:
  // A namespace.
  struct Home {
    Home(const Learner::Settings& settings, std::uint64_t seed) : space(settings, seed) {}
    Space space;
    // The writer's alone.
    std::deque<std::uint64_t> numbers;  // of outcomes, the oldest in front
    std::uint64_t next_number = 1;
    std::uint64_t next_event = 1;
    std::size_t chunks = 0;  // of written weights
    // Labels that the written weights lack; any thread reads.
    std::atomic<std::uint64_t> unsaved{0};
    std::atomic<std::uint64_t> outcomes{0};
    std::atomic<bool> has_new_tallies{false};
    int waited = 0;  // ticks that a few unsaved labels have waited; Tick's alone
  };
  using HomePtr = std::shared_ptr<Home>;

  // The models of a call, and what is expected of each.
  struct Field {
    CardsPtr cards;
    std::vector<double> strengths;
    std::vector<Expected> expected;
    std::vector<Candidate> candidates;
  };
  struct Verdict;

  Routing(storage::Store& store, const config::RoutingOptions& options, std::uint64_t seed);
  base::Status LoadSpaces();
  base::Status LoadSpace(storage::NamespaceId id);
  base::Status LoadOutcomes(storage::NamespaceId id, Home& home);
  void Relearn(Home& home, std::vector<std::pair<std::uint64_t, OutcomeRow>> rows,
               const Cards& cards) const;

  static void WriteWeights(storage::NamespaceId id, const HomePtr& home,
                           storage::Transaction& transaction);

  HomePtr Find(storage::NamespaceId id) const;
  HomePtr FindOrMake(storage::NamespaceId id);
  base::Result<CardsPtr> CardsFor(storage::NamespaceId id,
                                  std::span<const std::string_view> models) const;
  struct Glance {
    const Input& input;
    std::string_view type;
    const CostOfCall& cost_of;
    base::UnixMillis now;
  };
  static Field Look(const Space* space, CardsPtr cards, const Glance& glance);
  Wish WishOf(storage::NamespaceId id, const Field& field, const SelectRequest& request,
              const config::RoutingOptions& options, base::UnixMillis now) const;
  static Verdict Decide(Space& space, const Field& field, const SelectRequest& request,
                        const Wish& wish, const config::RoutingOptions& options);
  static Selection Tell(const Field& field, const Verdict& verdict, const SelectRequest& request,
                        const config::RoutingOptions& options);
  static Decision Record(const Field& field, const Verdict& verdict, const SelectRequest& request);
  static void Count(Home& home, const Field& field, const Verdict& verdict,
                    const SelectRequest& request, const Selection& selection);
  // Writer.
  struct Lesson {
    std::uint64_t number = 0;  // of a row that is there; 0: a new one
    OutcomeRow row;
    std::string model;
    float quality = 0;
    float strength = 0.5F;
  };
  base::Result<std::uint64_t> Learn(storage::NamespaceId id, const HomePtr& home, Lesson lesson,
                                    const config::RoutingOptions& options,
                                    storage::Transaction& transaction);
  void MakeRoom(storage::NamespaceId id, Home& home, const config::RoutingOptions& options,
                storage::Transaction& transaction);

  storage::Store& store_;
  const Learner::Settings settings_;
  const std::uint64_t seed_;
  const Reader reader_;
  Catalogue catalogue_;
  Conversations conversations_;
  Decisions decisions_;

  mutable base::Mutex mutex_;
  std::map<storage::NamespaceId, HomePtr> homes_ GUARDED_BY(mutex_);
  Shares outcomes_;  // the writer's alone
};

}  // namespace reprise::routing
