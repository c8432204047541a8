// Shape: how deep some MessagePack values are nested, and how many there are.
//
// For who puts values into frames of his own: a frame that breaks a limit costs its sender the
// connection, so the parts are measured before. Threads: any. Complexity: O(values) time, O(depth)
// memory. Errors: kBadRequest (cut short, bytes left over), kTooLarge (the limits depth and
// container_items).
#pragma once

#include <cstdint>
#include <string_view>

#include "protocol/base/result.h"

namespace reprise::wire {

struct Shape {
  std::uint32_t depth = 0;   // levels of arrays and maps: 0 of a scalar
  std::uint64_t values = 0;  // all levels together; a pair of a map counts two
};

// Of the one value that `bytes` hold.
base::Result<Shape> ShapeOf(std::string_view bytes);

}  // namespace reprise::wire
