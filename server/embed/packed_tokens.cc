#include "server/embed/packed_tokens.h"

#include <algorithm>
#include <cmath>

namespace reprise::embed {
namespace {

constexpr float kLargest = 127;

}  // namespace

PackedTokens PackedTokens::Of(const TokenVectors& vectors) {
  PackedTokens packed;
  packed.tokens = vectors.tokens;
  packed.context.reserve(vectors.context.size());
  const std::size_t count = packed.tokens.size();
  const std::size_t width = count == 0 ? 0 : vectors.context.size() / count;
  for (std::size_t i = 0; i < count; ++i) {
    const float* row = vectors.context.data() + i * width;
    float largest = 0;
    for (std::size_t j = 0; j < width; ++j) {
      largest = std::max(largest, std::abs(row[j]));
    }
    const float scale = largest > 0 && std::isfinite(largest) ? largest / kLargest : 1;
    packed.scales.push_back(scale);
    for (std::size_t j = 0; j < width; ++j) {
      const float rounded = std::nearbyint(row[j] / scale);
      packed.context.push_back(
          static_cast<std::int8_t>(std::max(-kLargest, std::min(kLargest, rounded))));  // NaN, too
    }
  }
  return packed;
}

std::vector<float> PackedTokens::Context() const {
  std::vector<float> rows(context.size());
  const std::size_t width = tokens.empty() ? 0 : context.size() / tokens.size();
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const float scale = scales[i];
    const std::int8_t* from = context.data() + i * width;
    float* to = rows.data() + i * width;
    for (std::size_t j = 0; j < width; ++j) {
      to[j] = scale * static_cast<float>(from[j]);
    }
  }
  return rows;
}

std::size_t PackedTokens::Bytes() const {
  return sizeof(*this) + tokens.capacity() * sizeof(Token) + scales.capacity() * sizeof(float) +
         context.capacity();
}

}  // namespace reprise::embed
