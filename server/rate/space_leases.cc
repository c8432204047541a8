// The leases of a namespace.
#include <algorithm>
#include <utility>

#include "server/rate/space.h"
#include "server/rate/state_key.h"

namespace reprise::rate {
namespace {

using base::Code;
using base::Error;

// The next of a sequence that looks random and never repeats (SplitMix64).
std::uint64_t NextRandom(std::uint64_t& state) {
  state += 0x9E3779B97F4A7C15U;
  std::uint64_t mixed = state;
  mixed = (mixed ^ mixed >> 30U) * 0xBF58476D1CE4E5B9U;
  mixed = (mixed ^ mixed >> 27U) * 0x94D049BB133111EBU;
  return mixed ^ mixed >> 31U;
}

Error NoLease() {
  return {
      Code::kNotFound,
      "there is no such lease: its time is over, it was released, or it is another namespace's"};
}

}  // namespace

Hold Limiter::Space::HoldOf(const Part& part, const Want& want, Instant now) {
  Hold hold;
  hold.key = part.key;
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

LeaseId Limiter::Space::AddLease(Lease lease) {
  LeaseId id{NextRandom(lease_seed_)};
  while (leases_.contains(id)) {  // Of an earlier process.
    id = LeaseId{NextRandom(lease_seed_)};
  }
  for (const Hold& hold : lease.holds) {
    if (hold.rule.algorithm == Algorithm::kConcurrency) {
      keys_.Find(hold.hash, hold.key)->slots->Add(id, lease.ends, hold.units);
    }
  }
  by_end_.emplace(lease.ends, id);
  Lease& added = leases_.emplace(id, std::move(lease)).first->second;
  shared_.leases.fetch_add(1, std::memory_order_relaxed);
  MarkDirty(id, added);
  return id;
}

void Limiter::Space::MarkDirty(LeaseId id, Lease& lease) {
  if (!lease.is_dirty) {
    lease.is_dirty = true;
    dirty_leases_.push_back(id);
  }
}

void Limiter::Space::EndLease(LeaseMap::iterator lease) {
  for (const Hold& hold : lease->second.holds) {
    if (hold.rule.algorithm == Algorithm::kConcurrency) {
      if (Entry* entry = keys_.Find(hold.hash, hold.key); entry != nullptr) {
        entry->slots->Remove(lease->first, lease->second.ends);
      }
    }
  }
  MarkDirty(lease->first, lease->second);  // So that its end is saved, too.
  by_end_.erase({lease->second.ends, lease->first});
  leases_.erase(lease);
  shared_.leases.fetch_sub(1, std::memory_order_relaxed);
}

void Limiter::Space::ExpireLeases(Instant now, std::size_t leases_max) {
  for (std::size_t i = 0; i < leases_max && !by_end_.empty(); ++i) {
    const auto [ends, id] = *by_end_.begin();
    if (ends > now) {
      return;
    }
    EndLease(leases_.find(id));
  }
}

base::Result<Limiter::Space::LeaseMap::iterator> Limiter::Space::FindLease(LeaseId id,
                                                                           Instant now) {
  const auto found = leases_.find(id);
  if (found == leases_.end()) {
    return NoLease();
  }
  if (found->second.ends <= now) {
    EndLease(found);
    return NoLease();
  }
  return found;
}

base::Result<std::int64_t> Limiter::Space::Renew(LeaseId id, std::int64_t lease_ms, Instant now) {
  base::MutexLock lock(mutex_);
  ASSIGN_OR_RETURN(const LeaseMap::iterator found, FindLease(id, now));
  Lease& lease = found->second;
  const Instant before = lease.ends;
  lease.lease_ms = lease_ms > 0 ? lease_ms : lease.lease_ms;
  lease.ends = now + lease.lease_ms * base::kNanosPerMilli;
  for (const Hold& hold : lease.holds) {
    if (hold.rule.algorithm == Algorithm::kConcurrency) {
      Slots& slots = *keys_.Find(hold.hash, hold.key)->slots;
      slots.Add(id, lease.ends, slots.Remove(id, before));
    }
  }
  by_end_.erase({before, id});
  by_end_.emplace(lease.ends, id);
  MarkDirty(id, lease);
  return lease.lease_ms;
}

// Only what cannot grant more than the limit (notes/0001-algorithms.md): the arrival lay
// `hold.arrival` at the time of taking and has not come nearer but by the passing of time and by
// what was given back since. So far it may go back from now on without ever having been passed.
std::int64_t Limiter::Space::GiveBack(const Hold& hold, std::int64_t units, Instant now) {
  Entry* entry = keys_.Find(hold.hash, hold.key);
  if (entry == nullptr || entry->born != hold.born) {
    return 0;
  }
  if (hold.rule.algorithm == Algorithm::kWindow) {
    const std::int64_t back = entry->window->GiveBack(hold.rule, hold.at, units, now);
    MarkDirty(*entry);
    return back;
  }
  const std::int64_t given_since_ns = entry->given_back_ns - hold.given_back_ns;
  const std::int64_t span_ns = (hold.arrival - now) - given_since_ns;
  const Gcra::Back back = entry->gcra.GiveBack(hold.rule, units, span_ns);
  entry->given_back_ns += back.ns;
  return back.units;  // What is saved stays what it was: later than it need be.
}

base::Result<Corrected> Limiter::Space::Release(LeaseId id, const std::optional<std::int64_t>& used,
                                                Instant now) {
  base::MutexLock lock(mutex_);
  ASSIGN_OR_RETURN(const LeaseMap::iterator found, FindLease(id, now));
  if (used.has_value()) {
    RETURN_IF_ERROR(MakeRoomToCharge(found->second, *used, now));
  }
  std::optional<Corrected> least;
  for (const Hold& hold : found->second.holds) {
    if (!hold.is_counted || !used.has_value()) {
      continue;
    }
    Corrected corrected;
    if (*used < hold.units) {
      corrected.given_back = GiveBack(hold, hold.units - *used, now);
    } else if (*used > hold.units) {
      corrected.charged = *used - hold.units;
      ChargeMore(hold, corrected.charged, now);
    }
    least = !least.has_value() ? corrected
                               : Corrected{std::min(least->given_back, corrected.given_back),
                                           std::min(least->charged, corrected.charged)};
  }
  EndLease(found);
  return least.value_or(Corrected());
}

base::Status Limiter::Space::MakeRoomToCharge(const Lease& lease, std::int64_t used, Instant now) {
  std::int64_t missing = 0;
  bool is_counted = false;
  for (const Hold& hold : lease.holds) {
    is_counted = is_counted || hold.is_counted;
    const bool is_more = hold.is_counted && used > hold.units;
    missing += is_more && keys_.Find(hold.hash, hold.key) == nullptr ? 1 : 0;
  }
  if (!is_counted) {
    return Error{Code::kBadRequest,
                 "nothing was taken with a 'quantity' under this lease, so there is none to put "
                 "right"};
  }
  return missing == 0 ? base::Status(base::Ok{}) : MakeRoomForKeys(missing, now);
}

void Limiter::Space::ChargeMore(const Hold& hold, std::int64_t units, Instant now) {
  Entry* entry = keys_.Find(hold.hash, hold.key);
  Charge(entry != nullptr ? *entry : Insert(hold.hash, hold.key), hold.rule, units, now);
}

}  // namespace reprise::rate
