// Inner products, the innermost loops of every search, with the best instructions of this machine.
//
// Units: elements. Threads: any. Errors: none. Complexity: O(count). Lifetime: tables live for
// ever. The three tables agree exactly for int8; for float they differ in the order of additions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace reprise::vector {

struct Kernels {
  std::string_view name;
  std::int32_t (*dot_int8)(const std::int8_t* a, const std::int8_t* b, std::size_t count);
  float (*dot_float)(const float* a, const float* b, std::size_t count);
  float (*dot_mixed)(const float* a, const std::int8_t* b, std::size_t count);
};

// What this processor does best; found out once.
const Kernels& BestKernels();
// All that this processor can run, plain first. For tests and benchmarks.
std::vector<const Kernels*> UsableKernels();

}  // namespace reprise::vector
