// What is decided about a strategy, and for whom. The strategies themselves are named in
// server/config/strategy.h.
//
// Threads: values. Errors: none.
#pragma once

#include <cstdint>
#include <string_view>

#include "protocol/base/clock.h"
#include "server/config/guardrail.h"
#include "server/config/options.h"
#include "server/config/strategy.h"
#include "storage/engine/namespace_id.h"

namespace reprise::control {

using config::Guardrail;
using config::Metric;
using config::Strategy;
using config::StrategySet;

// kOn: in force; kShadow: it decides and counts, and changes nothing; kOff.
using Mode = config::TierMode;

// Rollouts, hold-outs and places in them, in millionths.
inline constexpr std::int64_t kAllPpm = 1'000'000;

// Who asks. The text is borrowed.
struct Asker {
  storage::NamespaceId namespace_id = storage::kDefaultNamespace;
  std::string_view bot;
  std::string_view conversation;  // empty: none is named
  base::UnixMillis now{0};        // overrides end by it
};

// Where the asker stands in the comparison of those who have the strategy with those who have not.
// Only a place that the draw gave counts: an override, a shadow or a trip compares nothing.
enum class Group : std::uint8_t { kNone, kTreated, kControl };
std::string_view NameOf(Group group);

enum class Reason : std::uint8_t {
  kConfiguration,  // the server-wide default
  kSetting,        // of the namespace
  kInside,         // the rollout has reached this unit
  kOutside,        // it has not yet
  kHeldOut,        // it has, but for the comparison
  kOverride,       // of the conversation, the bot or the namespace
  kTripped,        // a guardrail
};
// For people.
std::string_view TextOf(Reason reason);

struct Decision {
  Mode mode = Mode::kOn;
  Group group = Group::kNone;
  Reason reason = Reason::kConfiguration;
  // It might have come out otherwise: only such calls are compared with the control group. One that
  // names no conversation has the strategy, but nobody like it is ever without.
  bool is_drawn = false;

  bool IsOn() const { return mode == Mode::kOn; }
  bool operator==(const Decision&) const = default;
};

// "on", "shadow", "off".
std::string_view NameOf(Mode mode);

}  // namespace reprise::control
