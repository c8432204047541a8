// Learner: how well each model would answer a prompt, learned from outcomes of one namespace.
//
// Three views of a prompt, each with its own estimate of a model's quality, and weights between
// them that follow whichever was right of late:
//
//   dense    curves of the surface, place, traits of the prior    exact ridge regression
//   hashed   n-grams and surface figures                          AdaGrad
//   near     outcomes of prompts that mean nearly the same        kernel mean, towards `dense`
//
// What a query type differs by is added, and a logistic curve makes the sum honest. A second curve
// says how likely an answer is good enough. Old outcomes fade; when estimates go wrong for long (a
// model or the traffic has changed), that model learns anew (drift.h).
//
// Threads: one writer, or any number of readers; the owner has the lock. Errors: none. Complexity:
// see the parts; about 30 us to predict, 60 us to learn. Units: quality, 0 to 1. Limits:
// kColumnsMax models, kTypesMax types; the owner bounds outcomes.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/routing/dense_model.h"
#include "server/routing/drift.h"
#include "server/routing/features.h"
#include "server/routing/hashed_model.h"
#include "server/routing/neighbours.h"
#include "server/routing/platt.h"
#include "server/routing/row_bytes.h"

namespace reprise::routing {

inline constexpr std::size_t kTypesMax = 64;
inline constexpr std::size_t kViews = 3;
// How many outcomes may speak for a prompt.
inline constexpr std::size_t kNearMax = 160;
inline constexpr std::uint8_t kNoType = 255;

enum class View : std::uint8_t { kDense, kHashed, kNear };

// One model's answer to one prompt, as the learner expects it.
struct Estimate {
  double quality = 0;      // calibrated
  double good_enough = 0;  // probability, calibrated
  double raw = 0;          // before calibration
  std::array<double, kViews> views{};
  double type_shift = 0;
  std::uint64_t outcomes = 0;  // this model's
  double near_evidence = 0;    // sum of weights of the outcomes that speak for the prompt
};

// Which outcomes speak for a prompt; found once for all models.
struct Nearby {
  std::vector<Neighbour> found;
  std::vector<float> weights;  // of each
};

class Learner {
 public:
  struct Settings {
    double good_enough = 0.7;  // quality from which an answer is good enough
    float forget = 0.9999F;    // of the dense view, each outcome
  };
  explicit Learner(const Settings& settings);

  // Reading. `column` is below columns().
  Nearby Look(const Input& input) const;
  // One for each column.
  std::vector<Estimate> Predict(const Input& input, const Nearby& nearby, std::uint8_t type) const;

  // Of a model that no outcome is known of.
  static Estimate Before(const Input& input, double strength);

  // Columns.
  std::size_t columns() const { return columns_.size(); }
  // `strength` is where the model stands between the cheapest (0) and the strongest (1).
  std::size_t AddColumn(double strength);
  void ResetColumn(std::size_t column, double strength);

  // Learning. One outcome of one model; events grow.
  struct Outcome {
    std::uint64_t event = 0;
    std::uint8_t type = kNoType;
    std::size_t column = 0;
    float quality = 0;
  };
  // True: the model has changed, and is learned anew.
  bool Learn(const Input& input, const Outcome& outcome);
  // Remembers where outcomes stand. `slot` is small and used again; `event` is of its first label.
  // Places of two embedders have nothing to do with each other: those of an embedder that comes
  // later put all earlier ones out of sight.
  void Place(std::uint32_t slot, const Features& features, std::uint64_t event);
  void Note(std::uint32_t slot, std::size_t column, float quality);
  void Forget(std::uint32_t slot);

  const Settings& settings() const { return settings_; }
  const HashedModel& hashed() const { return hashed_; }
  double MeanOf(std::size_t column) const { return columns_[column].mean; }
  std::uint64_t OutcomesOf(std::size_t column) const { return columns_[column].outcomes; }
  std::uint64_t event() const { return event_; }
  std::uint64_t drifts() const { return drifts_; }
  std::size_t bytes() const;

  // Snapshots: all that Learn changes; not what Place and Note keep. Load takes them off the front
  // of `bytes`; false: they are of another version, and the learner is as it was.
  void Save(std::string& bytes) const;
  bool Load(Cursor& bytes);

 private:
  struct Column {
    explicit Column(double strength);
    DenseModel dense;
    double mean = 0;
    std::uint64_t outcomes = 0;
    std::array<double, kViews> weights{1.0 / 3, 1.0 / 3, 1.0 / 3};
    Platt quality;
    Platt good_enough;
    Drift drift;
    // By type: sum of errors and how many.
    std::array<float, kTypesMax> type_errors{};
    std::array<float, kTypesMax> type_outcomes{};
    std::uint64_t loosened_at = 0;  // event_ then; older neighbours count less
  };
  struct Near {
    double quality = 0;
    double weight = 0;
  };
  static void SaveColumn(const Column& column, std::string& bytes);
  static Column LoadColumn(Cursor& bytes);
  Near NearOf(const Nearby& nearby, std::size_t column, double towards) const;
  static Estimate Finish(const Column& column, std::uint8_t type, Estimate estimate);
  static void Weigh(Column& column, const Estimate& estimate, double quality);
  static void ShiftType(Column& column, const Estimate& estimate, const Outcome& outcome);
  void BeginAnew(std::size_t column);

  Settings settings_;
  std::vector<Column> columns_;
  HashedModel hashed_;
  Neighbours neighbours_;
  std::uint32_t embedder_ = 0;  // whose places they are
  // By column, then by slot: quality in 250ths, kNoQuality for none.
  std::vector<std::vector<std::uint8_t>> qualities_;
  std::vector<std::uint64_t> placed_at_;  // by slot: the event
  std::uint64_t event_ = 0;               // the last that was learned
  std::uint64_t drifts_ = 0;
};

}  // namespace reprise::routing
