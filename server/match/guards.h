// Guards: what two questions must share before the answer of one may serve the other: numbers,
// dates, units, versions, addresses, code, quotations, sides of an opposition, direction, names.
//
// A guard passes, doubts or vetoes. A veto means: do not serve, whatever a model says. A doubt is
// only a feature of it. Guards compare canonical forms, so "3 kg" and "three kilograms" agree.
//
// Units: none. Errors: none. Complexity: O(n x m) for n and m words, each at most kTokensMax.
// Threads: any. Lifetime: verdicts own their strings. Judge(a, b) fails the guards that Judge(b, a)
// does, with `stored` and `asked` exchanged.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "server/match/pairing.h"
#include "server/match/words.h"

namespace reprise::match {

// Append only: counters and CACHE.EXPLAIN use the names.
enum class Guard : std::uint8_t {
  kNumbers,
  kDates,
  kUnits,
  kCurrency,
  kVersions,
  kUrls,
  kCode,
  kQuoted,
  kNegation,
  kAntonyms,
  kOrder,
  kNames,
  kPlaces,
  kQualifiers,  // audience, platform, language, diet
  kAspect,      // causes, treatment, price ...
  kTask,        // translate, summarise ...
  kRank,        // best, worst, cheapest ...
  kFreshness,   // latest, current ...
  kTense,
  kQuestionWord,
  kScript,  // letters of another writing system
  kLength,
  kSubstitution,  // one word exchanged in the same surroundings
  kAction,        // an order to change something of the asker's: it wants doing, not an answer
};
inline constexpr std::size_t kGuards = 24;

std::string_view NameOf(Guard guard);

struct Verdict {
  Guard guard = Guard::kNumbers;
  bool pass = true;
  bool veto = false;   // only when it does not pass
  std::string stored;  // what differs, empty when it passes
  std::string asked;
};

using Verdicts = std::array<Verdict, kGuards>;  // in the order of Guard

Verdicts Judge(const Words& stored, const Words& asked);
Verdicts Judge(const Pairing& pairing);

// The first veto, or null.
const Verdict* FindVeto(const Verdicts& verdicts);

}  // namespace reprise::match
