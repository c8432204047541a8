#include "server/control/draw.h"

#include <string>
#include <xxhash.h>

namespace reprise::control {

Draw::Draw(std::string_view secret) {
  for (const Strategy strategy : config::kStrategies) {
    const std::string text = std::string(secret) + std::string(config::NameOf(strategy));
    seeds_[config::IndexOf(strategy)] = XXH3_64bits(text.data(), text.size());
  }
}

std::uint64_t Draw::HashOf(Strategy strategy, storage::NamespaceId id,
                           std::string_view unit) const {
  constexpr std::uint64_t kGolden = 0x9E3779B97F4A7C15;
  const std::uint64_t seed =
      seeds_[config::IndexOf(strategy)] ^ static_cast<std::uint64_t>(id) * kGolden;
  return XXH3_64bits_withSeed(unit.data(), unit.size(), seed);
}

}  // namespace reprise::control
