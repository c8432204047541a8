// The kernel for any processor: the definition of what the others compute.
#include <cstdint>
#include <cstring>

#include "server/embed/kernel.h"
#include "server/embed/kernel_math.h"

namespace reprise::embed {
namespace {

struct PlainLanes {
  struct Vector {
    float lane[kLanes];
  };

  template <class Operation>
  static Vector Each(Operation operation) {
    Vector out{};
    for (std::size_t i = 0; i < kLanes; ++i) {
      out.lane[i] = operation(i);
    }
    return out;
  }

  static Vector Zero() { return {}; }
  static Vector Set(float value) {
    return Each([value](std::size_t) { return value; });
  }
  static Vector Load(const float* from) {
    return Each([from](std::size_t i) { return from[i]; });
  }
  static void Store(const Vector& value, float* to) {
    for (std::size_t i = 0; i < kLanes; ++i) {
      to[i] = value.lane[i];
    }
  }
  static Vector Add(const Vector& a, const Vector& b) {
    return Each([&](std::size_t i) { return a.lane[i] + b.lane[i]; });
  }
  static Vector Sub(const Vector& a, const Vector& b) {
    return Each([&](std::size_t i) { return a.lane[i] - b.lane[i]; });
  }
  static Vector Mul(const Vector& a, const Vector& b) {
    return Each([&](std::size_t i) { return a.lane[i] * b.lane[i]; });
  }
  static Vector Div(const Vector& a, const Vector& b) {
    return Each([&](std::size_t i) { return a.lane[i] / b.lane[i]; });
  }
  // As the instructions have it: the second when they do not compare.
  static Vector Max(const Vector& a, const Vector& b) {
    return Each([&](std::size_t i) { return a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i]; });
  }
  static Vector Min(const Vector& a, const Vector& b) {
    return Each([&](std::size_t i) { return a.lane[i] < b.lane[i] ? a.lane[i] : b.lane[i]; });
  }
  static Vector Round(const Vector& a) {
    return Each([&](std::size_t i) { return Nearest(a.lane[i]); });
  }
  static Vector TimesPowerOfTwo(const Vector& a, const Vector& power) {
    constexpr std::int32_t kBias = 127;
    constexpr std::int32_t kMantissaBits = 23;
    return Each([&](std::size_t i) {
      const auto exponent = static_cast<std::int32_t>(power.lane[i]) + kBias;
      const std::uint32_t bits = static_cast<std::uint32_t>(exponent) << kMantissaBits;
      float factor = 0;
      std::memcpy(&factor, &bits, sizeof(factor));
      return a.lane[i] * factor;
    });
  }
  static float Sum(Vector a) {
    for (std::size_t half = kLanes / 2; half > 0; half /= 2) {
      for (std::size_t i = 0; i < half; ++i) {
        a.lane[i] += a.lane[i + half];
      }
    }
    return a.lane[0];
  }
  static float Largest(const Vector& a) {
    float largest = a.lane[0];
    for (const float value : a.lane) {
      largest = value > largest ? value : largest;
    }
    return largest;
  }
};

Quantization Quantize(const float* row, std::size_t width, void* out) {
  const RowRange range = RangeOf<PlainLanes>(row, width);
  const std::int32_t least = -range.quantization.zero;
  const std::int32_t most = kSteps - range.quantization.zero;
  auto* values = static_cast<std::int16_t*>(out);
  for (std::size_t i = 0; i < width; ++i) {
    const auto whole = static_cast<std::int32_t>(Nearest(row[i] * range.inverse));
    const std::int32_t bounded = whole < least ? least : whole;
    values[i] = static_cast<std::int16_t>(bounded > most ? most : bounded);
  }
  return range.quantization;
}

Quantization QuantizeFine(const float* row, std::size_t width, std::int16_t* out) {
  const RowRange range = FineRangeOf<PlainLanes>(row, width);
  for (std::size_t i = 0; i < width; ++i) {
    out[i] = static_cast<std::int16_t>(Nearest(row[i] * range.inverse));
  }
  return range.quantization;
}

// `Weight` is int8 or int16.
template <class Weight>
PlainLanes::Vector PanelTimesRow(const Weight* panel, const std::int16_t* row, std::size_t inputs) {
  constexpr std::size_t kGroup = kGroupBytes / sizeof(Weight);
  std::int32_t sums[kLanes] = {};
  for (std::size_t input = 0; input < inputs; input += kGroup) {
    for (std::size_t i = 0; i < kLanes; ++i) {
      const Weight* weights = panel + input * kLanes + i * kGroup;
      for (std::size_t step = 0; step < kGroup; ++step) {
        sums[i] += row[input + step] * weights[step];
      }
    }
  }
  return PlainLanes::Each([&](std::size_t i) { return static_cast<float>(sums[i]); });
}

template <class Weight>
void Multiply(const PanelMatrix& matrix, const QuantizedRows& rows, float* out) {
  const auto* values = static_cast<const std::int16_t*>(rows.values);
  for (std::size_t column = 0; column < matrix.outputs; column += kLanes) {
    const auto* panel = static_cast<const Weight*>(matrix.panels) + column * matrix.inputs;
    for (std::size_t row = 0; row < rows.count; ++row) {
      const auto sums = PanelTimesRow(panel, values + row * matrix.inputs, matrix.inputs);
      StoreScaled<PlainLanes>(matrix, column, sums, rows.rows[row].step,
                              out + row * matrix.outputs);
    }
  }
}

}  // namespace

const Kernel kPlainKernel = {"plain",
                             sizeof(std::int16_t),
                             false,
                             Quantize,
                             Multiply<std::int8_t>,
                             QuantizeFine,
                             Multiply<std::int16_t>,
                             MultiplyFloat<PlainLanes>,
                             Normalize<PlainLanes>,
                             Attend<PlainLanes>,
                             AddTo<PlainLanes>,
                             Rectify<PlainLanes>,
                             Finish<PlainLanes>};

}  // namespace reprise::embed
