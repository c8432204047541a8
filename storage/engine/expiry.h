// The one place that decides whether a row has expired.
//
// Callers: reads (Store::Get and Transaction::Get), scans (Store::Scan and the sweeper's) and the
// compaction filter. The first two pass the server's time, the two that delete pass the trusted
// time of DeletionClock. Units: UnixMillis; kNever never expires. Threads: any. Errors: none.
#pragma once

#include "protocol/base/clock.h"
#include "storage/engine/store.h"

namespace reprise::storage {

// A row lives while now is before its expiry: at the very millisecond it is gone.
constexpr bool IsExpired(base::UnixMillis expires_at, base::UnixMillis now) {
  return expires_at != kNever && now >= expires_at;
}

}  // namespace reprise::storage
