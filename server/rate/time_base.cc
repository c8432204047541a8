#include "server/rate/time_base.h"

#include <algorithm>
#include <string>

#include "protocol/base/limits.h"
#include "server/rate/bytes.h"

namespace reprise::rate {
namespace {

constexpr std::string_view kRow = "rate_clock";
constexpr std::uint8_t kVersion = 1;

// One moment as all clocks showed it.
struct Moment {
  Instant instant{0};
  base::Uptime uptime;
  base::UnixMillis wall{0};
};

base::Result<Moment> Parse(std::string_view row) {
  ByteReader reader(row);
  const auto version = reader.Read<std::uint8_t>();
  Moment moment;
  moment.instant = Instant{reader.Read<std::int64_t>()};
  moment.uptime.start = reader.Read<std::uint64_t>();
  moment.uptime.elapsed = base::Nanos{reader.Read<std::int64_t>()};
  moment.wall = base::UnixMillis{reader.Read<std::int64_t>()};
  if (version != kVersion || !reader.ok() || !reader.AtEnd() || ToInt(moment.instant) < 0) {
    return base::Error{base::Code::kCorrupt, "the meta row 'rate_clock' cannot be read"};
  }
  return moment;
}

// How much later it is now.
std::int64_t PassedNs(const Moment& then, const base::Uptime& uptime, base::UnixMillis wall) {
  constexpr std::int64_t kMillisMax = base::limits::kTtlMs.ceiling;
  const bool same_start = uptime.start != 0 && uptime.start == then.uptime.start;
  if (same_start && uptime.elapsed - then.uptime.elapsed >= 0) {
    return uptime.elapsed - then.uptime.elapsed;
  }
  return std::clamp<std::int64_t>(wall - then.wall, 0, kMillisMax) * base::kNanosPerMilli;
}

}  // namespace

base::Result<TimeBase> TimeBase::Load(const storage::Store& store, const base::Clock& clock) {
  ASSIGN_OR_RETURN(const auto row, store.Get(storage::Family::kMeta, kRow, storage::kNever,
                                             storage::ReadMode::kDisk));
  const base::Uptime uptime = clock.SinceStart();
  std::int64_t now_ns = base::ToInt(clock.Now()) * base::kNanosPerMilli;
  if (row.has_value()) {
    ASSIGN_OR_RETURN(const Moment then, Parse(row->value()));
    now_ns = ToInt(then.instant) + PassedNs(then, uptime, clock.Wall());
  }
  return TimeBase(clock, now_ns - base::ToInt(uptime.elapsed));
}

void TimeBase::Write(storage::Transaction& transaction) const {
  const base::Uptime uptime = clock_->SinceStart();
  std::string row;
  AppendNumber(kVersion, row);
  AppendNumber(base_ns_ + base::ToInt(uptime.elapsed), row);
  AppendNumber(uptime.start, row);
  AppendNumber(base::ToInt(uptime.elapsed), row);
  AppendNumber(base::ToInt(clock_->Wall()), row);
  transaction.Put(storage::Family::kMeta, kRow, row, storage::kNever);
}

}  // namespace reprise::rate
