// Book: all that was decided by hand or by a guardrail in one namespace, as an immutable snapshot.
//
// Switch is one strategy's part of a book, packed into a word that a reader gets in one load;
// overrides alone need the book. Units: shares in millionths. Threads: values; a book is shared as
// pointer to const. Errors: none. Complexity: Switch O(1), FindOverride O(log overrides).
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "protocol/base/clock.h"
#include "server/config/guardrail.h"
#include "server/control/strategy.h"

namespace reprise::control {

// What the draw is about: the conversation (the bot, where none is named), or the bot.
enum class Unit : std::uint8_t { kConversation, kBot };
std::string_view NameOf(Unit unit);

struct Setting {
  Mode mode = Mode::kOn;
  std::int64_t rollout_ppm = kAllPpm;
  std::optional<std::int64_t> hold_out_ppm;  // absent: control.hold_out_percent; the cache's: none
  Unit unit = Unit::kConversation;
  bool operator==(const Setting&) const = default;
};

// The nearer to the call goes first.
enum class Scope : std::uint8_t { kConversation, kBot, kNamespace };
inline constexpr std::array kScopes{Scope::kConversation, Scope::kBot, Scope::kNamespace};
std::string_view NameOf(Scope scope);

struct OverrideView {
  Strategy strategy = Strategy::kCacheExact;
  Scope scope = Scope::kNamespace;
  std::string_view name;  // of the conversation or bot; empty: the namespace
  bool operator==(const OverrideView&) const = default;
  friend bool operator<(const OverrideView& a, const OverrideView& b) {
    return std::tie(a.strategy, a.scope, a.name) < std::tie(b.strategy, b.scope, b.name);
  }
};
struct OverrideKey {
  Strategy strategy = Strategy::kCacheExact;
  Scope scope = Scope::kNamespace;
  std::string name;
  OverrideView view() const { return {strategy, scope, name}; }
};
struct OverrideOrder {
  using is_transparent = void;
  bool operator()(const OverrideKey& a, const OverrideKey& b) const { return a.view() < b.view(); }
  bool operator()(const OverrideKey& a, const OverrideView& b) const { return a.view() < b; }
  bool operator()(const OverrideView& a, const OverrideKey& b) const { return a < b.view(); }
};
struct Override {
  Mode mode = Mode::kOn;
  base::UnixMillis set_at{0};
  base::UnixMillis expires_at{0};  // 0: never
  bool HasExpired(base::UnixMillis now) const {
    return expires_at != base::UnixMillis{0} && now >= expires_at;
  }
};
using Overrides = std::map<OverrideKey, Override, OverrideOrder>;

// A rule of the namespace; in place of the configuration's with this name.
struct NamespaceGuardrail {
  Guardrail rule;
  bool is_off = false;  // it does not count, and keeps the configuration's from counting
  std::optional<std::int64_t> cool_down_ms;  // absent: control.cool_down_ms
};

// What a monitor had found when it tripped.
struct Finding {
  base::UnixMillis since{0};  // from then on it was bad
  std::uint64_t slices = 0;
  std::uint64_t treated = 0;  // calls
  std::uint64_t control = 0;
  double figure = 0;
  std::optional<double> bound;
  double wealth = 0;
  double needed = 0;
};

struct Trip {
  Guardrail rule;                             // as it was then
  Strategy strategy = Strategy::kCacheExact;  // whose calls were the evidence
  base::UnixMillis at{0};
  base::UnixMillis ends_at{0};  // 0: when it is re-armed
  Finding finding;
};

struct Book {
  std::array<std::optional<Setting>, config::kStrategyCount> settings;
  Overrides overrides;
  std::vector<NamespaceGuardrail> guardrails;
  std::vector<Trip> trips;

  const Trip* FindTrip(std::string_view rule) const;
  // The latest trip that turned it off, or null.
  const Trip* TripOf(Strategy strategy) const;
  const NamespaceGuardrail* FindGuardrail(std::string_view name) const;
  // What a person has decided for this asker, as long as it holds; but what was decided before a
  // trip does not put on again what the trip turned off.
  const Override* FindOverride(Strategy strategy, const Asker& asker) const;
};

class Switch {
 public:
  constexpr Switch() = default;  // nothing was decided
  constexpr explicit Switch(std::uint64_t word) : word_(word) {}
  static Switch Of(const Book& book, Strategy strategy);
  constexpr std::uint64_t word() const { return word_; }

  constexpr bool is_set() const { return (word_ & kIsSet) != 0; }
  constexpr bool is_tripped() const { return (word_ & kIsTripped) != 0; }
  constexpr bool has_overrides() const { return (word_ & kHasOverrides) != 0; }
  // These count only when it is set.
  constexpr Mode mode() const { return static_cast<Mode>(word_ >> kModeShift & 3U); }
  constexpr bool unit_is_bot() const { return (word_ & kUnitIsBot) != 0; }
  constexpr std::int64_t rollout_ppm() const {
    return static_cast<std::int64_t>(word_ >> kRolloutShift & kPpmMask);
  }
  constexpr std::optional<std::int64_t> hold_out_ppm() const {
    return (word_ & kHasHoldOut) != 0
               ? std::optional(static_cast<std::int64_t>(word_ >> kHoldOutShift & kPpmMask))
               : std::nullopt;
  }

 private:
  static constexpr std::uint64_t kIsSet = 1;
  static constexpr std::uint64_t kIsTripped = 2;
  static constexpr std::uint64_t kHasOverrides = 4;
  static constexpr std::uint64_t kUnitIsBot = 8;
  static constexpr std::uint64_t kHasHoldOut = 16;
  static constexpr std::uint64_t kPpmMask = (1U << 20U) - 1;
  static_assert(kAllPpm <= static_cast<std::int64_t>(kPpmMask));
  static constexpr unsigned kModeShift = 5;
  static constexpr unsigned kRolloutShift = 8;
  static constexpr unsigned kHoldOutShift = 28;

  std::uint64_t word_ = 0;
};

}  // namespace reprise::control
