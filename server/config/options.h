// The Options of every module that the configuration file can reach, with their defaults and units.
//
// Modules take the struct that is theirs and never see a configuration name. Ranges and names stand
// in table.cc, one row a key.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/limits.h"
#include "storage/engine/options.h"

namespace reprise::config {

struct NetworkOptions {
  std::string bind = "127.0.0.1";
  std::int64_t port = 7377;     // 0: the system chooses
  std::string unix_socket;      // path; empty: none
  std::int64_t tls_port = -1;   // -1: no TLS listener; 0: the system chooses
  std::string tls_certificate;  // PEM file
  std::string tls_key;          // PEM file
  std::int64_t loops = 0;       // event loops; 0: one a core, at most 8
  std::int64_t connections_max = base::limits::kConnections.value;
  std::int64_t frame_bytes_max = base::limits::kFrameBytes.value;
  std::int64_t output_hard_bytes = base::limits::kOutputHardBytes.value;
  std::int64_t output_soft_bytes = base::limits::kOutputSoftBytes.value;
  std::int64_t output_soft_ms = base::limits::kOutputSoftMs.value;
  std::int64_t idle_ms = base::limits::kIdleMs.value;
  std::int64_t handshake_ms = base::limits::kHandshakeMs.value;
  std::int64_t tls_handshake_ms = base::limits::kTlsHandshakeMs.value;
  std::int64_t shutdown_ms = 10'000;  // longest graceful shutdown
};

struct HttpOptions {
  std::string bind = "127.0.0.1";
  std::int64_t port = 7378;                // -1: no admin HTTP; 0: the system chooses
  std::vector<std::string> allowed_hosts;  // Host headers accepted beside loopback names
};

// Whether a tier answers. kShadow: it looks, and counts what it would have done, but answers as if
// it were off.
enum class TierMode : std::uint8_t { kOn, kShadow, kOff };

// What a query type says about entries of its kind.
struct QueryType {
  std::string name;
  std::int64_t ttl_ms = 3'600'000;
  std::int64_t stale_ms = 0;        // behind the ttl; served only to who asks for it
  std::int64_t jitter_percent = 0;  // of the ttl, taken off at random
  bool sliding = false;             // a hit starts the ttl anew
  bool store = true;                // false: never stored, never served
  std::int64_t response_bytes_max = base::limits::kValueBytes.value;
  bool semantic = true;                    // the semantic tier may answer
  std::int64_t error_budget_ppm = 20'000;  // wrong answers that the semantic tier may give
};

// Which entry goes when there is no room: server/cache/eviction.h.
enum class EvictionPolicy : std::uint8_t { kLru, kLfu, kCost };

struct CacheOptions {
  std::int64_t entries_max = base::limits::kCacheEntries.value;  // of one namespace
  std::int64_t bytes_max = base::kGiB;                           // of one namespace; 0: no bound
  std::int64_t total_entries_max = 0;                            // of the server; 0: no bound
  std::int64_t total_bytes_max = 0;                              // of the server; 0: no bound
  EvictionPolicy eviction = EvictionPolicy::kCost;
  std::int64_t value_bytes_max = base::limits::kValueBytes.value;
  std::int64_t prompt_bytes_max = base::limits::kPromptBytes.value;
  std::int64_t counters_flush_ms = 1'000;  // hit counters are written this often
  std::int64_t log_sample_ppm = 0;         // share of decisions that are recorded, in a million
  std::int64_t log_keep_ms = std::int64_t{7} * 86'400'000;
  TierMode exact = TierMode::kOn;
  TierMode normalized = TierMode::kOn;
  TierMode semantic = TierMode::kOn;
  std::int64_t verify_ppm = 0;               // share of semantic hits that callers verify
  std::int64_t negative_ttl_ms = 5'000;      // how long an upstream's error may be told to others
  std::vector<std::string> rules;            // "type: pattern", in order; see rule.h
  std::vector<std::string> bypass_rules;     // patterns
  std::vector<std::string> volatile_fields;  // of chat requests, no part of the identity
  std::vector<QueryType> types{
      {.name = "general", .ttl_ms = 3'600'000},
      {.name = "research", .ttl_ms = 3'600'000},
      {.name = "factLookup", .ttl_ms = 7'200'000},
      {.name = "codePattern", .ttl_ms = 86'400'000},
      {.name = "commonTemplate", .ttl_ms = 86'400'000},
      // Time-dependent questions and actions. The rest counts once an operator lets it be stored.
      {.name = "live", .ttl_ms = 60'000, .store = false, .semantic = false}};
};

// What makes vectors of questions: server/semantic.
struct SemanticOptions {
  std::string embedder = "auto";  // auto, use-lite, hash, http, client
  std::string models_dir;         // empty: where make setup and the package put them
  std::int64_t client_width = 512;
  std::int64_t vector_cache_bytes = 64 * base::kMiB;
  std::int64_t snapshot_ms = 300'000;
  std::string http_url;  // of an OpenAI-style /v1/embeddings
  std::string http_model;
  std::string http_key_env = "OPENAI_API_KEY";  // the environment variable with the key
  std::int64_t http_width = 1'536;
  std::int64_t http_deadline_ms = 300;
  std::function<void(std::string_view)> log;  // no setting; empty: nobody listens
};

// Money: server/spend.
struct SpendOptions {
  // Prices that the directory does not have of its own; empty: that of the installation; "none".
  std::string prices_file;
};

// How strategies are switched where nobody said otherwise, and what turns them off: server/control.
// Those of the cache are switched by CacheOptions.
struct ControlOptions {
  TierMode routing = TierMode::kOn;
  TierMode batching = TierMode::kOn;
  TierMode deferral = TierMode::kOn;
  TierMode context = TierMode::kOn;
  TierMode compression = TierMode::kOn;
  TierMode tools = TierMode::kOn;
  std::int64_t hold_out_percent = 5;  // of the conversations, kept outside for comparison
  std::vector<std::string> guardrails{
      // guardrail.h
      "quality: quality < 0.92: compression context", "slow: response_time > 1.5: deferral",
      "errors: error_rate > 0.03: all", "savings: cost_reduction < 0.1: routing"};
  std::int64_t cool_down_ms = 86'400'000;  // 0: off until GUARDRAIL.REARM
  std::int64_t slice_ms = 60'000;          // the shortest stretch that counts as one observation
  std::int64_t false_trip_days = 10'000;   // between two false trips, at the least, on average
};

// How much of what, and how often: server/rate.
struct RateOptions {
  std::int64_t keys_max = base::limits::kRateKeys.value;             // of one namespace
  std::int64_t total_keys_max = base::limits::kRateTotalKeys.value;  // of the server
  std::int64_t flush_ms = base::limits::kRateFlushMs.value;
  std::int64_t leases_max = base::limits::kRateLeases.value;             // no setting
  std::int64_t total_leases_max = base::limits::kRateTotalLeases.value;  // no setting
  std::vector<std::string> limits;  // "chat: 60 per 1m", of all namespaces; see rate_limit.h
};

// Which model answers: server/routing. Shares and qualities in a million.
struct RoutingOptions {
  std::int64_t outcomes_max = base::limits::kRoutingOutcomes.value;  // of one namespace
  std::int64_t total_outcomes_max = 1'000'000;                       // of the server
  std::int64_t cheap_share_ppm = 450'000;   // wanted share of cheap calls, at least
  std::int64_t explore_ppm = 20'000;        // of calls that are not critical
  std::int64_t cost_weight_ppm = 50'000;    // quality that the dearest call's cost is worth
  std::int64_t quality_floor_ppm = 0;       // a model below is taken only when all are
  std::int64_t good_enough_ppm = 700'000;   // quality from which an answer is good enough
  std::int64_t level_straightforward = 25;  // scores from which a prompt is of that level
  std::int64_t level_complex = 50;
  std::int64_t level_very_complex = 75;
  std::int64_t decision_ttl_ms = 3'600'000;  // how long feedback may name a decision
  std::int64_t prompt_cache_ms = 300'000;    // how long a provider's prompt cache keeps a prompt
};

// When the commands that hand in, settle and cancel tasks are answered.
enum class JobsDurability : std::uint8_t {
  kAlways,  // it is on the medium
  kStore    // as store.durability says
};

// Batches and deferral: server/jobs.
struct JobsOptions {
  JobsDurability durability = JobsDurability::kAlways;
  std::int64_t tasks_max = base::limits::kJobTasks.value;  // of one namespace
  std::int64_t total_tasks_max = 2'000'000;                // of the server
  std::int64_t bytes_max = 4 * base::kGiB;                 // payloads of one namespace
  std::int64_t payload_bytes_max = base::limits::kJobPayloadBytes.value;
  std::int64_t max_items = base::limits::kJobBatchItems.value;  // of one batch
  std::int64_t min_items = 3;
  std::int64_t max_tokens = 16'000;  // of one batch
  std::int64_t max_wait_ms = base::limits::kJobMaxWaitMs.value;
  std::int64_t late_ppm = 45'000;       // tasks that may wait longer, in a million
  std::int64_t call_worth_ms = 30'000;  // of waiting, for one call less
  std::int64_t lease_ms = base::limits::kLeaseMs.value;
  std::int64_t max_attempts = base::limits::kJobAttempts.value;
  std::int64_t retry_ms = 1'000;
  std::int64_t retry_max_ms = 300'000;
  std::int64_t ageing_ms = 10'000;  // of waiting weigh as much as a step of priority
  std::int64_t service_ms = 30'000;
  std::int64_t defer_max_ms = 3'600'000;
  std::int64_t peak_percent = 150;
  std::int64_t result_ttl_ms = 86'400'000;
  std::int64_t dead_ttl_ms = std::int64_t{7} * 86'400'000;
  std::int64_t dead_max = 10'000;        // of one namespace
  std::vector<std::string> weights;      // "namespace: 3"
  std::vector<std::string> model_calls;  // "model: 8"
};

struct LogOptions {
  std::string level = "info";         // trace, debug, info, warn, error
  std::string format = "text";        // text or json
  std::string file;                   // empty: standard error
  std::int64_t slow_micros = 10'000;  // commands that take longer go to the slow log
  std::int64_t slow_items = base::limits::kSlowLogItems.value;
};

struct Config {
  storage::StoreOptions store;
  NetworkOptions network;
  HttpOptions http;
  CacheOptions cache;
  SemanticOptions semantic;
  RoutingOptions routing;
  SpendOptions spend;
  ControlOptions control;
  RateOptions rate;
  JobsOptions jobs;
  LogOptions log;
};

}  // namespace reprise::config
