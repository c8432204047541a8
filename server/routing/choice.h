// Choice: which of several models answers, given what is expected of each. Pure.
//
//   value of a model = weight * expected quality - price of money * its share of the dearest cost
//
// Models that cannot take the call are out; of the others the most valuable is chosen. A model is
// "cheap" when it costs at most half of the dearest one that could take the call. In a conversation
// another model is taken only when it is stronger, or when it saves more than the prompt cache that
// is lost is worth.
//
// Threads: any. Errors: none here: nobody eligible is a value. Complexity: O(models^2). Units:
// quality 0 to 1, nano-dollars, tokens, milliseconds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/routing/model_card.h"

namespace reprise::routing {

// What a caller wants of a call.
struct Wish {
  std::uint8_t needs = 0;  // capabilities
  CallTokens tokens;       // as they are expected
  std::int64_t max_cost_nano = std::numeric_limits<std::int64_t>::max();
  std::int64_t max_latency_ms = 0;  // 0: any
  double quality_min = 0;
  double importance = 1;                 // weight of quality
  std::optional<std::size_t> stay_with;  // the conversation's model
};

// A model that may be asked for.
struct Candidate {
  const ModelCard* card = nullptr;        // borrowed
  double quality = 0;                     // expected, failures included
  double strength = 0;                    // 0 to 1
  std::optional<std::int64_t> cost_nano;  // of this call; absent: no price is known
  std::int64_t latency_ms = 0;            // expected; 0: not known
};

// Why a model cannot take the call; empty: it can.
std::string RefusalOf(const Candidate& candidate, const Wish& wish);

struct Ranked {
  std::vector<std::size_t> order;     // of those that can, the most valuable first
  std::vector<std::string> refusals;  // of each candidate; empty: it can
  std::vector<double> shares;         // of the dearest cost that is possible, 0 to 1
  bool below_floor = false;           // nobody reaches `quality_min`; the best is taken
  bool stays = false;                 // kept its model although another one is worth more
  // At this price of money a cheap model is taken instead of a dear one; infinite: never, because
  // there are not both.
  double tips_at = std::numeric_limits<double>::infinity();

  bool IsCheap(std::size_t candidate) const;
};

inline constexpr double kCheapShare = 0.5;

Ranked Rank(std::span<const Candidate> candidates, const Wish& wish, double money_price);

}  // namespace reprise::routing
