// Counters: what one account (a query type, a model, a bot of one namespace) did and saved. They
// survive restarts.
//
// Units: counts, tokens, nano-dollars, milliseconds, microseconds. All are sums, so that accounts
// can be added. Threads: values. Errors: kCorrupt when a stored row is unreadable.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "protocol/base/result.h"
#include "server/cache/row.h"

namespace reprise::cache {

// What a sum cannot hold, it shows as the highest number: a total never starts anew.
inline void Raise(std::uint64_t& sum, std::uint64_t by) {
  sum = by > std::numeric_limits<std::uint64_t>::max() - sum
            ? std::numeric_limits<std::uint64_t>::max()
            : sum + by;
}

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
  std::uint64_t bypasses = 0;
  std::uint64_t misses_expired = 0;
  std::uint64_t misses_too_old = 0;
  std::uint64_t misses_invalidated = 0;
  std::uint64_t misses_by_policy = 0;
  std::uint64_t refused_fills = 0;
  std::uint64_t hit_age_ms = 0;
  std::uint64_t hits_under_minute_old = 0;
  std::uint64_t hits_under_hour_old = 0;
  std::uint64_t hits_under_day_old = 0;
  std::uint64_t hits_older = 0;
  std::uint64_t lookup_micros = 0;
  std::uint64_t lookups_under_10_micros = 0;
  std::uint64_t lookups_under_100_micros = 0;
  std::uint64_t lookups_under_1_ms = 0;
  std::uint64_t lookups_under_10_ms = 0;
  std::uint64_t lookups_under_100_ms = 0;
  std::uint64_t lookups_longer = 0;
  std::uint64_t follower_wait_ms = 0;
  std::uint64_t hits_semantic = 0;
  std::uint64_t misses_guarded = 0;
  std::uint64_t misses_unsure = 0;
  std::uint64_t misses_barred = 0;
  std::uint64_t misses_no_vector = 0;
  std::uint64_t misses_to_verify = 0;
  std::uint64_t misses_template = 0;
  std::uint64_t misses_context = 0;
  std::uint64_t misses_too_long = 0;

  bool operator==(const Counters&) const = default;
  void Add(const Counters& other);

  // Decisions at once: a follower was a miss, or a bypass, before its answer came.
  std::uint64_t lookups() const {
    return hits_exact + hits_normalized + hits_semantic - followers + misses;
  }
  // Misses without an entry: those that have no other reason.
  std::uint64_t misses_unknown() const {
    return misses - misses_expired - misses_too_old - misses_invalidated - misses_by_policy -
           misses_guarded - misses_unsure - misses_barred - misses_no_vector - misses_to_verify -
           misses_template - misses_context - misses_too_long;
  }
};

// Buckets are shown together, as one list.
enum class CounterKind : std::uint8_t { kFigure, kAgeBucket, kTimeBucket };

// A name for each field, in the order in which they are stored and shown.
struct CounterField {
  std::string_view name;
  std::uint64_t Counters::*field;
  std::string_view meaning;
  CounterKind kind = CounterKind::kFigure;
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
    CounterField{"bypasses", &Counters::bypasses, "requests that asked for no stored answer"},
    CounterField{"misses_expired", &Counters::misses_expired, "misses: the entry had expired"},
    CounterField{"misses_too_old", &Counters::misses_too_old,
                 "misses: the entry was older than the caller takes"},
    CounterField{"misses_invalidated", &Counters::misses_invalidated,
                 "misses: the entry was invalidated"},
    CounterField{"misses_by_policy", &Counters::misses_by_policy,
                 "misses: a query type or a rule kept the question out"},
    CounterField{"refused_fills", &Counters::refused_fills,
                 "fills that were no answer, were too large, or had no lease"},
    CounterField{"hit_age_ms", &Counters::hit_age_ms, "ages of the answers served, together"},
    CounterField{"hits_under_minute_old", &Counters::hits_under_minute_old,
                 "answers served that were younger than a minute", CounterKind::kAgeBucket},
    CounterField{"hits_under_hour_old", &Counters::hits_under_hour_old,
                 "answers served that were a minute to an hour old", CounterKind::kAgeBucket},
    CounterField{"hits_under_day_old", &Counters::hits_under_day_old,
                 "answers served that were an hour to a day old", CounterKind::kAgeBucket},
    CounterField{"hits_older", &Counters::hits_older, "answers served that were older",
                 CounterKind::kAgeBucket},
    CounterField{"lookup_micros", &Counters::lookup_micros,
                 "time from arrival to decision, together"},
    CounterField{"lookups_under_10_micros", &Counters::lookups_under_10_micros,
                 "lookups decided in less than 10 us", CounterKind::kTimeBucket},
    CounterField{"lookups_under_100_micros", &Counters::lookups_under_100_micros, "in 10 to 100 us",
                 CounterKind::kTimeBucket},
    CounterField{"lookups_under_1_ms", &Counters::lookups_under_1_ms, "in 100 us to 1 ms",
                 CounterKind::kTimeBucket},
    CounterField{"lookups_under_10_ms", &Counters::lookups_under_10_ms, "in 1 to 10 ms",
                 CounterKind::kTimeBucket},
    CounterField{"lookups_under_100_ms", &Counters::lookups_under_100_ms, "in 10 to 100 ms",
                 CounterKind::kTimeBucket},
    CounterField{"lookups_longer", &Counters::lookups_longer, "in more", CounterKind::kTimeBucket},
    CounterField{"follower_wait_ms", &Counters::follower_wait_ms,
                 "time that followers waited, together"},
    CounterField{"hits_semantic", &Counters::hits_semantic,
                 "lookups answered by the semantic tier"},
    CounterField{"misses_guarded", &Counters::misses_guarded,
                 "misses: the nearest question differed in what matters"},
    CounterField{"misses_unsure", &Counters::misses_unsure,
                 "misses: the nearest question was not likely enough, or not the only one"},
    CounterField{"misses_barred", &Counters::misses_barred,
                 "misses: the nearest entry had been judged wrong for it"},
    CounterField{"misses_no_vector", &Counters::misses_no_vector,
                 "misses: the embedder did not answer"},
    CounterField{"misses_to_verify", &Counters::misses_to_verify,
                 "misses: the hit was to be verified"},
    CounterField{"misses_template", &Counters::misses_template,
                 "misses: the nearest question only shared a template"},
    CounterField{"misses_context", &Counters::misses_context,
                 "misses: the nearest long question was about another text"},
    CounterField{"misses_too_long", &Counters::misses_too_long,
                 "misses: the question was longer than the semantic tier reads"},
};

// Rows of the `meta` family. Fields may be appended in later versions; missing ones read as 0.
std::string CountersPrefix(storage::NamespaceId id);
std::string FormatCounters(const Counters& counters);
base::Result<Counters> ParseCounters(std::string_view value);

}  // namespace reprise::cache
