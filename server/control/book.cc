#include "server/control/book.h"

#include <algorithm>

namespace reprise::control {

std::string_view NameOf(Mode mode) {
  switch (mode) {
    case Mode::kOn:
      return "on";
    case Mode::kShadow:
      return "shadow";
    case Mode::kOff:
      break;
  }
  return "off";
}

std::string_view NameOf(Group group) {
  switch (group) {
    case Group::kTreated:
      return "treated";
    case Group::kControl:
      return "control";
    case Group::kNone:
      break;
  }
  return "none";
}

std::string_view NameOf(Unit unit) {
  return unit == Unit::kBot ? "bot" : "conversation";
}

std::string_view NameOf(Scope scope) {
  switch (scope) {
    case Scope::kConversation:
      return "conversation";
    case Scope::kBot:
      return "bot";
    case Scope::kNamespace:
      break;
  }
  return "namespace";
}

std::string_view TextOf(Reason reason) {
  switch (reason) {
    case Reason::kSetting:
      return "set for the namespace";
    case Reason::kInside:
      return "inside the rollout";
    case Reason::kOutside:
      return "outside the rollout";
    case Reason::kHeldOut:
      return "held out, for comparison";
    case Reason::kOverride:
      return "an override";
    case Reason::kTripped:
      return "turned off by a guardrail";
    case Reason::kConfiguration:
      break;
  }
  return "the server's configuration";
}

const Trip* Book::FindTrip(std::string_view rule) const {
  const auto found = std::find_if(trips.begin(), trips.end(),
                                  [rule](const Trip& trip) { return trip.rule.name == rule; });
  return found == trips.end() ? nullptr : &*found;
}

const Trip* Book::TripOf(Strategy strategy) const {
  const Trip* latest = nullptr;
  for (const Trip& trip : trips) {
    if (trip.rule.strategies.Has(strategy) && (latest == nullptr || trip.at > latest->at)) {
      latest = &trip;
    }
  }
  return latest;
}

const NamespaceGuardrail* Book::FindGuardrail(std::string_view name) const {
  const auto found =
      std::find_if(guardrails.begin(), guardrails.end(),
                   [name](const NamespaceGuardrail& item) { return item.rule.name == name; });
  return found == guardrails.end() ? nullptr : &*found;
}

const Override* Book::FindOverride(Strategy strategy, const Asker& asker) const {
  const Trip* trip = TripOf(strategy);
  for (const Scope scope : kScopes) {
    const std::string_view name = scope == Scope::kConversation ? asker.conversation
                                  : scope == Scope::kBot        ? asker.bot
                                                                : std::string_view();
    if (name.empty() && scope != Scope::kNamespace) {
      continue;
    }
    const auto found = overrides.find(OverrideView{strategy, scope, name});
    if (found == overrides.end() || found->second.HasExpired(asker.now)) {
      continue;
    }
    const bool is_older = trip != nullptr && found->second.set_at <= trip->at;
    if (!is_older) {
      return &found->second;
    }
  }
  return nullptr;
}

Switch Switch::Of(const Book& book, Strategy strategy) {
  std::uint64_t word = 0;
  if (const auto& setting = book.settings[config::IndexOf(strategy)]; setting.has_value()) {
    word |= kIsSet | static_cast<std::uint64_t>(setting->mode) << kModeShift |
            static_cast<std::uint64_t>(setting->rollout_ppm) << kRolloutShift;
    word |= setting->unit == Unit::kBot ? kUnitIsBot : 0;
    if (setting->hold_out_ppm.has_value()) {
      word |= kHasHoldOut | static_cast<std::uint64_t>(*setting->hold_out_ppm) << kHoldOutShift;
    }
  }
  word |= book.TripOf(strategy) != nullptr ? kIsTripped : 0;
  const auto first = book.overrides.lower_bound(OverrideView{strategy, Scope::kConversation, ""});
  word |= first != book.overrides.end() && first->first.strategy == strategy ? kHasOverrides : 0;
  return Switch(word);
}

}  // namespace reprise::control
