// Routing: why a score is what it is.
#include <algorithm>
#include <cmath>
#include <utility>

#include "server/routing/grams.h"
#include "server/routing/routing.h"
#include "server/routing/words.h"

namespace reprise::routing {
namespace {

using base::Code;
using base::Error;

constexpr double kPercent = 100;

// What a prompt is called where it is about lengths that the caller told.
constexpr std::array<std::string_view, kCallFigures> kCallNames{"tokens of context",
                                                                "tokens of the answer"};

std::string NameOfFigure(std::size_t figure) {
  return std::string(figure < kTextFigures ? NameOf(static_cast<SurfaceFigure>(figure))
                                           : kCallNames[figure - kTextFigures]);
}

// Of a model that has learned nothing: the prior alone.
bool HasTerms(const LinearTerms& terms) {
  const auto is_zero = [](double term) { return term == 0; };
  return !std::all_of(terms.grams.begin(), terms.grams.end(), is_zero) ||
         !std::all_of(terms.figures.begin(), terms.figures.end(), is_zero);
}

void KeepHeaviest(std::size_t count, std::vector<Factor>& factors) {
  std::stable_sort(factors.begin(), factors.end(), [](const Factor& a, const Factor& b) {
    return std::abs(a.points) > std::abs(b.points);
  });
  factors.resize(std::min(factors.size(), count));
}

// Quality that is lost is score that is won.
std::vector<Factor> FactorsOf(const Space& space, const Input& input, std::string_view text,
                              std::string_view model) {
  std::string scratch;
  const std::string_view excerpt = Excerpt(text, scratch);
  std::vector<Word> words;
  SplitWords(excerpt, words);
  const std::vector<NamedGram> named = NameGrams(excerpt, words);
  std::vector<std::uint32_t> grams;
  grams.reserve(named.size());
  for (const NamedGram& gram : named) {
    grams.push_back(gram.gram);
  }
  const LinearTerms terms = space.Explain(input, grams, model);
  std::vector<Factor> factors;
  if (!HasTerms(terms)) {
    return factors;
  }
  for (std::size_t i = 0; i < kLinearFigures; ++i) {
    factors.push_back({NameOfFigure(i), -kPercent * terms.figures[i]});
  }
  for (std::size_t i = 0; i < named.size(); ++i) {
    factors.push_back({"\"" + named[i].name + "\"", -kPercent * terms.grams[i]});
  }
  return factors;
}

base::Result<std::vector<PastCase>> ReadCases(storage::NamespaceId id,
                                              const std::vector<NearCase>& near,
                                              const storage::View& view) {
  std::vector<PastCase> cases;
  for (const NearCase& one : near) {
    ASSIGN_OR_RETURN(const auto row, view.Get(storage::Family::kMeta, OutcomeKey(id, one.outcome)));
    if (!row.has_value()) {
      continue;  // It has just gone.
    }
    ASSIGN_OR_RETURN(OutcomeRow outcome, OutcomeRow::Parse(row->value()));
    cases.push_back({one.outcome, static_cast<double>(one.similarity), std::move(outcome.excerpt),
                     std::move(outcome.labels)});
  }
  return cases;
}

std::size_t Weakest(std::span<const double> strengths) {
  return static_cast<std::size_t>(std::min_element(strengths.begin(), strengths.end()) -
                                  strengths.begin());
}

}  // namespace

base::Result<Explanation> Routing::Score(storage::NamespaceId id, const ScoreRequest& request,
                                         const config::RoutingOptions& options,
                                         const storage::View& view) const {
  const HomePtr home = Find(id);
  const Space* const space = home == nullptr ? nullptr : &home->space;
  CardsPtr cards = Models(id);
  const Input input = reader_.Expand(reader_.Read(request.prompt));
  Explanation explanation;
  if (cards->empty()) {
    if (!request.model.empty()) {
      return Error{Code::kNotFound, "the catalogue has no models; ROUTE.MODEL.SET adds one"};
    }
    const Estimate estimate = Learner::Before(input, 0);
    explanation.score = ScoreOf(estimate);
    explanation.level = LevelOf(explanation.score, options);
    return explanation;
  }
  const Field field =
      Look(space, std::move(cards), {input, request.type, request.cost_of, view.now()});
  std::size_t scored = Weakest(field.strengths);
  if (!request.model.empty()) {
    const ModelCard* const card = FindCard(*field.cards, request.model);
    if (card == nullptr) {
      return Error{Code::kNotFound, "no model of the catalogue is called '" +
                                        std::string(request.model) + "'; ROUTE.MODELS lists them"};
    }
    scored = static_cast<std::size_t>(card - field.cards->data());
  }
  const auto strongest = std::max_element(field.strengths.begin(), field.strengths.end());
  const auto strong = static_cast<std::size_t>(strongest - field.strengths.begin());
  const Estimate& estimate = field.expected[scored].estimate;
  explanation.model = field.candidates[scored].card->name;
  explanation.score = ScoreOf(estimate);
  explanation.level = LevelOf(explanation.score, options);
  explanation.confidence = ConfidenceOf(estimate);
  explanation.gain = field.expected[strong].estimate.quality -
                     field.expected[Weakest(field.strengths)].estimate.quality;
  for (std::size_t i = 0; i < field.candidates.size(); ++i) {
    const Estimate& one = field.expected[i].estimate;
    explanation.models.push_back({field.candidates[i].card->name, ScoreOf(one), one});
  }
  if (space == nullptr) {
    return explanation;
  }
  explanation.factors = FactorsOf(*space, input, request.prompt.text, explanation.model);
  KeepHeaviest(request.factors_max, explanation.factors);
  ASSIGN_OR_RETURN(explanation.cases,
                   ReadCases(id, space->NearCases(input, request.cases_max), view));
  return explanation;
}

}  // namespace reprise::routing
