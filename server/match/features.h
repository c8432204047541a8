// Features: a pair of questions as numbers for the model.
//
// Fixed, named and versioned: weights belong to a version, and a change of order or meaning raises
// kFeaturesVersion. Three groups: what the words say, what the guards say, and what only a caller
// with an embedder knows (Outside); without one these are zero and `has_vectors` is too.
//
// Units: shares and cosines in [0, 1] or [-1, 1], masses as logarithm of one plus idf. Errors:
// none. Complexity: O(n x m) for n and m words. Threads: any.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "server/match/guards.h"

namespace reprise::match {

inline constexpr std::uint32_t kFeaturesVersion = 4;
inline constexpr std::size_t kAlignmentFeatures = 12;

enum class Feature : std::uint8_t {
  kOverlap,        // idf of paired words / idf of all
  kOverlapStored,  // ... of the stored question's words
  kOverlapAsked,
  kAloneStored,  // log(1 + idf mass without a partner)
  kAloneAsked,
  kHeaviestStored,  // the heaviest word without a partner, 0 to 1
  kHeaviestAsked,
  kTrigrams,       // Dice of the folded texts' character trigrams
  kBigrams,        // Dice of word pairs
  kLongestCommon,  // longest common subsequence of content words / the shorter
  kSpread,         // share of paired words that change their order
  kSameFirstVerb,  // the first content word is the same
  kSameHead,       // ... the last
  kTemplate,       // longest common front and back / all words
  kSubstituted,    // idf of words exchanged in the same surroundings, 0 to 1
  kNear,           // share of pairs that are slips or acronyms
  kLengthGap,      // |log of the ratio|
  kLength,         // log of both
  kQuestionSame,
  kQuestionDiffers,  // both ask, but something else
  kNumbersShared,    // log(1 + numbers with a partner)
  kNumbersDiffer,
  kDatesDiffer,
  kUnitsDiffer,     // also currency
  kLiteralsDiffer,  // versions, addresses, code, quotations
  kNegationDiffers,
  kAntonyms,
  kOrderDiffers,
  kNamesDiffer,
  kNamesOneSided,
  kQualifiersDiffer,
  kAspectDiffers,
  kRankDiffers,  // also task
  kTimeDiffers,  // freshness, tense
  kFrameGap,     // template, by the heaviest word without a partner: one word differs in a frame
  kEqual,        // nothing that says something is without a partner
  kShared,       // log(1 + idf mass with a partner)
  kStatements,   // both state something, in a sentence
  kHasVectors,
  kCrowd,  // what else is stored is known
  kCosine,
  kRatio,            // log of the distance to this question / to the nearest other one
  kStatementsRatio,  // the same between statements, else 0
  kAlignment,        // the first of kAlignmentFeatures, alignment.h
};
inline constexpr std::size_t kFeatures =
    static_cast<std::size_t>(Feature::kAlignment) + kAlignmentFeatures;

using Features = std::array<float, kFeatures>;

std::string_view NameOfFeature(std::size_t index);

// What comes from vectors. `rival`: the cosine of the nearest other question that is stored and has
// another answer; absent where too few are stored to tell. How much nearer one is than the next
// says more than how near it is (Lowe, "Distinctive image features from scale-invariant keypoints",
// IJCV 60, 2004, section 7.1).
struct Outside {
  float cosine = 0;
  std::optional<float> rival;
  std::array<float, kAlignmentFeatures> alignment{};
};

// `outside` may be null.
Features ComputeFeatures(const Pairing& pairing, const Verdicts& verdicts, const Outside* outside);

}  // namespace reprise::match
