#include "storage/engine/from_rocksdb.h"

#include <string>

namespace reprise::storage {
namespace {

bool IsOutOfSpace(const rocksdb::Status& status) {
  return status.IsNoSpace() ||
         (status.IsIOError() && status.subcode() == rocksdb::Status::kNoSpace);
}

// The write-ahead log is appended to, then synced. A partial append is dropped by recovery, bytes
// whose sync failed may be found by it. RocksDB tells the two apart only in its message.
bool FailedInSync(const rocksdb::Status& status) {
  const std::string text = status.ToString();
  return text.find("While fdatasync") != std::string::npos ||
         text.find("While fsync") != std::string::npos ||
         text.find("While sync_file_range") != std::string::npos;
}

}  // namespace

base::Error FromRocksDb(std::string_view doing, const rocksdb::Status& status) {
  const std::string sentence = std::string(doing) + ": " + status.ToString();
  if (status.IsIncomplete()) {
    return {base::Code::kWouldBlock, sentence};
  }
  if (status.IsCorruption()) {
    return {base::Code::kCorrupt, sentence};
  }
  return {base::Code::kIo, sentence};
}

base::Error FromFailedCommit(const rocksdb::Status& status) {
  if (IsOutOfSpace(status) && !FailedInSync(status)) {
    return {base::Code::kReadOnly, "writing a batch: " + status.ToString()};
  }
  return {base::Code::kUnknownOutcome, "writing a batch: " + status.ToString()};
}

EngineCondition ConditionFrom(const rocksdb::Status& status) {
  if (status.ok()) {
    return EngineCondition::kGood;
  }
  return IsOutOfSpace(status) && !FailedInSync(status) ? EngineCondition::kNoSpace
                                                       : EngineCondition::kBroken;
}

}  // namespace reprise::storage
