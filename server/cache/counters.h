// Counters: what one query type of one namespace did and saved. They survive restarts.
//
// Units: counts, tokens, nano-dollars. Threads: values. Errors: kCorrupt when a stored row is
// unreadable.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/base/result.h"
#include "server/cache/row.h"

namespace reprise::cache {

struct Counters {
  std::uint64_t hits_exact = 0;
  std::uint64_t hits_normalized = 0;
  std::uint64_t misses = 0;
  std::uint64_t stores = 0;
  std::uint64_t evictions = 0;
  std::uint64_t tokens_saved_in = 0;
  std::uint64_t tokens_saved_out = 0;
  std::uint64_t cost_saved_nano = 0;
  std::uint64_t followers = 0;
  std::uint64_t stale = 0;
  std::uint64_t shadow_hits = 0;
  std::uint64_t shadow_cost_nano = 0;

  void Add(const Counters& other);
};

// A name for each field, in the order in which they are stored and shown.
struct CounterField {
  std::string_view name;
  std::uint64_t Counters::*field;
  std::string_view meaning;
};
inline constexpr std::array kCounterFields{
    CounterField{"hits_exact", &Counters::hits_exact, "lookups answered by the exact tier"},
    CounterField{"hits_normalized", &Counters::hits_normalized,
                 "lookups answered by the normalized tier"},
    CounterField{"misses", &Counters::misses, "lookups without an answer"},
    CounterField{"stores", &Counters::stores, "answers put in"},
    CounterField{"evictions", &Counters::evictions, "entries that made room for others"},
    CounterField{"tokens_saved_in", &Counters::tokens_saved_in, "input tokens of the calls saved"},
    CounterField{"tokens_saved_out", &Counters::tokens_saved_out,
                 "output tokens of the calls saved"},
    CounterField{"cost_saved_nano", &Counters::cost_saved_nano, "nano-dollars of the calls saved"},
    CounterField{"followers", &Counters::followers, "hits that waited for another caller's answer"},
    CounterField{"stale", &Counters::stale, "hits that were served past their time to live"},
    CounterField{"shadow_hits", &Counters::shadow_hits,
                 "lookups that a tier in shadow mode would have answered"},
    CounterField{"shadow_cost_nano", &Counters::shadow_cost_nano,
                 "nano-dollars that those answers would have saved"},
};

// Rows of the `meta` family. Fields may be appended in later versions; missing ones read as 0.
std::string CountersKey(storage::NamespaceId id, std::string_view type);
std::string CountersPrefix(storage::NamespaceId id);
std::string FormatCounters(const Counters& counters);
base::Result<Counters> ParseCounters(std::string_view value);

}  // namespace reprise::cache
