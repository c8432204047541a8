// Routing: what outcomes teach.
#include <algorithm>
#include <utility>

#include "server/routing/routing.h"

namespace reprise::routing {
namespace {

using base::Code;
using base::Error;
using storage::Family;

constexpr double kMillion = 1'000'000;

Error UnknownDecision(const config::RoutingOptions& options) {
  return {Code::kNotFound,
          "no such decision: they are remembered for " + std::to_string(options.decision_ttl_ms) +
              " ms (routing.decision_ttl_ms), at most " + std::to_string(kDecisionsMax) +
              " of a namespace, and not over a restart; ROUTE.TEACH takes the prompt instead"};
}

// A call that was chosen by chance of probability p speaks for 1 / p calls; the rest is what was
// expected. Weights beyond this bound would be noise.
constexpr double kPropensityMin = 0.01;

void CountJudged(const Decision& decision, const std::string& model, double quality,
                 double good_enough, Tallies& tallies) {
  ModelTally& tally = tallies.Of(model);
  ++tally.judged;
  tally.quality += quality;
  if (model == decision.scored) {
    const auto share = static_cast<double>(decision.score);
    const auto bin = std::min(static_cast<std::size_t>(share * kScoreBins), kScoreBins - 1);
    ++tallies.scores[bin].count;
    tallies.scores[bin].score += share;
    tallies.scores[bin].failed += quality < good_enough ? 1 : 0;
  }
  if (model != decision.chosen) {
    return;
  }
  ++tallies.judged;
  tallies.judged_quality += quality;
  for (const Considered& considered : decision.considered) {
    const auto expected = static_cast<double>(considered.quality);
    const double propensity = std::max(static_cast<double>(considered.propensity), kPropensityMin);
    const double corrected = considered.model == model ? (quality - expected) / propensity : 0;
    tallies.Of(considered.model).always_quality += expected + corrected;
  }
}

void Correct(std::uint64_t& sum, std::int64_t expected, std::int64_t real) {
  const auto corrected = static_cast<std::int64_t>(sum) - expected + real;
  sum = static_cast<std::uint64_t>(std::max<std::int64_t>(corrected, 0));
}

// What the call took takes the place of what was expected.
void CountUsage(const Decision& decision, const std::string& model, const FeedbackRequest& request,
                const Cards& cards, Tallies& tallies) {
  ModelTally& tally = tallies.Of(model);
  tally.errors += request.failed ? 1 : 0;
  if (request.latency_ms.has_value()) {
    ++tally.timed;
    tally.latency_ms += static_cast<std::uint64_t>(*request.latency_ms);
  }
  tally.tokens_in += static_cast<std::uint64_t>(request.tokens_in.value_or(0));
  tally.tokens_out += static_cast<std::uint64_t>(request.tokens_out.value_or(0));
  if (model != decision.chosen) {
    return;
  }
  const bool has_tokens = request.tokens_in.has_value() || request.tokens_out.has_value();
  const CallTokens tokens{request.tokens_in.value_or(0), 0, request.tokens_out.value_or(0)};
  const auto cost_of = [&](std::string_view name) -> std::optional<std::int64_t> {
    const ModelCard* const card = FindCard(cards, name);
    return card != nullptr && has_tokens ? CostOfCard(*card, tokens, request.cost_of)
                                         : std::nullopt;
  };
  const auto real = request.cost_nano.has_value() ? request.cost_nano : cost_of(model);
  if (const Considered* const considered = decision.Find(model);
      considered != nullptr && real.has_value()) {
    Correct(tally.cost_nano, considered->cost_nano, *real);
  }
  const auto strongest = model == decision.strongest ? real : cost_of(decision.strongest);
  if (const Considered* const considered = decision.Find(decision.strongest);
      considered != nullptr && strongest.has_value()) {
    Correct(tallies.strongest_cost_nano, considered->cost_nano, *strongest);
  }
}

}  // namespace

void Routing::MakeRoom(storage::NamespaceId id, Home& home, const config::RoutingOptions& options,
                       storage::Transaction& transaction) {
  // A bound that was lowered is reached in steps, so that no call takes long.
  constexpr int kStepsMax = 16;
  const auto give = [&](storage::NamespaceId giver, const HomePtr& gives) {
    const std::uint64_t number = gives->numbers.front();
    gives->numbers.pop_front();
    gives->outcomes = gives->numbers.size();
    outcomes_.Remove(giver);
    transaction.Delete(Family::kMeta, OutcomeKey(giver, number));
    transaction.OnCommit([gives, number] { gives->space.Forget(number); });
  };
  const HomePtr own = Find(id);
  for (int i = 0; i < kStepsMax && !home.numbers.empty() &&
                  home.numbers.size() >= static_cast<std::size_t>(options.outcomes_max);
       ++i) {
    give(id, own);
  }
  const auto giver = outcomes_.WhoGives(id);
  const HomePtr gives = giver.has_value() ? Find(*giver) : nullptr;
  if (gives != nullptr && !gives->numbers.empty()) {
    give(*giver, gives);
  }
}

base::Result<std::uint64_t> Routing::Learn(storage::NamespaceId id, const HomePtr& home,
                                           Lesson lesson, const config::RoutingOptions& options,
                                           storage::Transaction& transaction) {
  const bool is_new = lesson.number == 0;
  if (is_new) {
    MakeRoom(id, *home, options, transaction);
    lesson.number = home->next_number++;
    home->numbers.push_back(lesson.number);
    home->outcomes = home->numbers.size();
    outcomes_.Add(id);
  }
  const Label label{std::move(lesson.model), lesson.quality, lesson.strength, home->next_event++};
  lesson.row.labels.push_back(label);
  transaction.Put(Family::kMeta, OutcomeKey(id, lesson.number), lesson.row.Format(),
                  storage::kNever);
  transaction.OnCommit([this, home, number = lesson.number, row = std::move(lesson.row), label,
                        cards = Models(id)]() mutable {
    home->space.Learn(reader_.Expand(std::move(row.features)),
                      {number, std::move(row.type), label, cards.get()});
    ++home->unsaved;
  });
  return lesson.number;
}

base::Result<FeedbackResult> Routing::Feedback(storage::NamespaceId id,
                                               const FeedbackRequest& request,
                                               const config::RoutingOptions& options,
                                               storage::Transaction& transaction) {
  auto found = decisions_.Find(id, request.decision, transaction.now(), options.decision_ttl_ms);
  if (!found.has_value()) {
    return UnknownDecision(options);
  }
  const auto decision = std::make_shared<const Decision>(std::move(*found));
  FeedbackResult result;
  result.model = request.model.empty() ? decision->chosen : std::string(request.model);
  const Considered* const considered = decision->Find(result.model);
  const CardsPtr cards = Models(id);
  if (considered == nullptr && FindCard(*cards, result.model) == nullptr) {
    return Error{Code::kNotFound, "no model of the catalogue is called '" + result.model + "'"};
  }
  if (std::find(decision->judged.begin(), decision->judged.end(), result.model) !=
      decision->judged.end()) {
    return Error{Code::kExists, "feedback of '" + result.model + "' for this decision came before"};
  }
  const HomePtr home = FindOrMake(id);
  result.outcome = decision->outcome;
  if (request.quality.has_value()) {
    Lesson lesson;
    lesson.number = decision->outcome;
    lesson.model = result.model;
    lesson.quality = static_cast<float>(*request.quality);
    lesson.strength = considered == nullptr ? 0.5F : considered->strength;
    if (lesson.number != 0) {
      ASSIGN_OR_RETURN(const auto row,
                       transaction.Get(Family::kMeta, OutcomeKey(id, lesson.number)));
      if (row.has_value()) {
        ASSIGN_OR_RETURN(lesson.row, OutcomeRow::Parse(row->value()));
      } else {
        lesson.number = 0;  // It had to make room meanwhile.
      }
    }
    if (lesson.number == 0) {
      lesson.row = {transaction.now(), decision->type, decision->excerpt, decision->features, {}};
    }
    ASSIGN_OR_RETURN(result.outcome, Learn(id, home, std::move(lesson), options, transaction));
    result.learned = true;
  }
  decisions_.Note(request.decision, result.model, result.outcome);
  transaction.OnAbort(
      [this, number = request.decision, model = result.model, outcome = decision->outcome] {
        decisions_.TakeBack(number, model, outcome);
      });
  transaction.OnCommit([home, decision, request, cards, model = result.model,
                        at = transaction.now(), good_enough = settings_.good_enough] {
    home->space.NoteUsage({model, request.failed, request.latency_ms, at});
    home->space.Count([&](Tallies& tallies) {
      CountUsage(*decision, model, request, *cards, tallies);
      if (request.quality.has_value()) {
        CountJudged(*decision, model, *request.quality, good_enough, tallies);
      }
    });
    home->has_new_tallies = true;
  });
  return result;
}

base::Result<std::size_t> Routing::Teach(storage::NamespaceId id, std::span<Example> examples,
                                         const config::RoutingOptions& options,
                                         storage::Transaction& transaction) {
  const HomePtr home = FindOrMake(id);
  std::size_t labels = 0;
  for (Example& example : examples) {
    OutcomeRow row{transaction.now(),
                   std::move(example.type),
                   std::move(example.excerpt),
                   std::move(example.features),
                   {}};
    std::uint64_t number = 0;
    for (const auto& [model, quality, strength] : example.qualities) {
      Lesson lesson{number, row, model, quality, strength};
      ASSIGN_OR_RETURN(number, Learn(id, home, lesson, options, transaction));
      row.labels.push_back({model, quality, strength, home->next_event - 1});
      ++labels;
    }
  }
  return labels;
}

}  // namespace reprise::routing
