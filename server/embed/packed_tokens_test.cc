#include "server/embed/packed_tokens.h"

#include <cmath>
#include <limits>
#include <random>

#include <catch2/catch.hpp>

namespace reprise::embed {
namespace {

double Cosine(const float* one, const float* other, std::size_t width) {
  double both = 0;
  double ones = 0;
  double others = 0;
  for (std::size_t i = 0; i < width; ++i) {
    both += static_cast<double>(one[i]) * static_cast<double>(other[i]);
    ones += static_cast<double>(one[i]) * static_cast<double>(one[i]);
    others += static_cast<double>(other[i]) * static_cast<double>(other[i]);
  }
  return both / std::sqrt(ones * others);
}

TEST_CASE("packed rows point where the rows do") {
  constexpr std::size_t kWidth = 512;
  constexpr std::size_t kTokens = 9;
  std::mt19937_64 random(7);
  std::normal_distribution<float> normal;
  TokenVectors vectors;
  vectors.tokens.resize(kTokens);
  for (std::size_t i = 0; i < kTokens * kWidth; ++i) {
    vectors.context.push_back(normal(random) * static_cast<float>(1 + i / kWidth));
  }
  const PackedTokens packed = PackedTokens::Of(vectors);
  const std::vector<float> rows = packed.Context();
  REQUIRE(rows.size() == vectors.context.size());
  for (std::size_t i = 0; i < kTokens; ++i) {
    CHECK(Cosine(&rows[i * kWidth], &vectors.context[i * kWidth], kWidth) > 0.9999);
  }
  CHECK(packed.Bytes() < kTokens * kWidth * 5 / 4);
}

TEST_CASE("packing again changes nothing, and rows of nothing stay so") {
  TokenVectors vectors;
  vectors.tokens.resize(3);
  vectors.context = {0, 0, 3, -1.5F, std::numeric_limits<float>::infinity(), 1};
  const PackedTokens packed = PackedTokens::Of(vectors);
  TokenVectors again = vectors;
  again.context = packed.Context();
  CHECK(PackedTokens::Of(again).context == packed.context);
  CHECK(again.context[0] == 0);
  CHECK(again.context[2] == 3);
  CHECK(PackedTokens::Of({}).Context().empty());
}

}  // namespace
}  // namespace reprise::embed
