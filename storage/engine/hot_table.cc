#include "storage/engine/hot_table.h"

#include <algorithm>
#include <bit>
#include <utility>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "protocol/base/ensure.h"
#include "protocol/base/limits.h"

namespace reprise::storage {
namespace {

constexpr std::size_t kShardsMax = 64;
constexpr std::size_t kShardBytesWanted = 4 * base::kMiB;
constexpr std::size_t kSlotsMin = 16;
// A row that was never read again survives one turn of the hand, one read often survives three.
constexpr std::uint8_t kHeatNew = 1;
constexpr std::uint8_t kHeatMax = 3;
constexpr std::size_t kLargestShare = 4;

std::size_t ShardsFor(std::int64_t bytes) {
  const auto wanted = static_cast<std::size_t>(bytes) / kShardBytesWanted;
  return std::bit_floor(std::clamp<std::size_t>(wanted, 1, kShardsMax));
}

std::uint32_t TagOf(std::uint64_t hash) {
  return static_cast<std::uint32_t>(hash);
}

}  // namespace

HotTable::HotTable(std::int64_t bytes, std::uint64_t seed)
    : seed_(seed),
      shard_count_(ShardsFor(bytes)),
      shard_mask_(shard_count_ - 1),
      shards_(std::make_unique<Shard[]>(shard_count_)) {
  SetBytes(bytes);
}

HotTable::Key HotTable::MakeKey(Family family, std::string_view key) const {
  constexpr std::uint64_t kSpread = 0x9E3779B97F4A7C15ULL;
  const std::uint64_t seed = seed_ ^ (kSpread * (static_cast<std::uint64_t>(family) + 1));
  return {family, key, XXH3_64bits_withSeed(key.data(), key.size(), seed)};
}

HotTable::Lookup HotTable::Find(const Key& key) {
  Shard& shard = ShardOf(key.hash);
  base::MutexLock lock(shard.mutex);
  if (const std::size_t place = Locate(shard, key); place != kAbsent) {
    Slot& slot = shard.slots[place];
    slot.row.Prefetch();
    if (slot.heat < kHeatMax) {
      ++slot.heat;
    }
    ++shard.hits;
    return {slot.row, {}};
  }
  ++shard.misses;
  return {{}, {StripeOf(shard, key.hash).version, shard.version}};
}

std::optional<BlobRef> HotTable::Settle(const Key& key, Ticket ticket,
                                        std::optional<BlobRef> loaded) {
  Shard& shard = ShardOf(key.hash);
  base::MutexLock lock(shard.mutex);
  if (const std::size_t place = Locate(shard, key); place != kAbsent) {
    return shard.slots[place].row;
  }
  const Stripe& stripe = StripeOf(shard, key.hash);
  const bool unchanged = stripe.version == ticket.stripe_version && stripe.writes_pending == 0 &&
                         shard.version == ticket.shard_version && shard.prefixes_pending == 0;
  if (loaded.has_value() && unchanged) {
    Put(shard, key, *loaded);
  }
  return loaded;
}

void HotTable::BeginWrite(const Key& key) {
  Shard& shard = ShardOf(key.hash);
  base::MutexLock lock(shard.mutex);
  ++StripeOf(shard, key.hash).writes_pending;
}

void HotTable::FinishPut(const Key& key, const BlobRef& row) {
  Shard& shard = ShardOf(key.hash);
  base::MutexLock lock(shard.mutex);
  EndWrite(shard, key.hash);
  Put(shard, key, row);
}

void HotTable::FinishDelete(const Key& key) {
  Shard& shard = ShardOf(key.hash);
  base::MutexLock lock(shard.mutex);
  EndWrite(shard, key.hash);
  if (const std::size_t place = Locate(shard, key); place != kAbsent) {
    Erase(shard, place);
  }
}

void HotTable::AbortWrite(const Key& key) {
  Shard& shard = ShardOf(key.hash);
  base::MutexLock lock(shard.mutex);
  EndWrite(shard, key.hash);
}

void HotTable::EndWrite(Shard& shard, std::uint64_t hash) {
  Stripe& stripe = StripeOf(shard, hash);
  ENSURE(stripe.writes_pending > 0);
  --stripe.writes_pending;
  ++stripe.version;
}

void HotTable::BeginPrefixes() {
  for (std::size_t i = 0; i < shard_count_; ++i) {
    base::MutexLock lock(shards_[i].mutex);
    ++shards_[i].prefixes_pending;
  }
}

// Erasing moves later rows of the same run into the gap, so a place is looked at again after it.
void HotTable::ErasePrefix(Family family, std::string_view prefix) {
  for (std::size_t i = 0; i < shard_count_; ++i) {
    Shard& shard = shards_[i];
    base::MutexLock lock(shard.mutex);
    std::size_t place = 0;
    while (place < shard.slots.size()) {
      const Slot& slot = shard.slots[place];
      if (slot.row && slot.family == family && slot.row.key().substr(0, prefix.size()) == prefix) {
        Erase(shard, place);
      } else {
        ++place;
      }
    }
    // A run that wraps around the end may have moved a row from the front to the back, but never
    // one that was not looked at: it came from a place before this one.
  }
}

void HotTable::FinishPrefixes() {
  for (std::size_t i = 0; i < shard_count_; ++i) {
    base::MutexLock lock(shards_[i].mutex);
    --shards_[i].prefixes_pending;
    ++shards_[i].version;
  }
}

void HotTable::SetBytes(std::int64_t bytes) {
  for (std::size_t i = 0; i < shard_count_; ++i) {
    base::MutexLock lock(shards_[i].mutex);
    shards_[i].bytes_max = static_cast<std::size_t>(bytes) / shard_count_;
    Evict(shards_[i]);
  }
}

HotTableStats HotTable::Stats() const {
  HotTableStats stats;
  for (std::size_t i = 0; i < shard_count_; ++i) {
    const Shard& shard = shards_[i];
    base::MutexLock lock(shard.mutex);
    stats.hits += shard.hits;
    stats.misses += shard.misses;
    stats.items += shard.items;
    stats.bytes += UsedBytes(shard);
    stats.evictions += shard.evictions;
  }
  return stats;
}

std::size_t HotTable::Locate(const Shard& shard, const Key& key) {
  if (shard.slots.empty()) {
    return kAbsent;
  }
  const std::size_t mask = shard.slots.size() - 1;
  const std::uint32_t tag = TagOf(key.hash);
  for (std::size_t place = tag & mask;; place = (place + 1) & mask) {
    const Slot& slot = shard.slots[place];
    if (!slot.row) {
      return kAbsent;
    }
    if (slot.tag == tag && slot.family == key.family && slot.row.key() == key.bytes) {
      return place;
    }
  }
}

std::size_t HotTable::UsedBytes(const Shard& shard) {
  return shard.row_bytes + shard.slots.size() * sizeof(Slot);
}

void HotTable::Put(Shard& shard, const Key& key, const BlobRef& row) {
  std::size_t place = Locate(shard, key);
  if (row.MemoryBytes() > shard.bytes_max / kLargestShare) {
    if (place != kAbsent) {
      Erase(shard, place);
    }
    return;
  }
  if (place != kAbsent) {
    Slot& slot = shard.slots[place];
    shard.row_bytes -= slot.row.MemoryBytes();
    shard.row_bytes += row.MemoryBytes();
    slot.row = row;
    Evict(shard);
    return;
  }
  // At most seven eighths full, so that runs stay short.
  if ((shard.items + 1) * 8 > shard.slots.size() * 7) {
    Grow(shard);
  }
  const std::size_t mask = shard.slots.size() - 1;
  place = TagOf(key.hash) & mask;
  while (shard.slots[place].row) {
    place = (place + 1) & mask;
  }
  shard.slots[place] = {TagOf(key.hash), key.family, kHeatNew, row};
  ++shard.items;
  shard.row_bytes += row.MemoryBytes();
  Evict(shard);
}

// Closes the gap by moving back every row that may stand nearer to its home: no tombstones.
void HotTable::Erase(Shard& shard, std::size_t place) {
  const std::size_t mask = shard.slots.size() - 1;
  shard.row_bytes -= shard.slots[place].row.MemoryBytes();
  --shard.items;
  std::size_t gap = place;
  for (std::size_t next = (gap + 1) & mask; shard.slots[next].row; next = (next + 1) & mask) {
    const std::size_t home = shard.slots[next].tag & mask;
    if (((next - home) & mask) >= ((next - gap) & mask)) {
      shard.slots[gap] = std::move(shard.slots[next]);
      gap = next;
    }
  }
  shard.slots[gap].row = BlobRef();
}

// The clock: a hit warms its slot, the hand cools what it passes and takes what is cold.
void HotTable::Evict(Shard& shard) {
  while (shard.items > 0 && UsedBytes(shard) > shard.bytes_max) {
    shard.hand &= shard.slots.size() - 1;
    Slot& slot = shard.slots[shard.hand];
    if (!slot.row) {
      ++shard.hand;
    } else if (slot.heat > 0) {
      --slot.heat;
      ++shard.hand;
    } else {
      Erase(shard, shard.hand);
      ++shard.evictions;
    }
  }
  if (shard.items == 0) {
    shard.slots = {};
  }
}

void HotTable::Grow(Shard& shard) {
  std::vector<Slot> old = std::exchange(shard.slots, {});
  shard.slots.resize(std::max(kSlotsMin, old.size() * 2));
  const std::size_t mask = shard.slots.size() - 1;
  for (Slot& slot : old) {
    if (!slot.row) {
      continue;
    }
    std::size_t place = slot.tag & mask;
    while (shard.slots[place].row) {
      place = (place + 1) & mask;
    }
    shard.slots[place] = std::move(slot);
  }
  shard.hand = 0;
}

}  // namespace reprise::storage
