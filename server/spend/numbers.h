// Numbers: one growing number for everything that this module hands out in the whole server
// (reservations, records, budgets), and the time that goes with it.
//
// A number is never given twice, also when the batch that used it was not committed: whoever holds
// an old one must not find something new behind it. Time never goes back from one record to the
// next, whatever the clock does between two lives of the server. Threads: Next and TimeOf inside
// transactions; last() any. Errors: kCorrupt at Load. Complexity: O(1).
#pragma once

#include <atomic>
#include <cstdint>

#include "protocol/base/clock.h"
#include "protocol/base/result.h"
#include "storage/engine/store.h"

namespace reprise::spend {

class Numbers {
 public:
  base::Status Load(const storage::Store& store);

  base::UnixMillis TimeOf(const storage::Transaction& transaction) const;
  std::uint64_t Next(storage::Transaction& transaction);
  std::uint64_t last() const { return last_.load(std::memory_order_acquire); }

 private:
  std::atomic<std::uint64_t> last_{0};
  std::atomic<base::UnixMillis> time_{base::UnixMillis{0}};
};

}  // namespace reprise::spend
