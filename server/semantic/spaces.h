// Spaces: the current vector space, and what it replaces.
//
// After a change of the embedder the space of the one before goes on answering for entries that
// have no vector of the new one yet, as long as its embedder can still be opened. End deletes it. A
// change in the middle keeps the space that has more: one that was filled once, else the later one.
// While the embedder is only a stand-in for one whose model is missing, nothing is deleted.
//
// Threads: "reader" methods any; those inside a transaction on the store's writer; the rest on the
// index writer. Errors: kBadRequest (a vector that belongs nowhere), those of the store at Open.
// Complexity: O(1). Lifetime: a space lives as long as somebody holds it; store and clock outlive
// this. Limits: one current and one retiring space; rows of others wait to be deleted.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/clock.h"
#include "protocol/base/mutex.h"
#include "protocol/base/result.h"
#include "server/semantic/embedding.h"
#include "server/semantic/entry.h"
#include "server/semantic/space_rows.h"
#include "server/semantic/vector_space.h"
#include "storage/engine/store.h"

namespace reprise::semantic {

using SpacePtr = std::shared_ptr<const VectorSpace>;

struct SpacesOptions {
  EmbeddingOptions embedding;
  SpaceOptions space;
  // Tests make other embedders.
  std::function<base::Result<std::unique_ptr<Embedding>>(const EmbeddingOptions&,
                                                         const base::Clock&)>
      make_embedding = &Embedding::Make;
};

// The embedder whose vectors are being replaced. All empty: there is none.
struct Replaced {
  std::string embedder;
  std::string fingerprint;
  std::string warning;         // why it is not searched meanwhile; empty: it is
  vector::IndexStats index{};  // entries that are still found by it
};

class Spaces {
 public:
  static base::Result<std::unique_ptr<Spaces>> Open(const SpacesOptions& options,
                                                    storage::Store& store,
                                                    const base::Clock& clock);

  // Readers.
  const VectorSpace& current() const { return *current_; }
  bool HasEntries(const Partition& partition) const;
  // The current one first.
  std::vector<SpacePtr> All() const;
  Replaced replaced() const;

  // Inside a transaction.
  // To the space where callers' vectors of this width are.
  base::Status PutVector(const Entry& entry, std::span<const float> vector,
                         storage::Transaction& transaction) const;
  // Of all embedders.
  void DeleteRows(std::string_view entry_name, storage::Transaction& transaction) const;
  void DropRows(storage::NamespaceId id, storage::Transaction& transaction) const;

  // The index writer.
  VectorSpace& writable() { return *current_; }
  VectorSpace* retiring();
  // There are vectors of another embedder.
  bool is_replacing() const { return !old_prefixes_here_.empty() || !old_fingerprints_.empty(); }
  bool is_stand_in() const { return !current_->embedding().warning().empty(); }
  // Something is to be written or deleted once the current space is filled.
  bool needs_end() const { return (is_replacing() && !is_stand_in()) || !row_.is_filled; }
  // The current space is filled: rows and snapshots of all others go.
  base::Status End();

 private:
  Spaces(const SpacesOptions& options, storage::Store& store, std::unique_ptr<Embedding> embedding);
  void OpenRetiring(const SpaceRow& row, const base::Clock& clock);
  base::Status Register(std::vector<SpaceRow> rows, const base::Clock& clock);
  void DeleteSnapshots() const;
  std::shared_ptr<VectorSpace> Retiring() const;

  const SpacesOptions options_;
  storage::Store& store_;
  const std::shared_ptr<VectorSpace> current_;

  std::atomic<bool> has_retiring_{false};
  mutable base::Mutex mutex_;
  std::shared_ptr<VectorSpace> retiring_ GUARDED_BY(mutex_);
  std::vector<std::string> old_prefixes_ GUARDED_BY(mutex_);  // of rows of other embedders
  Replaced replaced_ GUARDED_BY(mutex_);

  // The index writer's alone, once it runs.
  std::vector<std::string> old_prefixes_here_;  // as old_prefixes_
  std::vector<std::string> old_fingerprints_;   // of rows about other spaces
  SpaceRow row_;                                // of the current one
  std::shared_ptr<VectorSpace> gone_;           // until its last reader has left
};

}  // namespace reprise::semantic
