#include "server/rate/slots.h"

#include <algorithm>

namespace reprise::rate {
namespace {

// Of those who hold: more would take the loop too long, and a sooner time to ask again does no
// harm.
constexpr int kLooksMax = 1'000;

}  // namespace

Verdict Slots::Look(const Rule& rule, std::int64_t quantity, Instant now) const {
  std::int64_t held = held_;
  auto holder = by_end_.begin();
  for (int i = 0; i < kLooksMax && holder != by_end_.end() && holder->first.first <= now; ++i) {
    held -= holder->second;
    ++holder;
  }
  Verdict verdict;
  verdict.limit = rule.limit;
  verdict.allowed = held + quantity <= rule.limit;
  verdict.remaining = std::max<std::int64_t>(rule.limit - held, 0);
  if (held > 0 && !by_end_.empty()) {
    verdict.reset_ms = ToMillisUp(std::max<std::int64_t>(by_end_.rbegin()->first.first - now, 0));
  }
  for (int i = 0; i < kLooksMax && holder != by_end_.end() && held + quantity > rule.limit; ++i) {
    held -= holder->second;
    verdict.retry_after_ms = ToMillisUp(std::max<std::int64_t>(holder->first.first - now, 1));
    ++holder;
  }
  return verdict;
}

void Slots::Add(LeaseId lease, Instant ends, std::int64_t units) {
  by_end_[{ends, lease}] = units;
  held_ += units;
}

std::int64_t Slots::Remove(LeaseId lease, Instant ends) {
  const auto found = by_end_.find({ends, lease});
  if (found == by_end_.end()) {
    return 0;
  }
  const std::int64_t units = found->second;
  held_ -= units;
  by_end_.erase(found);
  return units;
}

}  // namespace reprise::rate
