// Kernel: the arithmetic of the encoder, once for each kind of processor.
//
// All kernels give the same numbers to the bit: integer products are exact, floats are added in one
// order (sixteen lanes, folded in halves), nothing is fused. So a vector does not depend on the
// machine that made it.
//
// This header and kernel_math.h are compiled for several processors and must not use anything
// inline of the standard library: the linker would keep one copy of it, perhaps one that this
// machine cannot run.
//
// Units: floats, row after row without gaps; widths are multiples of kLanes. Errors: none. Threads:
// any; no state. Lifetime: nothing is kept.
#pragma once

#include <cstddef>
#include <cstdint>

namespace reprise::embed {

inline constexpr std::size_t kLanes = 16;
// Bytes of one output that stand together in a panel: four inputs of int8, two of int16.
inline constexpr std::size_t kGroupBytes = 4;
// Outputs whose weights, a group of each, fill a register of AVX2.
inline constexpr std::size_t kHalfPanel = kLanes / 2;
// The most bytes of one quantised number, in any kernel's spelling.
inline constexpr std::size_t kQuantizedBytesMax = 2;
// A row's numbers become whole steps of its range: this many, and 0 is one of them.
inline constexpr std::int32_t kSteps = 255;
// The same for int16: up to this on both sides of 0. 512 products of such numbers fit an int32.
inline constexpr std::int32_t kFineMax = 2047;

// `outputs` is a multiple of 2 * kLanes, `inputs` of kLanes.
struct PanelMatrix {
  const void* panels = nullptr;        // int8 or int16, in panels: see FORMAT.md
  const float* scales = nullptr;       // one for each output
  const std::int32_t* sums = nullptr;  // of the integers of each output
  const float* bias = nullptr;
  std::size_t inputs = 0;
  std::size_t outputs = 0;
  // int8, for a kernel that wants a plan: the spans of a PanelPlan (panel_plan.h).
  const std::uint16_t* order = nullptr;
  const std::uint32_t* narrow_groups = nullptr;
  const std::int32_t* offsets = nullptr;
};

struct FloatMatrix {
  const float* values = nullptr;  // inputs x outputs
  const float* bias = nullptr;
  std::size_t inputs = 0;
  std::size_t outputs = 0;
};

struct FloatRows {
  const float* values = nullptr;
  std::size_t count = 0;
};

// A row as whole numbers times `step`: of -zero to kSteps - zero, or fine ones.
struct Quantization {
  float step = 0;
  std::int32_t zero = 0;
};

// As Kernel::quantize (value_bytes a number) or quantize_fine (int16) wrote them.
struct QuantizedRows {
  const void* values = nullptr;
  const Quantization* rows = nullptr;
  std::size_t count = 0;
};

struct LayerNorm {
  const float* scale = nullptr;
  const float* bias = nullptr;
  float epsilon = 0;
  std::size_t width = 0;
};

// Rows of query, key and value, `width` floats each.
struct Attention {
  const float* rows = nullptr;
  std::size_t count = 0;
  std::size_t width = 0;
  std::size_t heads = 0;
  float query_scale = 0;
  float* scores = nullptr;  // scratch: count floats, rounded up to kLanes
  float* out = nullptr;     // count x width
};

struct Kernel {
  const char* name;
  std::size_t value_bytes;
  bool wants_plan;

  // Writes the whole numbers in the kernel's spelling.
  Quantization (*quantize)(const float* row, std::size_t width, void* out);
  // out = rows * matrix + bias, count x outputs.
  void (*multiply_int8)(const PanelMatrix& matrix, const QuantizedRows& rows, float* out);
  // The same for int16, whose rows have no zero.
  Quantization (*quantize_fine)(const float* row, std::size_t width, std::int16_t* out);
  void (*multiply_int16)(const PanelMatrix& matrix, const QuantizedRows& rows, float* out);
  void (*multiply_float)(const FloatMatrix& matrix, const FloatRows& rows, float* out);
  void (*normalize)(const LayerNorm& norm, const float* row, float* out);
  void (*attend)(const Attention& attention);
  void (*add)(const float* other, std::size_t count, float* sum);
  // Negative numbers become 0.
  void (*rectify)(float* row, std::size_t count);
  // tanh of each number, then all divided by their length.
  void (*finish)(float* row, std::size_t count);
};

// For any processor. The others are null where the compiler cannot make them.
extern const Kernel kPlainKernel;
extern const Kernel* const kAvx2Kernel;
extern const Kernel* const kAvx512Kernel;

}  // namespace reprise::embed
