// Lexicon: the words that the matcher knows, folded to concepts: spelling variants, abbreviations,
// irregular forms and synonyms of one concept share its canonical form; classes say what a concept
// does.
//
// Units: folded (small-letter) text. Errors: none. Complexity: a lookup is O(bytes); the tables are
// built once, on first use, in about a millisecond, and never change. Threads: any. Lifetime: what
// is returned lives as long as the program.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace reprise::match {

// What a concept does in a question; a set of bits.
namespace trait {
inline constexpr std::uint32_t kFunction = 1U
                                           << 0;  // articles, prepositions, pronouns, auxiliaries
inline constexpr std::uint32_t kQuestion = 1U << 1;  // who, what, how to, how many ...
inline constexpr std::uint32_t kNegation = 1U << 2;  // not, never, without ...
inline constexpr std::uint32_t kFiller = 1U << 3;    // greetings, politeness, chat
inline constexpr std::uint32_t kWeak = 1U << 4;      // content that nearly every question may have
inline constexpr std::uint32_t kUnit = 1U << 5;      // value: factor to the dimension's base
inline constexpr std::uint32_t kCurrency = 1U << 6;
inline constexpr std::uint32_t kNumber = 1U << 7;   // value
inline constexpr std::uint32_t kOrdinal = 1U << 8;  // value
inline constexpr std::uint32_t kMonth = 1U << 9;    // value: 1 to 12
inline constexpr std::uint32_t kWeekday = 1U << 10;
inline constexpr std::uint32_t kRelativeTime = 1U << 11;  // today, last year ...
inline constexpr std::uint32_t kFresh = 1U << 12;         // latest, current ...
inline constexpr std::uint32_t kAspect = 1U << 13;        // causes, price, side effects ...
inline constexpr std::uint32_t kAudience = 1U << 14;      // beginner, children ...
inline constexpr std::uint32_t kPlatform = 1U << 15;      // windows, iphone ...
inline constexpr std::uint32_t kLanguage = 1U << 16;      // spanish, java ...
inline constexpr std::uint32_t kDiet = 1U << 17;          // vegan, gluten-free ...
inline constexpr std::uint32_t kTask = 1U << 18;          // translate, summarise ...: what to make
inline constexpr std::uint32_t kPlace = 1U << 19;         // countries and large cities
inline constexpr std::uint32_t kVersioned = 1U << 20;     // a number behind it is a version
inline constexpr std::uint32_t kFailure = 1U << 21;  // fails, broken, refuses: a no inside the word
inline constexpr std::uint32_t kNeutralNo = 1U << 22;  // a negated one says nothing: know, sure
inline constexpr std::uint32_t kTimeUnit = 1U << 23;   // a unit only beside a number or "per"
inline constexpr std::uint32_t kRank = 1U << 24;       // best, worst, most, cheapest ...
inline constexpr std::uint32_t kFuture = 1U << 26;
inline constexpr std::uint32_t kPerson = 1U << 27;  // my, your, his: whose
}  // namespace trait

enum class Dimension : std::uint8_t {
  kNone,
  kMass,
  kLength,
  kVolume,
  kTime,
  kData,
  kSpeed,
  kTemperature,
  kPower,
  kShare,
  kArea,
  kTorque
};

struct Concept {
  std::string canon;
  std::uint32_t traits = 0;
  double value = 0;
  Dimension dimension = Dimension::kNone;
};

// Null when neither `folded` nor its stem `stem` is known. Phrases are asked for with '_' between
// words.
const Concept* FindConcept(std::string_view folded, std::string_view stem);
const Concept* FindConcept(std::string_view folded);
// Only what is written in the tables, no stem.
const Concept* FindForm(std::string_view folded);

// The most words in a phrase that begins with `folded`; 0: none does.
std::size_t PhraseWordsMax(std::string_view folded);

// What a question and its answer call `folded`: the concept's form, else the stem.
std::string CanonOf(std::string_view folded);

// True for "enable" and "disable": canonical forms that turn a question round.
bool AreOpposite(std::string_view canon, std::string_view other);

}  // namespace reprise::match
