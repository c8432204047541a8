// Owns the verdicts. What each word is stands in words.h, who stands for whom in pairing.h.
#include "server/match/guards.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "server/match/guard_order.h"
#include "server/match/idf.h"
#include "server/match/negation.h"

namespace reprise::match {
namespace {

constexpr double kCloseShare = 0.6;
constexpr double kNearlyAllShare = 0.9;
constexpr float kRareWeight = 6.0F;  // a lower-case word that may well be a name
constexpr std::size_t kShownBytesMax = 120;
constexpr std::size_t kLongWords = 10;  // content words of the shorter text
constexpr std::size_t kArrangedWords = 8;
constexpr double kLengthDoubt = 1.1;  // logarithm: about three times as many words

// The words of both sides that have no partner and are of one sort.
struct Difference {
  std::vector<std::size_t> stored;
  std::vector<std::size_t> asked;

  bool Nowhere() const { return stored.empty() && asked.empty(); }
  bool Both() const { return !stored.empty() && !asked.empty(); }
};

template <typename IsSort>
std::vector<std::size_t> Unpaired(const Side& side, const IsSort& is_sort) {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < side.size(); ++i) {
    if (side.IsAlone(i) && is_sort(side.At(i))) {
      found.push_back(i);
    }
  }
  return found;
}

template <typename IsSort>
Difference Differ(const Pairing& pairing, const IsSort& is_sort) {
  return {Unpaired(pairing.stored, is_sort), Unpaired(pairing.asked, is_sort)};
}

std::string Show(const Side& side, const std::vector<std::size_t>& indexes) {
  std::string shown;
  for (const std::size_t index : indexes) {
    if (shown.size() > kShownBytesMax) {
      break;
    }
    shown += (shown.empty() ? "" : ", ") + side.At(index).folded;
  }
  return shown;
}

// A literal that only one side has narrows the question, while in a text that goes its own way it
// may be background.
bool IsCloseOtherwise(const Pairing& pairing) {
  return PairedShare(pairing) >= kCloseShare;
}

Verdict Say(Guard guard, const Pairing& pairing, const Difference& difference, bool veto) {
  if (difference.Nowhere()) {
    return {guard, true, false, "", ""};
  }
  return {guard, false, veto, Show(pairing.stored, difference.stored),
          Show(pairing.asked, difference.asked)};
}

Verdict Pass(Guard guard) {
  return {guard, true, false, "", ""};
}

// The letter that is written right behind a number: "LN-5567A".
std::string_view SuffixOf(const Side& side, std::size_t at) {
  const bool has_suffix = at + 1 < side.size() && side.At(at + 1).begin == side.At(at).end &&
                          side.At(at + 1).kind == Kind::kPlain &&
                          side.At(at + 1).folded.size() == 1;
  return has_suffix ? std::string_view(side.At(at + 1).folded) : std::string_view();
}

std::optional<Verdict> FindSuffix(const Pairing& pairing) {
  for (std::size_t i = 0; i < pairing.stored.size(); ++i) {
    const Kind kind = pairing.stored.At(i).kind;
    if ((kind != Kind::kNumber && kind != Kind::kVersion) || pairing.stored.partner[i] == kNobody) {
      continue;
    }
    const auto partner = static_cast<std::size_t>(pairing.stored.partner[i]);
    const std::string_view here = SuffixOf(pairing.stored, i);
    const std::string_view there = SuffixOf(pairing.asked, partner);
    if (here != there) {
      return Verdict{Guard::kNumbers, false, true, pairing.stored.At(i).folded + std::string(here),
                     pairing.asked.At(partner).folded + std::string(there)};
    }
  }
  return std::nullopt;
}

bool IsCount(const Word& word) {
  return (word.kind == Kind::kNumber && !word.Is(mark::kPronoun)) || word.kind == Kind::kSymbol ||
         word.kind == Kind::kVersion ||
         (word.kind == Kind::kDate && word.canon.starts_with("day "));
}

// "one", "first" and the like count only against another number.
Verdict JudgeNumbers(const Pairing& pairing) {
  if (auto suffix = FindSuffix(pairing); suffix.has_value()) {
    return *std::move(suffix);
  }
  const auto strong = Differ(pairing, [](const Word& word) {
    return (word.kind == Kind::kNumber && !word.Is(mark::kWeakNumber | mark::kPronoun)) ||
           word.kind == Kind::kSymbol;
  });
  const auto any = Differ(pairing, IsCount);
  if (strong.Nowhere() && !any.Both()) {
    return Pass(Guard::kNumbers);
  }
  return Say(Guard::kNumbers, pairing, any, any.Both() || IsCloseOtherwise(pairing));
}

bool IsFreshWord(const Word& word) {
  return word.kind == Kind::kDate && word.Has(trait::kFresh);
}

Verdict JudgeDates(const Pairing& pairing) {
  const auto difference = Differ(pairing, [](const Word& word) {
    return (word.kind == Kind::kDate && !IsFreshWord(word)) || word.kind == Kind::kClock;
  });
  const auto fresh = Differ(pairing, IsFreshWord);
  const bool veto =
      difference.Both() || fresh.Both() || (!difference.Nowhere() && IsCloseOtherwise(pairing));
  return Say(Guard::kDates, pairing, fresh.Both() ? fresh : difference, veto);
}

Verdict JudgeUnits(const Pairing& pairing) {
  const auto difference = Differ(pairing, [](const Word& word) {
    return word.kind == Kind::kUnit && !word.Has(trait::kCurrency) && !word.Is(mark::kAttached);
  });
  return Say(Guard::kUnits, pairing, difference, difference.Both());
}

Verdict JudgeCurrency(const Pairing& pairing) {
  const auto difference =
      Differ(pairing, [](const Word& word) { return word.Has(trait::kCurrency); });
  return Say(Guard::kCurrency, pairing, difference, difference.Both());
}

Verdict JudgeVersions(const Pairing& pairing) {
  const auto difference =
      Differ(pairing, [](const Word& word) { return word.kind == Kind::kVersion; });
  return Say(Guard::kVersions, pairing, difference, difference.Both() || IsCloseOtherwise(pairing));
}

Verdict JudgeKind(Guard guard, Kind kind, const Pairing& pairing) {
  const auto difference = Differ(pairing, [&](const Word& word) { return word.kind == kind; });
  return Say(guard, pairing, difference, difference.Both());
}

// Words inside a quotation must stand on the other side, in one too or bare.
Verdict JudgeQuoted(const Pairing& pairing) {
  const auto difference = Differ(pairing, [](const Word& word) { return word.quote > 0; });
  const bool both_quote = pairing.stored.words->quotes > 0 && pairing.asked.words->quotes > 0;
  return Say(Guard::kQuoted, pairing, difference, both_quote && difference.Both());
}

Verdict JudgeNegation(const Pairing& pairing) {
  auto turned = FindTurned(pairing);
  if (!turned.has_value()) {
    return Pass(Guard::kNegation);
  }
  return {Guard::kNegation, false, !turned->excused, std::move(turned->stored),
          std::move(turned->asked)};
}

bool TurnsRound(const Word& word) {
  constexpr std::string_view kDirections[] = {"before", "after", "on",   "off",  "up",   "down",
                                              "over",   "under", "more", "less", "most", "least",
                                              "above",  "below", "with", "few"};
  return word.IsContent() || word.kind != Kind::kPlain ||
         std::find(std::begin(kDirections), std::end(kDirections), word.canon) !=
             std::end(kDirections);
}

// The next word that says something at or behind `at`, going by `step`; size: the end.
std::size_t Neighbour(const Side& side, std::size_t at, int step) {
  std::size_t index = at + static_cast<std::size_t>(step);
  while (index < side.size() && !side.At(index).IsContent()) {
    index += static_cast<std::size_t>(step);
  }
  return std::min(index, side.size());
}

bool IsSamePlace(const Pairing& pairing, std::size_t stored, std::size_t asked, int step) {
  const std::size_t one = Neighbour(pairing.stored, stored, step);
  const std::size_t other = Neighbour(pairing.asked, asked, step);
  if (one == pairing.stored.size() || other == pairing.asked.size()) {
    return one == pairing.stored.size() && other == pairing.asked.size();
  }
  return pairing.stored.partner[one] == static_cast<std::int32_t>(other);
}

// Up to two words that say something, on each side of `at`.
std::vector<std::size_t> Surroundings(const Side& side, std::size_t at) {
  std::vector<std::size_t> found;
  for (const int step : {1, -1}) {
    std::size_t index = at;
    for (int i = 0; i < 2 && index < side.size(); ++i) {
      index = Neighbour(side, index, step);
      if (index < side.size()) {
        found.push_back(index);
      }
    }
  }
  return found;
}

// A word around one is the partner of a word around the other.
bool ShareSurroundings(const Pairing& pairing, std::size_t stored, std::size_t asked) {
  const auto here = Surroundings(pairing.stored, stored);
  const auto there = Surroundings(pairing.asked, asked);
  return std::any_of(here.begin(), here.end(), [&](std::size_t one) {
    return std::any_of(there.begin(), there.end(), [&](std::size_t other) {
      return pairing.stored.partner[one] == static_cast<std::int32_t>(other);
    });
  });
}

// The tables have "get" for "receive", but it is the opposite of "give" only with the same object.
bool MeansReceive(const Pairing& pairing, std::size_t stored, std::size_t asked) {
  const auto is_wide = [](const Word& word) {
    return word.canon == "get" && !word.folded.starts_with("receiv");
  };
  if (!is_wide(pairing.stored.At(stored)) && !is_wide(pairing.asked.At(asked))) {
    return true;
  }
  return Neighbour(pairing.stored, stored, 1) < pairing.stored.size() &&
         IsSamePlace(pairing, stored, asked, 1);
}

bool HasOneAlone(const Side& side) {
  return Unpaired(side, [](const Word& word) { return word.IsContent(); }).size() == 1;
}

// Nothing but the opposites is different, or not much.
bool IsNearlySame(const Pairing& pairing) {
  return IsCloseOtherwise(pairing) || (HasOneAlone(pairing.stored) && HasOneAlone(pairing.asked));
}

// Opposites in the same surroundings, or in texts that have nearly all else in common.
bool AreRivals(const Pairing& pairing, std::size_t stored, std::size_t asked, bool close) {
  const Word& one = pairing.stored.At(stored);
  const Word& other = pairing.asked.At(asked);
  return one.folded != "daily" && other.folded != "daily" && MeansReceive(pairing, stored, asked) &&
         (close || ShareSurroundings(pairing, stored, asked));
}

bool TurnRound(const Word& one, const Word& other) {
  const auto form = [](const Word& word) {
    return word.kind == Kind::kNumber ? word.folded : word.canon;  // "first" and "last"
  };
  return AreOpposite(form(one), form(other)) && one.Is(mark::kNegated) == other.Is(mark::kNegated);
}

// Elsewhere opposites are usually part of the wording: "stop putting it off" and "get going".
Verdict JudgeAntonyms(const Pairing& pairing, bool turned_twice, bool reversed_time) {
  const auto difference = Differ(pairing, TurnsRound);
  const bool close = IsNearlySame(pairing);
  Verdict verdict = Pass(Guard::kAntonyms);
  for (const std::size_t i : difference.stored) {
    for (const std::size_t j : difference.asked) {
      const Word& one = pairing.stored.At(i);
      const Word& other = pairing.asked.At(j);
      const bool excused =
          (turned_twice && one.Has(trait::kRank)) || (reversed_time && one.Has(trait::kFunction));
      if (excused || !TurnRound(one, other)) {
        continue;
      }
      const bool veto = AreRivals(pairing, i, j, close);
      if (verdict.pass || (veto && !verdict.veto)) {
        verdict = {Guard::kAntonyms, false, veto, one.folded, other.folded};
      }
    }
  }
  return verdict;
}

// What a comparison measures; 0: "most" and the like, which take it from the next word.
int ScaleOf(const Word& word) {
  constexpr std::string_view kScales[] = {
      "top best better worst worse",
      "cheapest cheaper",
      "fastest faster slowest slower",
      "oldest older newest newer youngest younger",
      "easiest easier hardest harder",
      "safest safer",
      "maximum minimum bigger smaller",
      "tallest taller higher deeper shortest shorter longest longer",
      "strongest stronger weakest weaker",
      "heavier lighter",
      "warmer colder hotter cooler",
      "wider narrower",
      "richer poorer",
      "healthier",
      "average"};
  if (word.folded == "greatest") {
    return 0;
  }
  int scale = 1;
  for (const std::string_view words : kScales) {
    for (std::size_t at = words.find(word.canon); at != std::string_view::npos;
         at = words.find(word.canon, at + 1)) {
      const std::size_t end = at + word.canon.size();
      if ((at == 0 || words[at - 1] == ' ') && (end == words.size() || words[end] == ' ')) {
        return scale;
      }
    }
    ++scale;
  }
  return 0;
}

// "best" and "worst", "best" and "cheapest"; "biggest" and "most popular" may be one.
Verdict JudgeRank(const Pairing& pairing) {
  constexpr double kScaleShare = 0.5;
  const auto difference = Differ(pairing, [](const Word& word) { return word.Has(trait::kRank); });
  const bool close = IsNearlySame(pairing);
  bool veto = false;
  for (const std::size_t i : difference.stored) {
    for (const std::size_t j : difference.asked) {
      const Word& one = pairing.stored.At(i);
      const Word& other = pairing.asked.At(j);
      const int scale = ScaleOf(one);
      const int there = ScaleOf(other);
      const bool opposed = TurnRound(one, other) && AreRivals(pairing, i, j, close);
      const bool measured =
          scale != 0 && there != 0 && scale != there && PairedShare(pairing) >= kScaleShare;
      veto = veto || opposed || measured;
    }
  }
  return Say(Guard::kRank, pairing, difference, veto);
}

// "X before Y" asked as "Y after X".
bool IsReversedTime(const Pairing& pairing) {
  const auto has = [](const Words& words, std::string_view folded) {
    return std::any_of(words.list.begin(), words.list.end(),
                       [&](const Word& word) { return word.folded == folded; });
  };
  const Words& stored = *pairing.stored.words;
  const Words& asked = *pairing.asked.words;
  return ((has(stored, "before") && has(asked, "after")) ||
          (has(stored, "after") && has(asked, "before"))) &&
         HasTimeLinksAlike(pairing);
}

Verdict JudgeOrder(const Pairing& pairing) {
  auto exchange = FindExchange(pairing);
  if (!exchange.has_value()) {
    return Pass(Guard::kOrder);
  }
  return {Guard::kOrder, false, true, std::move(exchange->stored), std::move(exchange->asked)};
}

bool IsName(const Word& word) {
  return word.kind == Kind::kPlain && word.Is(mark::kName) && word.IsContent();
}

bool IsRare(const Word& word) {
  return word.kind == Kind::kPlain && word.weight >= kRareWeight && !word.Is(mark::kListed);
}

// A name on one side and another name, or a word as rare as one, on the other.
Verdict JudgeNames(const Pairing& pairing) {
  auto names = Differ(pairing, IsName);
  if (names.Nowhere()) {
    return Pass(Guard::kNames);
  }
  if (!names.Both()) {
    const auto rare =
        Differ(pairing, [](const Word& word) { return IsName(word) || IsRare(word); });
    if (rare.Both()) {
      return Say(Guard::kNames, pairing, rare, IsCloseOtherwise(pairing));
    }
  }
  return Say(Guard::kNames, pairing, names, names.Both());
}

Verdict JudgeTrait(Guard guard, std::uint32_t traits, const Pairing& pairing) {
  const auto difference = Differ(
      pairing, [&](const Word& word) { return word.kind == Kind::kPlain && word.Has(traits); });
  const bool one_sided =
      (guard == Guard::kPlaces || guard == Guard::kQualifiers) && IsCloseOtherwise(pairing);
  return Say(guard, pairing, difference,
             (difference.Both() && guard != Guard::kAspect) || one_sided);
}

bool HasMine(const Words& words) {
  return std::any_of(words.list.begin(), words.list.end(),
                     [](const Word& word) { return word.folded == "my"; });
}

// "What is my balance right now?": the next answer is another one.
bool AsksStateOfOwn(const Words& words) {
  return HasMine(words) && std::any_of(words.list.begin(), words.list.end(), [](const Word& word) {
           return (word.Has(trait::kFresh) && word.folded != "now") || word.canon == "right_now";
         });
}

Verdict JudgeFreshness(const Pairing& pairing) {
  if (AsksStateOfOwn(*pairing.stored.words) || AsksStateOfOwn(*pairing.asked.words)) {
    return {Guard::kFreshness, false, true, "now", "now"};
  }
  return JudgeTrait(Guard::kFreshness, trait::kFresh, pairing);
}

bool ChangesThings(std::string_view folded) {
  constexpr std::string_view kVerbs[] = {
      "cancel", "lock",   "unlock",   "freeze",   "unfreeze",   "block",  "unblock", "increase",
      "raise",  "lower",  "decrease", "transfer", "send",       "pay",    "close",   "delete",
      "remove", "update", "change",   "activate", "deactivate", "order",  "book",    "renew",
      "stop",   "pause",  "resume",   "submit",   "withdraw",   "rename", "replace", "refund"};
  return std::find(std::begin(kVerbs), std::end(kVerbs), folded) != std::end(kVerbs);
}

// "Cancel my order", and a "please" in front.
std::string OrderOf(const Words& words) {
  constexpr std::size_t kReach = 3;
  std::size_t at = 0;
  while (at < words.list.size() && words.list[at].Has(trait::kFiller)) {
    ++at;
  }
  if (at == words.list.size() || !ChangesThings(words.list[at].folded)) {
    return "";
  }
  for (std::size_t i = at + 1; i < words.list.size() && i <= at + kReach; ++i) {
    if (words.list[i].folded == "my") {
      return words.list[at].folded + " my";
    }
  }
  return "";
}

Verdict JudgeAction(const Pairing& pairing) {
  std::string stored = OrderOf(*pairing.stored.words);
  std::string asked = OrderOf(*pairing.asked.words);
  const bool pass = stored.empty() && asked.empty();
  return {Guard::kAction, pass, !pass, std::move(stored), std::move(asked)};
}

Verdict JudgeTense(const Pairing& pairing) {
  const Tense stored = pairing.stored.words->tense;
  const Tense asked = pairing.asked.words->tense;
  if (stored == asked) {
    return Pass(Guard::kTense);
  }
  constexpr std::string_view kNames[] = {"present", "past", "future"};
  // "When did it open?" asks for a date, "when does it open?" for a time of the day.
  const bool is_when =
      pairing.stored.words->asks == Asks::kWhen && pairing.asked.words->asks == Asks::kWhen;
  const bool opposed = is_when || (stored != Tense::kPresent && asked != Tense::kPresent);
  return {Guard::kTense, false, opposed, std::string(kNames[static_cast<std::size_t>(stored)]),
          std::string(kNames[static_cast<std::size_t>(asked)])};
}

Verdict JudgeQuestionWord(const Pairing& pairing) {
  const Asks stored = pairing.stored.words->asks;
  const Asks asked = pairing.asked.words->asks;
  if (stored == asked || stored == Asks::kNothing || asked == Asks::kNothing) {
    return Pass(Guard::kQuestionWord);
  }
  return {Guard::kQuestionWord, false, false, std::string(NameOf(stored)),
          std::string(NameOf(asked))};
}

// More than half of the words in letters outside ASCII on one side, fewer than a quarter on the
// other.
Verdict JudgeScript(const Pairing& pairing) {
  const auto share = [](const Words& words) {
    return words.list.empty()
               ? 0.0
               : static_cast<double>(words.foreign) / static_cast<double>(words.list.size());
  };
  const double stored = share(*pairing.stored.words);
  const double asked = share(*pairing.asked.words);
  if (std::max(stored, asked) <= 0.5 || std::min(stored, asked) >= 0.25) {
    return Pass(Guard::kScript);
  }
  return {Guard::kScript, false, true, stored > asked ? "another script" : "",
          stored > asked ? "" : "another script"};
}

// Texts beyond the limits are not known to the end, so nothing about them is sure.
Verdict JudgeLength(const Pairing& pairing) {
  const auto stored = static_cast<double>(pairing.stored.size());
  const auto asked = static_cast<double>(pairing.asked.size());
  const bool cut = pairing.stored.words->cut || pairing.asked.words->cut;
  const bool empty = (stored == 0) != (asked == 0);
  if (!cut && !empty && std::abs(std::log((stored + 1) / (asked + 1))) < kLengthDoubt) {
    return Pass(Guard::kLength);
  }
  return {Guard::kLength, false, cut || empty, std::to_string(pairing.stored.size()) + " words",
          std::to_string(pairing.asked.size()) + " words"};
}

// One word without a partner on each side, between the same neighbours.
Verdict JudgeSubstitution(const Pairing& pairing) {
  const auto alone = Differ(pairing, [](const Word& word) { return word.IsContent(); });
  for (const std::size_t i : alone.stored) {
    for (const std::size_t j : alone.asked) {
      if (IsSamePlace(pairing, i, j, 1) && IsSamePlace(pairing, i, j, -1)) {
        return {Guard::kSubstitution, false, false, pairing.stored.At(i).folded,
                pairing.asked.At(j).folded};
      }
    }
  }
  return Pass(Guard::kSubstitution);
}

std::size_t ContentWords(const Words& words) {
  return static_cast<std::size_t>(std::count_if(words.list.begin(), words.list.end(),
                                                [](const Word& word) { return word.IsContent(); }));
}

// The share of pairs of paired words that stand the other way round.
double TurnedShare(const Pairing& pairing) {
  const Side& side = pairing.stored;
  double turned = 0;
  double all = 0;
  for (std::size_t i = 0; i < side.size(); ++i) {
    for (std::size_t j = i + 1; j < side.size() && side.At(i).IsContent(); ++j) {
      if (side.At(j).IsContent() && side.partner[i] != kNobody && side.partner[j] != kNobody) {
        all += 1;
        turned += side.partner[i] > side.partner[j] ? 1 : 0;
      }
    }
  }
  return all > 0 ? turned / all : 0;
}

// Two clauses that change places turn many words, two roles that do only a few.
bool IsRearranged(const Pairing& pairing) {
  constexpr double kTurnedMin = 0.3;
  return std::min(ContentWords(*pairing.stored.words), ContentWords(*pairing.asked.words)) >=
             kArrangedWords &&
         TurnedShare(pairing) >= kTurnedMin;
}

bool IsLongAndReworded(const Pairing& pairing) {
  return std::min(ContentWords(*pairing.stored.words), ContentWords(*pairing.asked.words)) >=
             kLongWords &&
         PairedShare(pairing) < kNearlyAllShare;
}

// In two long texts of their own wording, one word without a counterpart, or one at another place,
// is usually part of the wording. Literals on both sides keep their veto.
void Soften(Verdicts& verdicts) {
  for (Verdict& verdict : verdicts) {
    switch (verdict.guard) {
      case Guard::kNumbers:
      case Guard::kDates:
      case Guard::kVersions:
      case Guard::kPlaces:
        verdict.veto = verdict.veto && !verdict.stored.empty() && !verdict.asked.empty();
        break;
      case Guard::kQuoted:
      case Guard::kNegation:
      case Guard::kAntonyms:
      case Guard::kOrder:
      case Guard::kNames:
      case Guard::kQualifiers:
      case Guard::kTask:
      case Guard::kRank:
        verdict.veto = false;
        break;
      case Guard::kUnits:
      case Guard::kCurrency:
      case Guard::kUrls:
      case Guard::kCode:
      case Guard::kAspect:
      case Guard::kFreshness:
      case Guard::kTense:
      case Guard::kQuestionWord:
      case Guard::kScript:
      case Guard::kLength:
      case Guard::kSubstitution:
      case Guard::kAction:
        break;
    }
  }
}

}  // namespace

std::string_view NameOf(Guard guard) {
  static constexpr std::string_view kNames[] = {
      "numbers", "dates",         "units",    "currency", "versions",     "urls",
      "code",    "quoted",        "negation", "antonyms", "order",        "names",
      "places",  "qualifiers",    "aspect",   "task",     "rank",         "freshness",
      "tense",   "question_word", "script",   "length",   "substitution", "action"};
  static_assert(std::size(kNames) == kGuards);
  return kNames[static_cast<std::size_t>(guard)];
}

Verdicts Judge(const Pairing& pairing) {
  const bool turned_twice = IsTurnedTwice(pairing);
  const bool reversed_time = IsReversedTime(pairing);
  constexpr std::uint32_t kQualifiers =
      trait::kPlatform | trait::kLanguage | trait::kDiet | trait::kAudience;
  Verdicts verdicts = {JudgeNumbers(pairing),
                       JudgeDates(pairing),
                       JudgeUnits(pairing),
                       JudgeCurrency(pairing),
                       JudgeVersions(pairing),
                       JudgeKind(Guard::kUrls, Kind::kUrl, pairing),
                       JudgeKind(Guard::kCode, Kind::kCode, pairing),
                       JudgeQuoted(pairing),
                       JudgeNegation(pairing),
                       JudgeAntonyms(pairing, turned_twice, reversed_time),
                       JudgeOrder(pairing),
                       JudgeNames(pairing),
                       JudgeTrait(Guard::kPlaces, trait::kPlace, pairing),
                       JudgeTrait(Guard::kQualifiers, kQualifiers, pairing),
                       JudgeTrait(Guard::kAspect, trait::kAspect, pairing),
                       JudgeTrait(Guard::kTask, trait::kTask, pairing),
                       turned_twice ? Pass(Guard::kRank) : JudgeRank(pairing),
                       JudgeFreshness(pairing),
                       JudgeTense(pairing),
                       JudgeQuestionWord(pairing),
                       JudgeScript(pairing),
                       JudgeLength(pairing),
                       JudgeSubstitution(pairing),
                       JudgeAction(pairing)};
  if (IsLongAndReworded(pairing)) {
    Soften(verdicts);
  }
  Verdict& order = verdicts[static_cast<std::size_t>(Guard::kOrder)];
  order.veto = order.veto && !IsRearranged(pairing);
  return verdicts;
}

Verdicts Judge(const Words& stored, const Words& asked) {
  return Judge(Pair(stored, asked));
}

const Verdict* FindVeto(const Verdicts& verdicts) {
  const auto* found = std::find_if(verdicts.begin(), verdicts.end(),
                                   [](const Verdict& verdict) { return verdict.veto; });
  return found == verdicts.end() ? nullptr : found;
}

}  // namespace reprise::match
