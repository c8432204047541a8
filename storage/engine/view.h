// View: what one command may do with the store, whichever thread it runs on.
//
// On a loop it reads memory only, on a storage thread the disk as well, and inside a transaction it
// sees that transaction's own writes and may write. A command does not ask which; it takes what it
// is given. Threads: one owner, for the length of one command. Errors: as Store::Get; kWouldBlock
// passes through the command to the dispatcher, which runs it again on a storage thread.
#pragma once

#include <optional>
#include <string_view>

#include "protocol/base/clock.h"
#include "protocol/base/ensure.h"
#include "protocol/base/result.h"
#include "storage/engine/store.h"

namespace reprise::storage {

class View {
 public:
  View(const Store& store, base::UnixMillis now, ReadMode mode)
      : store_(store), now_(now), mode_(mode) {}
  View(const Store& store, Transaction& transaction)
      : store_(store), now_(transaction.now()), transaction_(&transaction) {}

  base::UnixMillis now() const { return now_; }
  // On a loop nothing may; what takes long answers kWouldBlock there.
  bool may_wait() const { return transaction_ != nullptr || mode_ == ReadMode::kDisk; }

  // Absent also when expired.
  base::Result<std::optional<BlobRef>> Get(Family family, std::string_view key) const {
    return transaction_ != nullptr ? transaction_->Get(family, key)
                                   : store_.Get(family, key, now_, mode_);
  }

  // Only for commands whose row says that they write.
  Transaction& transaction() const {
    ENSURE(transaction_ != nullptr);
    return *transaction_;
  }

  const Store& store() const { return store_; }

 private:
  const Store& store_;
  base::UnixMillis now_;
  ReadMode mode_ = ReadMode::kMemory;
  Transaction* transaction_ = nullptr;
};

}  // namespace reprise::storage
