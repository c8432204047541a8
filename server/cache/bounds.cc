// Owns how the cache stays within its bounds: of a namespace, of the server.
#include "server/cache/bounds.h"

#include <algorithm>

#include "server/cache/cache.h"
#include "server/cache/search.h"
#include "server/cache/space.h"

namespace reprise::cache {
namespace {

using storage::Family;

// The fullest namespace is looked for at least once for so many.
constexpr std::uint64_t kEvictionsPerGiver = 64;

std::uint64_t AmountOf(const Room& room, Short what) {
  return what == Short::kEntries ? room.entries : room.bytes;
}

base::Status CheckFits(std::uint32_t bytes, std::uint64_t bound, std::string_view name) {
  if (bound == 0 || bytes <= bound) {
    return base::Ok{};
  }
  return base::Error{base::Code::kTooLarge, "the entry has " + std::to_string(bytes) + " bytes, " +
                                                std::string(name) + " is " + std::to_string(bound)};
}

}  // namespace

void Cache::DeleteRows(storage::NamespaceId id, const KeyHash& exact,
                       storage::Transaction& transaction) const {
  if (semantic_ != nullptr) {
    semantic_->DeleteVector(NameOfEntry(id, exact), transaction);
  }
  transaction.Delete(Family::kEntries, ViewOf(SummaryKey(id, exact)));
  transaction.Delete(Family::kEntries, ViewOf(BodyKey(id, exact)));
}

base::Status Cache::MakeRoom(storage::NamespaceId id, const Slot& entry,
                             const config::CacheOptions& options,
                             storage::Transaction& transaction) {
  const Room bound = NamespaceBound(options);
  RETURN_IF_ERROR(CheckFits(entry.bytes, bound.bytes, "cache.bytes_max"));
  RETURN_IF_ERROR(CheckFits(entry.bytes, ServerBound(options).bytes, "cache.total_bytes_max"));
  for (const KeyHash& evicted : FindOrMake(id).MakeRoom(
           entry.exact, entry.bytes, {bound, options.eviction}, transaction.now())) {
    DeleteRows(id, evicted, transaction);
  }
  TrimServer({1, entry.bytes}, options, kEvictionsPerStore, transaction);
  return base::Ok{};
}

void Cache::TrimServer(const Room& incoming, const config::CacheOptions& options,
                       std::size_t entries_max, storage::Transaction& transaction) {
  const Room bound = ServerBound(options);
  for (std::size_t i = 0; i < entries_max; ++i) {
    const auto excess = Excess(totals_.held() + incoming, bound);
    if (!excess.has_value()) {
      return;
    }
    if (giver_.evictions_left == 0 || giver_.what != *excess) {
      giver_ = FindGiver(*excess);
    }
    if (giver_.space == nullptr) {
      return;  // Nothing is left; what comes fits, or it would have been refused.
    }
    --giver_.evictions_left;
    const auto evicted = giver_.space->EvictOne(*excess, options.eviction, transaction.now());
    if (evicted.has_value()) {
      DeleteRows(giver_.id, *evicted, transaction);
    } else {
      giver_.evictions_left = 0;
    }
  }
}

// O(namespaces), so it holds for many evictions: for half of those that would bring the fullest
// down to an equal share.
Cache::Giver Cache::FindGiver(Short what) const {
  Giver giver;
  Room most;
  std::uint64_t sum = 0;
  std::uint64_t holders = 0;
  for (const auto& [id, space] : spaces_.All()) {
    const Room held = space->held();
    if (held.entries == 0) {
      continue;
    }
    ++holders;
    sum += AmountOf(held, what);
    if (giver.space == nullptr || AmountOf(held, what) > AmountOf(most, what)) {
      giver = {id, space, what, 1};
      most = held;
    }
  }
  if (giver.space != nullptr) {
    const std::uint64_t over = AmountOf(most, what) - sum / holders;
    const std::uint64_t each = AmountOf(most, what) / most.entries;
    giver.evictions_left = std::clamp<std::size_t>(over / each / 2, 1, kEvictionsPerGiver);
  }
  return giver;
}

void Cache::Trim(const config::CacheOptions& options, std::size_t entries_max,
                 storage::Transaction& transaction) {
  for (const auto& [id, space] : spaces_.All()) {
    for (const KeyHash& evicted :
         space->Trim({NamespaceBound(options), options.eviction}, entries_max, transaction.now())) {
      DeleteRows(id, evicted, transaction);
    }
  }
  TrimServer({}, options, entries_max, transaction);
}

bool Cache::NeedsTrim(const config::CacheOptions& options) const {
  if (Excess(totals_.held(), ServerBound(options)).has_value()) {
    return true;
  }
  const Room bound = NamespaceBound(options);
  const auto spaces = spaces_.All();
  return std::any_of(spaces.begin(), spaces.end(), [&](const auto& item) {
    return Excess(item.second->held(), bound).has_value();
  });
}

}  // namespace reprise::cache
