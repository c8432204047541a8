// Surface: what can be said of a prompt without knowing what it means: how long it is, how many
// numbers, questions, options and sentences it has, which kinds of words.
//
// Each figure is brought to about mean 0 and spread 1 by constants that ship with the prior
// (surface_scale.inc), and cut at +-3, so that one odd prompt cannot move a weight far.
//
// Threads: any, pure. Errors: none. Complexity: O(bytes looked at), see words.h. Units: none.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "server/routing/words.h"

namespace reprise::routing {

// The order is that of the shipped weights and of snapshots: append only, with a new version of
// both (FORMAT.md).
enum class SurfaceFigure : std::uint8_t {
  kBytes,
  kWords,
  kDigits,
  kSymbols,
  kNumbers,
  kLargestNumber,
  kQuestionMarks,
  kLines,
  kWordLength,
  kCommas,
  kCapitals,
  kOtherScripts,
  kCode,
  kQuotes,
  kSentences,
  kSentenceLength,
  kVariety,
  kOptions,
  kOptionLength,
  kNumericOptions,
  kRepeatedOptions,
  kUnevenOptions,
  kNegations,
  kReasoning,
  kComparisons,
  kLookUps,
  kConditions,
  kQuantities,
  kTechnical,
  kSeveral,
  kOutputs,
  kRomanNumerals,
  kYears,
  kFormulas,
  kLongWords,
  kShortWords,
  kPersons,
  kPlainOpening,
  kPercents,
  kMoney,
  kParentheses,
  kColons,
  kBlanks,
  kHyphens,
};
inline constexpr std::size_t kTextFigures = static_cast<std::size_t>(SurfaceFigure::kHyphens) + 1;
// For ROUTE.SCORE and the reports.
std::string_view NameOf(SurfaceFigure figure);

using Surface = std::array<float, kTextFigures>;

// As counted.
Surface RawSurfaceOf(std::string_view text, std::size_t full_bytes, std::span<const Word> words);
// Brought to scale.
Surface Scaled(const Surface& raw);

}  // namespace reprise::routing
