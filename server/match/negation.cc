// Owns what a negation is about, and when two questions negate the same in other words.
#include "server/match/negation.h"

#include <algorithm>
#include <initializer_list>
#include <string_view>
#include <utility>
#include <vector>

namespace reprise::match {
namespace {

using List = std::vector<Word>;

constexpr double kNearlyAllShare = 0.9;
constexpr std::size_t kReach = 5;
constexpr std::uint32_t kEmpty =
    trait::kFunction | trait::kFiller | trait::kQuestion | trait::kNegation;

bool IsIn(std::string_view folded, std::initializer_list<std::string_view> list) {
  return std::find(list.begin(), list.end(), folded) != list.end();
}

bool IsAuxiliary(const Word& word) {
  return IsIn(word.canon, {"be", "do", "have"}) ||
         IsIn(word.folded, {"can", "could", "will", "would", "should", "must", "may", "might"});
}

bool SaysSomething(const Word& word) {
  return word.kind != Kind::kSymbol && !word.Has(kEmpty);
}

// Negations that negate nothing: "whether or not", "if it exists, update it, if not, ...", "not
// only".
bool IsNeutral(const List& list, std::size_t at) {
  const bool last = at + 1 == list.size() || list[at + 1].Is(mark::kClause);
  // "if not, insert it"
  const bool command = list[at].folded == "not" && (last || !list[at + 1].Has(trait::kFunction));
  if (at > 0 &&
      (IsIn(list[at - 1].folded, {"or", "whether"}) || (list[at - 1].folded == "if" && command))) {
    return true;
  }
  return !last && IsIn(list[at + 1].folded, {"only", "just", "matter", "problem", "idea"});
}

// "I don't know how": nothing that the question is about.
bool IsNeutralTarget(const Word& word) {
  return word.Has(trait::kNeutralNo) && word.folded != "known";
}

// "nothing" behind a verb is its object: "changes nothing" is "does not change".
bool IsObject(const List& list, std::size_t at) {
  return at > 0 && IsIn(list[at].folded, {"nothing", "nobody", "none"}) &&
         !list[at].Is(mark::kClause) && list[at - 1].kind == Kind::kPlain &&
         SaysSomething(list[at - 1]);
}

// The word that a negation is about: the next one that says something in the same clause, else the
// verb beside it ("what must you not do").
std::size_t TargetOf(const List& list, std::size_t at) {
  if (IsObject(list, at)) {
    return at - 1;
  }
  const auto apart = [&](std::size_t i) {
    return list[at].quote > 0 && list[i].quote != list[at].quote;
  };
  std::size_t verb =
      at > 0 && list[at].quote > 0 && IsAuxiliary(list[at - 1]) ? at - 1 : list.size();
  for (std::size_t i = at + 1; i < list.size() && i <= at + kReach; ++i) {
    const bool begins =
        IsIn(list[i].folded, {"when", "while", "because", "if", "although", "though", "but"});
    if (list[i].Is(mark::kClause) || apart(i) || (begins && verb < list.size())) {
      break;
    }
    if (SaysSomething(list[i])) {
      return i;
    }
    verb = verb == list.size() && IsAuxiliary(list[i]) ? i : verb;
  }
  return verb;
}

// "no", "without", "why isn't": the same is said with a "not" further on.
bool IsFloating(const List& list, std::size_t at) {
  if (list[at].canon != "not" && list[at].folded != "never") {
    return true;
  }
  return at > 0 && IsAuxiliary(list[at - 1]) &&
         (at == 1 || list[at - 1].Is(mark::kClause) || list[at - 2].Has(trait::kQuestion));
}

// "keeps it from drying": "from" has the force of a "not".
bool KeepsFrom(const List& list, std::size_t at) {
  constexpr std::size_t kBack = 7;
  if (list[at].folded != "from" || at + 1 >= list.size()) {
    return false;
  }
  const std::string_view next = list[at + 1].folded;
  if (!next.substr(0, next.find('_')).ends_with("ing")) {
    return false;
  }
  for (std::size_t i = at; i-- > 0 && i + kBack > at;) {
    if (list[i].canon == "keep") {
      return true;
    }
    if (list[i].Is(mark::kClause)) {
      return false;
    }
  }
  return false;
}

// "must not be connected until": said of the time, not of the deed.
bool WaitsUntil(const List& list, std::size_t at) {
  constexpr std::size_t kAhead = 10;
  for (std::size_t i = at + 1; i < list.size() && i <= at + kAhead; ++i) {
    if (list[i].Is(mark::kClause)) {
      return false;
    }
    if (list[i].folded == "until") {
      return true;
    }
  }
  return false;
}

// "I don't know the password": not negated, and yet as good as without it.
void MarkMissed(List& list, std::size_t at) {
  for (std::size_t i = at + 1; i < list.size() && i <= at + 3; ++i) {
    if (list[i].Is(mark::kClause) || list[i].Has(trait::kQuestion) || list[i].folded == "if") {
      return;
    }
    if (SaysSomething(list[i])) {
      list[i].marks |= mark::kMissed;
      return;
    }
  }
}

int NegatedWords(const Side& side) {
  int count = 0;
  for (std::size_t i = 0; i < side.size(); ++i) {
    count += side.At(i).Is(mark::kNegated) ? 1 : 0;
  }
  return count;
}

// A no inside a word of this side only: "fails to", "instead of".
bool IsCompensated(const Side& side) {
  for (std::size_t i = 0; i < side.size(); ++i) {
    if (side.IsAlone(i) &&
        (side.At(i).Has(trait::kFailure) ||
         IsIn(side.At(i).canon, {"instead", "alternative", "vanish", "disappear", "discourag",
                                 "discourage", "absence", "absenc", "demote", "demot"}))) {
      return true;
    }
  }
  return false;
}

// "Do I need a visa" and "is it possible without a visa" have one answer.
bool IsNeeded(const Pairing& pairing, const Side& affirmed) {
  const auto asks_whether = [](const Words& words) {
    return words.asks == Asks::kYesNo ||
           std::any_of(words.list.begin(), words.list.end(),
                       [](const Word& word) { return word.folded == "is_it_possible_to"; });
  };
  if (!asks_whether(*pairing.stored.words) || !asks_whether(*pairing.asked.words)) {
    return false;
  }
  for (std::size_t i = 0; i < affirmed.size(); ++i) {
    if (affirmed.IsAlone(i) && (affirmed.At(i).canon == "need" || affirmed.At(i).canon == "must")) {
      return true;
    }
  }
  return false;
}

// "refuses the connection": a no beside the word itself.
bool IsRefused(const Side& affirmed, std::size_t at) {
  for (std::size_t i = at > 2 ? at - 2 : 0; i <= at + 2 && i < affirmed.size(); ++i) {
    if (i != at && !affirmed.At(i).Is(mark::kNegated) &&
        IsIn(affirmed.At(i).folded, {"refuse", "refuses", "refused", "refusing", "rejects",
                                     "rejected", "denies", "denied", "lacks"})) {
      return true;
    }
  }
  return false;
}

// "get it to sleep" asks about what "won't sleep".
bool IsWanted(const Side& affirmed, std::size_t at) {
  if (at == 0 || affirmed.At(at - 1).folded != "to") {
    return false;
  }
  for (std::size_t i = at - 1; i-- > 0 && i + 8 > at;) {
    if (affirmed.IsAlone(i) && IsIn(affirmed.At(i).canon, {"get", "bring", "make"})) {
      return true;
    }
  }
  return false;
}

// The words between two of one side hold together: no clause, no "and" begins there.
bool IsOnePhrase(const Side& side, std::size_t one, std::size_t other) {
  const auto [first, last] = std::minmax(one, other);
  if (last - first > kReach) {
    return false;
  }
  for (std::size_t i = first + 1; i <= last; ++i) {
    if (side.At(i).Is(mark::kClause) ||
        IsIn(side.At(i).folded,
             {"and", "or", "but", "with", "for", "if", "when", "than", "that", "which", "who"})) {
      return false;
    }
  }
  return true;
}

// The partner of `at`; size: none.
std::size_t MateOf(const Side& side, const Side& other, std::size_t at) {
  const bool has = side.partner[at] != kNobody && side.bond[at] != Bond::kOpposed;
  return has ? static_cast<std::size_t>(side.partner[at]) : other.size();
}

// Whether `other` negates the phrase around the partner of `at` at another word of it: "A is not
// given", "no A is given".
bool IsNegatedNearby(const Side& side, const Side& other, std::size_t at, std::size_t mate) {
  for (std::size_t j = 0; j < other.size(); ++j) {
    if (!other.At(j).Is(mark::kNegated) || j == mate) {
      continue;
    }
    const std::size_t back = MateOf(other, side, j);
    if (back < side.size() && !side.At(back).Is(mark::kNegated) &&
        (side.At(at).Is(mark::kFloating) || other.At(j).Is(mark::kFloating)) &&
        IsOnePhrase(side, at, back) && IsOnePhrase(other, mate, j)) {
      return true;
    }
  }
  return false;
}

std::string Show(const Word& word) {
  return (word.Is(mark::kNegated) ? "not " : "") + word.folded;
}

struct Candidate {
  std::size_t negated;
  std::size_t affirmed;
  bool excused = false;
};

// The first word of `side` that is negated while its partner is not, for no reason if there is one.
std::optional<Candidate> FindNegated(const Pairing& pairing, const Side& side, const Side& other) {
  std::optional<Candidate> found;
  for (std::size_t i = 0; i < side.size(); ++i) {
    if (!side.At(i).Is(mark::kNegated)) {
      continue;
    }
    const std::size_t mate = MateOf(side, other, i);
    const bool spelt_out = side.bond[i] == Bond::kNear && mate < other.size() &&
                           other.partner[mate] != static_cast<std::int32_t>(i);
    const bool says = side.At(i).IsContent() || PairedShare(pairing) >= kNearlyAllShare;
    if (mate == other.size() || spelt_out || !says || other.At(mate).Is(mark::kNegated) ||
        IsNegatedNearby(side, other, i, mate)) {
      continue;
    }
    const bool excused = other.At(mate).Is(mark::kMissed) || IsNeeded(pairing, other) ||
                         IsWanted(other, mate) || IsRefused(other, mate);
    if (!found.has_value() || (found->excused && !excused)) {
      found = {i, mate, excused};
    }
  }
  return found;
}

}  // namespace

void MarkNegations(Words& words) {
  List& list = words.list;
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (list[i].canon == "do_not_know") {
      MarkMissed(list, i);
      continue;
    }
    const bool negation = list[i].kind == Kind::kPlain && list[i].Has(trait::kNegation);
    if (!(negation && !IsNeutral(list, i)) && !KeepsFrom(list, i)) {
      continue;
    }
    const std::size_t target = TargetOf(list, i);
    if (target < list.size() && IsNeutralTarget(list[target])) {
      MarkMissed(list, target);
    } else if (target < list.size() && !WaitsUntil(list, i)) {
      list[target].marks ^= mark::kNegated;
      list[target].marks |= IsFloating(list, i) ? mark::kFloating : std::uint16_t{0};
    }
  }
}

// Excused: "does not start" and "fails to start"; as many negations at other words, in another
// wording.
std::optional<Turned> FindTurned(const Pairing& pairing) {
  const int balance = NegatedWords(pairing.stored) - NegatedWords(pairing.asked);
  const bool even = balance % 2 == 0;
  const bool compensated = even || IsCompensated(balance > 0 ? pairing.asked : pairing.stored);
  const auto stored = FindNegated(pairing, pairing.stored, pairing.asked);
  const auto asked = FindNegated(pairing, pairing.asked, pairing.stored);
  if (!stored.has_value() && !asked.has_value()) {
    if (compensated) {
      return std::nullopt;
    }
    return Turned{true, balance > 0 ? "a negation" : "", balance > 0 ? "" : "a negation"};
  }
  const bool moved = even && PairedShare(pairing) >= kNearlyAllShare;
  const bool first = stored.has_value() && !(stored->excused && asked.has_value());
  const Candidate& shown = first ? *stored : *asked;
  const std::size_t here = first ? shown.negated : shown.affirmed;
  const std::size_t there = first ? shown.affirmed : shown.negated;
  return Turned{shown.excused || (compensated && !moved), Show(pairing.stored.At(here)),
                Show(pairing.asked.At(there))};
}

}  // namespace reprise::match
