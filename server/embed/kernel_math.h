// What all kernels compute alike, over sixteen floats at a time.
//
// `Lanes` is a type of one source file's unnamed namespace, so that no two files share what is
// instantiated here. It has: Vector, Zero, Set, Load, Store, Add, Sub, Mul, Div, Max, Min, Round
// (to the nearest whole number, ties to even), TimesPowerOfTwo, Sum (folded in halves: 16 to 8 to
// 4 to 2 to 1), Largest.
//
// Units, threads, errors: as kernel.h.
#pragma once

#include <cstddef>

#include "server/embed/kernel.h"

namespace reprise::embed {

// e to the power of x; x is cut to what gives a normal float. Relative error below 2e-7 (the
// polynomial of the Cephes library).
template <class Lanes>
typename Lanes::Vector Exponential(typename Lanes::Vector x) {
  constexpr float kLog2OfE = 1.44269504088896341F;
  constexpr float kLn2High = 0.693359375F;
  constexpr float kLn2Low = -2.12194440e-4F;
  x = Lanes::Min(Lanes::Max(x, Lanes::Set(-87.0F)), Lanes::Set(88.0F));
  const auto power = Lanes::Round(Lanes::Mul(x, Lanes::Set(kLog2OfE)));
  x = Lanes::Sub(x, Lanes::Mul(power, Lanes::Set(kLn2High)));
  x = Lanes::Sub(x, Lanes::Mul(power, Lanes::Set(kLn2Low)));
  auto sum = Lanes::Set(1.9875691500e-4F);
  constexpr float kCoefficients[] = {1.3981999507e-3F, 8.3334519073e-3F, 4.1665795894e-2F,
                                     1.6666665459e-1F, 5.0000001201e-1F};
  for (const float coefficient : kCoefficients) {
    sum = Lanes::Add(Lanes::Mul(sum, x), Lanes::Set(coefficient));
  }
  sum = Lanes::Add(Lanes::Add(Lanes::Mul(sum, Lanes::Mul(x, x)), x), Lanes::Set(1.0F));
  return Lanes::TimesPowerOfTwo(sum, power);
}

// The nearest whole number, ties to even, of what is smaller than 2^22: what this adds leaves no
// room for a fraction.
inline float Nearest(float value) {
  constexpr float kNoFraction = 12582912.0F;  // 1.5 * 2^23
  return (value + kNoFraction) - kNoFraction;
}

// How a row is quantised, and what to multiply it with; all 0 for a row of zeros.
struct RowRange {
  Quantization quantization;
  float inverse = 0;
};

template <class Lanes>
RowRange RangeOf(const float* row, std::size_t width) {
  auto above = Lanes::Zero();
  auto below = Lanes::Zero();
  for (std::size_t i = 0; i < width; i += kLanes) {
    const auto values = Lanes::Load(row + i);
    above = Lanes::Max(above, values);
    below = Lanes::Max(below, Lanes::Sub(Lanes::Zero(), values));
  }
  const float lowest = Lanes::Largest(below);
  const float range = Lanes::Largest(above) + lowest;
  if (!(range > 1e-30F)) {
    return {};
  }
  constexpr auto kStepsInRange = static_cast<float>(kSteps);
  const float inverse = kStepsInRange / range;
  const auto zero = static_cast<std::int32_t>(Nearest(lowest * inverse));
  return {{range / kStepsInRange, zero}, inverse};
}

// As RangeOf, for the same distance on both sides of 0.
template <class Lanes>
RowRange FineRangeOf(const float* row, std::size_t width) {
  auto largest = Lanes::Zero();
  for (std::size_t i = 0; i < width; i += kLanes) {
    const auto values = Lanes::Load(row + i);
    largest = Lanes::Max(largest, Lanes::Max(values, Lanes::Sub(Lanes::Zero(), values)));
  }
  const float most = Lanes::Largest(largest);
  if (!(most > 1e-30F)) {
    return {};
  }
  constexpr auto kMost = static_cast<float>(kFineMax);
  return {{most / kMost, 0}, kMost / most};
}

template <class Lanes>
void Normalize(const LayerNorm& norm, const float* row, float* out) {
  auto total = Lanes::Zero();
  for (std::size_t i = 0; i < norm.width; i += kLanes) {
    total = Lanes::Add(total, Lanes::Load(row + i));
  }
  const auto width = static_cast<float>(norm.width);
  const auto mean = Lanes::Set(Lanes::Sum(total) / width);
  auto squares = Lanes::Zero();
  for (std::size_t i = 0; i < norm.width; i += kLanes) {
    const auto distance = Lanes::Sub(Lanes::Load(row + i), mean);
    squares = Lanes::Add(squares, Lanes::Mul(distance, distance));
  }
  const float variance = Lanes::Sum(squares) / width;
  const auto factor = Lanes::Set(1.0F / __builtin_sqrtf(variance + norm.epsilon));
  for (std::size_t i = 0; i < norm.width; i += kLanes) {
    const auto scale = Lanes::Mul(Lanes::Load(norm.scale + i), factor);
    const auto distance = Lanes::Sub(Lanes::Load(row + i), mean);
    Lanes::Store(Lanes::Add(Lanes::Mul(scale, distance), Lanes::Load(norm.bias + i)), out + i);
  }
}

// Makes weights that add up to one of the scores. Returns nothing for a count of 0.
template <class Lanes>
void Softmax(float* scores, std::size_t count) {
  const std::size_t padded = (count + kLanes - 1) / kLanes * kLanes;
  for (std::size_t i = count; i < padded; ++i) {
    scores[i] = -1e30F;
  }
  auto largest = Lanes::Set(-1e30F);
  for (std::size_t i = 0; i < padded; i += kLanes) {
    largest = Lanes::Max(largest, Lanes::Load(scores + i));
  }
  const auto most = Lanes::Set(Lanes::Largest(largest));
  auto total = Lanes::Zero();
  for (std::size_t i = 0; i < padded; i += kLanes) {
    const auto weights = Exponential<Lanes>(Lanes::Sub(Lanes::Load(scores + i), most));
    Lanes::Store(weights, scores + i);
    total = Lanes::Add(total, weights);
  }
  const auto sum = Lanes::Set(Lanes::Sum(total));
  for (std::size_t i = 0; i < padded; i += kLanes) {
    Lanes::Store(Lanes::Div(Lanes::Load(scores + i), sum), scores + i);
  }
}

template <class Lanes>
float Dot(const float* a, const float* b, std::size_t width) {
  auto sum = Lanes::Zero();
  for (std::size_t i = 0; i < width; i += kLanes) {
    sum = Lanes::Add(sum, Lanes::Mul(Lanes::Load(a + i), Lanes::Load(b + i)));
  }
  return Lanes::Sum(sum);
}

template <class Lanes>
void Attend(const Attention& attention) {
  const std::size_t head_width = attention.width / attention.heads;
  const std::size_t stride = 3 * attention.width;
  for (std::size_t head = 0; head < attention.heads; ++head) {
    const float* queries = attention.rows + head * head_width;
    const float* keys = queries + attention.width;
    const float* values = keys + attention.width;
    for (std::size_t i = 0; i < attention.count; ++i) {
      for (std::size_t j = 0; j < attention.count; ++j) {
        attention.scores[j] =
            attention.query_scale * Dot<Lanes>(queries + i * stride, keys + j * stride, head_width);
      }
      Softmax<Lanes>(attention.scores, attention.count);
      float* out = attention.out + i * attention.width + head * head_width;
      for (std::size_t lane = 0; lane < head_width; lane += kLanes) {
        auto sum = Lanes::Zero();
        for (std::size_t j = 0; j < attention.count; ++j) {
          sum = Lanes::Add(sum, Lanes::Mul(Lanes::Set(attention.scores[j]),
                                           Lanes::Load(values + j * stride + lane)));
        }
        Lanes::Store(sum, out + lane);
      }
    }
  }
}

template <class Lanes>
void AddTo(const float* other, std::size_t count, float* sum) {
  for (std::size_t i = 0; i < count; i += kLanes) {
    Lanes::Store(Lanes::Add(Lanes::Load(sum + i), Lanes::Load(other + i)), sum + i);
  }
}

template <class Lanes>
void Rectify(float* row, std::size_t count) {
  for (std::size_t i = 0; i < count; i += kLanes) {
    Lanes::Store(Lanes::Max(Lanes::Load(row + i), Lanes::Zero()), row + i);
  }
}

// tanh(x) = 1 - 2 / (e^2x + 1), which errs by less than 2e-7.
template <class Lanes>
void Finish(float* row, std::size_t count) {
  const auto one = Lanes::Set(1.0F);
  auto squares = Lanes::Zero();
  for (std::size_t i = 0; i < count; i += kLanes) {
    const auto value = Lanes::Load(row + i);
    const auto power = Exponential<Lanes>(Lanes::Add(value, value));
    const auto bent = Lanes::Sub(one, Lanes::Div(Lanes::Set(2.0F), Lanes::Add(power, one)));
    squares = Lanes::Add(squares, Lanes::Mul(bent, bent));
    Lanes::Store(bent, row + i);
  }
  const float length = __builtin_sqrtf(Lanes::Sum(squares));
  const auto divisor = Lanes::Set(length > 0 ? length : 1.0F);
  for (std::size_t i = 0; i < count; i += kLanes) {
    Lanes::Store(Lanes::Div(Lanes::Load(row + i), divisor), row + i);
  }
}

inline constexpr std::size_t kFloatRows = 4;

// Sixteen outputs of at most kFloatRows rows.
template <class Lanes>
void MultiplyFloatTile(const FloatMatrix& matrix, std::size_t column, const FloatRows& rows,
                       float* out) {
  typename Lanes::Vector sums[kFloatRows];
  for (auto& sum : sums) {
    sum = Lanes::Zero();
  }
  for (std::size_t input = 0; input < matrix.inputs; ++input) {
    const auto weights = Lanes::Load(matrix.values + input * matrix.outputs + column);
    for (std::size_t i = 0; i < kFloatRows; ++i) {
      const std::size_t row = i < rows.count ? i : 0;  // what is too much is not stored
      const auto value = Lanes::Set(rows.values[row * matrix.inputs + input]);
      sums[i] = Lanes::Add(sums[i], Lanes::Mul(value, weights));
    }
  }
  const auto bias = Lanes::Load(matrix.bias + column);
  for (std::size_t i = 0; i < rows.count; ++i) {
    Lanes::Store(Lanes::Add(sums[i], bias), out + i * matrix.outputs + column);
  }
}

template <class Lanes>
void MultiplyFloat(const FloatMatrix& matrix, const FloatRows& rows, float* out) {
  for (std::size_t column = 0; column < matrix.outputs; column += kLanes) {
    for (std::size_t row = 0; row < rows.count; row += kFloatRows) {
      const std::size_t left = rows.count - row;
      const FloatRows some{rows.values + row * matrix.inputs,
                           left < kFloatRows ? left : kFloatRows};
      MultiplyFloatTile<Lanes>(matrix, column, some, out + row * matrix.outputs);
    }
  }
}

// One row's integer sums of sixteen outputs become floats.
template <class Lanes>
void StoreScaled(const PanelMatrix& matrix, std::size_t column, typename Lanes::Vector sums,
                 float row_scale, float* out) {
  const auto scale = Lanes::Mul(Lanes::Load(matrix.scales + column), Lanes::Set(row_scale));
  Lanes::Store(Lanes::Add(Lanes::Mul(sums, scale), Lanes::Load(matrix.bias + column)),
               out + column);
}

}  // namespace reprise::embed
