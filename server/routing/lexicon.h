// Lexicon: words that say something about how hard a question is, whatever it is about.
//
// Closed classes of English words (negations, question words, quantities, technical terms ...). A
// word may be of several. Other languages have none of these cues; they are told by the other
// surface features, by n-grams and by meaning. Threads: constants. Errors: none. Complexity: O(log
// words). Limits: none.
#pragma once

#include <cstdint>

namespace reprise::routing {

// Bits of a set.
enum Cue : std::uint16_t {
  kNegation = 1U << 0U,
  kReasoning = 1U << 1U,   // why, prove, derive
  kComparison = 1U << 2U,  // better, most, similar
  kLookUp = 1U << 3U,      // who, when, define
  kCondition = 1U << 4U,   // if, suppose, given
  kQuantity = 1U << 5U,    // half, total, per
  kTechnical = 1U << 6U,   // algorithm, enzyme, liability
  kSeveral = 1U << 7U,     // both, respectively, statements: several things to judge
  kOutput = 1U << 8U,      // write, list, translate: the answer is a text
  kPerson = 1U << 9U,      // he, she, my: a story
  kOpening = 1U << 10U,    // what, is, does: in front, a plain question
  kLong = 1U << 11U,       // essay, detailed, comprehensive: a long answer
  kShort = 1U << 12U,      // briefly, one word, yes or no: a short one
};

// The cues of a word by its hash (words.h); 0: none.
std::uint16_t CuesOf(std::uint64_t word_hash);

}  // namespace reprise::routing
