// Arithmetic: the inner loops of the linear parts.
//
// Compiled with optimisation in every build, for a debug build would take milliseconds a prompt.
// Units: elements. Threads: any, pure. Errors: none. Complexity: O(elements). Limits: none.
#pragma once

#include <cstddef>
#include <cstdint>

namespace reprise::routing {

float Dot(const float* a, const float* b, std::size_t count);
// y += factor * x
void AddScaled(float factor, const float* x, std::size_t count, float* y);
// out = matrix * x, for a symmetric matrix of `count` rows, stored whole.
void Multiply(const float* matrix, const float* x, std::size_t count, float* out);
// matrix = scale * (matrix - factor * x * x'), of `count` rows.
struct Downdate {
  float factor;
  float scale;
};
void Shrink(float* matrix, const float* x, std::size_t count, Downdate by);
// out[j] = sum over i of x[i] * matrix[i * columns + j]
struct Shape {
  std::size_t rows;
  std::size_t columns;
};
void MultiplyRows(const float* x, const float* matrix, Shape shape, float* out);

}  // namespace reprise::routing
