// Workload: the named things that a run can do, and what has to be stored before it.
//
// Threads: any. Errors: none.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "bench/load/driver.h"

namespace reprise::bench {

struct Workload {
  std::string_view name;
  Operation operation;
  Operation other;                   // of a mixed workload: the calls that are not `operation`
  std::optional<Operation> preload;  // stores every key once
  std::string_view summary;
};

inline constexpr std::array kWorkloads{
    Workload{"ping", Operation::kPing, Operation::kPing, std::nullopt,
             "the smallest request; memcached: version or mn"},
    Workload{"get_hit", Operation::kGetHit, Operation::kGetHit, Operation::kSet,
             "GET of keys that exist"},
    Workload{"get_miss", Operation::kGetMiss, Operation::kGetMiss, std::nullopt,
             "GET of keys that do not exist"},
    Workload{"set", Operation::kSet, Operation::kSet, std::nullopt, "SET"},
    Workload{"mixed", Operation::kGetHit, Operation::kSet, Operation::kSet,
             "GET with the share --read-share, else SET"},
    Workload{"cache_lookup_exact", Operation::kLookupExact, Operation::kLookupExact,
             Operation::kStore, "CACHE.LOOKUP of the stored prompt"},
    Workload{"cache_lookup_normalized", Operation::kLookupNormalized, Operation::kLookupNormalized,
             Operation::kStore, "CACHE.LOOKUP of the prompt in other case and spacing"},
    Workload{"cache_fetch_hit", Operation::kFetchHit, Operation::kFetchHit, Operation::kStore,
             "CACHE.FETCH of the stored prompt"},
    Workload{"cache_store", Operation::kStore, Operation::kStore, std::nullopt, "CACHE.STORE"},
    Workload{"limit_take", Operation::kLimitTake, Operation::kLimitTake, std::nullopt,
             "LIMIT.TAKE that is allowed, of a limit of each key"},
};

constexpr const Workload* WorkloadNamed(std::string_view name) {
  for (const Workload& workload : kWorkloads) {
    if (workload.name == name) {
      return &workload;
    }
  }
  return nullptr;
}

}  // namespace reprise::bench
