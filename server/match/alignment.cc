// Owns the best-match statistics of word vectors.
#include "server/match/alignment.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace reprise::match {
namespace {

constexpr float kContextualMet = 0.6F;
constexpr float kInputMet = 0.5F;

struct Matrix {
  std::span<const float> rows;
  std::size_t width = 0;
};

// Unit vectors of the words that say something and have tokens.
struct WordVectors {
  std::vector<float> rows;
  std::vector<float> weights;
  std::size_t width = 0;

  std::span<const float> Row(std::size_t index) const {
    return std::span<const float>(rows).subspan(index * width, width);
  }
};

float Dot(std::span<const float> one, std::span<const float> other) {
  float sum = 0;
  for (std::size_t i = 0; i < one.size(); ++i) {
    sum += one[i] * other[i];
  }
  return sum;
}

// Adds the rows of the tokens that touch [begin, end); false when their sum has no direction.
bool Sum(const Word& word, std::span<const TokenRange> tokens, const Matrix& matrix,
         std::span<float> out) {
  std::fill(out.begin(), out.end(), 0.0F);
  for (std::size_t i = 0; i < tokens.size() && (i + 1) * matrix.width <= matrix.rows.size(); ++i) {
    if (tokens[i].begin < word.end && word.begin < tokens[i].end) {
      const auto row = matrix.rows.subspan(i * matrix.width, matrix.width);
      std::transform(row.begin(), row.end(), out.begin(), out.begin(), std::plus<>());
    }
  }
  const float length = std::sqrt(Dot(out, out));
  if (!(length > 0) || !std::isfinite(length)) {
    return false;
  }
  std::for_each(out.begin(), out.end(), [length](float& value) { value /= length; });
  return true;
}

WordVectors VectorsOf(const Embedded& side, const Matrix& matrix) {
  WordVectors vectors;
  vectors.width = matrix.width;
  if (matrix.width == 0 || matrix.width > kVectorWidthMax) {
    return vectors;
  }
  for (const Word& word : side.words.list) {
    if (!word.IsContent()) {
      continue;
    }
    if (vectors.weights.size() == kAlignedWordsMax) {
      break;
    }
    vectors.rows.resize(vectors.rows.size() + matrix.width);
    if (Sum(word, side.vectors.tokens, matrix, std::span<float>(vectors.rows).last(matrix.width))) {
      vectors.weights.push_back(word.weight);
    } else {
      vectors.rows.resize(vectors.rows.size() - matrix.width);
    }
  }
  return vectors;
}

// Mean, worst, unmet share; of a side without words: all is met unless the other has some.
std::array<float, 3> Meet(const WordVectors& one, const WordVectors& other, float met) {
  if (one.weights.empty() || other.weights.empty() || one.width != other.width) {
    const bool both_empty = one.weights.empty() && other.weights.empty();
    return {both_empty ? 1.0F : 0.0F, both_empty ? 1.0F : 0.0F, both_empty ? 0.0F : 1.0F};
  }
  float all = 0;
  float sum = 0;
  float unmet = 0;
  float worst = 1;
  for (std::size_t i = 0; i < one.weights.size(); ++i) {
    float best = -1;
    for (std::size_t j = 0; j < other.weights.size(); ++j) {
      best = std::max(best, Dot(one.Row(i), other.Row(j)));
    }
    all += one.weights[i];
    sum += one.weights[i] * best;
    unmet += best < met ? one.weights[i] : 0.0F;
    worst = std::min(worst, best);
  }
  return {sum / all, worst, unmet / all};
}

}  // namespace

std::array<float, kAlignmentFeatures> Align(const Embedded& stored, const Embedded& asked) {
  std::array<float, kAlignmentFeatures> out{};
  auto next = out.begin();
  const auto add = [&](const Matrix& here, const Matrix& there, float met) {
    const WordVectors one = VectorsOf(stored, here);
    const WordVectors other = VectorsOf(asked, there);
    for (const auto& part : {Meet(one, other, met), Meet(other, one, met)}) {
      next = std::copy(part.begin(), part.end(), next);
    }
  };
  add({stored.vectors.contextual, stored.vectors.contextual_width},
      {asked.vectors.contextual, asked.vectors.contextual_width}, kContextualMet);
  add({stored.vectors.input, stored.vectors.input_width},
      {asked.vectors.input, asked.vectors.input_width}, kInputMet);
  return out;
}

}  // namespace reprise::match
