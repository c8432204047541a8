#include "server/rate/gcra.h"

#include <algorithm>
#include <limits>

namespace reprise::rate {
namespace {

// Products of nanoseconds and units. __extension__: -Wpedantic knows no such type.
// NOLINTNEXTLINE(modernize-use-using): an alias takes no __extension__.
__extension__ typedef unsigned __int128 Wide;

constexpr std::int64_t kFarthestNs = std::int64_t{20} * 365 * 86'400'000 * base::kNanosPerMilli;

constexpr Wide ToWide(std::int64_t number) {
  return static_cast<Wide>(static_cast<std::uint64_t>(number));
}

// Mostly the numbers fit into 64 bits, and then division is much cheaper.
Wide Divide(Wide number, Wide by) {
  if ((number >> 64U) == 0 && (by >> 64U) == 0) {
    return static_cast<std::uint64_t>(number) / static_cast<std::uint64_t>(by);
  }
  return number / by;
}

Wide DivideUp(Wide number, Wide by) {
  return Divide(number + by - 1, by);
}

std::int64_t Capped(Wide number, std::int64_t most) {
  return number < ToWide(most) ? static_cast<std::int64_t>(number) : most;
}

// All in parts of a nanosecond, `limit` to one: so period / limit is a whole number of them.
struct Scale {
  explicit Scale(const Rule& rule)
      : limit(ToWide(rule.limit)),
        unit(ToWide(rule.period_ms) * ToWide(base::kNanosPerMilli)),
        capacity(ToWide(rule.burst) * unit) {}

  Wide limit;
  Wide unit;      // what one unit costs
  Wide capacity;  // what may lie ahead
};

// What lies ahead of now.
Wide BacklogOf(const Gcra::Parts& state, const Scale& scale, Instant now) {
  const std::int64_t ahead_ns = state.arrival - now;
  if (ahead_ns < 0) {
    return 0;
  }
  const Wide parts = state.parts;
  // Of a rule with another limit: up to the next part, so that nothing is given.
  const Wide part =
      parts == scale.limit ? Wide{state.part} : DivideUp(Wide{state.part} * scale.limit, parts);
  return ToWide(ahead_ns) * scale.limit + part;
}

Verdict VerdictOf(const Rule& rule, const Scale& scale, Wide backlog, Wide cost) {
  Verdict verdict;
  verdict.limit = rule.limit;
  verdict.allowed = backlog + cost <= scale.capacity;
  if (backlog < scale.capacity) {
    verdict.remaining = static_cast<std::int64_t>(Divide(scale.capacity - backlog, scale.unit));
  }
  if (!verdict.allowed) {
    verdict.retry_after_ms =
        ToMillisUp(Capped(DivideUp(backlog + cost - scale.capacity, scale.limit), 2 * kFarthestNs));
  }
  verdict.reset_ms = ToMillisUp(Capped(DivideUp(backlog, scale.limit), 2 * kFarthestNs));
  return verdict;
}

}  // namespace

Verdict Gcra::Look(const Rule& rule, std::int64_t quantity, Instant now) const {
  const Scale scale(rule);
  return VerdictOf(rule, scale, BacklogOf(ToParts(), scale, now), ToWide(quantity) * scale.unit);
}

Verdict Gcra::Charge(const Rule& rule, std::int64_t quantity, Instant now) {
  const Scale scale(rule);
  const Wide most = ToWide(kFarthestNs) * scale.limit;
  const Wide backlog =
      std::min(BacklogOf(ToParts(), scale, now) + ToWide(quantity) * scale.unit, most);
  const Wide ahead_ns = Divide(backlog, scale.limit);
  arrival_ = now + static_cast<std::int64_t>(ahead_ns);
  part_ = static_cast<std::uint64_t>(backlog - ahead_ns * scale.limit);
  parts_ = static_cast<std::uint64_t>(scale.limit);
  Verdict verdict = VerdictOf(rule, scale, backlog, 0);
  verdict.allowed = true;
  verdict.retry_after_ms = 0;
  return verdict;
}

// Whole units only: what is not told would be given, but counted as used.
Gcra::Back Gcra::GiveBack(const Rule& rule, std::int64_t units, std::int64_t span_ns) {
  const Scale scale(rule);
  const Wide span = ToWide(std::max<std::int64_t>(span_ns, 0)) * scale.limit;
  Back back;
  back.units = Capped(Divide(span, scale.unit), units);
  back.ns = static_cast<std::int64_t>(Divide(ToWide(back.units) * scale.unit, scale.limit));
  arrival_ = arrival_ + -back.ns;
  return back;
}

Instant Gcra::Ahead(const Rule& rule, std::int64_t share) const {
  const Scale scale(rule);
  const Wide ahead_ns = DivideUp(ToWide(rule.burst / share) * scale.unit, scale.limit);
  return arrival_ + (Capped(ahead_ns, kFarthestNs) + (part_ > 0 ? 1 : 0));
}

Gcra Gcra::From(const Parts& parts) {
  Gcra state;
  state.arrival_ = parts.arrival;
  state.part_ = parts.part;
  state.parts_ = std::max<std::uint64_t>(parts.parts, 1);
  return state;
}

}  // namespace reprise::rate
