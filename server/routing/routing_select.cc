// Routing: which model answers.
#include <algorithm>
#include <utility>

#include "server/routing/routing.h"
#include "server/routing/verdict.h"

namespace reprise::routing {
namespace {

using base::Code;
using base::Error;

constexpr double kMillion = 1'000'000;

bool IsOn(const SelectRequest& request) {
  return request.mode == config::TierMode::kOn;
}

double Share(std::int64_t ppm) {
  return static_cast<double>(ppm) / kMillion;
}

// Pressure is felt from half of a budget on; when it is spent, all that can be is cheap.
double SharedUnder(double share, double pressure) {
  constexpr double kFelt = 0.5;
  const double felt = std::clamp((pressure - kFelt) / (1 - kFelt), 0.0, 1.0);
  return share + (1 - share) * felt;
}

// What money is worth in this call. Critical calls feel no pressure before the budget is spent.
double MoneyPrice(const Space& space, bool critical, double pressure,
                  const config::RoutingOptions& options) {
  constexpr double kOnlyCost = 1'000;
  const double least = Share(options.cost_weight_ppm);
  if (critical) {
    return pressure < 1 ? 0 : std::max(least, space.PriceFor(pressure - 1).value_or(0));
  }
  if (pressure >= 1) {
    return kOnlyCost;
  }
  const double share = SharedUnder(Share(options.cheap_share_ppm), pressure);
  return std::max(least, space.PriceFor(share).value_or(0));
}

// With which probability each candidate is chosen. Nothing is tried by chance that is expected to
// be much worse than the best.
std::vector<double> PropensitiesOf(const Ranked& ranked, std::span<const Candidate> candidates,
                                   const Wish& wish, double explore) {
  constexpr double kGap = 0.3;
  std::vector<double> propensities(candidates.size(), 0);
  const std::size_t best = ranked.order.front();
  std::vector<std::size_t> suitable;
  for (const std::size_t i : ranked.order) {
    const double quality = candidates[i].quality;
    if (quality >= candidates[best].quality - kGap && quality >= wish.quality_min) {
      suitable.push_back(i);
    }
  }
  const double tried = suitable.size() < 2 ? 0 : explore;
  propensities[best] = 1 - tried;
  for (const std::size_t i : suitable) {
    propensities[i] += tried / static_cast<double>(suitable.size());
  }
  return propensities;
}

// Whose part of the line from 0 to 1 `draw` falls into; the best one's comes first.
std::size_t Drawn(std::span<const double> propensities, std::size_t best, double draw) {
  draw -= propensities[best];
  for (std::size_t i = 0; draw >= 0 && i < propensities.size(); ++i) {
    if (i == best) {
      continue;
    }
    draw -= propensities[i];
    if (draw < 0) {
      return i;
    }
  }
  return best;
}

Error NobodyFits(std::span<const Candidate> candidates, const Ranked& ranked) {
  std::string detail = "no model can take this call: ";
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    detail += i > 0 ? "; " : "";
    detail += candidates[i].card->name + " " + ranked.refusals[i];
  }
  return {Code::kBadRequest, detail};
}

// In the order in which one reason hides the others.
std::string ReasonOf(const Ranked& ranked, const SelectRequest& request, bool explored,
                     bool degraded) {
  if (ranked.order.size() == 1) {
    return ranked.refusals.size() == 1 ? "the only model" : "the only model that can take the call";
  }
  if (explored) {
    return "tried by chance, to learn";
  }
  if (ranked.below_floor) {
    return "no model is expected to reach the quality asked for; this one comes nearest";
  }
  if (ranked.stays) {
    return "the conversation stays with its model: another one would cost more than it brings";
  }
  if (degraded) {
    return "a cheaper model, for the budget's sake";
  }
  if (request.critical) {
    return "critical: the best quality expected";
  }
  return ranked.IsCheap(ranked.order.front())
             ? "a cheap model is expected to answer nearly as well"
             : "the quality that a dearer model adds is worth its cost";
}

std::int64_t CostOr0(const Candidate& candidate) {
  return candidate.cost_nano.value_or(0);
}

}  // namespace

base::Result<CardsPtr> Routing::CardsFor(storage::NamespaceId id,
                                         std::span<const std::string_view> models) const {
  CardsPtr all = Models(id);
  if (models.empty()) {
    if (all->empty()) {
      return Error{Code::kNotFound, "the catalogue has no models; ROUTE.MODEL.SET adds one"};
    }
    return all;
  }
  auto some = std::make_shared<Cards>();
  for (const ModelCard& card : *all) {
    if (std::find(models.begin(), models.end(), card.name) != models.end()) {
      some->push_back(card);
    }
  }
  for (const std::string_view name : models) {
    if (FindCard(*all, name) == nullptr) {
      return Error{Code::kNotFound, "no model of the catalogue is called '" + std::string(name) +
                                        "'; ROUTE.MODELS lists them"};
    }
  }
  return CardsPtr(some);
}

// Without a space, as nothing was learned.
Routing::Field Routing::Look(const Space* space, CardsPtr cards, const Glance& glance) {
  Field field;
  field.cards = std::move(cards);
  field.strengths = StrengthsByCost(*field.cards, glance.cost_of);
  if (space != nullptr) {
    field.expected =
        space->Ask({glance.input, glance.type, *field.cards, field.strengths, glance.now});
  }
  for (std::size_t i = 0; i < field.cards->size(); ++i) {
    const ModelCard& card = (*field.cards)[i];
    if (space == nullptr) {
      field.expected.push_back(
          {Learner::Before(glance.input, field.strengths[i]), 0, card.latency_ms});
    }
    const Expected& expected = field.expected[i];
    field.candidates.push_back({&card, expected.estimate.quality * (1 - expected.failure_share),
                                field.strengths[i], std::nullopt, expected.latency_ms});
  }
  return field;
}

Wish Routing::WishOf(storage::NamespaceId id, const Field& field, const SelectRequest& request,
                     const config::RoutingOptions& options, base::UnixMillis now) const {
  constexpr std::int64_t kUsualAnswer = 300;
  // Of English text; an estimate that is rather too high.
  constexpr std::int64_t kBytesOfToken = 3;
  Wish wish = request.wish;
  wish.quality_min = request.quality_min.value_or(Share(options.quality_floor_ppm));
  const auto bytes = static_cast<std::int64_t>(request.prompt.text.size());
  wish.tokens.input = std::max(request.prompt.context_tokens, bytes / kBytesOfToken + 1);
  wish.tokens.output =
      request.prompt.answer_tokens > 0 ? request.prompt.answer_tokens : kUsualAnswer;
  if (request.conversation.empty()) {
    return wish;
  }
  const auto turn = conversations_.Find(id, request.conversation);
  const ModelCard* const card = turn.has_value() ? FindCard(*field.cards, turn->model) : nullptr;
  if (card != nullptr) {
    wish.stay_with = static_cast<std::size_t>(card - field.cards->data());
    const bool is_cached = now - turn->at <= options.prompt_cache_ms;
    wish.tokens.cached = is_cached ? std::min(turn->tokens, wish.tokens.input) : 0;
  }
  return wish;
}

Routing::Verdict Routing::Decide(Space& space, const Field& field, const SelectRequest& request,
                                 const Wish& wish, const config::RoutingOptions& options) {
  Verdict verdict;
  const double price = MoneyPrice(space, request.critical, request.pressure, options);
  verdict.ranked = Rank(field.candidates, wish, price);
  const Ranked& ranked = verdict.ranked;
  if (ranked.order.empty()) {
    return verdict;
  }
  const std::size_t best = ranked.order.front();
  if (request.pressure > 0) {
    const double without = MoneyPrice(space, request.critical, 0, options);
    verdict.degraded = Rank(field.candidates, wish, without).order.front() != best;
  }
  const bool may_explore = !request.critical && !wish.stay_with.has_value() && !ranked.below_floor;
  verdict.propensities =
      PropensitiesOf(ranked, field.candidates, wish, may_explore ? Share(options.explore_ppm) : 0);
  verdict.chosen = Drawn(verdict.propensities, best, space.Draw());
  verdict.explored = verdict.chosen != best;
  const auto by_share = [&](std::size_t a, std::size_t b) {
    return ranked.shares[a] < ranked.shares[b];
  };
  const auto by_strength = [&](std::size_t a, std::size_t b) {
    return field.strengths[a] < field.strengths[b];
  };
  verdict.cheapest = *std::min_element(ranked.order.begin(), ranked.order.end(), by_share);
  verdict.strongest = *std::max_element(ranked.order.begin(), ranked.order.end(), by_strength);
  verdict.answers = !IsOn(request) ? verdict.strongest : verdict.chosen;
  verdict.continues = wish.stay_with.has_value();
  return verdict;
}

Selection Routing::Tell(const Field& field, const Verdict& verdict, const SelectRequest& request,
                        const config::RoutingOptions& options) {
  const Candidate& answers = field.candidates[verdict.answers];
  const Estimate& scored = field.expected[verdict.cheapest].estimate;
  Selection selection;
  selection.model = answers.card->name;
  selection.score = ScoreOf(scored);
  selection.level = LevelOf(selection.score, options);
  selection.confidence = ConfidenceOf(scored);
  selection.quality = answers.quality;
  selection.gain =
      field.candidates[verdict.strongest].quality - field.candidates[verdict.cheapest].quality;
  selection.cost_nano = CostOr0(answers);
  selection.propensity = !IsOn(request) ? 1 : verdict.propensities[verdict.chosen];
  selection.reason = ReasonOf(verdict.ranked, request, verdict.explored, verdict.degraded);
  if (request.mode == config::TierMode::kOff) {
    selection.reason = "routing is off: the strongest model answers";
  } else if (request.mode == config::TierMode::kShadow) {
    selection.would = field.candidates[verdict.chosen].card->name;
    selection.reason = "shadow: the strongest model answers; else: " + selection.reason;
  }
  for (const std::size_t i : verdict.ranked.order) {
    if (i != verdict.answers) {
      selection.fallbacks.push_back(field.candidates[i].card->name);
    }
  }
  return selection;
}

Decision Routing::Record(const Field& field, const Verdict& verdict, const SelectRequest& request) {
  Decision decision;
  decision.type = request.type;
  decision.excerpt = ExcerptOf(request.prompt.text);
  decision.chosen = field.candidates[verdict.answers].card->name;
  decision.strongest = field.candidates[verdict.strongest].card->name;
  decision.scored = field.candidates[verdict.cheapest].card->name;
  decision.score = static_cast<float>(1 - field.expected[verdict.cheapest].estimate.good_enough);
  for (const std::size_t i : verdict.ranked.order) {
    const bool answers = i == verdict.answers;
    const double propensity =
        !IsOn(request) ? static_cast<double>(answers) : verdict.propensities[i];
    decision.considered.push_back(
        {field.candidates[i].card->name, static_cast<float>(field.expected[i].estimate.quality),
         static_cast<float>(propensity), static_cast<float>(field.strengths[i]),
         CostOr0(field.candidates[i])});
  }
  return decision;
}

void Routing::Count(Home& home, const Field& field, const Verdict& verdict,
                    const SelectRequest& request, const Selection& selection) {
  const Ranked& ranked = verdict.ranked;
  const bool is_mixed = !std::isinf(ranked.tips_at);
  if (is_mixed && !request.critical && !verdict.continues) {
    home.space.AddPace(ranked.tips_at, ranked.IsCheap(verdict.chosen));
  }
  home.space.Count([&](Tallies& tallies) {
    ++tallies.decisions;
    tallies.mixed += is_mixed ? 1 : 0;
    tallies.cheap += is_mixed && ranked.IsCheap(verdict.answers) ? 1 : 0;
    tallies.critical += request.critical ? 1 : 0;
    tallies.explored += verdict.explored && IsOn(request) ? 1 : 0;
    tallies.stayed += ranked.stays ? 1 : 0;
    tallies.shadow += !IsOn(request) ? 1 : 0;
    tallies.degraded += verdict.degraded ? 1 : 0;
    ++tallies.levels[static_cast<std::size_t>(selection.level)];
    tallies.strongest_cost_nano +=
        static_cast<std::uint64_t>(CostOr0(field.candidates[verdict.strongest]));
    ModelTally& model = tallies.Of(selection.model);
    ++model.chosen;
    model.cost_nano += static_cast<std::uint64_t>(selection.cost_nano);
  });
  home.has_new_tallies = true;
}

base::Result<Selection> Routing::Select(storage::NamespaceId id, const SelectRequest& request,
                                        const config::RoutingOptions& options,
                                        base::UnixMillis now) {
  ASSIGN_OR_RETURN(CardsPtr cards, CardsFor(id, request.models));
  const HomePtr home = FindOrMake(id);
  const Input input = reader_.Expand(reader_.Read(request.prompt));
  Field field = Look(&home->space, std::move(cards), {input, request.type, request.cost_of, now});
  const Wish wish = WishOf(id, field, request, options, now);
  for (std::size_t i = 0; i < field.candidates.size(); ++i) {
    CallTokens tokens = wish.tokens;
    tokens.cached = wish.stay_with == i ? tokens.cached : 0;
    field.candidates[i].cost_nano = CostOfCard((*field.cards)[i], tokens, request.cost_of);
  }
  const Verdict verdict = Decide(home->space, field, request, wish, options);
  if (verdict.ranked.order.empty()) {
    return NobodyFits(field.candidates, verdict.ranked);
  }
  Selection selection = Tell(field, verdict, request, options);
  Count(*home, field, verdict, request, selection);
  Decision decision = Record(field, verdict, request);
  decision.namespace_id = id;
  decision.at = now;
  decision.features = input.features;
  selection.decision = decisions_.Remember(std::move(decision), options.decision_ttl_ms);
  if (!request.conversation.empty()) {
    conversations_.Note(id, request.conversation,
                        {selection.model, wish.tokens.input + wish.tokens.output, now});
  }
  return selection;
}

}  // namespace reprise::routing
