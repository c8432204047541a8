// Alignment: how well each word of one question is met by some word of the other, by vectors.
//
// A pure function of vectors that the caller has: each token's vector in its sentence (contextual)
// and of itself (input). A word's vector is the mean of its tokens' vectors. Words that the lexicon
// does not join ("costly", "pricey" of a trade's own jargon) meet here; the worst-met word gives
// away an exchange.
//
// Units: cosines in [-1, 1], shares of idf in [0, 1]. Errors: none; tokens whose vectors are
// missing or of zero length are passed over. Complexity: O(n x m x width) for at most
// kAlignedWordsMax words a side. Threads: any. Lifetime: arguments are only read during the call.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "server/match/features.h"
#include "server/match/words.h"

namespace reprise::match {

inline constexpr std::size_t kAlignedWordsMax = 48;
inline constexpr std::size_t kVectorWidthMax = 1024;

// Bytes of the text that the Words were read from.
struct TokenRange {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
};

// Row i of each matrix belongs to token i; rows of one matrix are `..._width` floats each.
struct TokenVectors {
  std::span<const TokenRange> tokens;
  std::span<const float> contextual;
  std::size_t contextual_width = 0;
  std::span<const float> input;
  std::size_t input_width = 0;
};

struct Embedded {
  const Words& words;
  const TokenVectors& vectors;
};

// Mean, worst and unmet share of the stored question's words, then of the asked one's; contextual,
// then input. In the order of the features from Feature::kAlignment on.
std::array<float, kAlignmentFeatures> Align(const Embedded& stored, const Embedded& asked);

}  // namespace reprise::match
