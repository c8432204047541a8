#include "server/jobs/closing.h"

#include <algorithm>

namespace reprise::jobs {
namespace {

// The moment from which on waiting does not pay if nobody comes; absent while nothing is known.
std::optional<std::int64_t> PaysUntil(const GroupView& group, const ClosingRule& rule) {
  const auto gap_ms = group.arrivals.GapMs();
  const double patience_ms =
      static_cast<double>(rule.call_worth_ms) / static_cast<double>(group.items);
  if (!gap_ms.has_value()) {
    if (group.expects_company) {
      return std::nullopt;
    }
    return group.arrivals.last_ms();
  }
  if (*gap_ms >= patience_ms) {
    return group.arrivals.last_ms();  // It did not pay from the start.
  }
  return group.arrivals.last_ms() + static_cast<std::int64_t>(patience_ms);
}

}  // namespace

Verdict Judge(const GroupView& group, const ClosingRule& rule, std::int64_t now_ms) {
  using Kind = Verdict::Kind;
  if (group.items == 0) {
    return {Kind::kWait, std::nullopt};
  }
  if (group.items >= rule.items_max || group.tokens >= rule.tokens_max || group.has_urgent) {
    return {Kind::kClose, std::nullopt};
  }
  const auto pays_until = PaysUntil(group, rule);
  if (pays_until.has_value() && *pays_until <= now_ms) {
    return {Kind::kClose, std::nullopt};
  }
  std::optional<std::int64_t> look_again = pays_until;
  if (group.first_wait_ends_ms.has_value()) {
    if (*group.first_wait_ends_ms <= now_ms) {
      const bool holds = group.items < rule.items_min && group.may_hold && pays_until.has_value();
      return {holds ? Kind::kHold : Kind::kClose, std::nullopt};
    }
    look_again =
        std::min(look_again.value_or(*group.first_wait_ends_ms), *group.first_wait_ends_ms);
  } else if (!look_again.has_value()) {
    return {Kind::kClose, std::nullopt};  // All are late, and nothing tells how long to go on.
  }
  return {Kind::kWait, look_again};
}

}  // namespace reprise::jobs
