// Owns how words find their partners.
#include "server/match/pairing.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "server/match/idf.h"
#include "server/match/spelling.h"

namespace reprise::match {
namespace {

constexpr std::size_t kAcronymBytesMax = 6;

Side Begin(const Words& words) {
  return {&words, std::vector<std::int32_t>(words.list.size(), kNobody),
          std::vector<Bond>(words.list.size(), Bond::kNone)};
}

void Join(Pairing& pairing, std::size_t stored, std::size_t asked, Bond bond) {
  pairing.stored.partner[stored] = static_cast<std::int32_t>(asked);
  pairing.stored.bond[stored] = bond;
  pairing.asked.partner[asked] = static_cast<std::int32_t>(stored);
  pairing.asked.bond[asked] = bond;
}

std::size_t CountOf(const Side& side, const Word& word) {
  return static_cast<std::size_t>(std::count_if(
      side.words->list.begin(), side.words->list.end(),
      [&](const Word& other) { return other.key == word.key && other.canon == word.canon; }));
}

// Pairs words of one form, those that stand first with each other. A form's unequal counts leave
// the last ones alone, but those count as said: repeating a word changes nothing.
void JoinSame(Pairing& pairing, std::size_t stored, bool negated_alike) {
  const Word& one = pairing.stored.At(stored);
  for (std::size_t j = 0; j < pairing.asked.size() && pairing.stored.IsAlone(stored); ++j) {
    const Word& other = pairing.asked.At(j);
    if (pairing.asked.IsAlone(j) && other.key == one.key && other.canon == one.canon &&
        (!negated_alike || other.Is(mark::kNegated) == one.Is(mark::kNegated))) {
      Join(pairing, stored, j, Bond::kSame);
    }
  }
}

// Where the counts differ, those that are negated alike go first: "dry it using a cloth, never use
// air" and "dry it with a cloth, never use air".
void PairSame(Pairing& pairing) {
  for (std::size_t i = 0; i < pairing.stored.size(); ++i) {
    const Word& word = pairing.stored.At(i);
    if (CountOf(pairing.stored, word) != CountOf(pairing.asked, word)) {
      JoinSame(pairing, i, true);
    }
  }
  for (std::size_t i = 0; i < pairing.stored.size(); ++i) {
    JoinSame(pairing, i, false);
  }
}

// A word said twice here and once there is no difference; numbers are.
void ForgiveRepeats(Side& side) {
  for (std::size_t i = 0; i < side.size(); ++i) {
    if (!side.IsAlone(i) || side.At(i).kind != Kind::kPlain) {
      continue;
    }
    for (std::size_t j = 0; j < side.size(); ++j) {
      if (side.bond[j] == Bond::kSame && side.At(j).key == side.At(i).key) {
        side.bond[i] = Bond::kSame;
        side.partner[i] = side.partner[j];
        break;
      }
    }
  }
}

double WrittenOf(const Word& word) {
  return word.dimension == Dimension::kNone ? word.value : word.written;
}

// "5567A" is a reference, not so many amperes.
bool HasLetterBehind(const Side& side, std::size_t at) {
  return at + 1 < side.size() && side.At(at + 1).folded.size() == 1 &&
         side.At(at + 1).begin == side.At(at).end;
}

// "3 months" and "3 monts": the unit is known on one side only.
void PairNumbers(Pairing& pairing) {
  for (std::size_t i = 0; i < pairing.stored.size(); ++i) {
    const Word& one = pairing.stored.At(i);
    for (std::size_t j = 0;
         j < pairing.asked.size() && one.kind == Kind::kNumber && pairing.stored.IsAlone(i); ++j) {
      const Word& other = pairing.asked.At(j);
      if (other.kind == Kind::kNumber && pairing.asked.IsAlone(j) &&
          WrittenOf(one) == WrittenOf(other) &&
          (one.dimension == Dimension::kNone) != (other.dimension == Dimension::kNone) &&
          HasLetterBehind(pairing.stored, i) == HasLetterBehind(pairing.asked, j)) {
        Join(pairing, i, j, Bond::kSame);
      }
    }
  }
}

bool IsMoreThanOne(const Side& side, std::size_t at) {
  return at > 1 && side.At(at).folded == "one" && side.At(at - 1).folded == "than" &&
         side.At(at - 2).folded == "more";
}

bool IsTwo(const Side& side, std::size_t at) {
  const Word& word = side.At(at);
  return word.kind == Kind::kNumber && word.value == 2 && word.dimension == Dimension::kNone &&
         !word.Has(trait::kOrdinal) && (at == 0 || side.At(at - 1).folded != "than");
}

// "on two computers", "on more than one", "on both".
void PairTwo(Pairing& pairing) {
  const auto is_two_else = [](const Side& side, std::size_t at) {
    return side.At(at).folded == "both" || IsMoreThanOne(side, at);
  };
  for (std::size_t i = 0; i < pairing.stored.size(); ++i) {
    for (std::size_t j = 0; j < pairing.asked.size() && pairing.stored.IsAlone(i); ++j) {
      if (pairing.asked.IsAlone(j) &&
          ((IsTwo(pairing.stored, i) && is_two_else(pairing.asked, j)) ||
           (IsTwo(pairing.asked, j) && is_two_else(pairing.stored, i)))) {
        Join(pairing, i, j, Bond::kNear);
      }
    }
  }
}

// A country and its people: "universities in Germany", "German universities".
constexpr auto kPeoples = std::to_array<std::pair<std::string_view, std::string_view>>({
    {"germany", "german"},
    {"france", "french"},
    {"spain", "spanish"},
    {"italy", "italian"},
    {"portugal", "portuguese"},
    {"poland", "polish"},
    {"russia", "russian"},
    {"china", "chinese"},
    {"japan", "japanese"},
    {"korea", "korean"},
    {"india", "indian"},
    {"turkey", "turkish"},
    {"netherlands", "dutch"},
    {"sweden", "swedish"},
    {"norway", "norwegian"},
    {"denmark", "danish"},
    {"finland", "finnish"},
    {"greece", "greek"},
    {"ukraine", "ukrainian"},
    {"hungary", "hungarian"},
    {"romania", "romanian"},
    {"mexico", "mexican"},
    {"brazil", "brazilian"},
    {"canada", "canadian"},
    {"australia", "australian"},
    {"ireland", "irish"},
    {"scotland", "scottish"},
    {"united_kingdom", "british"},
    {"united_states", "american"},
    {"switzerland", "swiss"},
    {"austria", "austrian"},
    {"egypt", "egyptian"},
    {"israel", "israeli"},
    {"vietnam", "vietnamese"},
    {"thailand", "thai"},
    {"europe", "european"},
    {"denmark", "dane"},
    {"sweden", "swede"},
    {"finland", "finn"},
    {"spain", "spaniard"},
    {"poland", "pole"},
    {"turkey", "turk"},
    {"scotland", "scot"},
    {"united_kingdom", "brit"},
    {"united_kingdom", "briton"},
});

bool IsPeopleOf(const Word& country, const Word& people) {
  return std::any_of(kPeoples.begin(), kPeoples.end(), [&](const auto& row) {
    return country.canon == row.first &&
           (people.folded == row.second || people.folded == std::string(row.second) + "s");
  });
}

void PairPeoples(Pairing& pairing) {
  for (std::size_t i = 0; i < pairing.stored.size(); ++i) {
    for (std::size_t j = 0; j < pairing.asked.size() && pairing.stored.IsAlone(i); ++j) {
      const Word& one = pairing.stored.At(i);
      const Word& other = pairing.asked.At(j);
      if (pairing.asked.IsAlone(j) && (IsPeopleOf(one, other) || IsPeopleOf(other, one))) {
        Join(pairing, i, j, Bond::kNear);
      }
    }
  }
}

bool IsKnown(const Word& word) {
  return word.Is(mark::kListed) || IsKnownWord(word.canon);
}

std::vector<std::size_t> Alone(const Side& side, bool content_only) {
  std::vector<std::size_t> list;
  for (std::size_t i = 0; i < side.size() && list.size() < kNearMax; ++i) {
    const Word& word = side.At(i);
    if (side.IsAlone(i) && word.kind == Kind::kPlain && (word.IsContent() || !content_only)) {
      list.push_back(i);
    }
  }
  return list;
}

// "Node.js", "NodeJS" and "Node".
bool IsScriptOf(const Word& script, const Word& name) {
  return script.folded == name.folded + ".js" ||
         (name.folded.size() > 2 && script.folded == name.folded + "js");
}

// What runs on one is asked about on the other.
bool IsOnePlatform(const Word& one, const Word& other) {
  return (one.canon == "ios" && other.canon == "iphone") ||
         (one.canon == "macos" && other.canon == "mac");
}

// "organise" and "organize".
bool IsOneVariant(std::string_view british, std::string_view american) {
  if (british.size() != american.size() || british.size() < 6) {
    return false;
  }
  const auto [here, there] = std::mismatch(british.begin(), british.end(), american.begin());
  const auto at = static_cast<std::size_t>(here - british.begin());
  return at >= 3 && at < british.size() && *here == 's' && *there == 'z' &&
         (british[at - 1] == 'i' || british[at - 1] == 'y') &&
         british.substr(at + 1) == american.substr(at + 1);
}

bool IsOneSpelling(const Word& one, const Word& other) {
  if (IsScriptOf(one, other) || IsScriptOf(other, one) || IsOnePlatform(one, other) ||
      IsOnePlatform(other, one) || IsOneVariant(one.folded, other.folded) ||
      IsOneVariant(other.folded, one.folded)) {
    return true;
  }
  if (IsKnown(one) && IsKnown(other)) {
    return false;
  }
  if (!one.IsContent() && !other.IsContent()) {
    return false;
  }
  // A digit more or less is another thing: "LN-5567" and "LN-5567A".
  const auto has_digit = [](const Word& word) {
    return word.folded.find_first_of("0123456789") != std::string::npos;
  };
  if (AreOpposite(one.canon, other.canon) || has_digit(one) || has_digit(other)) {
    return false;
  }
  // Two short words that nobody knows, or that look like names, are two: "RAII" and "RAID".
  constexpr std::size_t kNameBytesMax = 5;
  const bool are_names = one.Is(mark::kName) || other.Is(mark::kName);
  const bool are_unknown = !IsKnown(one) && !IsKnown(other);
  if ((are_unknown || are_names) &&
      std::max(one.folded.size(), other.folded.size()) <= kNameBytesMax) {
    return one.folded + "s" == other.folded || other.folded + "s" == one.folded;
  }
  return IsSlip(one.folded, other.folded) || IsSlip(one.canon, other.canon) ||
         (one.canon.size() >= 4 && one.folded + "s" == other.folded);
}

struct Candidate {
  std::size_t distance;
  std::size_t apart;
  std::uint64_t tie;  // the same from both sides
  std::size_t stored;
  std::size_t asked;
};

void PairSlips(Pairing& pairing) {
  const auto here = Alone(pairing.stored, false);
  const auto there = Alone(pairing.asked, false);
  std::vector<Candidate> found;
  for (const std::size_t i : here) {
    for (const std::size_t j : there) {
      const Word& one = pairing.stored.At(i);
      const Word& other = pairing.asked.At(j);
      if (IsOneSpelling(one, other)) {
        found.push_back({EditDistance(one.folded, other.folded, 2), i > j ? i - j : j - i,
                         one.key ^ other.key, i, j});
      }
    }
  }
  std::sort(found.begin(), found.end(), [](const Candidate& left, const Candidate& right) {
    return std::tie(left.distance, left.apart, left.tie) <
           std::tie(right.distance, right.apart, right.tie);
  });
  for (const Candidate& item : found) {
    if (pairing.stored.IsAlone(item.stored) && pairing.asked.IsAlone(item.asked)) {
      Join(pairing, item.stored, item.asked, Bond::kNear);
    }
  }
}

// The words from `at` whose first letters spell `letters`, each with letters from inside too when
// the next word does not give them ("oltp": online transaction processing); 0: they do not.
std::size_t SpellsOut(const Side& side, std::size_t at, std::string_view letters) {
  std::size_t used = 0;
  std::size_t index = at;
  while (index < side.size() && used < letters.size()) {
    const Word& word = side.At(index);
    if (word.folded.empty() || word.kind != Kind::kPlain) {
      return 0;
    }
    if (word.folded[0] != letters[used]) {
      if (!word.Has(trait::kFunction) || used == 0) {
        return 0;
      }
      ++index;
      continue;
    }
    ++used;
    ++index;
    std::size_t inside = 1;
    while (used < letters.size() &&
           (index == side.size() || side.At(index).folded[0] != letters[used])) {
      inside = word.folded.find(letters[used], inside);
      if (inside == std::string::npos) {
        break;  // a function word may follow
      }
      ++inside;
      ++used;
    }
  }
  return used == letters.size() ? index - at : 0;
}

// The words of `side` from `at` that `word` stands for: by their first letters, or written
// together; 0: none. A word that is known stands for itself: "go" is not "get out".
std::size_t SpanOf(const Word& word, const Side& side, std::size_t at) {
  // A word that is no longer than the letters is no beginning of what they stand for: "SSH stand"
  // has the letters of "SSD".
  const Word& first = side.At(at);
  const bool may_begin = first.Has(trait::kFunction) || first.folded.size() > word.folded.size();
  if (may_begin && word.folded.size() >= 2 && word.folded.size() <= kAcronymBytesMax &&
      (word.folded.size() > 2 || !IsKnown(word) || word.Is(mark::kName))) {
    if (const std::size_t span = SpellsOut(side, at, word.folded); span >= 2) {
      return span;
    }
  }
  const bool joined =
      at + 1 < side.size() && side.At(at).folded + side.At(at + 1).folded == word.folded;
  return joined ? 2 : 0;
}

void JoinSpan(Side& one, std::size_t index, Side& other, std::pair<std::size_t, std::size_t> span) {
  for (std::size_t k = span.first; k < span.first + span.second; ++k) {
    if (other.IsAlone(k)) {
      other.partner[k] = static_cast<std::int32_t>(index);
      other.bond[k] = Bond::kNear;
    }
  }
  one.partner[index] = static_cast<std::int32_t>(span.first);
  one.bond[index] = Bond::kNear;
}

// "a year" and "twelve months": the number and its unit stand for the bare unit.
void PairDurations(Side& one, Side& other) {
  constexpr double kNearlySame = 1e-3;
  for (std::size_t i = 1; i < one.size(); ++i) {
    const Word& unit = one.At(i);
    if (!one.IsAlone(i) || !unit.Has(trait::kTimeUnit) || unit.value <= 0 ||
        (one.At(i - 1).folded != "a" && one.At(i - 1).folded != "an")) {
      continue;
    }
    for (std::size_t j = 0; j + 1 < other.size(); ++j) {
      const Word& number = other.At(j);
      if (other.IsAlone(j) && other.IsAlone(j + 1) && number.kind == Kind::kNumber &&
          number.dimension == Dimension::kTime &&
          std::abs(number.value / unit.value - 1) < kNearlySame) {
        JoinSpan(one, i, other, {j, 2});
        break;
      }
    }
  }
}

// "at weekends" and "on Saturdays and Sundays".
void PairWeekends(Side& one, Side& other) {
  const auto find = [&](std::string_view canon) {
    std::size_t at = 0;
    while (at < other.size() && !(other.IsAlone(at) && other.At(at).canon == canon)) {
      ++at;
    }
    return at;
  };
  for (std::size_t i = 0; i < one.size(); ++i) {
    const std::size_t saturday = find("weekday 6");
    const std::size_t sunday = find("weekday 7");
    if (one.IsAlone(i) && one.At(i).folded.starts_with("weekend") && saturday < other.size() &&
        sunday < other.size()) {
      JoinSpan(one, i, other, {saturday, 1});
      JoinSpan(one, i, other, {sunday, 1});
    }
  }
}

// "start" is spelled out by "stop a router", too.
bool HoldsOpposite(const Word& word, const Side& side, std::size_t at, std::size_t span) {
  for (std::size_t k = at; k < at + span; ++k) {
    if (AreOpposite(word.canon, side.At(k).canon)) {
      return true;
    }
  }
  return false;
}

// One word of `one` for several neighbours of `other`: "ml" and "machine learning", "postcode" and
// "post code", "otc" and "over the counter". The several share the partner.
void PairCompounds(Side& one, Side& other) {
  for (const bool content : {true, false}) {
    for (const std::size_t i : Alone(one, true)) {
      for (const std::size_t j : Alone(other, content)) {
        const bool short_word = one.At(i).folded.size() < 3;
        const std::size_t span = !content && short_word ? 0 : SpanOf(one.At(i), other, j);
        if (span > 0 && !HoldsOpposite(one.At(i), other, j, span)) {
          JoinSpan(one, i, other, {j, span});
          break;
        }
      }
    }
  }
}

// "not allowed" and "forbidden".
void PairOpposed(Pairing& pairing) {
  for (const std::size_t i : Alone(pairing.stored, true)) {
    for (const std::size_t j : Alone(pairing.asked, true)) {
      const Word& one = pairing.stored.At(i);
      const Word& other = pairing.asked.At(j);
      if (pairing.asked.IsAlone(j) && one.Is(mark::kNegated) != other.Is(mark::kNegated) &&
          AreOpposite(one.canon, other.canon)) {
        Join(pairing, i, j, Bond::kOpposed);
        break;
      }
    }
  }
}

}  // namespace

Pairing Pair(const Words& stored, const Words& asked) {
  Pairing pairing{Begin(stored), Begin(asked)};
  PairSame(pairing);
  ForgiveRepeats(pairing.stored);
  ForgiveRepeats(pairing.asked);
  PairNumbers(pairing);
  PairTwo(pairing);
  PairDurations(pairing.stored, pairing.asked);
  PairDurations(pairing.asked, pairing.stored);
  PairWeekends(pairing.stored, pairing.asked);
  PairWeekends(pairing.asked, pairing.stored);
  PairPeoples(pairing);
  PairOpposed(pairing);
  PairCompounds(pairing.stored, pairing.asked);
  PairCompounds(pairing.asked, pairing.stored);
  PairSlips(pairing);
  return pairing;
}

double PairedShare(const Pairing& pairing) {
  std::size_t paired = 0;
  std::size_t all = 0;
  for (const Side* side : {&pairing.stored, &pairing.asked}) {
    for (std::size_t i = 0; i < side->size(); ++i) {
      if (side->At(i).IsContent() && side->At(i).kind == Kind::kPlain) {
        ++all;
        paired += side->IsAlone(i) ? 0U : 1U;
      }
    }
  }
  return all == 0 ? 1.0 : static_cast<double>(paired) / static_cast<double>(all);
}

}  // namespace reprise::match
