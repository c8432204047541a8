// Semantic: the tier that finds the stored question that means the same as the one asked.
//
//   text --embedder--> vector --index--> nearest of the partition --guards, features--> probability
//   probability, evidence of (namespace, query type), error budget --> serve or not
//
// It knows entries by a name and a partition, and their questions as text; what an entry is, and
// whether it may be seen, is the cache's business (server/cache). Entries come in and go through a
// queue that one index writer empties, so storing an answer never waits for an embedding: an entry
// is found by its meaning a moment after it is found by its words.
//
// Vectors are kept as rows of the `vectors` family (FORMAT.md), because computing them costs time,
// or money; the index itself is derived: a snapshot that is loaded at the start, completed from the
// rows, and made anew when it is odd.
//
// Threads: "reader" methods any but a loop (an embedding takes a millisecond); Step, Close and the
// rest of the writer's on one index writer thread; Judge, Learn and Forget inside a transaction, on
// the store's writer. Errors: kBadRequest (a vector of the wrong width, text that is not UTF-8),
// kUnavailable (an embedder that does not answer), those of the store. Complexity: an embedding and
// O(log entries) a question. Limits: kQueueMax entries waiting for the index writer; more are found
// by the next Reconcile.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "protocol/base/clock.h"
#include "protocol/base/mutex.h"
#include "protocol/base/result.h"
#include "server/semantic/assess.h"
#include "server/semantic/budget.h"
#include "server/semantic/embedding.h"
#include "server/semantic/evidence.h"
#include "server/semantic/quarantine.h"
#include "server/semantic/recent_hits.h"
#include "storage/engine/namespace_id.h"
#include "storage/engine/store.h"
#include "storage/vector/index.h"

namespace reprise::semantic {

// Entries that may answer each other's questions: one namespace, one identity.
struct Partition {
  storage::NamespaceId namespace_id{0};
  std::uint64_t identity = 0;
};

// An entry as this tier knows it.
struct Entry {
  Partition partition;
  std::uint64_t id = 0;
  std::string name;                // stable for one question: what its rows are named by
  base::UnixMillis expires_at{0};  // of its vector row
};

// What the owner of the entries is asked by the index writer.
struct Owner {
  // The entry is there, and was not replaced or invalidated.
  std::function<bool(const Entry&)> is_live;
  // Its question; absent when it has gone.
  std::function<std::optional<std::string>(const Entry&)> prompt_of;
  // Entries that have gone since the last call: partition and id.
  std::function<std::vector<std::pair<Partition, std::uint64_t>>()> take_gone;
  // A page of all entries behind `cursor`, which it moves; false at the end.
  std::function<bool(std::uint64_t& cursor, std::vector<Entry>& page)> list;
};

// How many hits a source has had, for people.
struct Report {
  Ruling ruling;
  Estimate verified;
  std::uint64_t evidence = 0;  // pairs from all sources
};

struct SemanticStats {
  std::string embedder;
  std::string fingerprint;
  std::string warning;  // why it is not the embedder that was asked for; empty: it is
  vector::IndexStats index;
  std::uint64_t queued = 0;       // entries that wait for the index writer
  std::uint64_t embedded = 0;     // texts that were embedded
  std::uint64_t failed = 0;       // entries without a vector, because embedding failed
  std::uint64_t quarantined = 0;  // entries with a barred question
  std::uint64_t snapshots = 0;
  std::uint64_t audited = 0;
  std::uint64_t unreachable = 0;
  std::uint64_t repaired = 0;
  bool reconciling = false;
};

struct SemanticOptions {
  EmbeddingOptions embedding;
  std::string folder;  // of snapshots
  std::int64_t snapshot_ms = 300'000;
  std::uint64_t entries_max = 50'000'000;
};

// Hits that feedback can name.
inline constexpr std::size_t kHitsMax = 20'000;

// Labelled pairs that are remembered of one topic.
inline constexpr std::size_t kLabelledPairsMax = 200'000;

// A pair of questions that the tier judged, and whether the answer of one serves the other.
struct LabelledPair {
  std::uint64_t hash = 0;  // of both texts and the label
  double probability = 0;
  bool is_right = false;

  static std::uint64_t HashOf(std::string_view stored, std::string_view asked, bool is_right);
};

// What evidence is kept of.
struct Topic {
  storage::NamespaceId namespace_id{0};
  std::string_view type;
};

class Semantic {
 public:
  static constexpr std::size_t kQueueMax = 200'000;

  static base::Result<std::unique_ptr<Semantic>> Open(const SemanticOptions& options,
                                                      storage::Store& store,
                                                      const base::Clock& clock);
  ~Semantic();
  Semantic(const Semantic&) = delete;
  Semantic& operator=(const Semantic&) = delete;
  Semantic(Semantic&&) = delete;
  Semantic& operator=(Semantic&&) = delete;

  // Off: nothing new is indexed; on again: what came meanwhile is. Any thread.
  void SetEnabled(bool enabled);
  // Before the first Step.
  void Serve(Owner owner) { owner_ = std::move(owner); }

  // Readers.
  // No: there is nothing to look for. Any thread, loops too; O(1).
  bool HasEntries(const Partition& partition) const;
  // `vector` is the caller's own; only where the embedder is `client`.
  // With `pause` it waits for nobody: kWouldBlock when the vector has to come from elsewhere.
  base::Result<Probe> MakeProbe(const OwnText& text, std::span<const float> vector,
                                Pause* pause = nullptr) const;
  base::Result<vector::Matches> Nearest(const Partition& partition, const Probe& probe,
                                        std::size_t count) const;
  // What the alignment of words needs, when the embedder has it.
  base::Status AddTokens(Probe& probe) const;
  bool IsBarred(std::string_view entry, const Probe& probe) const;
  // What the budget allows for this type.
  Ruling RulingOf(storage::NamespaceId id, std::string_view type, double max_error) const;
  Report ReportOf(storage::NamespaceId id, std::string_view type, double max_error) const;
  // The probability that the answer of one serves the other, as a lookup would find it.
  base::Result<double> Compare(storage::NamespaceId owner, std::string_view stored,
                               std::string_view asked) const;
  // The number by which a hit can be judged later.
  std::uint64_t Remember(Hit hit) { return recent_.Remember(std::move(hit)); }
  // One of so many would-be hits is to be verified. Any thread.
  bool DrawVerification(std::int64_t ppm) const;
  SemanticStats Stats() const;
  const Embedding& embedding() const { return *embedding_; }
  // Before the store closes: nothing is run again for a vector that comes later.
  void StopEmbedding() { embedding_->Stop(); }

  // Inside a transaction.
  // A vector of the caller's for an entry that this transaction stores.
  base::Status PutVector(const Entry& entry, std::span<const float> vector,
                         storage::Transaction& transaction) const;
  // With an entry's other rows.
  void DeleteVector(std::string_view entry_name, storage::Transaction& transaction) const;
  void DropVectors(storage::NamespaceId id, storage::Transaction& transaction) const;
  // With what it has learned.
  void DropNamespace(storage::NamespaceId id, storage::Transaction& transaction);
  // The verdict on a hit. False: no such hit is remembered for this namespace.
  base::Result<bool> Judge(storage::NamespaceId id, std::uint64_t number, bool is_good,
                           storage::Transaction& transaction);
  // The same for a hit that is described instead.
  base::Status Judge(const Hit& hit, bool is_good, storage::Transaction& transaction);
  // Labelled pairs; `replace` forgets earlier ones. Answers how many were known already: a pair is
  // evidence once, however often it is given. kTooLarge beyond kLabelledPairsMax of one topic.
  base::Result<std::uint64_t> Learn(const Topic& topic, std::span<const LabelledPair> pairs,
                                    bool replace, storage::Transaction& transaction);

  // After the commit of an entry. Any thread; does not wait.
  void Enqueue(Entry entry);

  // The index writer.
  // Some work; false when there is none left for now.
  bool Step();
  // Waits for work, at most so long.
  void Wait(std::int64_t ms);
  void Wake();
  // Writes a snapshot, when anything changed.
  void Close();

 private:
  Semantic(const SemanticOptions& options, std::unique_ptr<Embedding> embedding,
           storage::Store& store, const base::Clock& clock);
  using EvidenceKey = std::pair<std::uint32_t, std::string>;  // namespace, type

  // What the quarantine remembers of a question: the vector of its normal form, where that costs
  // little, so that case and punctuation make no other question of it.
  PackedVector TraceOf(const OwnText& text, const PackedVector& vector) const;
  base::Status LoadRows();
  base::Status LoadLabelled(std::string_view name, std::string_view row);
  void LoadIndex();
  vector::PartitionId IdOf(const Partition& partition) const;
  std::string VectorKey(std::string_view entry_name) const;
  std::string SnapshotPath() const;
  std::vector<Entry> TakeQueue(std::size_t entries_max);
  void RemoveGone();
  void AddAll(std::vector<Entry> entries);
  std::optional<embed::Vector> StoredVector(const Entry& entry) const;
  std::optional<embed::Vector> MakeVector(const Entry& entry);
  void Insert(const Entry& entry, const embed::Vector& vector);
  bool Reconcile();
  void Upkeep();
  void WriteEvidence(const EvidenceKey& key, storage::Transaction& transaction) REQUIRES(mutex_);

  const SemanticOptions options_;
  const std::unique_ptr<Embedding> embedding_;
  storage::Store& store_;
  const base::Clock& clock_;
  std::string vector_prefix_;  // of the keys of this embedder's rows, behind the kind
  std::unique_ptr<vector::VectorIndex> index_;
  Owner owner_;
  Quarantine quarantine_;
  RecentHits recent_;

  mutable base::Mutex mutex_;
  std::map<EvidenceKey, Evidence> evidence_ GUARDED_BY(mutex_);
  // Hashes of the labelled pairs that are counted in it.
  std::map<EvidenceKey, std::unordered_set<std::uint64_t>> labelled_ GUARDED_BY(mutex_);
  // Thresholds by budget, forgotten when evidence changes.
  mutable std::map<std::pair<EvidenceKey, std::int64_t>, Ruling> rulings_ GUARDED_BY(mutex_);

  mutable base::Mutex queue_mutex_;
  base::ConditionVariable wake_;
  std::deque<Entry> queue_ GUARDED_BY(queue_mutex_);
  bool woken_ GUARDED_BY(queue_mutex_) = false;
  bool overflowed_ GUARDED_BY(queue_mutex_) = false;

  // The index writer's alone.
  std::uint64_t sequence_ = 1;
  std::uint64_t changes_ = 0;  // since the last snapshot
  std::uint64_t reconcile_cursor_ = 0;
  base::Nanos snapshot_due_{0};
  base::Nanos audit_due_{0};
  base::Nanos retry_due_{0};
  bool has_missed_ = false;  // entries that the embedder gave no vector for, until retry_due_

  std::atomic<bool> enabled_{true};
  std::atomic<bool> reconciling_{true};
  mutable std::atomic<std::uint64_t> failed_{0};
  std::atomic<std::uint64_t> snapshots_{0};
  std::atomic<std::uint64_t> audited_{0};
  std::atomic<std::uint64_t> unreachable_{0};
  std::atomic<std::uint64_t> repaired_{0};
  mutable std::atomic<std::uint64_t> draws_;
};

}  // namespace reprise::semantic
