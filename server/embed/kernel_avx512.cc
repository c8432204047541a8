// The kernel for processors with AVX-512 and its VNNI, whose one instruction multiplies sixteen
// times four bytes and adds them up. Compiled with those instructions switched on: see kernel.h for
// what must not be used here.
#include "server/embed/kernel.h"

#if defined(__AVX512VNNI__)
#include <cstdint>
#include <cstring>
#include <immintrin.h>

#include "server/embed/kernel_math.h"

namespace reprise::embed {
namespace {

struct Avx512Lanes {
  using Vector = __m512;

  static Vector Zero() { return _mm512_setzero_ps(); }
  static Vector Set(float value) { return _mm512_set1_ps(value); }
  static Vector Load(const float* from) { return _mm512_loadu_ps(from); }
  static void Store(Vector value, float* to) { _mm512_storeu_ps(to, value); }
  static Vector Add(Vector a, Vector b) { return _mm512_add_ps(a, b); }
  static Vector Sub(Vector a, Vector b) { return _mm512_sub_ps(a, b); }
  static Vector Mul(Vector a, Vector b) { return _mm512_mul_ps(a, b); }
  static Vector Div(Vector a, Vector b) { return _mm512_div_ps(a, b); }
  static Vector Max(Vector a, Vector b) { return _mm512_max_ps(a, b); }
  static Vector Min(Vector a, Vector b) { return _mm512_min_ps(a, b); }
  static Vector Round(Vector a) {
    return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  }
  static Vector TimesPowerOfTwo(Vector a, Vector power) {
    const __m512i exponent = _mm512_add_epi32(_mm512_cvtps_epi32(power), _mm512_set1_epi32(127));
    return _mm512_mul_ps(a, _mm512_castsi512_ps(_mm512_slli_epi32(exponent, 23)));
  }
  static float Sum(Vector a) {
    const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
  }
  static float Largest(Vector a) { return _mm512_reduce_max_ps(a); }
};

constexpr std::size_t kRowsMax = 8;
constexpr std::size_t kPanels = 2;  // side by side
constexpr std::size_t kPrefetchBytes = 1024;

// The instruction wants one side without a sign: values are shifted up by the row's zero, and its
// sums begin as much lower.
Quantization Quantize(const float* row, std::size_t width, void* out) {
  const RowRange range = RangeOf<Avx512Lanes>(row, width);
  auto* values = static_cast<std::uint8_t*>(out);
  const __m512 inverse = _mm512_set1_ps(range.inverse);
  const __m512i zero = _mm512_set1_epi32(range.quantization.zero);
  for (std::size_t i = 0; i < width; i += kLanes) {
    const __m512i whole = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(row + i), inverse));
    const __m512i shifted = _mm512_max_epi32(_mm512_add_epi32(whole, zero), _mm512_setzero_si512());
    _mm_storeu_si128(reinterpret_cast<__m128i*>(values + i), _mm512_cvtusepi32_epi8(shifted));
  }
  return range.quantization;
}

Quantization QuantizeFine(const float* row, std::size_t width, std::int16_t* out) {
  const RowRange range = FineRangeOf<Avx512Lanes>(row, width);
  const __m512 inverse = _mm512_set1_ps(range.inverse);
  for (std::size_t i = 0; i < width; i += kLanes) {
    const __m512i whole = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(row + i), inverse));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i), _mm512_cvtepi32_epi16(whole));
  }
  return range.quantization;
}

// In assembler, because the compiler copies every sum around its intrinsics: half as fast again.
// sum + products of values (unsigned bytes) and weights (signed bytes), by fours.
struct ByteProduct {
  static void AddTo(__m512i& sum, __m512i values, __m512i weights) {
    __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(values), "v"(weights));
  }
};
// The same of 16-bit numbers, by twos.
struct WordProduct {
  static void AddTo(__m512i& sum, __m512i values, __m512i weights) {
    __asm__("vpdpwssd %2, %1, %0" : "+v"(sum) : "v"(values), "v"(weights));
  }
};

struct Tile {
  const PanelMatrix& matrix;
  std::size_t column;  // the first of kPanels * kLanes
  std::size_t row_bytes;
  const std::uint8_t* values;
  const Quantization* rows;
  float* out;
};

template <class Product, std::size_t kRows>
void MultiplyTile(const Tile& tile) {
  const std::size_t row_bytes = tile.row_bytes;
  const char* weights[kPanels];
  __m512i sums[kRows][kPanels];
#pragma GCC unroll 8
  for (std::size_t p = 0; p < kPanels; ++p) {
    weights[p] =
        static_cast<const char*>(tile.matrix.panels) + (tile.column + p * kLanes) * row_bytes;
    const __m512i weights_sum = _mm512_loadu_si512(tile.matrix.sums + tile.column + p * kLanes);
#pragma GCC unroll 8
    for (std::size_t r = 0; r < kRows; ++r) {
      sums[r][p] = _mm512_mullo_epi32(weights_sum, _mm512_set1_epi32(-tile.rows[r].zero));
    }
  }
#pragma GCC unroll 4
  for (std::size_t byte = 0; byte < row_bytes; byte += kGroupBytes) {
    __m512i group[kPanels];
#pragma GCC unroll 8
    for (std::size_t p = 0; p < kPanels; ++p) {
      const char* at = weights[p] + byte * kLanes;
      group[p] = _mm512_loadu_si512(at);
      _mm_prefetch(at + kPrefetchBytes, _MM_HINT_T0);
    }
#pragma GCC unroll 8
    for (std::size_t r = 0; r < kRows; ++r) {
      std::int32_t four = 0;
      std::memcpy(&four, tile.values + r * row_bytes + byte, sizeof(four));
      const __m512i values = _mm512_set1_epi32(four);
#pragma GCC unroll 8
      for (std::size_t p = 0; p < kPanels; ++p) {
        Product::AddTo(sums[r][p], values, group[p]);
      }
    }
  }
#pragma GCC unroll 8
  for (std::size_t r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
    for (std::size_t p = 0; p < kPanels; ++p) {
      StoreScaled<Avx512Lanes>(tile.matrix, tile.column + p * kLanes,
                               _mm512_cvtepi32_ps(sums[r][p]), tile.rows[r].step,
                               tile.out + r * tile.matrix.outputs);
    }
  }
}

using TileFunction = void (*)(const Tile&);
template <class Product>
constexpr TileFunction kTileOf[kRowsMax] = {MultiplyTile<Product, 1>, MultiplyTile<Product, 2>,
                                            MultiplyTile<Product, 3>, MultiplyTile<Product, 4>,
                                            MultiplyTile<Product, 5>, MultiplyTile<Product, 6>,
                                            MultiplyTile<Product, 7>, MultiplyTile<Product, 8>};

template <class Product, std::size_t kValueBytes>
void Multiply(const PanelMatrix& matrix, const QuantizedRows& rows, float* out) {
  const auto* values = static_cast<const std::uint8_t*>(rows.values);
  const std::size_t row_bytes = matrix.inputs * kValueBytes;
  for (std::size_t column = 0; column < matrix.outputs; column += kPanels * kLanes) {
    for (std::size_t row = 0; row < rows.count; row += kRowsMax) {
      const std::size_t left = rows.count - row;
      kTileOf<Product>[(left < kRowsMax ? left : kRowsMax) - 1](
          {matrix, column, row_bytes, values + row * row_bytes, rows.rows + row,
           out + row * matrix.outputs});
    }
  }
}

constexpr Kernel kKernel = {"avx512vnni",
                            sizeof(std::uint8_t),
                            false,
                            Quantize,
                            Multiply<ByteProduct, sizeof(std::int8_t)>,
                            QuantizeFine,
                            Multiply<WordProduct, sizeof(std::int16_t)>,
                            MultiplyFloat<Avx512Lanes>,
                            Normalize<Avx512Lanes>,
                            Attend<Avx512Lanes>,
                            AddTo<Avx512Lanes>,
                            Rectify<Avx512Lanes>,
                            Finish<Avx512Lanes>};

}  // namespace

const Kernel* const kAvx512Kernel = &kKernel;

}  // namespace reprise::embed

#else

namespace reprise::embed {

const Kernel* const kAvx512Kernel = nullptr;

}  // namespace reprise::embed

#endif
