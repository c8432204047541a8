// Negation: which words stand under a "not", and whether two questions negate the same.
//
// "A is not given" and "no A is given" negate different words of one phrase, "keeps it from drying"
// has no word of negation at all, and "why isn't it centred" puts the word in front of its subject.
//
// Internal to server/match. Errors: none. Complexity: O(words) to mark, O(n + m) to compare.
// Threads: any.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "server/match/pairing.h"
#include "server/match/words.h"

namespace reprise::match {

// Sets mark::kNegated, and mark::kFloating beside it.
void MarkNegations(Words& words);

struct Turned {
  bool excused = false;  // other words explain it
  std::string stored;    // "not given"
  std::string asked;
};

// A word that both sides have, negated on one of them, or a negation more on one side; nothing when
// both negate alike.
std::optional<Turned> FindTurned(const Pairing& pairing);

}  // namespace reprise::match
