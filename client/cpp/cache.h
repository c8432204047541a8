// CacheCommands: answers of a language model, found again by the same or the trivially rephrased
// prompt.
//
//   auto hit = client.Cache().Lookup("What is 2+2?", {.identity = Value::Map{{"model", "m"}}});
//   if (hit.ok() && hit.value().hit) { use(hit.value().response); }
//
// Units: times in milliseconds, 0 means "the server's default"; cost in nano-dollars; tokens are
// counts. Threads: those of the Caller, which must outlive this. Errors: those of caller.h; also
// kTooLarge, kNotFound (unknown query type), kReadOnly, kForbidden. Repeating: Lookup, Types and
// Stats are repeated when a connection is lost; Store only when nothing had been sent. Complexity:
// one round trip each.
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
  base::Value identity{};  // all else that changes the answer: model, system prompt, tools ...
                           // Compared byte for byte after canonical form; nil: none
  std::string type{};      // query type; empty: the server's default type
  std::vector<std::string> tags{};
  std::int64_t ttl_ms = 0;  // 0: that of the type
  std::uint64_t tokens_in = 0;
  std::uint64_t tokens_out = 0;
  std::uint64_t cost_nano = 0;
  std::string model{};
};
struct StoreResult {
  std::string id{};
  std::int64_t expires_at_ms = 0;  // since 1970; 0: never
  base::Value details{};           // the whole reply
};

struct LookupOptions {
  base::Value identity{};
  std::string type{};
  std::int64_t max_age_ms = 0;  // an older entry does not count; 0: any age
  std::string tier{};  // the loosest tier to use, "exact" or "normalized"; empty: the type's
};
struct LookupResult {
  bool hit = false;
  std::string tier{};      // of a hit: "exact" or "normalized"
  std::string id{};        // of a hit
  base::Value response{};  // of a hit, as it was stored
  std::string type{};
  std::int64_t age_ms = 0;
  std::int64_t expires_at_ms = 0;
  std::uint64_t tokens_in = 0;   // what the hit saved
  std::uint64_t tokens_out = 0;  // what the hit saved
  std::uint64_t cost_nano = 0;   // what the hit saved
  std::string reason{};          // why it is a miss, or how it hit
};

struct CacheCounters {
  std::uint64_t lookups = 0;  // hits and misses together
  std::uint64_t hits_exact = 0;
  std::uint64_t hits_normalized = 0;
  std::uint64_t misses = 0;
  std::uint64_t stores = 0;
  std::uint64_t evictions = 0;
  std::uint64_t tokens_saved_in = 0;
  std::uint64_t tokens_saved_out = 0;
  std::uint64_t cost_saved_nano = 0;
};
struct CacheStatistics {
  std::uint64_t entries = 0;
  std::uint64_t entries_max = 0;
  std::uint64_t memory_bytes = 0;
  std::map<std::string, CacheCounters> types{};
  CacheCounters total{};
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
  // Query type -> its time to live in milliseconds.
  base::Result<std::map<std::string, std::int64_t>> Types(const CallOptions& call = {});
  base::Result<CacheStatistics> Stats(const CallOptions& call = {});

 private:
  Caller& caller_;
};

}  // namespace reprise::client
