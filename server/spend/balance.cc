#include "server/spend/balance.h"

#include <algorithm>

#include "server/calendar/period.h"
#include "server/spend/decimal.h"
#include "server/spend/rows.h"

namespace reprise::spend {
namespace {

// One more than the window has parts: the part of now is not full yet.
constexpr std::int64_t kRing = kBuckets + 1;

calendar::Unit UnitOf(PeriodKind kind) {
  return kind == PeriodKind::kHour
             ? calendar::Unit::kHour
             : (kind == PeriodKind::kDay ? calendar::Unit::kDay : calendar::Unit::kMonth);
}

std::int64_t& At(std::vector<std::int64_t>& buckets, std::int64_t number) {
  return buckets[static_cast<std::size_t>(number % kRing)];
}

}  // namespace

bool Balance::Advance(const PeriodTerms& terms, const calendar::Zone& zone, base::UnixMillis now) {
  if (terms.kind == PeriodKind::kTotal) {
    return false;
  }
  if (terms.is_calendar()) {
    if (end != base::UnixMillis{0} && now < end) {
      return false;
    }
    const calendar::Period period = calendar::PeriodAt(zone, UnitOf(terms.kind), now);
    begin = period.begin;
    end = period.end;
    spent_nano = 0;
    told = 0;
    return true;
  }
  const std::int64_t current = base::ToInt(now) / terms.bucket_ms();
  if (buckets.empty()) {
    buckets.assign(static_cast<std::size_t>(kRing), 0);
    newest_bucket = current;
  }
  const std::int64_t first = std::max(newest_bucket + 1, current - kBuckets);
  for (std::int64_t number = first; number <= current; ++number) {
    spent_nano -= At(buckets, number);
    At(buckets, number) = 0;
  }
  newest_bucket = std::max(newest_bucket, current);
  return false;
}

void Balance::MoveTo(const PeriodTerms& terms, const calendar::Zone& zone, base::UnixMillis now) {
  if (terms.is_calendar()) {
    const calendar::Period period = calendar::PeriodAt(zone, UnitOf(terms.kind), now);
    begin = period.begin;
    end = period.end;
  }
}

bool Balance::CanCharge(std::int64_t nano) const {
  return CheckedAdd(spent_nano, nano).has_value();
}

void Balance::Charge(std::int64_t nano) {
  spent_nano += nano;
  if (!buckets.empty()) {
    At(buckets, newest_bucket) += nano;
  }
}

std::vector<std::pair<base::UnixMillis, std::int64_t>> Balance::Frees(
    const PeriodTerms& terms) const {
  std::vector<std::pair<base::UnixMillis, std::int64_t>> frees;
  if (terms.is_calendar()) {
    frees.emplace_back(end, spent_nano);
  }
  if (terms.kind == PeriodKind::kRolling && !buckets.empty()) {
    for (std::int64_t number = std::max<std::int64_t>(newest_bucket - kBuckets, 0);
         number <= newest_bucket; ++number) {
      const std::int64_t nano = buckets[static_cast<std::size_t>(number % kRing)];
      if (nano > 0) {
        frees.emplace_back(base::UnixMillis{(number + kRing) * terms.bucket_ms()}, nano);
      }
    }
  }
  return frees;
}

base::UnixMillis Balance::NextFree(const PeriodTerms& terms) const {
  const auto frees = Frees(terms);
  return frees.empty() ? base::UnixMillis{0} : frees.front().first;
}

void AppendBalance(const Balance& balance, std::string& out) {
  AppendSigned(balance.spent_nano, out);
  AppendSigned(base::ToInt(balance.begin), out);
  AppendSigned(base::ToInt(balance.end), out);
  AppendNumber(balance.told, out);
  AppendNumber(balance.buckets.size(), out);
  for (const std::int64_t bucket : balance.buckets) {
    AppendSigned(bucket, out);
  }
  AppendSigned(balance.newest_bucket, out);
}

}  // namespace reprise::spend
