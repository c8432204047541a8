// Order: whether two questions that share their words exchange their roles: from X to Y and from Y
// to X, X before Y and Y before X, X bites Y and Y bites X.
//
// Internal to server/match. Errors: none. Complexity: O(n) links, O(links of one x links of the
// other), at most kLinksMax each. Threads: any.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "server/match/pairing.h"

namespace reprise::match {

inline constexpr std::size_t kLinksMax = 24;

struct Exchange {
  std::string stored;  // "rome to oslo"
  std::string asked;
};

std::optional<Exchange> FindExchange(const Pairing& pairing);

// "X taller than Y" and "Y shorter than X" say the same.
bool IsTurnedTwice(const Pairing& pairing);

// "X before Y" and "Y after X": the same moment comes first.
bool HasTimeLinksAlike(const Pairing& pairing);

}  // namespace reprise::match
