// RocksLogger: RocksDB's own messages, without its LOG file.
//
// The packaged library aborts the process when writing that file fails; a logger of ours never
// writes. Only warnings and errors are formatted; the last ones are kept for failure reports and
// each is handed to the callback. Threads: any. Errors: none. Limits: kKept messages of
// kMessageBytes each; the callback must not call the store.
#pragma once

#include <cstdarg>
#include <cstddef>
#include <deque>
#include <string>
#include <vector>

#include <rocksdb/env.h>

#include "protocol/base/mutex.h"
#include "storage/engine/options.h"

namespace reprise::storage {

class RocksLogger final : public rocksdb::Logger {
 public:
  static constexpr std::size_t kKept = 32;
  static constexpr std::size_t kMessageBytes = 1024;

  explicit RocksLogger(StoreLog log)
      : rocksdb::Logger(rocksdb::InfoLogLevel::WARN_LEVEL), log_(std::move(log)) {}

  using rocksdb::Logger::Logv;
  void Logv(const char* format, va_list arguments) override;
  void Logv(rocksdb::InfoLogLevel level, const char* format, va_list arguments) override;

  // The messages kept, oldest first.
  std::vector<std::string> Last() const;

 private:
  const StoreLog log_;
  mutable base::Mutex mutex_;
  std::deque<std::string> last_ GUARDED_BY(mutex_);
};

}  // namespace reprise::storage
