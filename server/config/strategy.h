// Strategy: one optimisation that can be switched, rolled out by percentage, shadowed and rolled
// back (DESIGN.md, 1). The names stand here because settings and rules name them; what is decided
// about them stands in server/control.
//
// Threads: values. Errors: none. Complexity: O(1), by name O(strategies).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace reprise::config {

enum class Strategy : std::uint8_t {
  kCacheExact,
  kCacheNormalized,
  kCacheSemantic,
  kRouting,
  kBatching,
  kDeferral,
  kContext,
  kCompression,
  kTools,
};
inline constexpr std::size_t kStrategyCount = 9;
inline constexpr std::array<Strategy, kStrategyCount> kStrategies{
    Strategy::kCacheExact, Strategy::kCacheNormalized, Strategy::kCacheSemantic,
    Strategy::kRouting,    Strategy::kBatching,        Strategy::kDeferral,
    Strategy::kContext,    Strategy::kCompression,     Strategy::kTools};

constexpr std::size_t IndexOf(Strategy strategy) {
  return static_cast<std::size_t>(strategy);
}

// As people, settings, rows on disk and the wire spell them.
inline constexpr std::array<std::string_view, kStrategyCount> kStrategyNames{
    "cache.exact", "cache.normalized", "cache.semantic", "routing", "batching",
    "deferral",    "context",          "compression",    "tools"};
constexpr std::string_view NameOf(Strategy strategy) {
  return kStrategyNames[IndexOf(strategy)];
}
inline constexpr std::string_view kStrategyList =
    "cache.exact, cache.normalized, cache.semantic, routing, batching, deferral, context, "
    "compression and tools";

constexpr std::optional<Strategy> StrategyNamed(std::string_view name) {
  for (const Strategy strategy : kStrategies) {
    if (NameOf(strategy) == name) {
      return strategy;
    }
  }
  return std::nullopt;
}

// The tiers of the cache: switched by cache.exact, cache.normalized and cache.semantic, and without
// a hold-out of their own accord.
constexpr bool IsCache(Strategy strategy) {
  return strategy <= Strategy::kCacheSemantic;
}

class StrategySet {
 public:
  constexpr StrategySet() = default;
  static constexpr StrategySet All() {
    StrategySet all;
    all.bits_ = (1U << kStrategyCount) - 1;
    return all;
  }

  constexpr void Add(Strategy strategy) { bits_ |= BitOf(strategy); }
  constexpr void Add(const StrategySet& other) { bits_ |= other.bits_; }
  constexpr bool Has(Strategy strategy) const { return (bits_ & BitOf(strategy)) != 0; }
  constexpr bool Overlaps(const StrategySet& other) const { return (bits_ & other.bits_) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr bool IsAll() const { return *this == All(); }
  constexpr bool operator==(const StrategySet&) const = default;

 private:
  static constexpr std::uint32_t BitOf(Strategy strategy) { return 1U << IndexOf(strategy); }

  std::uint32_t bits_ = 0;
};

}  // namespace reprise::config
