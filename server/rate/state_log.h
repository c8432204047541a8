// StateLog: the saved state of one namespace as a log of segments (FORMAT.md).
//
// A segment is a row with the keys and leases that changed since the one before. Reading all
// segments in order gives the state: the last record of a key counts. When the log has become much
// longer than what lives, everything that lives is written anew, behind the rest (a checkpoint),
// and what stands before that can go.
//
// Private to this folder. Threads: one owner. Errors: kCorrupt for a segment that cannot be read.
// Complexity: O(bytes). Limits: a segment takes up to kSegmentBytes and one record.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/result.h"
#include "server/rate/key_table.h"
#include "server/rate/lease.h"
#include "storage/engine/namespace_id.h"
#include "storage/engine/store.h"

namespace reprise::rate {

// Rows in the `ledger` family; they go with their namespace.
std::string SegmentPrefix(storage::NamespaceId id);

// The records of one batch, in segments.
class SegmentWriter {
 public:
  static constexpr std::size_t kSegmentBytes = std::size_t{64} * 1024;

  // Of gcra as it is, or as it is to be saved: with a part of its burst taken beforehand.
  void Key(const Entry& entry, bool is_exact);
  void Held(LeaseId id, const Lease& lease);
  void Ended(LeaseId id);

  std::size_t records() const { return records_; }
  const std::vector<std::string>& segments() const { return segments_; }

 private:
  std::string& Begin();

  std::vector<std::string> segments_;
  std::size_t records_ = 0;
};

// What a segment says, record by record.
class SegmentVisitor {
 public:
  virtual ~SegmentVisitor() = default;
  virtual void Key(std::string_view key, const Gcra& state) = 0;
  virtual void Key(std::string_view key, const Window& state) = 0;
  virtual void Held(LeaseId id, Lease lease) = 0;
  virtual void Ended(LeaseId id) = 0;
};
// How many records there were.
base::Result<std::size_t> ReadSegment(std::string_view segment, SegmentVisitor& visitor);

class StateLog {
 public:
  explicit StateLog(storage::NamespaceId id) : prefix_(SegmentPrefix(id)) {}

  std::string_view prefix() const { return prefix_; }
  // A row was read; in the order of the keys.
  base::Status NoteRow(std::string_view key, std::size_t records);

  // The keys of the rows that the segments are to be written to, behind the others.
  std::vector<std::string> Append(const SegmentWriter& writer);
  // Longer than is good for so many living records.
  bool IsLong(std::size_t living) const;

  // From here on everything that lives is written once more. When that is done, what stands before
  // can be deleted, and once that is committed, forgotten.
  void BeginCheckpoint();
  std::uint64_t checkpoint() const { return checkpoint_; }
  std::vector<std::string> KeysBefore(std::uint64_t number) const;
  void ForgetBefore(std::uint64_t number);

  std::size_t segments() const { return numbers_.size(); }

 private:
  std::string KeyOf(std::uint64_t number) const;

  std::string prefix_;
  std::deque<std::uint64_t> numbers_;  // of the rows that are there
  std::uint64_t next_ = 1;
  std::uint64_t checkpoint_ = 0;  // the first number behind the beginning of the last one
  std::size_t records_ = 0;       // since the last checkpoint began
};

}  // namespace reprise::rate
