// VectorSpace: the vectors of one embedder, and all that must never meet another's: the index, the
// rows (FORMAT.md), the snapshot, the probes that may search it.
//
// Rows are the truth, because computing them costs time, or money; the index is derived: a snapshot
// that is loaded at the start, completed from the rows, and made anew when it is odd.
//
// Threads: "reader" methods any but a loop (an embedding takes a millisecond), HasEntries a loop
// too; those inside a transaction on the store's writer; the rest on one index writer thread.
// Errors: kBadRequest (a vector of the wrong width, text that is not UTF-8), kUnavailable (an
// embedder that does not answer). Complexity: an embedding, O(log entries) a search. Lifetime: the
// store outlives it. Limits: entries_max.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/clock.h"
#include "protocol/base/result.h"
#include "server/semantic/assess.h"
#include "server/semantic/embedding.h"
#include "server/semantic/entry.h"
#include "server/semantic/fingerprint.h"
#include "server/semantic/packed_vector.h"
#include "server/semantic/vector_row.h"
#include "storage/engine/store.h"
#include "storage/vector/index.h"

namespace reprise::semantic {

struct SpaceOptions {
  std::string folder;  // of snapshots; empty: none
  std::uint64_t entries_max = 50'000'000;
};

class VectorSpace {
 public:
  // Loads the snapshot, if there is a whole one.
  VectorSpace(std::unique_ptr<Embedding> embedding, const SpaceOptions& options,
              const storage::Store& store);

  // Readers.
  const Embedding& embedding() const { return *embedding_; }
  FingerprintHash hash() const { return hash_; }
  bool HasEntries(const Partition& partition) const;
  // Whether a caller's vector belongs here.
  bool Takes(std::span<const float> vector) const;
  // `vector` is the caller's own; only where the embedder is `client`.
  // With `pause` it waits for nobody: kWouldBlock when the vector has to come from elsewhere.
  base::Result<Probe> MakeProbe(const OwnText& own, std::span<const float> vector,
                                Pause* pause = nullptr) const;
  // `probe` is one that this space has made.
  base::Result<vector::Matches> Nearest(const Partition& partition, const Probe& probe,
                                        std::size_t count) const;
  // What the alignment of words needs, when the embedder has it.
  base::Status AddTokens(Probe& probe) const;
  vector::IndexStats Stats() const { return index_->Stats(); }
  // Nothing is run again for a vector that comes later.
  void StopEmbedding() { embedding_->Stop(); }

  // Rows.
  const std::string& row_prefix() const { return row_prefix_; }
  void Put(const Entry& entry, const PackedVector& vector, storage::Transaction& transaction) const;
  // What the row of this entry holds. Absent also when it is of another entry's answer, and the
  // embedder is `client`.
  std::optional<embed::Vector> Stored(const Entry& entry, base::UnixMillis now) const;

  // The index writer.
  bool Contains(const Entry& entry) const;
  base::Status Insert(const Entry& entry, std::span<const float> vector);
  void Remove(const Partition& partition, std::uint64_t id);
  // After a crash the snapshot has entries that went after it was made, and nobody reports them any
  // more: each entry that the store has is kept, then the others are dropped. How many were.
  void Keep(std::uint64_t id);
  std::uint64_t DropOrphans();
  // Some upkeep; false when there is none left.
  bool Maintain(std::uint32_t steps) { return index_->Maintain(steps); }
  vector::AuditReport Audit(std::uint32_t entries) { return index_->Audit(entries); }
  std::uint64_t changes() const { return changes_; }  // since the last snapshot
  // Writes it, when anything changed. False: nothing was written.
  bool Snapshot();
  std::string SnapshotPath() const { return options_.folder + "/" + FileNameOf(hash_); }

 private:
  void Load();

  const std::unique_ptr<Embedding> embedding_;
  const SpaceOptions options_;
  const storage::Store& store_;
  const FingerprintHash hash_;
  const std::string row_prefix_;
  std::unique_ptr<vector::VectorIndex> index_;
  std::uint64_t sequence_ = 1;
  std::uint64_t changes_ = 0;
  // Ids that the store has, while it is not known yet which others a loaded snapshot brought.
  std::optional<std::vector<std::uint64_t>> kept_;
};

}  // namespace reprise::semantic
