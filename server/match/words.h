// Words: a question as the matcher sees it: words with their byte ranges, their canonical forms
// (stemmed, synonyms and abbreviations folded), what kind each is and how much it says.
//
// "What's the price of 3 kg in NYC?" reads as what_is, price, 3 kg, new_york_city. English; words
// of other languages keep their own forms, so they only match themselves.
//
// Units: bytes of the text. Errors: none; bytes that are not UTF-8 are skipped. Complexity:
// O(bytes), at most kTokensMax words of kTextBytesMax bytes. Threads: any. Lifetime: a Words owns
// its strings.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "server/match/lexicon.h"

namespace reprise::match {

enum class Kind : std::uint8_t {
  kPlain,
  kNumber,
  kUnit,
  kDate,   // folded: "month 12", "day 5", "year 2024", "weekday 3", "today" ...
  kClock,  // value: minutes of the day
  kVersion,
  kUrl,
  kCode,
  kSymbol  // + - * / ^ = between numbers
};

// What the place of a word says about it; a set of bits.
namespace mark {
inline constexpr std::uint16_t kName = 1U << 0;        // looks like a proper name
inline constexpr std::uint16_t kNegated = 1U << 1;     // stands under an odd number of negations
inline constexpr std::uint16_t kWeakNumber = 1U << 2;  // "one", "first": often no quantity at all
inline constexpr std::uint16_t kRate = 1U << 3;        // a unit behind "per"
inline constexpr std::uint16_t kClause = 1U << 4;      // begins a clause
inline constexpr std::uint16_t kListed = 1U << 5;      // the lexicon has it
inline constexpr std::uint16_t kAttached =
    1U << 6;  // a unit that is in the value of the number before
inline constexpr std::uint16_t kPronoun = 1U << 7;   // "one", "another one"
inline constexpr std::uint16_t kFloating = 1U << 8;  // negated by a "no" that could stand elsewhere
inline constexpr std::uint16_t kMissed = 1U << 9;    // "I don't know the ..."
}  // namespace mark

struct Word {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  Kind kind = Kind::kPlain;
  Dimension dimension = Dimension::kNone;  // of a unit, and of the number in front of it
  std::uint16_t marks = 0;
  std::uint16_t quote = 0;   // 1, 2, ...: inside so many-th quotation
  std::uint32_t traits = 0;  // lexicon.h
  float weight = 0;          // 0: says nothing (function words, politeness, negations)
  double value = 0;          // of a number, in base units when a unit stands behind it
  double written = 0;        // of a number with a unit: without it
  std::uint64_t key = 0;     // hash of canon
  std::string folded;
  std::string canon;

  bool Has(std::uint32_t any_trait) const { return (traits & any_trait) != 0; }
  bool Is(std::uint16_t any_mark) const { return (marks & any_mark) != 0; }
  bool IsContent() const { return weight > 0; }
};

enum class Asks : std::uint8_t {
  kNothing,  // keywords, a statement, a command
  kWhat,
  kWhich,
  kWho,
  kWhen,
  kWhere,
  kWhy,
  kHow,
  kHowMany,
  kHowMuch,
  kHowLong,
  kHowOften,
  kHowElse,  // old, far, big
  kYesNo,
  kTask  // translate, summarise ...
};

enum class Tense : std::uint8_t { kPresent, kPast, kFuture };

struct Words {
  std::vector<Word> list;
  std::uint16_t quotes = 0;
  Asks asks = Asks::kNothing;
  Tense tense = Tense::kPresent;
  bool cut = false;           // longer than the limits
  std::uint32_t foreign = 0;  // words with letters outside ASCII
};

Words ReadWords(std::string_view text);

std::string_view NameOf(Asks asks);

}  // namespace reprise::match
