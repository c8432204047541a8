#include "storage/engine/rocks_logger.h"

#include <cstdio>

namespace reprise::storage {

// Headers (the dump of all options) come this way; nobody reads them.
void RocksLogger::Logv(const char* /*format*/, va_list /*arguments*/) {}

void RocksLogger::Logv(rocksdb::InfoLogLevel level, const char* format, va_list arguments) {
  if (level < rocksdb::InfoLogLevel::WARN_LEVEL || level >= rocksdb::InfoLogLevel::HEADER_LEVEL) {
    return;
  }
  char text[kMessageBytes];
  std::vsnprintf(text, sizeof(text), format, arguments);
  {
    base::MutexLock lock(mutex_);
    if (last_.size() >= kKept) {
      last_.pop_front();
    }
    last_.emplace_back(text);
  }
  if (log_) {
    log_(level >= rocksdb::InfoLogLevel::ERROR_LEVEL ? LogLevel::kError : LogLevel::kWarning, text);
  }
}

std::vector<std::string> RocksLogger::Last() const {
  base::MutexLock lock(mutex_);
  return {last_.begin(), last_.end()};
}

}  // namespace reprise::storage
