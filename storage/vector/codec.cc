#include "storage/vector/codec.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

namespace reprise::vector {
namespace {

constexpr float kInt8Max = 127.0F;
// Rounding of 4,096 additions.
constexpr float kStoredTolerance = 1e-3F;

const std::int8_t* Int8sOf(const char* bytes) {
  return reinterpret_cast<const std::int8_t*>(bytes);
}

const float* FloatsOf(const char* item) {
  return reinterpret_cast<const float*>(item);
}

float InverseLengthIn(const char* item) {
  float inverse = 0;
  std::memcpy(&inverse, item, sizeof(inverse));
  return inverse;
}

float InverseLengthOf(std::int32_t squared_length) {
  return 1.0F / std::sqrt(static_cast<float>(squared_length));
}

base::Error BadVector(std::string detail) {
  return {base::Code::kBadRequest, std::move(detail)};
}

std::size_t ItemBytes(Encoding encoding, std::uint32_t width) {
  if (encoding == Encoding::kFloat) {
    return width * sizeof(float);
  }
  constexpr std::size_t kAlignment = 4;
  return sizeof(float) + (width + kAlignment - 1) / kAlignment * kAlignment;
}

}  // namespace

Codec::Codec(Encoding encoding, std::uint32_t width)
    : kernels_(&BestKernels()),
      encoding_(encoding),
      width_(width),
      item_bytes_(ItemBytes(encoding, width)) {
  ENSURE(width >= 1 && width <= kWidthMax);
}

base::Status Codec::Encode(std::span<const float> vector, char* item) const {
  if (vector.size() != width_) {
    return BadVector("a vector of " + std::to_string(vector.size()) + " numbers, where " +
                     std::to_string(width_) + " are kept");
  }
  double squared = 0;
  float largest = 0;
  for (const float number : vector) {
    squared += static_cast<double>(number) * static_cast<double>(number);
    largest = std::max(largest, std::fabs(number));
  }
  // Written so that NaN fails it too; an infinite or huge element makes the sum large.
  if (!(std::fabs(squared - 1.0) <= static_cast<double>(kLengthTolerance))) {
    return BadVector("the vector is not one unit long, or holds something that is no number");
  }
  if (encoding_ == Encoding::kFloat) {
    const auto inverse = static_cast<float>(1.0 / std::sqrt(squared));
    std::transform(vector.begin(), vector.end(), reinterpret_cast<float*>(item),
                   [inverse](float number) { return number * inverse; });
    return base::Ok{};
  }
  std::memset(item, 0, item_bytes_);
  const float scale = kInt8Max / largest;
  std::transform(
      vector.begin(), vector.end(), reinterpret_cast<std::int8_t*>(item + kInt8Header),
      [scale](float number) { return static_cast<std::int8_t>(std::lrintf(number * scale)); });
  const std::int8_t* numbers = Int8sOf(item + kInt8Header);
  const float inverse = InverseLengthOf(kernels_->dot_int8(numbers, numbers, width_));
  std::memcpy(item, &inverse, sizeof(inverse));
  return base::Ok{};
}

void Codec::Decode(const char* item, std::span<float> out) const {
  ENSURE(out.size() == width_);
  if (encoding_ == Encoding::kFloat) {
    std::memcpy(out.data(), item, item_bytes_);
    return;
  }
  const std::int8_t* numbers = Int8sOf(item + kInt8Header);
  const float inverse = InverseLengthIn(item);
  std::transform(numbers, numbers + width_, out.begin(),
                 [inverse](std::int8_t number) { return static_cast<float>(number) * inverse; });
}

float Codec::Distance(const char* a, const char* b) const {
  if (encoding_ == Encoding::kFloat) {
    return 1.0F - kernels_->dot_float(FloatsOf(a), FloatsOf(b), width_);
  }
  const std::int32_t dot =
      kernels_->dot_int8(Int8sOf(a + kInt8Header), Int8sOf(b + kInt8Header), width_);
  return 1.0F - static_cast<float>(dot) * InverseLengthIn(a) * InverseLengthIn(b);
}

float Codec::Similarity(std::span<const float> vector, const char* item) const {
  if (encoding_ == Encoding::kFloat) {
    return kernels_->dot_float(vector.data(), FloatsOf(item), width_);
  }
  return kernels_->dot_mixed(vector.data(), Int8sOf(item + kInt8Header), width_) *
         InverseLengthIn(item);
}

bool Codec::IsItem(const char* item) const {
  if (encoding_ == Encoding::kFloat) {
    const float* numbers = FloatsOf(item);
    const float squared = kernels_->dot_float(numbers, numbers, width_);
    return std::fabs(squared - 1.0F) <= kStoredTolerance;
  }
  const std::int8_t* numbers = Int8sOf(item + kInt8Header);
  const std::int32_t squared = kernels_->dot_int8(numbers, numbers, width_);
  const bool is_padded = std::all_of(numbers + width_, Int8sOf(item + item_bytes_),
                                     [](std::int8_t b) { return b == 0; });
  return squared > 0 && is_padded && InverseLengthIn(item) == InverseLengthOf(squared);
}

}  // namespace reprise::vector
