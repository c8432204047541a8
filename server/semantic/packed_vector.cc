#include "server/semantic/packed_vector.h"

#include <algorithm>
#include <cmath>

namespace reprise::semantic {

PackedVector PackedVector::Of(std::span<const float> vector) {
  constexpr float kTop = 127;
  float largest = 0;
  for (const float value : vector) {
    largest = std::max(largest, std::abs(value));
  }
  PackedVector packed;
  packed.values.reserve(vector.size());
  for (const float value : vector) {
    const float scaled = largest > 0 ? value / largest * kTop : 0;
    packed.values.push_back(static_cast<std::int8_t>(std::lround(scaled)));
  }
  return packed;
}

std::vector<float> PackedVector::Unpacked() const {
  double square = 0;
  for (const std::int8_t value : values) {
    square += static_cast<double>(value) * value;
  }
  const double scale = square > 0 ? 1 / std::sqrt(square) : 0;
  std::vector<float> vector;
  vector.reserve(values.size());
  for (const std::int8_t value : values) {
    vector.push_back(static_cast<float>(value * scale));
  }
  return vector;
}

float PackedVector::Cosine(const PackedVector& other) const {
  if (values.size() != other.values.size()) {
    return 0;
  }
  std::int64_t dot = 0;
  std::int64_t own = 0;
  std::int64_t theirs = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const int a = values[i];
    const int b = other.values[i];
    dot += a * b;
    own += a * a;
    theirs += b * b;
  }
  if (own == 0 || theirs == 0) {
    return 0;
  }
  return static_cast<float>(static_cast<double>(dot) /
                            std::sqrt(static_cast<double>(own) * static_cast<double>(theirs)));
}

base::Result<PackedVector> PackedVector::FromBytes(std::string_view bytes) {
  if (bytes.empty() || bytes.size() > kWidthMax) {
    return base::Error{base::Code::kCorrupt, "a packed vector has " + std::to_string(bytes.size()) +
                                                 " bytes; 1 to " + std::to_string(kWidthMax) +
                                                 " are possible"};
  }
  PackedVector packed;
  packed.values.assign(bytes.begin(), bytes.end());
  return packed;
}

}  // namespace reprise::semantic
