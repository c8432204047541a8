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
// There is one current vector space, and after a change of the embedder the one that it replaces,
// until every entry has a vector of the new embedder (notes/0003-migration.md). Whoever asks, asks
// each of them with a probe of its own.
//
// Threads: "reader" methods any but a loop (an embedding takes a millisecond); Step, Close and the
// rest of the writer's on one index writer thread; Judge, Learn and Forget inside a transaction, on
// the store's writer. Errors: kBadRequest (a vector of the wrong width, text that is not UTF-8),
// kUnavailable (an embedder that does not answer), kWouldBlock (see Pause), those of the store.
// Complexity: an embedding and O(log entries) a question. Limits: Indexer::kQueueMax entries
// waiting for the index writer.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/base/clock.h"
#include "protocol/base/result.h"
#include "server/semantic/assess.h"
#include "server/semantic/entry.h"
#include "server/semantic/indexer.h"
#include "server/semantic/learned.h"
#include "server/semantic/prior.h"
#include "server/semantic/quarantine.h"
#include "server/semantic/recent_hits.h"
#include "server/semantic/spaces.h"
#include "storage/engine/namespace_id.h"
#include "storage/engine/store.h"

namespace reprise::semantic {

// A question as one space sees it.
struct Asked {
  SpacePtr space;
  Probe probe;
  // What the quarantine knows it by; made for the first neighbour that has a barred question.
  std::string spelling = {};
  std::optional<Trace> trace = std::nullopt;
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
  Filling filling;
  Replaced replaced;
};

struct SemanticOptions {
  SpacesOptions spaces;
  std::int64_t snapshot_ms = 300'000;
  // Told what the operator should know; never a question. Empty: nobody listens.
  std::function<void(std::string_view)> log;
};

// Hits that feedback can name.
inline constexpr std::size_t kHitsMax = 20'000;

// What a budget is for: hits of a query type, in one setting.
struct Subject {
  storage::NamespaceId namespace_id{0};
  std::string_view type;
  Setting setting = Setting::kAlone;
};

class Semantic {
 public:
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
  void Serve(Owner owner);

  // Readers.
  // No: there is nothing to look for. Any thread, loops too; O(1).
  bool HasEntries(const Partition& partition) const;
  // The question as each space sees it that may have entries of the partition, to be searched in
  // this order. `vector` is the caller's own; it goes where callers' vectors of this width are. A
  // space whose embedder does not answer is left out, unless it is the only one. With `pause` the
  // current one's embedder is not waited for: kWouldBlock when the vector comes from elsewhere.
  base::Result<std::vector<Asked>> Ask(const Partition& partition, std::string_view text,
                                       std::span<const float> vector, Pause* pause = nullptr) const;
  // Whether somebody said that this entry is wrong for this question, or for one so near.
  bool IsBarred(std::string_view entry, Asked& asked) const;
  // How a hit remembers its question, of which it keeps the text only as far as kQuestionBytesMax.
  static Trace ProbeOf(const Asked& asked);
  // What the budget allows for this type and the hits of this space.
  Ruling RulingOf(const VectorSpace& space, const Subject& subject, double max_error) const;
  // Of the current space.
  Report ReportOf(const Subject& subject, double max_error) const;
  // The probability that the answer of one serves the other, as a lookup in the current space would
  // find it.
  base::Result<double> Compare(storage::NamespaceId owner, std::string_view stored,
                               std::string_view asked) const;
  // The embedder in use, for others who need vectors of texts.
  const Embedding& embedding() const { return spaces_->current().embedding(); }
  // The number by which a hit can be judged later.
  std::uint64_t Remember(Hit hit) { return recent_.Remember(std::move(hit)); }
  // One of so many would-be hits is to be verified. Any thread.
  bool DrawVerification(std::int64_t ppm) const;
  SemanticStats Stats() const;
  // Before the store closes: nothing is run again for a vector that comes later.
  void StopEmbedding() { spaces_->writable().StopEmbedding(); }

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
  // Labelled pairs, as Compare judges them; `replace` forgets earlier ones. Answers how many were
  // known already. kTooLarge beyond kLabelledPairsMax of one topic.
  struct Lesson {
    std::string_view type;
    std::span<const LabelledPair> pairs;
    bool replace = false;
  };
  base::Result<std::uint64_t> Learn(storage::NamespaceId id, const Lesson& lesson,
                                    storage::Transaction& transaction);

  // After the commit of an entry. Any thread; does not wait.
  void Enqueue(Entry entry) { indexer_.Enqueue(std::move(entry)); }
  // Entries that wait for the index writer. Any thread.
  std::uint64_t queued() const { return indexer_.queued(); }

  // The index writer.
  // Some work; false when there is none left for now.
  bool Step();
  // Waits for work, at most so long.
  void Wait(std::int64_t ms) { indexer_.Wait(ms); }
  void Wake() { indexer_.Wake(); }
  // Writes a snapshot, when anything changed.
  void Close();

 private:
  Semantic(const SemanticOptions& options, std::unique_ptr<Spaces> spaces, storage::Store& store,
           const base::Clock& clock);

  base::Status LoadQuarantine();
  // What the quarantine remembers of a question: in a spelling that case and punctuation do not
  // change, and the vector of that, where it costs little.
  static std::string SpellingOf(std::string_view text);
  static Trace TraceOf(const VectorSpace& space, const OwnText& spelling,
                       const PackedVector& vector);
  // Shows barred questions to the current embedder. False: it has seen them.
  bool SeeBarred();
  void RemoveGone();
  bool EndReplacing();
  void Upkeep();
  void TellStart(const Filling& filling) const;
  void TellProgress(base::Nanos now);
  void Tell(const std::string& what) const;

  const SemanticOptions options_;
  storage::Store& store_;
  const base::Clock& clock_;
  const std::unique_ptr<Spaces> spaces_;
  Indexer indexer_;
  Owner owner_;
  Quarantine quarantine_;
  RecentHits recent_;
  Learned learned_;

  // The index writer's alone.
  bool has_told_ = false;
  base::Nanos told_at_{0};
  base::Nanos end_again_at_{0};
  base::Nanos see_again_at_{0};
  base::Nanos snapshot_due_{0};
  base::Nanos audit_due_{0};

  std::atomic<bool> enabled_{true};
  std::atomic<bool> has_unseen_{true};  // barred questions that the current embedder has not seen
  std::atomic<std::uint64_t> snapshots_{0};
  std::atomic<std::uint64_t> audited_{0};
  std::atomic<std::uint64_t> unreachable_{0};
  std::atomic<std::uint64_t> repaired_{0};
  mutable std::atomic<std::uint64_t> draws_;
};

}  // namespace reprise::semantic
