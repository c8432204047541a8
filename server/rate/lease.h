// Lease: what one call holds of several limits until it is released, or its time is over.
//
// It keeps places of limits of concurrency, and it remembers what the call took of the others, so
// that the quantity can be put right when it is known. Threads: values. Errors: none.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/rate/verdict.h"

namespace reprise::rate {

enum class LeaseId : std::uint64_t {};

struct Hold {
  std::string key;  // StateKey
  std::uint64_t hash = 0;
  Rule rule;
  std::int64_t units = 0;
  bool is_counted = false;  // the caller gave the quantity, and may put it right

  // What giving back needs to know of the moment of taking; not saved: after a restart nothing is
  // given back.
  Instant at{0};
  Instant arrival{0};              // of Gcra, behind this call
  std::int64_t given_back_ns = 0;  // of the entry, at that time
  std::uint32_t born = 0;          // of the entry; 0: not known
};

struct Lease {
  Instant ends{0};
  std::int64_t lease_ms = 0;
  bool is_dirty = false;  // it is in the list of what has to be saved
  std::vector<Hold> holds;
};

// 16 hexadecimal digits.
std::string TextOf(LeaseId id);
std::optional<LeaseId> LeaseIdFrom(std::string_view text);

}  // namespace reprise::rate
