// The rows of tasks, groups, leases and results on disk (FORMAT.md): keys and values.
//
// Keys begin with the namespace (four bytes, big-endian) and a letter. Values are MessagePack
// arrays, the version first. Threads: any. Errors: kCorrupt when a row cannot be read. Lifetime:
// views in what was parsed point into the row's bytes. Complexity: O(bytes); payloads are skipped
// over, not copied.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/result.h"
#include "server/jobs/engine.h"

namespace reprise::jobs {

// The letter behind the namespace.
enum class RowKind : char {
  kGroup = 'g',
  kTask = 't',
  kPayload = 'p',  // of a task, when it is large
  kState = 's',    // of a task that was tried, or replayed
  kLease = 'l',
  kResult = 'r',
  kDedup = 'd',
  kPauses = 'q',
  kWindows = 'w',
  kModel = 'm',     // of the classifier
  kExamples = 'x',  // that it was trained on
};

// Payloads above this stand in a row of their own, so that a start need not read them.
inline constexpr std::size_t kInlinePayloadBytes = 512;

std::string RowPrefix(NamespaceId home, RowKind kind);
std::string TaskKey(NamespaceId home, RowKind kind, TaskId id);
std::string LeaseKey(NamespaceId home, LeaseId id);
// Of a group or a dedup key.
std::string HashKey(NamespaceId home, RowKind kind, const GroupHash& hash);
// The number, or the hash, behind the prefix. Absent when the key is no such one.
std::optional<std::uint64_t> NumberInKey(std::string_view key);
std::optional<GroupHash> HashInKey(std::string_view key);

// 128 bits over the parts; which parts are told apart by their lengths.
GroupHash HashOf(const std::vector<std::string_view>& parts);

struct TaskRow {
  GroupHash group{};
  std::int64_t submitted_ms = 0;
  std::int64_t not_before_ms = 0;
  std::int64_t deadline_ms = 0;
  std::uint32_t max_wait_ms = 0;
  std::uint32_t tokens = 0;
  std::uint32_t payload_bytes = 0;
  std::uint8_t priority = 0;
  std::uint8_t attempts_max = 1;
  Defer defer = Defer::kNever;
  DeferReason defer_reason = DeferReason::kNotAsked;
  std::string_view custom_id;
  std::string_view reply_to;
  std::vector<TaskId> after;
  std::optional<GroupHash> dedup;
  std::string_view fill;     // MessagePack: how to store the result in the cache; empty: not
  std::string_view payload;  // MessagePack; empty: in a row of its own
};
std::string FormatTask(const TaskRow& row);
base::Result<TaskRow> ParseTask(std::string_view value);

std::string FormatState(const Engine::StateOf& state);
base::Result<Engine::StateOf> ParseState(std::string_view value);

struct GroupRow {
  std::string_view category;
  std::string_view model;
  std::string_view context_key;
  std::uint32_t context_tokens = 0;
  std::string_view parameters;  // MessagePack; empty: none
  std::string_view context;     // MessagePack; empty: none
};
std::string FormatGroup(const GroupRow& row);
base::Result<GroupRow> ParseGroup(std::string_view value);

struct LeaseRow {
  Lease lease;  // token, worker, items, times
  GroupHash group{};
};
std::string FormatLease(const LeaseRow& row);
base::Result<LeaseRow> ParseLeaseRow(std::string_view value);

struct ResultRow {
  Outcome outcome = Outcome::kSucceeded;
  std::int64_t submitted_ms = 0;
  std::int64_t finished_ms = 0;
  std::uint32_t attempts = 0;
  std::string_view category;
  std::string_view model;
  std::string_view custom_id;
  std::string_view error;
  std::string_view usage;   // MessagePack; empty: not told
  std::string_view result;  // MessagePack; empty: none
  std::optional<std::uint64_t> cost_nano;
};
std::string FormatResult(const ResultRow& row);
base::Result<ResultRow> ParseResult(std::string_view value);

std::string FormatDedup(TaskId id);
base::Result<TaskId> ParseDedup(std::string_view value);
std::string FormatPauses(const std::vector<Pause>& pauses);
base::Result<std::vector<Pause>> ParsePauses(std::string_view value);
std::string FormatWindows(const std::vector<PriceWindow>& windows);
base::Result<std::vector<PriceWindow>> ParseWindows(std::string_view value);

}  // namespace reprise::jobs
