// The kernel for processors with AVX2. Compiled with those instructions switched on: see kernel.h
// for what must not be used here.
//
// The instruction for bytes adds two products in 16 bits and saturates. Weights that two full bytes
// cannot drive so far (two thirds of them, by registers) are multiplied as they are, the others in
// a way that always fits and takes one instruction more: see AddGroup.
#include "server/embed/kernel.h"

#if defined(__AVX2__)
#include <cstdint>
#include <cstring>
#include <immintrin.h>

#include "server/embed/kernel_math.h"

namespace reprise::embed {
namespace {

struct Avx2Lanes {
  struct Vector {
    __m256 low;
    __m256 high;
  };

  static Vector Zero() { return {_mm256_setzero_ps(), _mm256_setzero_ps()}; }
  static Vector Set(float value) { return {_mm256_set1_ps(value), _mm256_set1_ps(value)}; }
  static Vector Load(const float* from) {
    return {_mm256_loadu_ps(from), _mm256_loadu_ps(from + kLanes / 2)};
  }
  static void Store(const Vector& value, float* to) {
    _mm256_storeu_ps(to, value.low);
    _mm256_storeu_ps(to + kLanes / 2, value.high);
  }
  static Vector Add(const Vector& a, const Vector& b) {
    return {_mm256_add_ps(a.low, b.low), _mm256_add_ps(a.high, b.high)};
  }
  static Vector Sub(const Vector& a, const Vector& b) {
    return {_mm256_sub_ps(a.low, b.low), _mm256_sub_ps(a.high, b.high)};
  }
  static Vector Mul(const Vector& a, const Vector& b) {
    return {_mm256_mul_ps(a.low, b.low), _mm256_mul_ps(a.high, b.high)};
  }
  static Vector Div(const Vector& a, const Vector& b) {
    return {_mm256_div_ps(a.low, b.low), _mm256_div_ps(a.high, b.high)};
  }
  static Vector Max(const Vector& a, const Vector& b) {
    return {_mm256_max_ps(a.low, b.low), _mm256_max_ps(a.high, b.high)};
  }
  static Vector Min(const Vector& a, const Vector& b) {
    return {_mm256_min_ps(a.low, b.low), _mm256_min_ps(a.high, b.high)};
  }
  static Vector Round(const Vector& a) {
    constexpr int kNearest = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
    return {_mm256_round_ps(a.low, kNearest), _mm256_round_ps(a.high, kNearest)};
  }
  static __m256 PowerOfTwo(__m256 power) {
    const __m256i exponent = _mm256_add_epi32(_mm256_cvtps_epi32(power), _mm256_set1_epi32(127));
    return _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23));
  }
  static Vector TimesPowerOfTwo(const Vector& a, const Vector& power) {
    return Mul(a, {PowerOfTwo(power.low), PowerOfTwo(power.high)});
  }
  static float Sum(const Vector& a) {
    const __m256 eight = _mm256_add_ps(a.low, a.high);
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
  }
  static float Largest(const Vector& a) {
    const __m256 eight = _mm256_max_ps(a.low, a.high);
    const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
  }
};

constexpr std::size_t kPrefetchBytes = 2048;

// Bytes without a sign, shifted up by the row's zero: sums are put right by as much.
Quantization Quantize(const float* row, std::size_t width, void* out) {
  const RowRange range = RangeOf<Avx2Lanes>(row, width);
  auto* values = static_cast<std::uint8_t*>(out);
  const __m256 inverse = _mm256_set1_ps(range.inverse);
  const __m128i zero = _mm_set1_epi16(static_cast<std::int16_t>(range.quantization.zero));
  for (std::size_t i = 0; i < width; i += kLanes / 2) {
    const __m256i whole = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(row + i), inverse));
    const __m128i words =
        _mm_packs_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256(whole, 1));
    const __m128i bytes = _mm_packus_epi16(_mm_adds_epi16(words, zero), _mm_setzero_si128());
    _mm_storel_epi64(reinterpret_cast<__m128i*>(values + i), bytes);
  }
  return range.quantization;
}

Quantization QuantizeFine(const float* row, std::size_t width, std::int16_t* out) {
  const RowRange range = FineRangeOf<Avx2Lanes>(row, width);
  const __m256 inverse = _mm256_set1_ps(range.inverse);
  for (std::size_t i = 0; i < width; i += kLanes / 2) {
    const __m256i whole = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(row + i), inverse));
    _mm_storeu_si128(
        reinterpret_cast<__m128i*>(out + i),
        _mm_packs_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256(whole, 1)));
  }
  return range.quantization;
}

// sum + products of 16-bit numbers, by twos. The addition is in assembler, because the compiler
// copies every sum around it.
void AddProduct(__m256i& sum, __m256i values, __m256i weights) {
  const __m256i product = _mm256_madd_epi16(values, weights);
  __asm__("vpaddd %1, %0, %0" : "+x"(sum) : "x"(product));
}

struct Tile {
  const PanelMatrix& matrix;
  std::size_t column;
  const void* values;
  const Quantization* rows;
  float* out;
};

__m256i BroadcastFour(const void* bytes) {
  std::int32_t four = 0;
  std::memcpy(&four, bytes, sizeof(four));
  return _mm256_set1_epi32(four);
}

// Weights of eight outputs, four inputs each, times as many bytes of each row. `kIsWide`: sums of
// two products may not fit 16 bits; then the weights lose their sign to the values, which become
// -128 to 127, and fit. What that takes from the sums is in the matrix's offsets (panel_plan.h).
template <std::size_t kRows, bool kIsWide>
void AddGroup(const std::int8_t* weights, const std::uint8_t* values, std::size_t stride,
              __m256i (&sums)[kRows]) {
  const __m256i signed_weights = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(weights));
  const __m256i flip = _mm256_xor_si256(_mm256_cmpgt_epi8(_mm256_setzero_si256(), signed_weights),
                                        _mm256_set1_epi8(-128));
  const __m256i sizes = _mm256_abs_epi8(signed_weights);
#pragma GCC unroll 8
  for (std::size_t r = 0; r < kRows; ++r) {
    const __m256i four = BroadcastFour(values + r * stride);
    const __m256i pairs = kIsWide ? _mm256_maddubs_epi16(sizes, _mm256_xor_si256(four, flip))
                                  : _mm256_maddubs_epi16(four, signed_weights);
    AddProduct(sums[r], pairs, _mm256_set1_epi16(1));
  }
}

// Half a panel: eight outputs are a register.
template <std::size_t kRows>
void MultiplyHalf(const Tile& tile, std::size_t half, __m256i (&sums)[kRows]) {
  const PanelMatrix& matrix = tile.matrix;
  const std::size_t inputs = matrix.inputs;
  const std::size_t groups = inputs / kGroupBytes;
  const std::size_t place = tile.column / kHalfPanel + half;
  const std::uint16_t* order = matrix.order + place * groups;
  const std::size_t narrow = matrix.narrow_groups[place];
  const auto* values = static_cast<const std::uint8_t*>(tile.values);
  const auto* weights = static_cast<const std::int8_t*>(matrix.panels) + tile.column * inputs +
                        half * kHalfPanel * kGroupBytes;
  const std::size_t group_bytes = kLanes * kGroupBytes;
#pragma GCC unroll 4
  for (std::size_t i = 0; i < narrow; ++i) {
    const std::size_t group = order[i];
    const std::int8_t* at = weights + group * group_bytes;
    _mm_prefetch(reinterpret_cast<const char*>(at + kPrefetchBytes), _MM_HINT_T0);
    AddGroup<kRows, false>(at, values + group * kGroupBytes, inputs, sums);
  }
#pragma GCC unroll 4
  for (std::size_t i = narrow; i < groups; ++i) {
    const std::size_t group = order[i];
    AddGroup<kRows, true>(weights + group * group_bytes, values + group * kGroupBytes, inputs,
                          sums);
  }
}

template <std::size_t kRows>
struct ByteTile {
  static void Multiply(const Tile& tile) {
    for (std::size_t half = 0; half < 2; ++half) {
      const std::size_t column = tile.column + half * kHalfPanel;
      __m256i sums[kRows];
#pragma GCC unroll 8
      for (std::size_t r = 0; r < kRows; ++r) {
        sums[r] = _mm256_setzero_si256();
      }
      MultiplyHalf<kRows>(tile, half, sums);
      const auto load = [column](const std::int32_t* from) {
        return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + column));
      };
      const __m256i offsets = load(tile.matrix.offsets);
      const __m256i weights = load(tile.matrix.sums);
      const __m256 scales = _mm256_loadu_ps(tile.matrix.scales + column);
      const __m256 bias = _mm256_loadu_ps(tile.matrix.bias + column);
#pragma GCC unroll 8
      for (std::size_t r = 0; r < kRows; ++r) {
        const __m256i shifted = _mm256_mullo_epi32(weights, _mm256_set1_epi32(tile.rows[r].zero));
        const __m256i exact = _mm256_sub_epi32(_mm256_add_epi32(sums[r], offsets), shifted);
        const __m256 scale = _mm256_mul_ps(scales, _mm256_set1_ps(tile.rows[r].step));
        _mm256_storeu_ps(tile.out + r * tile.matrix.outputs + column,
                         _mm256_add_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(exact), scale), bias));
      }
    }
  }
};

// A register has two inputs of eight outputs: one product gives the sums as they are wanted.
template <std::size_t kRows>
struct WordTile {
  static void Multiply(const Tile& tile) {
    constexpr std::size_t kInputs = kGroupBytes / sizeof(std::int16_t);
    const std::size_t inputs = tile.matrix.inputs;
    const auto* weights =
        static_cast<const std::int16_t*>(tile.matrix.panels) + tile.column * inputs;
    const auto* values = static_cast<const std::int16_t*>(tile.values);
    __m256i low[kRows];
    __m256i high[kRows];
#pragma GCC unroll 8
    for (std::size_t r = 0; r < kRows; ++r) {
      low[r] = high[r] = _mm256_setzero_si256();
    }
#pragma GCC unroll 4
    for (std::size_t input = 0; input < inputs; input += kInputs) {
      const auto* at = reinterpret_cast<const __m256i*>(weights + input * kLanes);
      const __m256i first = _mm256_loadu_si256(at);
      const __m256i second = _mm256_loadu_si256(at + 1);
      _mm_prefetch(reinterpret_cast<const char*>(at) + kPrefetchBytes, _MM_HINT_T0);
#pragma GCC unroll 8
      for (std::size_t r = 0; r < kRows; ++r) {
        const __m256i two = BroadcastFour(values + r * inputs + input);
        AddProduct(low[r], two, first);
        AddProduct(high[r], two, second);
      }
    }
    // Unrolled, or the sums would live in memory for the whole of the loop above.
#pragma GCC unroll 8
    for (std::size_t r = 0; r < kRows; ++r) {
      StoreScaled<Avx2Lanes>(tile.matrix, tile.column,
                             {_mm256_cvtepi32_ps(low[r]), _mm256_cvtepi32_ps(high[r])},
                             tile.rows[r].step, tile.out + r * tile.matrix.outputs);
    }
  }
};

using TileFunction = void (*)(const Tile&);
constexpr TileFunction kByteTiles[] = {
    ByteTile<1>::Multiply, ByteTile<2>::Multiply, ByteTile<3>::Multiply, ByteTile<4>::Multiply,
    ByteTile<5>::Multiply, ByteTile<6>::Multiply, ByteTile<7>::Multiply, ByteTile<8>::Multiply};
constexpr TileFunction kWordTiles[] = {WordTile<1>::Multiply, WordTile<2>::Multiply,
                                       WordTile<3>::Multiply, WordTile<4>::Multiply};

template <class Value, std::size_t kRowsMax>
void Multiply(const TileFunction (&tiles)[kRowsMax], const PanelMatrix& matrix,
              const QuantizedRows& rows, float* out) {
  const auto* values = static_cast<const Value*>(rows.values);
  for (std::size_t column = 0; column < matrix.outputs; column += kLanes) {
    for (std::size_t row = 0; row < rows.count; row += kRowsMax) {
      const std::size_t left = rows.count - row;
      tiles[(left < kRowsMax ? left : kRowsMax) - 1]({matrix, column, values + row * matrix.inputs,
                                                      rows.rows + row, out + row * matrix.outputs});
    }
  }
}

void MultiplyInt8(const PanelMatrix& matrix, const QuantizedRows& rows, float* out) {
  Multiply<std::uint8_t>(kByteTiles, matrix, rows, out);
}

void MultiplyInt16(const PanelMatrix& matrix, const QuantizedRows& rows, float* out) {
  Multiply<std::int16_t>(kWordTiles, matrix, rows, out);
}

constexpr Kernel kKernel = {"avx2",
                            sizeof(std::uint8_t),
                            true,
                            Quantize,
                            MultiplyInt8,
                            QuantizeFine,
                            MultiplyInt16,
                            MultiplyFloat<Avx2Lanes>,
                            Normalize<Avx2Lanes>,
                            Attend<Avx2Lanes>,
                            AddTo<Avx2Lanes>,
                            Rectify<Avx2Lanes>,
                            Finish<Avx2Lanes>};

}  // namespace

const Kernel* const kAvx2Kernel = &kKernel;

}  // namespace reprise::embed

#else

namespace reprise::embed {

const Kernel* const kAvx2Kernel = nullptr;

}  // namespace reprise::embed

#endif
