// What CACHE.EXPORT and CACHE.IMPORT share: the fields of an entry on its way out and in.
// Threads: as the command.
#pragma once

#include <cstdint>

#include "protocol/base/limits.h"
#include "protocol/base/result.h"
#include "protocol/wire/shape.h"

namespace reprise::commands {

// An entry stands two levels deeper in a page than an answer stands in CACHE.STORE: in the array of
// entries, in the map of the entry. A response or identity that would be too deep there, or would
// fill the frame, travels as bin with its MessagePack bytes: `response_packed`, `identity_packed`.
inline constexpr auto kPlainDepthMax =
    static_cast<std::uint32_t>(base::limits::kDepth.value - 4);  // frame, params, array, map
inline constexpr std::uint64_t kPlainValuesMax = 16'384;
inline bool IsPlain(const wire::Shape& shape) {
  return shape.depth <= kPlainDepthMax && shape.values <= kPlainValuesMax;
}

}  // namespace reprise::commands
