#include "server/routing/arithmetic.h"

#include <algorithm>
#include <array>

namespace reprise::routing {

// Several sums side by side: additions of one sum would wait for each other.
float Dot(const float* a, const float* b, std::size_t count) {
  constexpr std::size_t kLanes = 16;
  std::array<float, kLanes> sums{};
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      sums[lane] += a[i + lane] * b[i + lane];
    }
  }
  float sum = 0;
  for (const float lane : sums) {
    sum += lane;
  }
  for (; i < count; ++i) {
    sum += a[i] * b[i];
  }
  return sum;
}

void AddScaled(float factor, const float* __restrict x, std::size_t count, float* __restrict y) {
  for (std::size_t i = 0; i < count; ++i) {
    y[i] += factor * x[i];
  }
}

void Multiply(const float* matrix, const float* x, std::size_t count, float* out) {
  for (std::size_t row = 0; row < count; ++row) {
    out[row] = Dot(matrix + row * count, x, count);
  }
}

void Shrink(float* matrix, const float* __restrict x, std::size_t count, Downdate by) {
  for (std::size_t row = 0; row < count; ++row) {
    const float factor = by.factor * x[row];
    float* __restrict cells = matrix + row * count;
    for (std::size_t column = 0; column < count; ++column) {
      cells[column] = by.scale * (cells[column] - factor * x[column]);
    }
  }
}

void MultiplyRows(const float* x, const float* matrix, Shape shape, float* out) {
  std::fill(out, out + shape.columns, 0.0F);
  for (std::size_t row = 0; row < shape.rows; ++row) {
    AddScaled(x[row], matrix + row * shape.columns, shape.columns, out);
  }
}

}  // namespace reprise::routing
