// CacheCommands: answers of a language model, found again by the same or the trivially rephrased
// prompt.
//
//   auto hit = client.Cache().Lookup("What is 2+2?", {.identity = Value::Map{{"model", "m"}}});
//   if (hit.ok() && hit.value().hit) { use(hit.value().response); }
//
// Or a whole chat request as OpenAI's Chat Completions, OpenAI's Responses or Anthropic's Messages
// take it, from which the server derives prompt and identity; the prompt is then empty:
//
//   auto hit = client.Cache().Lookup("", {.request = chat});
//
// Fetch, Fill, Renew, Append and Abandon are single flight by hand; Fetcher (fetcher.h) does it all
// in one call.
//
// Units: times in milliseconds, 0 means "the server's default"; cost in nano-dollars; tokens are
// counts. Threads: those of the Caller, which must outlive this. Errors: those of caller.h; also
// kTooLarge, kNotFound (a lease that has ended), kReadOnly, kForbidden. Repeating: Lookup, Fetch,
// Types and Stats are repeated when a connection is lost; the others only when nothing had been
// sent. Complexity: one round trip each; Fetch lasts while somebody else computes. On a Client that
// holds up all other calls, and on a Pool it keeps a connection: wait on an AsyncCaller
// (async_caller.h).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/cpp/caller.h"

namespace reprise::client {

struct StoreOptions {
  base::Value identity{};       // all else that changes the answer: model, system prompt, tools ...
                                // Compared byte for byte after canonical form; nil: none
  base::Value request{};        // a chat request instead of prompt and identity; nil: none
  std::string identity_mode{};  // of a request: "strict", "conversation", "prompt_only"; empty:
                                // strict
  std::string type{};           // query type; empty: found by the server's rules
  std::vector<std::string> tags{};
  std::int64_t ttl_ms = 0;  // 0: that of the type
  std::uint64_t tokens_in = 0;
  std::uint64_t tokens_out = 0;
  std::uint64_t cost_nano = 0;
  std::string model{};
};
struct StoreResult {
  bool stored = true;    // false: the policies keep no answer to this question
  std::string reason{};  // why not
  std::string id{};
  std::int64_t expires_at_ms = 0;  // since 1970; 0: never
  base::Value details{};           // the whole reply
};

struct LookupOptions {
  base::Value identity{};
  base::Value request{};        // as of StoreOptions
  std::string identity_mode{};  // as of StoreOptions
  std::string type{};
  std::int64_t max_age_ms = 0;  // an older entry does not count; 0: any age
  std::string tier{};    // the loosest tier to use, "exact" or "normalized"; empty: the type's
  std::string replay{};  // of a streamed answer: "chunks", its pieces, or "joined"; empty: "chunks"
  std::string conversation{};  // what rollouts of strategies go by; empty: the bot
};
struct LookupResult {
  bool hit = false;
  bool stale = false;      // a hit that is past its time to live
  std::string tier{};      // of a hit: "exact" or "normalized"
  std::string id{};        // of a hit
  base::Value response{};  // of a hit, as it was stored
  std::string type{};
  std::int64_t age_ms = 0;
  std::int64_t expires_at_ms = 0;
  std::uint64_t tokens_in = 0;   // what the hit saved
  std::uint64_t tokens_out = 0;  // what the hit saved
  std::uint64_t cost_nano = 0;   // what the hit saved
  std::string model{};           // who answered
  std::string reason{};          // why it is a miss, or how it hit
};

enum class FetchStatus : std::uint8_t {
  kHit,      // the stored answer
  kStale,    // the stored answer, past its time to live
  kLease,    // compute, then Fill or Abandon
  kMiss,     // compute; there is nothing to fill
  kBypass,   // compute; there is nothing to fill
  kTimeout,  // somebody else computes, but the answer did not come within wait_ms
  kError     // the upstream failed for another caller: leave it alone for retry_after_ms
};
std::string_view NameOf(FetchStatus status);

struct FetchOptions {
  base::Value identity{};
  base::Value request{};        // as of StoreOptions
  std::string identity_mode{};  // as of StoreOptions
  std::string type{};
  std::int64_t max_age_ms = 0;
  std::string tier{};
  std::optional<std::int64_t> stale_ok_ms{};  // absent: as the type says; 0: nothing stale
  bool wait = true;                           // false: kMiss while somebody else computes
  std::int64_t wait_ms = 0;  // then kTimeout; 0: as long as somebody computes, and the call's
                             // own timeout lasts
  std::int64_t lease_ms = 0;
  bool no_cache = false;        // compute anew, and store that
  bool no_store = false;        // take a stored answer, but store none
  bool only_if_cached = false;  // a stored answer, or kMiss at once
  bool bypass = false;          // as if there were no cache
  std::string stream{};  // a label: pieces of an answer that somebody else streams come meanwhile
                         // as notifications (Options::on_notification), EVENT ["chunk", {stream,
                         // index, chunk}]; index 0 again: from the start. Fetcher does that itself
  std::string replay{};  // as of LookupOptions
  std::string conversation{};  // as of LookupOptions
};
struct FetchResult {
  FetchStatus status = FetchStatus::kMiss;
  LookupResult found{};  // of a hit; of a lease a stale answer, should the upstream fail
  std::string lease{};
  std::int64_t lease_ms = 0;
  std::string error{};  // of kError: what the upstream said
  std::int64_t retry_after_ms = 0;
  std::string reason{};
};

// What is known of an answer besides the answer; 0 and empty: not known.
struct AnswerFacts {
  std::vector<std::string> tags{};
  std::int64_t ttl_ms = 0;
  std::uint64_t tokens_in = 0;
  std::uint64_t tokens_out = 0;
  std::uint64_t cost_nano = 0;
  std::string model{};  // empty: that of the request, if it was one
};

struct AbandonOptions {
  std::string error{};
  std::int64_t ttl_ms = 0;  // with an error: all who ask the same are told it for so long
};

struct InvalidateOptions {
  base::Value identity{};       // of an entry
  base::Value request{};        // of an entry, instead of its prompt as the value
  std::string identity_mode{};  // as of StoreOptions
  bool dry_run = false;         // only count
};

struct CacheCounters {
  std::uint64_t lookups = 0;  // hits and misses; who waited for an answer was a miss before
  std::uint64_t hits_exact = 0;
  std::uint64_t hits_normalized = 0;
  std::uint64_t hits_semantic = 0;
  std::uint64_t misses_guarded = 0;
  std::uint64_t misses_unsure = 0;
  std::uint64_t misses_barred = 0;
  std::uint64_t misses_no_vector = 0;
  std::uint64_t misses_to_verify = 0;
  std::uint64_t misses_template = 0;
  std::uint64_t misses_context = 0;
  std::uint64_t misses_too_long = 0;
  std::uint64_t misses = 0;
  std::uint64_t stores = 0;
  std::uint64_t evictions = 0;
  std::uint64_t tokens_saved_in = 0;
  std::uint64_t tokens_saved_out = 0;
  std::uint64_t cost_saved_nano = 0;
  std::uint64_t followers = 0;  // hits that waited while somebody else computed
  std::uint64_t stale = 0;      // hits past their time to live
  std::uint64_t shadow_hits = 0;
  std::uint64_t shadow_cost_nano = 0;
  std::uint64_t bypasses = 0;
  std::uint64_t misses_expired = 0;
  std::uint64_t misses_too_old = 0;
  std::uint64_t misses_invalidated = 0;
  std::uint64_t misses_by_policy = 0;
  std::uint64_t misses_unknown = 0;  // there was no entry
  std::uint64_t refused_fills = 0;
  std::uint64_t hit_age_ms = 0;           // of all hits together
  std::uint64_t lookup_micros = 0;        // of all lookups together
  std::uint64_t follower_wait_ms = 0;     // of all followers together
  std::vector<std::uint64_t> hit_ages{};  // hits under a minute, an hour, a day old, and older
  // Under 10 us, 100 us, 1 ms, 10 ms, 100 ms, and longer.
  std::vector<std::uint64_t> lookup_times{};
};
struct DecisionLogStatistics {
  std::uint64_t sample_ppm = 0;
  std::uint64_t pending = 0;
  std::uint64_t recorded = 0;
  std::uint64_t dropped = 0;
  std::uint64_t dropped_tokens_in = 0;
  std::uint64_t dropped_tokens_out = 0;
  std::uint64_t dropped_cost_nano = 0;
};
struct CacheStatistics {
  std::uint64_t entries = 0;
  std::uint64_t entries_max = 0;
  std::uint64_t bytes = 0;
  std::uint64_t bytes_max = 0;  // 0: no bound
  std::string eviction{};
  std::uint64_t memory_bytes = 0;
  std::string by{};  // "type", "model" or "bot": what `accounts` are
  std::map<std::string, CacheCounters> accounts{};
  std::map<std::string, CacheCounters> types{};  // the accounts, when they are types
  CacheCounters total{};
  DecisionLogStatistics log{};
};

class CacheCommands {
 public:
  explicit CacheCommands(Caller& caller) : caller_(caller) {}

  // Stores or replaces the answer to `prompt`.
  base::Result<StoreResult> Store(std::string_view prompt, const base::Value& response,
                                  const StoreOptions& options = {}, const CallOptions& call = {});
  // A miss is a result, not an error.
  base::Result<LookupResult> Lookup(std::string_view prompt, const LookupOptions& options = {},
                                    const CallOptions& call = {});
  base::Result<FetchResult> Fetch(std::string_view prompt, const FetchOptions& options = {},
                                  const CallOptions& call = {});
  // Nil in place of the response: the array of what was appended.
  base::Result<StoreResult> Fill(std::string_view lease, const base::Value& response,
                                 const AnswerFacts& facts = {}, const CallOptions& call = {});
  // How long the lease lives from now, in milliseconds.
  base::Result<std::int64_t> Renew(std::string_view lease, const CallOptions& call = {});
  // Hands a piece of the answer to those who follow; how many pieces there are.
  base::Result<std::uint64_t> Append(std::string_view lease, const base::Value& chunk,
                                     const CallOptions& call = {});
  base::Status Abandon(std::string_view lease, const AbandonOptions& options = {},
                       const CallOptions& call = {});
  // `what`: entry, tag, type, model, all ...; `value`: the prompt or the name, empty where there is
  // none. How many entries.
  base::Result<std::uint64_t> Invalidate(std::string_view what, std::string_view value,
                                         const InvalidateOptions& options = {},
                                         const CallOptions& call = {});
  // Query type -> its time to live in milliseconds.
  base::Result<std::map<std::string, std::int64_t>> Types(const CallOptions& call = {});
  // `by`: what decisions are told apart by: type, model or bot.
  base::Result<CacheStatistics> Stats(const CallOptions& call = {}, std::string_view by = "type");

 private:
  Caller& caller_;
};

}  // namespace reprise::client
