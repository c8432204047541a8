// The border to RocksDB's Status: translated here and nowhere else.
//
// Threads: any. Errors: is about them. RocksDB's Incomplete is kWouldBlock, Corruption and what
// comes with it kCorrupt, the rest kIo.
#pragma once

#include <string_view>

#include <rocksdb/status.h>

#include "protocol/base/result.h"
#include "storage/engine/engine.h"

namespace reprise::storage {

// Of a read or of opening. `doing` is how the sentence starts: "reading a row".
base::Error FromRocksDb(std::string_view doing, const rocksdb::Status& status);

// Of a batch: kReadOnly when the disk is full and the batch was not applied, kUnknownOutcome when
// it may come back with the write-ahead log.
base::Error FromFailedCommit(const rocksdb::Status& status);

// Of a failure in the background.
EngineCondition ConditionFrom(const rocksdb::Status& status);

}  // namespace reprise::storage
