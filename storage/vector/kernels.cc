#include "storage/vector/kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace reprise::vector {
namespace {

std::int32_t PlainInt8(const std::int8_t* a, const std::int8_t* b, std::size_t count) {
  std::int32_t sum = 0;
  for (std::size_t i = 0; i < count; ++i) {
    sum += static_cast<std::int32_t>(a[i]) * static_cast<std::int32_t>(b[i]);
  }
  return sum;
}

float PlainFloat(const float* a, const float* b, std::size_t count) {
  float sum = 0;
  for (std::size_t i = 0; i < count; ++i) {
    sum += a[i] * b[i];
  }
  return sum;
}

float PlainMixed(const float* a, const std::int8_t* b, std::size_t count) {
  float sum = 0;
  for (std::size_t i = 0; i < count; ++i) {
    sum += a[i] * static_cast<float>(b[i]);
  }
  return sum;
}

constexpr Kernels kPlain{"plain", PlainInt8, PlainFloat, PlainMixed};

#if defined(__x86_64__)

#define FOR_AVX2 __attribute__((target("avx2,fma")))
#define FOR_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")))

FOR_AVX2 float SumOf(__m256 lanes) {
  const __m128 half = _mm_add_ps(_mm256_castps256_ps128(lanes), _mm256_extractf128_ps(lanes, 1));
  const __m128 pair = _mm_add_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_add_ss(pair, _mm_movehdup_ps(pair)));
}

FOR_AVX2 __m256i Widened(const std::int8_t* bytes) {
  return _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes)));
}

FOR_AVX2 std::int32_t Avx2Int8(const std::int8_t* a, const std::int8_t* b, std::size_t count) {
  __m256i even = _mm256_setzero_si256();
  __m256i odd = _mm256_setzero_si256();
  std::size_t i = 0;
  for (; i + 32 <= count; i += 32) {
    even = _mm256_add_epi32(even, _mm256_madd_epi16(Widened(a + i), Widened(b + i)));
    odd = _mm256_add_epi32(odd, _mm256_madd_epi16(Widened(a + i + 16), Widened(b + i + 16)));
  }
  const __m256i both = _mm256_add_epi32(even, odd);
  __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(both), _mm256_extracti128_si256(both, 1));
  sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0x4E));
  sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0xB1));
  return _mm_cvtsi128_si32(sum) + PlainInt8(a + i, b + i, count - i);
}

FOR_AVX2 float Avx2Float(const float* a, const float* b, std::size_t count) {
  __m256 even = _mm256_setzero_ps();
  __m256 odd = _mm256_setzero_ps();
  std::size_t i = 0;
  for (; i + 16 <= count; i += 16) {
    even = _mm256_fmadd_ps(_mm256_loadu_ps(a + i), _mm256_loadu_ps(b + i), even);
    odd = _mm256_fmadd_ps(_mm256_loadu_ps(a + i + 8), _mm256_loadu_ps(b + i + 8), odd);
  }
  return SumOf(_mm256_add_ps(even, odd)) + PlainFloat(a + i, b + i, count - i);
}

FOR_AVX2 float Avx2Mixed(const float* a, const std::int8_t* b, std::size_t count) {
  __m256 sum = _mm256_setzero_ps();
  std::size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(b + i));
    const __m256 wide = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes));
    sum = _mm256_fmadd_ps(_mm256_loadu_ps(a + i), wide, sum);
  }
  return SumOf(sum) + PlainMixed(a + i, b + i, count - i);
}

constexpr Kernels kAvx2{"avx2", Avx2Int8, Avx2Float, Avx2Mixed};

// The instruction multiplies unsigned by signed bytes. a + 128 is unsigned, so the sum comes out
// too large by 128 times the sum of b, which a second accumulator gathers.
FOR_AVX512 std::int32_t VnniInt8(const std::int8_t* a, const std::int8_t* b, std::size_t count) {
  const __m512i flip = _mm512_set1_epi8(static_cast<char>(0x80));
  const __m512i ones = _mm512_set1_epi8(1);
  __m512i products = _mm512_setzero_si512();
  __m512i excess = _mm512_setzero_si512();
  std::size_t i = 0;
  for (; i + 64 <= count; i += 64) {
    const __m512i left = _mm512_xor_si512(_mm512_loadu_si512(a + i), flip);
    const __m512i right = _mm512_loadu_si512(b + i);
    products = _mm512_dpbusd_epi32(products, left, right);
    excess = _mm512_dpbusd_epi32(excess, ones, right);
  }
  if (i < count) {
    const __mmask64 tail = (1ULL << (count - i)) - 1;
    const __m512i left = _mm512_xor_si512(_mm512_maskz_loadu_epi8(tail, a + i), flip);
    const __m512i right = _mm512_maskz_loadu_epi8(tail, b + i);
    products = _mm512_dpbusd_epi32(products, left, right);
    excess = _mm512_dpbusd_epi32(excess, ones, right);
  }
  return _mm512_reduce_add_epi32(_mm512_sub_epi32(products, _mm512_slli_epi32(excess, 7)));
}

FOR_AVX512 float Avx512Float(const float* a, const float* b, std::size_t count) {
  __m512 even = _mm512_setzero_ps();
  __m512 odd = _mm512_setzero_ps();
  std::size_t i = 0;
  for (; i + 32 <= count; i += 32) {
    even = _mm512_fmadd_ps(_mm512_loadu_ps(a + i), _mm512_loadu_ps(b + i), even);
    odd = _mm512_fmadd_ps(_mm512_loadu_ps(a + i + 16), _mm512_loadu_ps(b + i + 16), odd);
  }
  return _mm512_reduce_add_ps(_mm512_add_ps(even, odd)) + PlainFloat(a + i, b + i, count - i);
}

FOR_AVX512 float Avx512Mixed(const float* a, const std::int8_t* b, std::size_t count) {
  __m512 sum = _mm512_setzero_ps();
  std::size_t i = 0;
  for (; i + 16 <= count; i += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(b + i));
    const __m512 wide = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes));
    sum = _mm512_fmadd_ps(_mm512_loadu_ps(a + i), wide, sum);
  }
  return _mm512_reduce_add_ps(sum) + PlainMixed(a + i, b + i, count - i);
}

constexpr Kernels kAvx512{"avx512-vnni", VnniInt8, Avx512Float, Avx512Mixed};

bool HasAvx2() {
  return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
}

bool HasAvx512() {
  return HasAvx2() && __builtin_cpu_supports("avx512f") != 0 &&
         __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512vl") != 0 &&
         __builtin_cpu_supports("avx512vnni") != 0;
}

#endif

}  // namespace

std::vector<const Kernels*> UsableKernels() {
  std::vector<const Kernels*> usable{&kPlain};
#if defined(__x86_64__)
  if (HasAvx2()) {
    usable.push_back(&kAvx2);
  }
  if (HasAvx512()) {
    usable.push_back(&kAvx512);
  }
#endif
  return usable;
}

const Kernels& BestKernels() {
  static const Kernels& best = *UsableKernels().back();
  return best;
}

}  // namespace reprise::vector
