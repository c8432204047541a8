// Codec: a vector as the bytes that are stored ("item"), and what is computed on items.
//
// int8: one byte an element, scaled by the largest element, behind the float that makes the vector
// one unit long. float: the elements alone, made exactly one unit long. Items need an alignment of
// 4; their size is a multiple of 4. Equal vectors have equal items, byte by byte.
//
// Threads: any, immutable. Errors: Encode says kBadRequest. Complexity: O(width).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "protocol/base/result.h"
#include "storage/vector/kernels.h"

namespace reprise::vector {

enum class Encoding : std::uint8_t { kInt8 = 1, kFloat = 2 };

inline constexpr std::uint32_t kWidthMax = 4096;
// How far from one the squared length of a "unit" vector may be.
inline constexpr float kLengthTolerance = 0.02F;

class Codec {
 public:
  // `width` is 1 to kWidthMax.
  Codec(Encoding encoding, std::uint32_t width);

  Encoding encoding() const { return encoding_; }
  std::uint32_t width() const { return width_; }
  std::size_t item_bytes() const { return item_bytes_; }

  // kBadRequest: another width, an element that is no finite number, a length other than one.
  // `item` has item_bytes() and is undefined after a failure.
  base::Status Encode(std::span<const float> vector, char* item) const;
  // One unit long. `out` has the width.
  void Decode(const char* item, std::span<float> out) const;
  // 1 - cosine of two items.
  float Distance(const char* a, const char* b) const;
  // Cosine of what is stored and a vector of length one that has not been rounded.
  float Similarity(std::span<const float> vector, const char* item) const;
  // Whether Encode could have made these bytes: for items that come from a file.
  bool IsItem(const char* item) const;

 private:
  static constexpr std::size_t kInt8Header = sizeof(float);

  const Kernels* kernels_;
  Encoding encoding_;
  std::uint32_t width_;
  std::size_t item_bytes_;
};

}  // namespace reprise::vector
