// The kernel for processors with AVX2. Compiled with those instructions switched on: see kernel.h
// for what must not be used here.
//
// Bytes become 16-bit numbers before they are multiplied: the instruction for bytes saturates.
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

constexpr std::size_t kRowsMax = 4;
constexpr std::size_t kQuarter = kLanes / 4;  // outputs of a panel whose weights fill one register
constexpr std::size_t kQuarterBytes = kQuarter * kGroupBytes;
constexpr std::size_t kPrefetchBytes = 1024;

Quantization Quantize(const float* row, std::size_t width, void* out) {
  const RowRange range = RangeOf<Avx2Lanes>(row, width);
  auto* values = static_cast<std::int16_t*>(out);
  const __m256 inverse = _mm256_set1_ps(range.inverse);
  const auto zero = static_cast<std::int16_t>(range.quantization.zero);
  const __m128i least = _mm_set1_epi16(static_cast<std::int16_t>(-zero));
  const __m128i most = _mm_set1_epi16(static_cast<std::int16_t>(kSteps - zero));
  for (std::size_t i = 0; i < width; i += kLanes / 2) {
    const __m256i whole = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(row + i), inverse));
    const __m128i words =
        _mm_packs_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256(whole, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(values + i),
                     _mm_min_epi16(_mm_max_epi16(words, least), most));
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
  const std::int16_t* values;
  const Quantization* rows;
  float* out;
};

// Pairs of neighbouring sums become one; the order of the outputs is kept.
__m256i AddPairs(__m256i first, __m256i second) {
  return _mm256_permute4x64_epi64(_mm256_hadd_epi32(first, second), _MM_SHUFFLE(3, 1, 2, 0));
}

// Half a panel, eight outputs, is multiplied at a time: more sums than that do not fit.
template <std::size_t kRows>
void SumHalf(const Tile& tile, std::size_t half, __m256i* out) {
  const std::size_t inputs = tile.matrix.inputs;
  const auto* weights = static_cast<const std::int8_t*>(tile.matrix.panels) + tile.column * inputs +
                        half * 2 * kQuarterBytes;
  __m256i sums[kRows][2];
#pragma GCC unroll 8
  for (std::size_t r = 0; r < kRows; ++r) {
    sums[r][0] = sums[r][1] = _mm256_setzero_si256();
  }
#pragma GCC unroll 4
  for (std::size_t input = 0; input < inputs; input += kGroupBytes) {
    const std::int8_t* at = weights + input * kLanes;
    const __m256i first =
        _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at)));
    const __m256i second =
        _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at + kQuarterBytes)));
    _mm_prefetch(reinterpret_cast<const char*>(at + kPrefetchBytes), _MM_HINT_T0);
#pragma GCC unroll 8
    for (std::size_t r = 0; r < kRows; ++r) {
      long long four = 0;
      std::memcpy(&four, tile.values + r * inputs + input, sizeof(four));
      const __m256i values = _mm256_set1_epi64x(four);
      AddProduct(sums[r][0], values, first);
      AddProduct(sums[r][1], values, second);
    }
  }
#pragma GCC unroll 8
  for (std::size_t r = 0; r < kRows; ++r) {
    out[r] = AddPairs(sums[r][0], sums[r][1]);
  }
}

template <std::size_t kRows>
void StoreTile(const Tile& tile, const __m256i* low, const __m256i* high) {
  for (std::size_t r = 0; r < kRows; ++r) {
    StoreScaled<Avx2Lanes>(tile.matrix, tile.column,
                           {_mm256_cvtepi32_ps(low[r]), _mm256_cvtepi32_ps(high[r])},
                           tile.rows[r].step, tile.out + r * tile.matrix.outputs);
  }
}

template <std::size_t kRows>
struct ByteTile {
  static void Multiply(const Tile& tile) {
    __m256i low[kRows];
    __m256i high[kRows];
    SumHalf<kRows>(tile, 0, low);
    SumHalf<kRows>(tile, 1, high);
    StoreTile<kRows>(tile, low, high);
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
        std::int32_t two = 0;
        std::memcpy(&two, tile.values + r * inputs + input, sizeof(two));
        const __m256i values = _mm256_set1_epi32(two);
        AddProduct(low[r], values, first);
        AddProduct(high[r], values, second);
      }
    }
    StoreTile<kRows>(tile, low, high);
  }
};

using TileFunction = void (*)(const Tile&);
template <template <std::size_t> class TileOf>
constexpr TileFunction kTileOf[kRowsMax] = {TileOf<1>::Multiply, TileOf<2>::Multiply,
                                            TileOf<3>::Multiply, TileOf<4>::Multiply};

template <template <std::size_t> class TileOf>
void Multiply(const PanelMatrix& matrix, const QuantizedRows& rows, float* out) {
  const auto* values = static_cast<const std::int16_t*>(rows.values);
  for (std::size_t column = 0; column < matrix.outputs; column += kLanes) {
    for (std::size_t row = 0; row < rows.count; row += kRowsMax) {
      const std::size_t left = rows.count - row;
      kTileOf<TileOf>[(left < kRowsMax ? left : kRowsMax) - 1](
          {matrix, column, values + row * matrix.inputs, rows.rows + row,
           out + row * matrix.outputs});
    }
  }
}

constexpr Kernel kKernel = {"avx2",
                            sizeof(std::int16_t),
                            Quantize,
                            Multiply<ByteTile>,
                            QuantizeFine,
                            Multiply<WordTile>,
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
