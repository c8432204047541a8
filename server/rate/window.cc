#include "server/rate/window.h"

#include <algorithm>

namespace reprise::rate {
namespace {

constexpr std::int64_t kSlots = Window::kEntries - 1;

std::int64_t PeriodNs(const Rule& rule) {
  return rule.period_ms * base::kNanosPerMilli;
}

// A window of one period overlaps at most kSlots + 1 of these.
std::int64_t SlotOf(Instant at, std::int64_t period_ns) {
  return ToInt(at) / (period_ns / kSlots + 1);
}

}  // namespace

Verdict Window::Look(const Rule& rule, std::int64_t quantity, Instant now) const {
  const std::int64_t period_ns = PeriodNs(rule);
  std::int64_t used = 0;
  for (const Entry& entry : entries()) {
    used += now - entry.at < period_ns ? entry.units : 0;
  }
  Verdict verdict;
  verdict.limit = rule.limit;
  verdict.allowed = used + quantity <= rule.limit;
  verdict.remaining = std::max<std::int64_t>(rule.limit - used, 0);
  std::int64_t over = used + quantity - rule.limit;
  for (const Entry& entry : entries()) {
    const std::int64_t left_ns = period_ns - (now - entry.at);
    if (left_ns <= 0) {
      continue;
    }
    if (over > 0) {  // It has to go, before there is room.
      verdict.retry_after_ms = ToMillisUp(left_ns);
      over -= entry.units;
    }
    verdict.reset_ms = ToMillisUp(left_ns);
  }
  return verdict;
}

Verdict Window::Charge(const Rule& rule, std::int64_t quantity, Instant now) {
  if (quantity > 0) {
    Append(rule, quantity, now);
  }
  Verdict verdict = Look(rule, 0, now);
  verdict.allowed = true;
  verdict.retry_after_ms = 0;
  return verdict;
}

void Window::Append(const Rule& rule, std::int64_t quantity, Instant now) {
  const std::int64_t period_ns = PeriodNs(rule);
  DropBefore(now + (1 - period_ns));
  // Readings of the time by several threads may come in another order.
  const Instant at = count_ > 0 ? std::max(now, entries_[count_ - 1].at) : now;
  ends_ = std::max(ends_, at + period_ns);
  if (count_ > 0) {
    Entry& last = entries_[count_ - 1];
    const bool same_slot = SlotOf(last.at, period_ns) == SlotOf(at, period_ns);
    if (last.at == at || (same_slot && rule.limit > static_cast<std::int64_t>(kEntries))) {
      last = {at, last.units + quantity};
      return;
    }
  }
  if (count_ == kEntries) {  // The period has become longer: the oldest two share a place.
    entries_[1].units += entries_[0].units;
    std::move(entries_.begin() + 1, entries_.end(), entries_.begin());
    --count_;
  }
  entries_[count_] = {at, quantity};
  ++count_;
}

// What was given back as a whole goes, too.
void Window::DropBefore(Instant first) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < count_; ++i) {
    const Entry entry = entries_[i];
    if (entry.at < first) {
      dropped_ = entry.at;
    } else if (entry.units > 0) {
      entries_[kept++] = entry;
    }
  }
  count_ = kept;
}

std::int64_t Window::GiveBack(const Rule& rule, Instant at, std::int64_t units, Instant now) {
  if (at <= dropped_ || now - at >= PeriodNs(rule)) {
    return 0;
  }
  for (std::size_t i = 0; i < count_; ++i) {
    Entry& entry = entries_[i];
    if (entry.at >= at) {  // A place counts as made at the latest of its calls.
      const std::int64_t back = std::min(units, entry.units);
      entry.units -= back;
      return back;
    }
  }
  return 0;
}

Window Window::From(std::span<const Entry> entries, Instant ends) {
  Window window;
  window.count_ = std::min(entries.size(), kEntries);
  std::copy_n(entries.begin(), window.count_, window.entries_.begin());
  window.ends_ = ends;
  return window;
}

}  // namespace reprise::rate
