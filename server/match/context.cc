// Owns what neighbours decide: numbers, units, dates, versions, the kind of question.
#include "server/match/context.h"

#include <algorithm>
#include <array>
#include <utility>

#include "server/match/negation.h"

namespace reprise::match {
namespace {

using List = std::vector<Word>;

bool IsIn(std::string_view folded, std::initializer_list<std::string_view> list) {
  return std::find(list.begin(), list.end(), folded) != list.end();
}

bool IsNumberWord(const Word& word) {
  return word.kind == Kind::kPlain && word.Has(trait::kNumber);
}

bool Follows(const Word& word, const Word& before) {
  return word.begin <= before.end + 2;
}

// "twenty five", "two hundred", "3.5 million": the sum or product; false: two numbers.
bool Combine(Word& left, const Word& right) {
  if (left.Has(trait::kOrdinal)) {
    return false;
  }
  if (IsIn(right.folded, {"quarters", "thirds"}) && left.value >= 1 && left.value < 10) {
    left.value *= right.folded == "thirds" ? 1.0 / 3 : right.value;
    left.end = right.end;
    return true;
  }
  const bool tens = left.value >= 20 && left.value < 100 && right.value >= 1 && right.value < 10;
  const bool scale = right.value >= 100 && left.value < right.value && right.kind == Kind::kPlain;
  const bool hundred = left.value >= 100 && left.kind == Kind::kPlain && right.value < 100 &&
                       right.value >= 1 && right.kind == Kind::kPlain;
  if (scale) {
    left.value *= right.value;
  } else if ((tens && left.kind == Kind::kPlain && right.kind == Kind::kPlain) || hundred) {
    left.value += right.value;
  } else {
    return false;
  }
  left.traits |= right.traits & trait::kOrdinal;
  left.end = right.end;
  left.folded += ' ';
  left.folded += right.folded;
  return true;
}

bool IsFraction(const Word& word) {
  return IsIn(word.folded, {"half", "quarter", "quarters", "third", "thirds"});
}

// "half a second", "quarter of an hour": the words between the part and the unit; 0: something
// else.
std::size_t ArticlesBehind(const List& list, std::size_t at) {
  const std::size_t of = at + 1 < list.size() && list[at + 1].folded == "of" ? 1 : 0;
  const std::size_t unit = at + of + 2;
  const bool parts = IsFraction(list[at]) && unit < list.size() &&
                     IsIn(list[unit - 1].folded, {"a", "an", "one"}) &&
                     (list[unit].Has(trait::kUnit) || list[unit].folded == "second");
  return parts && (of == 1 || list[at].folded == "half") ? of + 1 : 0;
}

// "... and a half" behind a number or behind "an hour".
bool AddHalf(List& list, std::size_t at) {
  const bool half = at + 2 < list.size() && list[at].folded == "and" &&
                    list[at + 1].folded == "a" && list[at + 2].folded == "half";
  if (!half || at == 0) {
    return false;
  }
  const bool unit = list[at - 1].Has(trait::kUnit) && at > 1;
  Word& number = list[unit ? at - 2 : at - 1];
  if (unit && IsIn(number.folded, {"a", "an"})) {
    number.traits = trait::kNumber;
    number.value = 1;
  }
  if (!IsNumberWord(number) && number.kind != Kind::kNumber) {
    return false;
  }
  number.value += 0.5;
  number.folded += " and a half";
  return true;
}

void Erase(List& list, std::size_t at, std::size_t count) {
  const auto first = list.begin() + static_cast<std::ptrdiff_t>(at);
  list.erase(first, first + static_cast<std::ptrdiff_t>(count));
}

void JoinFractions(List& list) {
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (const std::size_t articles = ArticlesBehind(list, i); articles > 0) {
      if (list[i].folded == "third") {
        list[i].value = 1.0 / 3;
        list[i].traits &= ~trait::kOrdinal;
      }
      Erase(list, i + 1, articles);
    } else if (AddHalf(list, i)) {
      Erase(list, i, 3);
    }
  }
}

void MergeNumbers(List& list) {
  std::size_t out = 0;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const bool number = IsNumberWord(list[i]) || list[i].kind == Kind::kNumber;
    if (out > 0 && number && IsNumberWord(list[i]) && Follows(list[i], list[out - 1]) &&
        (list[out - 1].kind == Kind::kNumber || IsNumberWord(list[out - 1])) &&
        Combine(list[out - 1], list[i])) {
      continue;
    }
    if (out != i) {
      list[out] = std::move(list[i]);
    }
    ++out;
  }
  list.resize(out);
}

void SettleNumber(Word& word) {
  if (IsIn(word.folded, {"one", "first", "single", "half", "quarter", "double", "pair", "third",
                         "twice", "triple", "zero"})) {
    word.marks |= mark::kWeakNumber;
  }
  word.kind = Kind::kNumber;
  if (word.value >= 30 && word.value <= 90 && word.folded.ends_with("ties")) {
    word.value += 1900;  // "the eighties"
  }
}

// "merge into one", "another one is": it counts nothing.
bool IsPronoun(const List& list, std::size_t at) {
  constexpr std::uint32_t kEmpty =
      trait::kFunction | trait::kFiller | trait::kQuestion | trait::kNegation;
  if (list[at].folded == "ones") {
    return true;
  }
  if (list[at].folded != "one" || (at > 0 && list[at - 1].folded == "than")) {
    return false;
  }
  if (at + 1 == list.size() || list[at + 1].Is(mark::kClause)) {
    return true;
  }
  for (std::size_t i = at + 1; i < list.size() && i <= at + 4; ++i) {
    if (list[i].folded == "another") {
      return true;  // "between one branch and another"
    }
  }
  const bool counted = at + 2 < list.size() &&
                       IsIn(list[at + 1].folded, {"of", "or", "and", "to"}) &&
                       (list[at + 1].folded == "of" || list[at + 2].Has(trait::kNumber) ||
                        list[at + 2].kind == Kind::kNumber);
  return list[at + 1].Has(kEmpty) && !counted;
}

// "merge two files", "the two are": what is meant has two of them anyway.
bool IsPairAnyway(const List& list, std::size_t at) {
  if (!IsIn(list[at].folded, {"two", "2"})) {
    return false;
  }
  return (at > 0 && IsIn(list[at - 1].folded, {"the", "these", "those", "between"})) ||
         std::any_of(list.begin(), list.end(), [](const Word& word) {
           return IsIn(word.canon, {"combine", "compare", "join", "swap", "both", "versus"}) ||
                  IsIn(word.folded, {"between", "difference", "differ", "concatenate"});
         });
}

// "the 80s": written with one letter more than its digits.
bool IsDecade(const List& list, std::size_t at) {
  const Word& word = list[at];
  return word.kind == Kind::kNumber && !word.Has(trait::kOrdinal) && at > 0 &&
         list[at - 1].folded == "the" && word.folded.size() == 2 && word.folded[1] == '0' &&
         word.folded[0] >= '3' && word.end - word.begin == 3;
}

// "second" is a number but beside a number or "per", where it is a unit.
void SettleNumbers(List& list) {
  for (std::size_t i = 0; i < list.size(); ++i) {
    Word& word = list[i];
    if (word.kind == Kind::kPlain && word.folded == "second") {
      const bool unit = i > 0 && (list[i - 1].kind == Kind::kNumber || list[i - 1].folded == "per");
      word.canon = unit ? "seconds" : "second";
      word.traits = unit ? trait::kUnit | trait::kTimeUnit : trait::kNumber | trait::kOrdinal;
      word.dimension = unit ? Dimension::kTime : Dimension::kNone;
      word.value = unit ? 1 : 2;
      if (!unit) {
        word.kind = Kind::kNumber;
        word.marks |= mark::kWeakNumber;
      }
    } else if (IsNumberWord(word)) {
      SettleNumber(word);
    } else if (IsDecade(list, i)) {
      word.value += 1900;
    }
    if (word.kind == Kind::kNumber) {
      word.marks |= IsPronoun(list, i) ? mark::kPronoun : std::uint16_t{0};
      word.marks |= IsPairAnyway(list, i) ? mark::kWeakNumber : std::uint16_t{0};
    }
  }
}

bool IsYear(const Word& word) {
  return word.kind == Kind::kNumber && word.end - word.begin == 4 && word.folded.size() == 4 &&
         word.value >= 1900 && word.value < 2100 &&
         word.value == static_cast<double>(static_cast<int>(word.value));
}

void MakeDate(Word& word, std::string_view part, double value) {
  word.kind = Kind::kDate;
  word.canon = std::string(part) + " " + std::to_string(static_cast<int>(value));
  word.value = value;
}

bool IsMonth(const List& list, std::size_t at) {
  const Word& word = list[at];
  if (word.Has(trait::kMonth) && !IsIn(word.folded, {"march", "mar", "may_month"})) {
    return true;
  }
  if (!IsIn(word.folded, {"march", "may", "mar"})) {
    return false;
  }
  const auto is_day = [&](std::size_t near) {
    return near < list.size() && list[near].kind == Kind::kNumber &&
           !list[near].Is(mark::kWeakNumber);
  };
  const bool number_behind = is_day(at + 1) && !word.Is(mark::kClause);
  const bool number_before = at > 0 && is_day(at - 1);
  const bool in = at > 0 && IsIn(list[at - 1].folded,
                                 {"in", "until", "since", "by", "of", "before", "after", "last"});
  return number_behind || number_before || in;
}

// The parts of 2024-12-31, 12/31/2024: the canonical form has the year first.
void SettleWrittenDate(Word& word) {
  std::array<int, 3> parts{};
  std::size_t part = 0;
  for (const char byte : word.folded) {
    if (byte >= '0' && byte <= '9') {
      parts[part] = std::min(parts[part] * 10 + (byte - '0'), 9999);
    } else {
      part = std::min<std::size_t>(part + 1, 2);
    }
  }
  if (parts[0] < 100) {
    std::swap(parts[0], parts[2]);
  }
  if (parts[0] < 100) {
    parts[0] += 2000;
  }
  // Month and day stand either way round in the world; the smaller first makes both agree.
  word.canon = "date " + std::to_string(parts[0]) + " " +
               std::to_string(std::min(parts[1], parts[2])) + " " +
               std::to_string(std::max(parts[1], parts[2]));
}

void SettleMonth(List& list, std::size_t at) {
  const double month = list[at].folded == "may" ? 5 : list[at].value;
  MakeDate(list[at], "month", month);
  for (const std::size_t near : {at + 1, at - 1, at - 2}) {
    if (near < list.size() && list[near].kind == Kind::kNumber && !IsYear(list[near]) &&
        list[near].value >= 1 && list[near].value <= 31 &&
        (near + 2 != at || list[at - 1].folded == "of")) {
      MakeDate(list[near], "day", list[near].value);
      return;
    }
  }
}

void SettleDates(List& list) {
  for (std::size_t i = 0; i < list.size(); ++i) {
    Word& word = list[i];
    if (word.kind == Kind::kDate && word.canon == word.folded) {
      SettleWrittenDate(word);
    } else if (word.kind == Kind::kPlain && IsMonth(list, i)) {
      SettleMonth(list, i);
    } else if (word.kind == Kind::kPlain && word.Has(trait::kWeekday)) {
      MakeDate(word, "weekday", word.value);
    } else if (word.kind == Kind::kPlain && word.Has(trait::kRelativeTime)) {
      word.kind = Kind::kDate;
    } else if (word.kind == Kind::kPlain && IsIn(word.folded, {"noon", "midday", "midnight"})) {
      word.kind = Kind::kClock;
      word.value = word.folded == "midnight" ? 0 : 720;
    }
  }
  for (std::size_t i = 0; i < list.size(); ++i) {
    const bool unit_behind = i + 1 < list.size() && list[i + 1].Has(trait::kUnit);
    if (IsYear(list[i]) && !unit_behind && (i == 0 || !list[i - 1].Has(trait::kCurrency))) {
      MakeDate(list[i], "year", list[i].value);
    } else if (list[i].kind == Kind::kNumber && i + 1 < list.size() &&
               IsIn(list[i + 1].folded, {"am", "pm"}) && list[i].value <= 12) {
      const bool pm = list[i + 1].folded == "pm";
      const int hour = static_cast<int>(list[i].value) % 12 + (pm ? 12 : 0);
      list[i].kind = Kind::kClock;
      list[i].value = hour * 60;
      list[i + 1].traits = trait::kFunction;
    }
  }
}

// "37 C", "1.75 m": letters that are units only behind a number.
void SettleLetterUnit(const Word& before, Word& word) {
  constexpr std::pair<std::string_view, std::string_view> kLetters[] = {
      {"c", "celsius"},  {"f", "fahrenheit"}, {"m", "metre"}, {"g", "gram"}, {"l", "litre"},
      {"h", "hour"},     {"s", "seconds"},    {"w", "watt"},  {"v", "volt"}, {"hr", "hour"},
      {"min", "minute"}, {"in", "inch"},      {"y", "year"},  {"d", "day"}};
  if (before.kind != Kind::kNumber || before.folded.empty() || before.folded[0] < '0' ||
      before.folded[0] > '9' || (word.folded == "in" && word.begin != before.end)) {
    return;
  }
  for (const auto& [letters, name] : kLetters) {
    if (word.folded == letters) {
      const Concept* known = FindForm(name);
      word.canon = known->canon;
      word.traits = known->traits;
      word.value = known->value;
      word.dimension = known->dimension;
    }
  }
}

// A unit behind a number becomes one quantity with it; the number takes the dimension and the base
// unit.
void SettleUnits(List& list) {
  for (std::size_t i = 0; i < list.size(); ++i) {
    Word& word = list[i];
    if (i > 0 && word.kind == Kind::kPlain && word.folded.size() <= 3) {
      SettleLetterUnit(list[i - 1], word);
    }
    if (word.kind != Kind::kPlain || !word.Has(trait::kUnit | trait::kCurrency)) {
      continue;
    }
    const bool number_before = i > 0 && list[i - 1].kind == Kind::kNumber;
    const bool rate = i > 0 && IsIn(list[i - 1].folded, {"per", "a", "an", "each", "every"});
    if (word.Has(trait::kTimeUnit) && !number_before && !rate) {
      if (IsIn(word.folded, {"daily", "weekly", "monthly", "yearly", "annually", "annual"})) {
        word.kind = Kind::kUnit;
        word.marks |= mark::kRate;
      }
      continue;
    }
    word.kind = Kind::kUnit;
    word.marks |= rate ? mark::kRate : std::uint16_t{0};
    if (number_before && word.dimension != Dimension::kNone && word.value > 0) {
      list[i - 1].written = list[i - 1].value;
      list[i - 1].value *= word.value;
      list[i - 1].dimension = word.dimension;
      word.marks |= mark::kAttached;
    }
  }
}

// A number behind software or a name is a version: compared as it is written, 3.1 is not 3.10.
void SettleVersions(List& list) {
  for (std::size_t i = 1; i < list.size(); ++i) {
    Word& word = list[i];
    if (word.kind != Kind::kNumber || word.dimension != Dimension::kNone ||
        word.Has(trait::kOrdinal) || word.folded.empty() || word.folded[0] < '0' ||
        word.folded[0] > '9') {
      continue;
    }
    const Word& before = list[i - 1];
    const bool unit_behind = i + 1 < list.size() && list[i + 1].kind == Kind::kUnit;
    if (before.kind == Kind::kPlain && !unit_behind &&
        (before.Has(trait::kVersioned) || before.folded == "version" || before.Is(mark::kName))) {
      word.kind = Kind::kVersion;
      word.canon = word.folded;
    }
  }
}

Asks AsksOf(const Word& word) {
  constexpr std::pair<std::string_view, Asks> kTable[] = {
      {"what", Asks::kWhat},        {"what_is", Asks::kWhat},     {"what_kind_of", Asks::kWhat},
      {"which", Asks::kWhich},      {"who", Asks::kWho},          {"whom", Asks::kWho},
      {"whose", Asks::kWho},        {"when", Asks::kWhen},        {"what_time", Asks::kWhen},
      {"where", Asks::kWhere},      {"why", Asks::kWhy},          {"how_come", Asks::kWhy},
      {"how", Asks::kHow},          {"how_to", Asks::kHow},       {"how_many", Asks::kHowMany},
      {"how_much", Asks::kHowMuch}, {"how_long", Asks::kHowLong}, {"how_often", Asks::kHowOften},
      {"how_old", Asks::kHowElse},  {"how_far", Asks::kHowElse},  {"how_big", Asks::kHowElse},
      {"explain", Asks::kWhat},     {"describe", Asks::kWhat},    {"define", Asks::kWhat},
  };
  for (const auto& [canon, asks] : kTable) {
    if (word.canon == canon) {
      return asks;
    }
  }
  return word.Has(trait::kTask) ? Asks::kTask : Asks::kNothing;
}

bool IsAuxiliary(std::string_view folded) {
  return IsIn(folded,
              {"is",    "are",    "was", "were", "do",  "does", "did",   "can",  "could", "will",
               "would", "should", "has", "have", "had", "may",  "might", "must", "am",    "shall"});
}

// An auxiliary in front of a clause asks yes or no; else the first question word decides.
Asks FindAsks(const List& list) {
  bool opening = true;
  for (const Word& word : list) {
    if (word.Has(trait::kFiller)) {
      continue;
    }
    opening = opening || word.Is(mark::kClause);
    if (opening && IsAuxiliary(word.folded)) {
      return Asks::kYesNo;
    }
    const Asks asks = AsksOf(word);
    if (asks != Asks::kNothing && (asks != Asks::kTask || opening)) {
      return asks;
    }
    opening = false;
  }
  return Asks::kNothing;
}

Tense FindTense(const List& list) {
  bool past = false;
  for (const Word& word : list) {
    if (IsIn(word.folded, {"will", "shall", "going_to", "gonna", "upcoming"})) {
      return Tense::kFuture;
    }
    past = past || IsIn(word.folded, {"did", "was", "were", "had", "ago"});
  }
  return past ? Tense::kPast : Tense::kPresent;
}

}  // namespace

void ReadContext(Words& words) {
  JoinFractions(words.list);
  MergeNumbers(words.list);
  SettleNumbers(words.list);
  SettleDates(words.list);
  SettleUnits(words.list);
  SettleVersions(words.list);
  MarkNegations(words);
  words.asks = FindAsks(words.list);
  words.tense = FindTense(words.list);
}

}  // namespace reprise::match
