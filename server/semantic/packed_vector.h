// PackedVector: a unit vector in one byte a dimension, for rows and for lists that are long.
//
// The largest coordinate becomes 127. A cosine of two packed vectors of 512 dimensions differs from
// that of the originals by less than 0.005 (packed_vector_test.cc). Threads: any; a value. Errors:
// kCorrupt (bytes that are no packed vector). Complexity: O(width). Limits: kWidthMax dimensions.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/result.h"

namespace reprise::semantic {

inline constexpr std::size_t kWidthMax = 4'096;

struct PackedVector {
  std::vector<std::int8_t> values;

  static PackedVector Of(std::span<const float> vector);
  // The unit vector that it stands for.
  std::vector<float> Unpacked() const;
  // 0 when the widths differ: they are of two models.
  float Cosine(const PackedVector& other) const;
  std::string_view bytes() const {
    return {reinterpret_cast<const char*>(values.data()), values.size()};
  }
  static base::Result<PackedVector> FromBytes(std::string_view bytes);
};

}  // namespace reprise::semantic
