// PackedTokens: the vectors of a text's tokens in a sixth of the memory, to keep.
//
// One byte a number with a scale a row: a cosine of two rows differs by less than 0.001. What a
// token is alone is not kept: the model has it. Units: rows as TokenVectors has them. Errors: none.
// Threads: values. Complexity: O(numbers).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "server/embed/embedder.h"

namespace reprise::embed {

struct PackedTokens {
  std::vector<Token> tokens;
  std::vector<float> scales;         // one a token
  std::vector<std::int8_t> context;  // tokens x width

  static PackedTokens Of(const TokenVectors& vectors);
  std::vector<float> Context() const;
  std::size_t Bytes() const;
};

}  // namespace reprise::embed
