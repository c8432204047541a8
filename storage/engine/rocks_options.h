// Every RocksDB option that matters here, set in one place (notes/0001-rocksdb-options.md).
//
// Threads: values. Units: bytes and seconds, as RocksDB has them. Errors: none.
#pragma once

#include <array>
#include <memory>
#include <string_view>

#include <rocksdb/listener.h>
#include <rocksdb/options.h>

#include "storage/engine/engine.h"
#include "storage/engine/rocks_logger.h"

namespace reprise::storage {

// In the order of Family. The names are stored on disk: append only.
inline constexpr std::array<std::string_view, kFamilies> kFamilyNames{
    "keys", "entries", "vectors", "conversations", "jobs", "ledger", "meta"};

struct RocksParts {
  std::shared_ptr<RocksLogger> logger;
  std::shared_ptr<rocksdb::EventListener> listener;
  const std::atomic<std::int64_t>* deletion_now_ms = nullptr;  // null: nothing is dropped
};

rocksdb::DBOptions MakeDatabaseOptions(const StoreOptions& options, const RocksParts& parts);
rocksdb::ColumnFamilyOptions MakeFamilyOptions(const StoreOptions& options,
                                               const RocksParts& parts);

}  // namespace reprise::storage
