// HotTable: the rows that were used last, in memory, in front of the engine.
//
// It is a cache, not a copy: what it answers is never older than what a reader could have seen in
// the engine. The rule (notes/0002-hot-table.md): the writer marks the keys of a batch before the
// commit and settles them after it; a reader that loaded a row hands it to Settle together with the
// ticket it got when it missed, and the row is kept only when no write to its stripe began since.
//
// Units: bytes. Errors: none. Complexity: O(1); ErasePrefix walks the table. Threads: Find and
// Settle from any; the Begin and Finish calls from the writer alone. Each shard has a mutex, a
// leaf. Limits: the bytes given, rows and slots together; a row larger than a quarter of a shard is
// not kept. Lifetime: rows are BlobRefs and outlive their place in the table.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "protocol/base/mutex.h"
#include "storage/engine/blob.h"
#include "storage/engine/store.h"

namespace reprise::storage {

struct HotTableStats {
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::uint64_t items = 0;
  std::uint64_t bytes = 0;
  std::uint64_t evictions = 0;
};

class HotTable {
 public:
  // A key as the table knows it. `hash` comes from Key() below and is used by others too.
  struct Key {
    Family family;
    std::string_view bytes;
    std::uint64_t hash;
  };
  // What a reader saw of the writer when it missed.
  struct Ticket {
    std::uint32_t stripe_version = 0;
    std::uint32_t shard_version = 0;
  };
  struct Lookup {
    BlobRef row;  // empty: not here
    Ticket ticket;
  };

  // `seed` must not be known to clients: it keeps them from choosing colliding keys.
  HotTable(std::int64_t bytes, std::uint64_t seed);

  Key MakeKey(Family family, std::string_view key) const;

  Lookup Find(const Key& key);
  // The row that a reader may return, given what it loaded from the engine after a miss.
  std::optional<BlobRef> Settle(const Key& key, Ticket ticket, std::optional<BlobRef> loaded);

  // The writer, around one commit, for each key of the batch once.
  void BeginWrite(const Key& key);
  void FinishPut(const Key& key, const BlobRef& row);
  void FinishDelete(const Key& key);
  void AbortWrite(const Key& key);
  // The same for all keys at once; Finish with erase drops the rows that have the prefix.
  void BeginPrefixes();
  void ErasePrefix(Family family, std::string_view prefix);
  void FinishPrefixes();

  void SetBytes(std::int64_t bytes);
  HotTableStats Stats() const;

 private:
  static constexpr std::size_t kStripes = 256;

  struct Slot {
    std::uint32_t tag = 0;
    Family family = Family::kKeys;
    std::uint8_t heat = 0;  // turns of the clock hand that the row survives
    BlobRef row;            // empty: a free slot
  };
  struct Stripe {
    std::uint32_t version = 0;
    std::uint32_t writes_pending = 0;
  };
  struct alignas(64) Shard {
    mutable base::Mutex mutex;
    std::vector<Slot> slots GUARDED_BY(mutex);
    std::size_t items GUARDED_BY(mutex) = 0;
    std::size_t row_bytes GUARDED_BY(mutex) = 0;
    std::size_t bytes_max GUARDED_BY(mutex) = 0;
    std::size_t hand GUARDED_BY(mutex) = 0;
    std::uint32_t version GUARDED_BY(mutex) = 0;
    std::uint32_t prefixes_pending GUARDED_BY(mutex) = 0;
    std::uint64_t hits GUARDED_BY(mutex) = 0;
    std::uint64_t misses GUARDED_BY(mutex) = 0;
    std::uint64_t evictions GUARDED_BY(mutex) = 0;
    std::array<Stripe, kStripes> stripes GUARDED_BY(mutex);
  };

  static constexpr std::size_t kAbsent = static_cast<std::size_t>(-1);

  Shard& ShardOf(std::uint64_t hash) const { return shards_[(hash >> 56) & shard_mask_]; }
  static Stripe& StripeOf(Shard& shard, std::uint64_t hash) REQUIRES(shard.mutex) {
    return shard.stripes[(hash >> 48) & (kStripes - 1)];
  }
  static std::size_t Locate(const Shard& shard, const Key& key) REQUIRES(shard.mutex);
  static std::size_t UsedBytes(const Shard& shard) REQUIRES(shard.mutex);
  static void Put(Shard& shard, const Key& key, const BlobRef& row) REQUIRES(shard.mutex);
  static void Erase(Shard& shard, std::size_t place) REQUIRES(shard.mutex);
  static void Evict(Shard& shard) REQUIRES(shard.mutex);
  static void Grow(Shard& shard) REQUIRES(shard.mutex);
  static void EndWrite(Shard& shard, std::uint64_t hash) REQUIRES(shard.mutex);

  std::uint64_t seed_;
  std::size_t shard_count_;
  std::size_t shard_mask_;
  std::unique_ptr<Shard[]> shards_;
};

}  // namespace reprise::storage
