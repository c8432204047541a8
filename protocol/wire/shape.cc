#include "protocol/wire/shape.h"

#include <algorithm>
#include <array>
#include <string>

#include "protocol/base/limits.h"
#include "protocol/wire/reader.h"

namespace reprise::wire {

base::Result<Shape> ShapeOf(std::string_view bytes) {
  constexpr auto kDepthMax = static_cast<std::size_t>(base::limits::kDepth.value);
  std::array<std::uint64_t, kDepthMax> remaining{};  // values to come, of each open container
  Reader reader(bytes);
  Shape shape;
  std::size_t open = 0;
  do {
    ASSIGN_OR_RETURN(const Token token, reader.Next());
    ++shape.values;
    if (open > 0) {
      --remaining[open - 1];
    }
    if (token.IsContainer()) {
      if (token.length > base::limits::kContainerItems.value) {
        return base::Error{base::Code::kTooLarge,
                           "container_items: " + std::to_string(token.length) +
                               " is more than the limit of " +
                               std::to_string(base::limits::kContainerItems.value)};
      }
      if (open == kDepthMax) {
        return base::Error{base::Code::kTooLarge,
                           "depth: more than the limit of " + std::to_string(kDepthMax)};
      }
      remaining[open] = std::uint64_t{token.length} * (token.kind == Kind::kMap ? 2U : 1U);
      ++open;
      shape.depth = std::max(shape.depth, static_cast<std::uint32_t>(open));
    }
    while (open > 0 && remaining[open - 1] == 0) {
      --open;
    }
  } while (open > 0);
  if (!reader.AtEnd()) {
    return base::Error{base::Code::kBadRequest,
                       std::to_string(reader.Rest().size()) + " bytes follow the value"};
  }
  return shape;
}

}  // namespace reprise::wire
