#include "server/routing/choice.h"

#include <algorithm>
#include <cmath>

namespace reprise::routing {
namespace {

double ValueOf(const Candidate& candidate, double share, const Wish& wish, double money_price) {
  return wish.importance * candidate.quality - money_price * share;
}

// Costs as shares of the dearest. Where a price is missing, strength stands for it: the stronger,
// the dearer.
std::vector<double> SharesOf(std::span<const Candidate> candidates, const Ranked& ranked) {
  std::vector<double> shares(candidates.size(), 0);
  const bool all_priced = std::all_of(ranked.order.begin(), ranked.order.end(), [&](std::size_t i) {
    return candidates[i].cost_nano.has_value();
  });
  double most = 0;
  for (const std::size_t i : ranked.order) {
    constexpr double kWeakest = 0.05;
    shares[i] = all_priced ? static_cast<double>(*candidates[i].cost_nano)
                           : kWeakest + (1 - kWeakest) * candidates[i].strength;
    most = std::max(most, shares[i]);
  }
  for (double& share : shares) {
    share = most > 0 ? share / most : 0;
  }
  return shares;
}

// For every dear model there must be a cheap one that is worth as much.
double TipsAt(std::span<const Candidate> candidates, const Ranked& ranked, const Wish& wish) {
  constexpr double kNever = std::numeric_limits<double>::infinity();
  double tips_at = -kNever;
  for (const std::size_t dear : ranked.order) {
    if (ranked.IsCheap(dear)) {
      continue;
    }
    double earliest = kNever;
    for (const std::size_t cheap : ranked.order) {
      if (ranked.IsCheap(cheap)) {
        const double gain =
            wish.importance * (candidates[dear].quality - candidates[cheap].quality);
        earliest = std::min(earliest, gain / (ranked.shares[dear] - ranked.shares[cheap]));
      }
    }
    tips_at = std::max(tips_at, earliest);
  }
  return std::isinf(tips_at) ? kNever : tips_at;
}

// In a conversation: whether `other` may follow `own`.
bool MayFollow(const Candidate& own, const Candidate& other) {
  return other.strength > own.strength ||
         (other.cost_nano.has_value() && own.cost_nano.has_value() &&
          *other.cost_nano < *own.cost_nano);
}

// Those below the floor come last, the better in front.
void ApplyFloor(std::span<const Candidate> candidates, const Wish& wish, Ranked& ranked) {
  const auto reaches = [&](std::size_t i) { return candidates[i].quality >= wish.quality_min; };
  const auto below = std::stable_partition(ranked.order.begin(), ranked.order.end(), reaches);
  ranked.below_floor = below == ranked.order.begin();
  std::stable_sort(below, ranked.order.end(), [&](std::size_t a, std::size_t b) {
    return candidates[a].quality > candidates[b].quality;
  });
}

}  // namespace

bool Ranked::IsCheap(std::size_t candidate) const {
  return shares[candidate] <= kCheapShare;
}

std::string RefusalOf(const Candidate& candidate, const Wish& wish) {
  const ModelCard& card = *candidate.card;
  const auto missing =
      static_cast<std::uint8_t>(wish.needs & static_cast<std::uint8_t>(~card.capabilities));
  if (missing != 0) {
    constexpr std::string_view kLacks = "lacks";
    std::string lacks(kLacks);
    for (const std::string_view name : NamesOf(missing)) {
      lacks += lacks.size() > kLacks.size() ? ", " : " ";
      lacks += name;
    }
    return lacks;
  }
  const std::int64_t tokens = wish.tokens.input + wish.tokens.output;
  if (card.context_tokens > 0 && tokens > card.context_tokens) {
    return "has a context window of " + std::to_string(card.context_tokens) + " tokens, the call " +
           std::to_string(tokens);
  }
  if (wish.max_latency_ms > 0 && candidate.latency_ms > wish.max_latency_ms) {
    return "takes " + std::to_string(candidate.latency_ms) + " ms";
  }
  if (candidate.cost_nano.value_or(0) > wish.max_cost_nano) {
    return "costs " + std::to_string(*candidate.cost_nano) + " nano-dollars";
  }
  return "";
}

Ranked Rank(std::span<const Candidate> candidates, const Wish& wish, double money_price) {
  Ranked ranked;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    ranked.refusals.push_back(RefusalOf(candidates[i], wish));
    if (ranked.refusals.back().empty()) {
      ranked.order.push_back(i);
    }
  }
  ranked.shares = SharesOf(candidates, ranked);
  ranked.tips_at = TipsAt(candidates, ranked, wish);
  // Equal values: the cheaper one, then the one that was listed first.
  std::stable_sort(ranked.order.begin(), ranked.order.end(), [&](std::size_t a, std::size_t b) {
    const double left = ValueOf(candidates[a], ranked.shares[a], wish, money_price);
    const double right = ValueOf(candidates[b], ranked.shares[b], wish, money_price);
    return left != right ? left > right : ranked.shares[a] < ranked.shares[b];
  });
  ApplyFloor(candidates, wish, ranked);
  if (!wish.stay_with.has_value() || ranked.order.empty()) {
    return ranked;
  }
  const std::size_t own = *wish.stay_with;
  const auto place = std::find(ranked.order.begin(), ranked.order.end(), own);
  if (place == ranked.order.end()) {
    return ranked;  // It cannot take this call.
  }
  // The most valuable one that may follow; where there is none, the own model stays.
  const auto next = std::find_if(ranked.order.begin(), place, [&](std::size_t other) {
    return MayFollow(candidates[own], candidates[other]);
  });
  ranked.stays = next == place && place != ranked.order.begin();
  std::rotate(ranked.order.begin(), next, next + 1);
  return ranked;
}

}  // namespace reprise::routing
