// Draw: which units a rollout has reached.
//
// Each strategy gives each unit of a namespace a place from 0 to 999,999, by a hash under the data
// directory's own secret. A rollout of so many millionths has those whose place is below; so it
// only ever gains units while it is raised, a unit's place never changes, and the places of two
// strategies, or of two namespaces, have nothing to do with each other.
//
// Threads: any. Errors: none. Complexity: O(bytes of the name).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "server/control/strategy.h"
#include "storage/engine/namespace_id.h"

namespace reprise::control {

class Draw {
 public:
  static constexpr std::size_t kSecretBytes = 16;
  explicit Draw(std::string_view secret);

  std::uint64_t HashOf(Strategy strategy, storage::NamespaceId id, std::string_view unit) const;
  static constexpr std::int64_t PlaceOf(std::uint64_t hash) {
    return static_cast<std::int64_t>((hash >> 32U) * static_cast<std::uint64_t>(kAllPpm) >> 32U);
  }

 private:
  std::array<std::uint64_t, config::kStrategyCount> seeds_{};
};

}  // namespace reprise::control
