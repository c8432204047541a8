// The leases of a namespace.
#include <algorithm>
#include <utility>

#include "server/rate/space.h"

namespace reprise::rate {
namespace {

using base::Code;
using base::Error;

constexpr std::size_t kExpiredPerCall = 16;

// The next of a sequence that looks random and never repeats (SplitMix64).
std::uint64_t NextRandom(std::uint64_t& state) {
  state += 0x9E3779B97F4A7C15U;
  std::uint64_t mixed = state;
  mixed = (mixed ^ mixed >> 30U) * 0xBF58476D1CE4E5B9U;
  mixed = (mixed ^ mixed >> 27U) * 0x94D049BB133111EBU;
  return mixed ^ mixed >> 31U;
}

Error NoLease() {
  return {Code::kNotFound,
          "there is no such lease: its time is over, it was released, or it is another "
          "namespace's"};
}

bool HoldsCounted(const Lease& lease) {
  return std::any_of(lease.holds.begin(), lease.holds.end(),
                     [](const Hold& hold) { return hold.is_counted; });
}

}  // namespace

base::Status Limiter::Space::MakeRoomForLease(Instant now) {
  ExpireLeases(now, kExpiredPerCall);
  if (Fits(static_cast<std::int64_t>(book_.leases.size()) + 1,
           shared_.leases_max.load(std::memory_order_relaxed),
           shared_.leases.load(std::memory_order_relaxed) + 1,
           shared_.total_leases_max.load(std::memory_order_relaxed))) {
    return base::Ok{};
  }
  return Error{Code::kBusy, "rate_leases: this namespace holds " +
                                std::to_string(book_.leases.size()) +
                                " leases of limits, and there is no room for more"};
}

Hold Limiter::Space::HoldOf(const Part& part, const Want& want, Instant now) {
  Hold hold;
  hold.key = part.key.view();
  hold.hash = part.hash;
  hold.rule = part.rule;
  hold.units = want.quantity;
  hold.is_counted = want.is_counted && part.rule.algorithm != Algorithm::kConcurrency;
  hold.at = now;
  hold.arrival = part.entry->gcra.arrival();
  hold.given_back_ns = part.entry->given_back_ns;
  hold.born = part.entry->born;
  return hold;
}

LeaseId Limiter::Space::AddLease(std::span<const Want> wants, std::span<const Part> parts,
                                 std::int64_t lease_ms, Instant now) {
  LeaseId id{NextRandom(book_.seed)};
  while (book_.leases.contains(id)) {  // Of an earlier process.
    id = LeaseId{NextRandom(book_.seed)};
  }
  Lease lease;
  lease.lease_ms = lease_ms;
  lease.ends = now + lease_ms * base::kNanosPerMilli;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (wants[i].quantity == 0) {
      continue;
    }
    lease.holds.push_back(HoldOf(parts[i], wants[i], now));
    if (parts[i].rule.algorithm == Algorithm::kConcurrency) {
      parts[i].entry->slots->Add(id, lease.ends, wants[i].quantity);
    }
  }
  book_.by_end.emplace(lease.ends, id);
  Lease& added = book_.leases.emplace(id, std::move(lease)).first->second;
  shared_.leases.fetch_add(1, std::memory_order_relaxed);
  MarkDirty(id, added);
  return id;
}

void Limiter::Space::MarkDirty(LeaseId id, Lease& lease) {
  if (!lease.is_dirty) {
    lease.is_dirty = true;
    book_.dirty.push_back(id);
  }
}

void Limiter::Space::EndLease(LeaseMap::iterator lease) {
  for (const Hold& hold : lease->second.holds) {
    if (hold.rule.algorithm == Algorithm::kConcurrency) {
      if (Entry* entry = book_.shard.keys.Find(hold.hash, hold.key); entry != nullptr) {
        entry->slots->Remove(lease->first, lease->second.ends);
      }
    }
  }
  MarkDirty(lease->first, lease->second);  // So that its end is saved, too.
  book_.by_end.erase({lease->second.ends, lease->first});
  book_.leases.erase(lease);
  shared_.leases.fetch_sub(1, std::memory_order_relaxed);
}

void Limiter::Space::ExpireLeases(Instant now, std::size_t leases_max) {
  for (std::size_t i = 0; i < leases_max && !book_.by_end.empty(); ++i) {
    const auto [ends, id] = *book_.by_end.begin();
    if (ends > now) {
      return;
    }
    EndLease(book_.leases.find(id));
  }
}

base::Result<Limiter::Space::LeaseMap::iterator> Limiter::Space::FindLease(LeaseId id,
                                                                           Instant now) {
  const auto found = book_.leases.find(id);
  if (found == book_.leases.end()) {
    return NoLease();
  }
  if (found->second.ends <= now) {
    EndLease(found);
    return NoLease();
  }
  return found;
}

base::Result<std::int64_t> Limiter::Space::Renew(LeaseId id, std::int64_t lease_ms, Instant now) {
  base::MutexLock lock(book_.shard.mutex);
  ASSIGN_OR_RETURN(const LeaseMap::iterator found, FindLease(id, now));
  Lease& lease = found->second;
  const Instant before = lease.ends;
  lease.lease_ms = lease_ms > 0 ? lease_ms : lease.lease_ms;
  lease.ends = now + lease.lease_ms * base::kNanosPerMilli;
  for (const Hold& hold : lease.holds) {
    if (hold.rule.algorithm == Algorithm::kConcurrency) {
      Slots& slots = *book_.shard.keys.Find(hold.hash, hold.key)->slots;
      slots.Add(id, lease.ends, slots.Remove(id, before));
    }
  }
  book_.by_end.erase({before, id});
  book_.by_end.emplace(lease.ends, id);
  MarkDirty(id, lease);
  return lease.lease_ms;
}

base::Result<Corrected> Limiter::Space::Release(LeaseId id, const std::optional<std::int64_t>& used,
                                                Instant now) {
  std::vector<Hold> holds;
  {
    base::MutexLock lock(book_.shard.mutex);
    ASSIGN_OR_RETURN(const LeaseMap::iterator found, FindLease(id, now));
    if (used.has_value() && !HoldsCounted(found->second)) {
      return Error{Code::kBadRequest,
                   "nothing was taken with a 'quantity' under this lease, so there is none to put "
                   "right"};
    }
    holds = found->second.holds;
    EndLease(found);
  }
  std::optional<Corrected> least;
  for (const Hold& hold : holds) {
    if (hold.is_counted && used.has_value()) {
      const Corrected corrected = PutRight(hold, *used, now);
      least = !least.has_value() ? corrected
                                 : Corrected{std::min(least->given_back, corrected.given_back),
                                             std::min(least->charged, corrected.charged)};
    }
  }
  return least.value_or(Corrected());
}

// What was used is charged even where there is no room for another key: leases are few.
Corrected Limiter::Space::PutRight(const Hold& hold, std::int64_t used, Instant now) {
  Shard& shard = ShardAt(ShardOf(hold.hash, hold.rule.algorithm));
  base::MutexLock lock(shard.mutex);
  Entry* entry = shard.keys.Find(hold.hash, hold.key);
  if (used > hold.units) {
    Charge(shard, entry != nullptr ? *entry : Insert(shard, hold.hash, hold.key), hold.rule,
           used - hold.units, now);
    return {0, used - hold.units};
  }
  if (used == hold.units || entry == nullptr || entry->born != hold.born) {
    return {};
  }
  if (hold.rule.algorithm == Algorithm::kWindow) {
    MarkDirty(shard, *entry);
  }
  return {GiveBack(*entry, hold, hold.units - used, now), 0};
}

// Only what cannot grant more than the limit (notes/0001-algorithms.md): the arrival lay
// `hold.arrival` at the time of taking and has not come nearer but by the passing of time and by
// what was given back since. So far it may go back from now on without ever having been passed.
// What is saved of a bucket stays what it was: later than it need be.
std::int64_t Limiter::Space::GiveBack(Entry& entry, const Hold& hold, std::int64_t units,
                                      Instant now) {
  if (hold.rule.algorithm == Algorithm::kWindow) {
    return entry.window->GiveBack(hold.rule, hold.at, units, now);
  }
  const std::int64_t given_since_ns = entry.given_back_ns - hold.given_back_ns;
  const Gcra::Back back =
      entry.gcra.GiveBack(hold.rule, units, (hold.arrival - now) - given_since_ns);
  entry.given_back_ns += back.ns;
  return back.units;
}

}  // namespace reprise::rate
