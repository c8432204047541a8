// Owns how the life of an entry changes after it was stored: by command, and by sliding.
#include <algorithm>

#include "server/cache/cache.h"
#include "server/cache/space.h"

namespace reprise::cache {
namespace {

using storage::Family;

// Writes both rows anew; rows that have gone meanwhile stay gone.
base::Status WriteLife(storage::NamespaceId id, const KeyHash& exact, base::UnixMillis fresh_until,
                       base::UnixMillis expires_at, storage::Transaction& transaction) {
  const RowKey summary_key = SummaryKey(id, exact);
  const RowKey body_key = BodyKey(id, exact);
  ASSIGN_OR_RETURN(const auto summary_row, transaction.Get(Family::kEntries, ViewOf(summary_key)));
  ASSIGN_OR_RETURN(const auto body_row, transaction.Get(Family::kEntries, ViewOf(body_key)));
  if (!summary_row.has_value() || !body_row.has_value()) {
    return base::Ok{};
  }
  ASSIGN_OR_RETURN(Summary summary,
                   ParseSummary(ViewOf(summary_key), summary_row->value(), expires_at));
  summary.fresh_until = fresh_until;
  transaction.Put(Family::kEntries, ViewOf(summary_key), FormatSummary(summary), expires_at);
  transaction.Put(Family::kEntries, ViewOf(body_key), body_row->value(), expires_at);
  return base::Ok{};
}

}  // namespace

base::Result<bool> Cache::Expire(const Question& question, std::int64_t ttl_ms,
                                 const config::CacheOptions& options,
                                 storage::Transaction& transaction) {
  ASSIGN_OR_RETURN(const FlightQuestion asked, Ask(question, Tier::kExact, options));
  Space& space = FindOrMake(question.namespace_id);
  // Memory changes first: should the commit fail, the row expires as it would have, and a row that
  // has gone is never served.
  const auto life = space.SetFresh(asked.exact, transaction.now(), ttl_ms);
  if (!life.has_value()) {
    return false;
  }
  RETURN_IF_ERROR(WriteLife(question.namespace_id, life->exact, life->fresh_until, life->expires_at,
                            transaction));
  return true;
}

base::Status Cache::WriteSlides(std::size_t entries_max, storage::Transaction& transaction) {
  for (const auto& [id, space] : spaces_.All()) {
    for (const Space::Life& life : space->TakeSlides(transaction.now(), entries_max)) {
      RETURN_IF_ERROR(WriteLife(id, life.exact, life.fresh_until, life.expires_at, transaction));
    }
  }
  return base::Ok{};
}

bool Cache::HasSlides() const {
  const auto spaces = spaces_.All();
  return std::any_of(spaces.begin(), spaces.end(),
                     [](const auto& item) { return item.second->HasSlides(); });
}

}  // namespace reprise::cache
