// Every limit that the outside can run into, one row each: name, default, allowed range, meaning.
//
// A configurable limit takes its default and its range from here (server/config/table.cc); a fixed
// one has floor == ceiling. Units are in the name. Threads: constants. Errors: none.
#pragma once

#include <cstdint>
#include <string_view>

namespace reprise::base {

struct Limit {
  std::string_view name;
  std::int64_t value;  // the default
  std::int64_t floor;
  std::int64_t ceiling;
  std::string_view meaning;
};

inline constexpr std::int64_t kKiB = 1024;
inline constexpr std::int64_t kMiB = 1024 * kKiB;
inline constexpr std::int64_t kGiB = 1024 * kMiB;

namespace limits {

// Frames and values.
inline constexpr Limit kFrameBytes{"frame_bytes", 4 * kMiB, 64 * kKiB, 64 * kMiB,
                                   "largest request frame"};
inline constexpr Limit kFrameBytesBeforeAuth{"frame_bytes_before_auth", 8 * kKiB, 8 * kKiB,
                                             8 * kKiB, "largest request frame before AUTH"};
inline constexpr Limit kValueBytes{"value_bytes", 1 * kMiB, 1 * kKiB, 32 * kMiB,
                                   "largest value or response"};
inline constexpr Limit kKeyBytes{"key_bytes", 4 * kKiB, 4 * kKiB, 4 * kKiB, "longest key"};
inline constexpr Limit kPromptBytes{"prompt_bytes", 256 * kKiB, 1 * kKiB, 4 * kMiB,
                                    "longest prompt"};
inline constexpr Limit kIdentityBytes{"identity_bytes", 1 * kMiB, 1 * kKiB, 4 * kMiB,
                                      "largest identity"};
inline constexpr Limit kDepth{"depth", 64, 64, 64, "deepest nesting of arrays and maps"};
inline constexpr Limit kContainerItems{"container_items", 32'768, 32'768, 32'768,
                                       "most items of one array, or pairs of one map"};
inline constexpr Limit kFrameItems{"frame_items", 65536, 65536, 65536,
                                   "most values in one frame, all levels together"};
inline constexpr Limit kMethodBytes{"method_bytes", 64, 64, 64, "longest method name"};
inline constexpr Limit kKeysPerCommand{"keys_per_command", 1024, 1024, 1024,
                                       "most keys in MGET, MSET, DEL, EXISTS"};
inline constexpr Limit kNameBytes{"name_bytes", 64, 64, 64,
                                  "longest name of a namespace, query type, access key or backup"};
inline constexpr Limit kTags{"tags", 32, 32, 32, "most tags of one entry"};
inline constexpr Limit kTagBytes{"tag_bytes", 128, 128, 128, "longest tag or model name"};
inline constexpr Limit kQueryTypes{"query_types", 64, 64, 64, "most query types"};
inline constexpr Limit kScanCount{"scan_count", 100, 1, 1000, "keys in one SCAN reply"};

inline constexpr Limit kPortEntries{"port_entries", 100, 1, 1000,
                                    "entries in one page of CACHE.EXPORT, or in one CACHE.IMPORT"};

// Time.
inline constexpr Limit kTtlMs{"ttl_ms", 0, 1, std::int64_t{10} * 365 * 86'400'000,
                              "longest time to live: ten years"};
inline constexpr Limit kTimeoutMs{"timeout_ms", 0, 1, 3'600'000, "longest deadline of a request"};

// Connections.
inline constexpr Limit kConnections{"connections", 10'000, 1, 1'000'000, "most client connections"};
inline constexpr Limit kOutputHardBytes{"output_hard_bytes", 32 * kMiB, 1 * kMiB, 1 * kGiB,
                                        "a client with more unread output is disconnected"};
inline constexpr Limit kOutputSoftBytes{"output_soft_bytes", 8 * kMiB, 256 * kKiB, 1 * kGiB,
                                        "a client above this for output_soft_ms is disconnected"};
inline constexpr Limit kOutputSoftMs{"output_soft_ms", 30'000, 1'000, 3'600'000,
                                     "how long output_soft_bytes may be exceeded"};
inline constexpr Limit kOutputPauseBytes{"output_pause_bytes", 1 * kMiB, 1 * kMiB, 1 * kMiB,
                                         "above this no further request is read from the client"};
inline constexpr Limit kOutputBytesBeforeAuth{"output_bytes_before_auth", 64 * kKiB, 64 * kKiB,
                                              64 * kKiB, "most unread output before AUTH"};
inline constexpr Limit kIdleMs{"idle_ms", 600'000, 1'000, 86'400'000,
                               "an idle connection is closed after this"};
inline constexpr Limit kHandshakeMs{"handshake_ms", 10'000, 100, 60'000,
                                    "time to authenticate, and to finish a frame once begun"};
inline constexpr Limit kTlsHandshakeMs{"tls_handshake_ms", 5'000, 100, 60'000,
                                       "time to finish a TLS handshake"};
inline constexpr Limit kAuthFailures{"auth_failures", 3, 3, 3,
                                     "wrong access keys before the connection is closed"};
inline constexpr Limit kRequestsPerTurn{"requests_per_turn", 64, 64, 64,
                                        "requests of one connection run before others get a turn"};
inline constexpr Limit kAcceptsPerTurn{"accepts_per_turn", 16, 16, 16,
                                       "connections accepted in one loop turn"};
inline constexpr Limit kRequestsInFlight{"requests_in_flight", 1024, 1024, 1024,
                                         "unanswered requests of one connection"};
inline constexpr Limit kWaitingRequests{"waiting_requests", 1024, 1024, 1024,
                                        "commands of one connection that wait for others"};
inline constexpr Limit kHttpHeaderBytes{"http_header_bytes", 8 * kKiB, 8 * kKiB, 8 * kKiB,
                                        "largest admin HTTP request head"};
inline constexpr Limit kHttpConnections{"http_connections", 16, 16, 16,
                                        "admin HTTP connections at a time"};
inline constexpr Limit kHttpDeadlineMs{"http_deadline_ms", 5'000, 5'000, 5'000,
                                       "time to send an admin HTTP request"};

// Queues.
inline constexpr Limit kWriteQueueItems{"write_queue_items", 65'536, 16, 1'048'576,
                                        "writes waiting for the writer; more are refused as busy"};
inline constexpr Limit kWriteQueueBytes{"write_queue_bytes", 256 * kMiB, 1 * kMiB, 4 * kGiB,
                                        "bytes waiting for the writer; more are refused as busy"};
inline constexpr Limit kStorageQueueItems{"storage_queue_items", 8'192, 16, 1'048'576,
                                          "reads waiting for a storage thread"};
inline constexpr Limit kMailboxItems{"mailbox_items", 1'048'576, 1'048'576, 1'048'576,
                                     "messages waiting for one loop"};
inline constexpr Limit kSlowLogItems{"slowlog_items", 128, 1, 10'000, "entries kept by SLOWLOG"};

// Data.
inline constexpr Limit kNamespaces{"namespaces", 1024, 1024, 1024, "most namespaces"};
inline constexpr Limit kAccessKeys{"access_keys", 16'384, 16'384, 16'384, "most access keys"};
inline constexpr Limit kCacheEntries{"cache_entries", 10'000, 1, 50'000'000,
                                     "most cache entries of one namespace"};
inline constexpr Limit kRoutingOutcomes{"routing_outcomes", 100'000, 100, 10'000'000,
                                        "most outcomes that routing keeps of one namespace"};
inline constexpr Limit kRoutingExamples{"routing_examples", 1'000, 1'000, 1'000,
                                        "examples in one ROUTE.TEACH"};
inline constexpr Limit kLeaseMs{"lease_ms", 60'000, 100, 3'600'000,
                                "how long a lease lives without CACHE.RENEW"};
inline constexpr Limit kFlights{"flights", 100'000, 100'000, 100'000,
                                "answers that are being computed at a time"};
inline constexpr Limit kFlightWaiters{"flight_waiters", 1'000'000, 1'000'000, 1'000'000,
                                      "callers that wait for answers at a time"};
inline constexpr Limit kFlightChunks{"flight_chunks", 32'768, 32'768, 32'768,
                                     "pieces of one streamed answer"};
inline constexpr Limit kUnitBytes{"unit_bytes", 256, 256, 256,
                                  "longest name of a conversation, or of a bot where one is named"};
inline constexpr Limit kGuardrails{"guardrails", 16, 16, 16, "most guardrails of one namespace"};
inline constexpr Limit kStrategyOverrides{"strategy_overrides", 1024, 1024, 1024,
                                          "most overrides of one namespace"};
inline constexpr Limit kStrategyOverridesTotal{"strategy_overrides_total", 65'536, 65'536, 65'536,
                                               "most overrides of all namespaces"};
// Jobs.
inline constexpr Limit kJobTasks{"job_tasks", 1'000'000, 1, 100'000'000,
                                 "most tasks that wait or run, of one namespace"};
inline constexpr Limit kJobPayloadBytes{"job_payload_bytes", 1 * kMiB, 1 * kKiB, 32 * kMiB,
                                        "largest payload, shared context or result of a task"};
inline constexpr Limit kJobsPerCall{
    "jobs_per_call", 1'000, 1'000, 1'000,
    "most tasks in one BATCH.SUBMIT, or items in one BATCH.COMPLETE"};
inline constexpr Limit kJobBatchItems{"job_batch_items", 10, 1, 100, "most tasks of one batch"};
inline constexpr Limit kJobAfter{"job_after", 64, 64, 64, "most tasks that one task waits for"};
inline constexpr Limit kJobAttempts{"job_attempts", 5, 1, 100, "how often a task is tried"};
inline constexpr Limit kJobPriority{"job_priority", 5, 0, 9, "highest priority"};
inline constexpr Limit kJobMaxWaitMs{"job_max_wait_ms", 2'000, 0, 86'400'000,
                                     "longest wait for others to go out with"};
inline constexpr Limit kJobDelayMs{"job_delay_ms", 0, 0, std::int64_t{366} * 86'400'000,
                                   "how far ahead a task may lie, or its deadline"};
inline constexpr Limit kJobWaitMs{"job_wait_ms", 0, 0, 600'000,
                                  "longest wait of BATCH.TAKE and BATCH.RESULT"};
inline constexpr Limit kJobQueues{"job_queues", 1'024, 1'024, 1'024,
                                  "pairs of category and model that tasks of one namespace have"};
inline constexpr Limit kJobQueuesTotal{"job_queues_total", 20'000, 20'000, 20'000,
                                       "the same of all namespaces"};
inline constexpr Limit kJobGroups{"job_groups", 20'000, 20'000, 20'000,
                                  "groups that tasks of one namespace fall into"};
inline constexpr Limit kJobGroupsTotal{"job_groups_total", 200'000, 200'000, 200'000,
                                       "the same of all namespaces"};
inline constexpr Limit kJobTakers{"job_takers", 16'384, 16'384, 16'384,
                                  "waiting BATCH.TAKE of one namespace"};
inline constexpr Limit kJobTakersTotal{"job_takers_total", 65'536, 65'536, 65'536,
                                       "the same of all namespaces"};
inline constexpr Limit kJobTakerFilters{"job_taker_filters", 256, 256, 256,
                                        "different choices of categories and models of those"};
inline constexpr Limit kJobFilterNames{"job_filter_names", 64, 64, 64,
                                       "categories or models that one BATCH.TAKE names"};
inline constexpr Limit kJobResultWaiters{"job_result_waiters", 65'536, 65'536, 65'536,
                                         "waiting BATCH.RESULT of one namespace"};
inline constexpr Limit kJobPauses{"job_pauses", 256, 256, 256, "pauses of one namespace"};
inline constexpr Limit kPriceWindows{"price_windows", 64, 64, 64, "price windows of one namespace"};
inline constexpr Limit kCategories{"categories", 256, 256, 256,
                                   "categories that one namespace's classifier tells apart"};
inline constexpr Limit kClassifiers{"classifiers", 16, 16, 16,
                                    "namespaces with a classifier of their own"};
inline constexpr Limit kExampleBytes{"example_bytes", 16 * kMiB, 16 * kMiB, 16 * kMiB,
                                     "examples of one namespace's classifier"};
// The pieces are read as one array.
static_assert(kFlightChunks.value <= kContainerItems.value);

// Money.
inline constexpr Limit kReservationMs{
    "reservation_ms", 60'000, 100, 86'400'000,
    "how long a reservation of money holds when nobody settles it"};
inline constexpr Limit kReservations{"reservations", 65'536, 65'536, 65'536,
                                     "unsettled reservations of one namespace"};
inline constexpr Limit kReservationsTotal{"reservations_total", 524'288, 524'288, 524'288,
                                          "unsettled reservations of all namespaces"};
inline constexpr Limit kBudgets{"budgets", 1024, 1024, 1024, "budgets of one namespace"};
inline constexpr Limit kBudgetsTotal{"budgets_total", 65'536, 65'536, 65'536,
                                     "budgets of all namespaces"};
inline constexpr Limit kBudgetWindowMs{"budget_window_ms", 0, 60'000,
                                       std::int64_t{366} * 86'400'000,
                                       "window of a rolling budget: a minute to a year"};
inline constexpr Limit kReportDays{"report_days", 366, 1, 3'660, "days of one SPEND.REPORT"};
inline constexpr Limit kReportRows{"report_rows", 10'000, 10'000, 10'000,
                                   "rows of one SPEND.REPORT"};
inline constexpr Limit kPriceFileBytes{"price_file_bytes", 4 * kMiB, 4 * kMiB, 4 * kMiB,
                                       "largest price file"};
// Rate limits.
inline constexpr std::int64_t kTrillion = 1'000'000'000'000;
inline constexpr Limit kRateKeyBytes{"rate_key_bytes", 256, 256, 256, "longest key of a limit"};
inline constexpr Limit kRateNames{"rate_names", 1024, 1024, 1024,
                                  "most named limits of one namespace"};
inline constexpr Limit kRateLimitsPerCall{"rate_limits_per_call", 16, 16, 16,
                                          "most limits in one LIMIT.TAKE or LIMIT.PEEK"};
inline constexpr Limit kRateLimit{"rate_limit", 1, 1, kTrillion, "largest limit and largest burst"};
inline constexpr Limit kRateQuantity{"rate_quantity", 1, 0, kTrillion,
                                     "most that one call takes of a limit"};
inline constexpr Limit kRatePeriodMs{"rate_period_ms", 60'000, 1, std::int64_t{31} * 86'400'000,
                                     "longest period of a limit: 31 days"};
inline constexpr Limit kRateConcurrency{"rate_concurrency", 1, 1, 100'000,
                                        "largest limit of concurrency"};
inline constexpr Limit kRateKeys{"rate_keys", 1'000'000, 16, 10'000'000,
                                 "keys of one namespace that limits remember"};
inline constexpr Limit kRateTotalKeys{"rate_total_keys", 4'000'000, 16, 40'000'000,
                                      "keys of all namespaces that limits remember"};
inline constexpr Limit kRateLeases{"rate_leases", 100'000, 100'000, 100'000,
                                   "leases of limits that one namespace holds"};
inline constexpr Limit kRateTotalLeases{"rate_total_leases", 1'000'000, 1'000'000, 1'000'000,
                                        "leases of limits that all namespaces hold"};
inline constexpr Limit kRateFlushMs{"rate_flush_ms", 2'000, 100, 60'000,
                                    "what limits granted is saved within this"};

}  // namespace limits
}  // namespace reprise::base
