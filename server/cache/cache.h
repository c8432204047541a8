// Cache: answers by question. Stores entries, looks them up by tier, counts what that saved
// (accounts.h) and records decisions (decision_log.h).
//
// Lookup order: exact (same identity, same bytes of prompt), then normalized (same identity, same
// normal form: server/text/normalize.h), then semantic (same identity, most likely the same
// question: semantic_tier.cc, server/semantic). The stored identity, prompt and namespace are
// compared with the request on each hit, so that a hash collision cannot serve.
//
//   stored --ttl--> stale --the type's stale_ms--> gone: nothing is served any more
//
// A stale answer is found only when nothing fresh is, and says so. Query types are policies:
// whether answers are kept, for how long, how large. A question of a type that is not kept is
// refused: it is neither looked up nor stored (classify.h says which type a question has).
//
// Each namespace has its own index, bounds and order of use: a full namespace makes room among its
// own entries, as the policy says (eviction.h). When the whole server has a bound and is full, the
// namespace that holds most of what is short gives; who holds no more than his equal share of the
// bound never does. Order of use is kept in memory; after a restart it is the order of creation.
//
// Threads: Lookup, Stats on any thread (a mutex for each namespace, a leaf); Store, Drop,
// WriteCounters inside a transaction on the writer thread. An entry can be found once its
// transaction has committed. Errors: kBadRequest, kTooLarge, kCorrupt, and those of the store.
// Complexity: O(1) expected, plus O(prompt + identity + response bytes).
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/base/result.h"
#include "server/cache/accounts.h"
#include "server/cache/bounds.h"
#include "server/cache/counters.h"
#include "server/cache/decision_log.h"
#include "server/cache/explain.h"
#include "server/cache/flights.h"
#include "server/cache/identity.h"
#include "server/cache/index.h"
#include "server/cache/labels.h"
#include "server/cache/port.h"
#include "server/cache/row.h"
#include "server/cache/tier.h"
#include "server/config/options.h"
#include "server/semantic/facing.h"
#include "server/semantic/semantic.h"
#include "storage/engine/by_namespace.h"
#include "storage/engine/namespace_id.h"
#include "storage/engine/store.h"
#include "storage/engine/view.h"

namespace reprise::cache {

struct Question {
  storage::NamespaceId namespace_id = storage::kDefaultNamespace;
  std::string_view prompt;    // UTF-8
  std::string_view identity;  // one MessagePack value; empty: no identity
  std::string_view type;      // a configured query type; empty: the rules decide
  Asker asker{};
};

struct Answer {
  std::string_view response;  // one MessagePack value, not nil
  std::string_view model;
  std::string_view tags;               // MessagePack array of str, or empty
  std::optional<std::int64_t> ttl_ms;  // absent: the type's
  Worth worth;
  // Labels that were invalidated while the answer was computed: with one of them it is not kept.
  std::vector<std::pair<LabelKind, std::string>> invalidated{};
  std::optional<Life>
      life{};  // of an entry that comes from elsewhere; then ttl_ms is not looked at
  std::vector<float> vector{};  // of the prompt, where callers embed; else empty
  // Whether anybody may find it in other words; absent: unless the options have that tier off.
  std::optional<bool> for_semantic{};
};

struct Stored {
  bool kept = true;
  std::string reason;  // why it was not kept; then the rest is empty
  std::uint64_t id = 0;
  KeyHash exact;
  KeyHash normalized;
  base::UnixMillis expires_at{0};
};

struct EntryLabels;

// Whether each tier answers.
struct TierModes {
  config::TierMode exact = config::TierMode::kOn;
  config::TierMode normalized = config::TierMode::kOn;
  config::TierMode semantic = config::TierMode::kOn;
};

struct LookupLimits {
  Tier deepest = Tier::kSemantic;           // tiers behind this one are not tried
  std::optional<TierModes> modes;           // for this caller; absent: those of the options
  std::optional<std::int64_t> max_age_ms;   // older entries are a miss
  std::optional<std::int64_t> stale_ok_ms;  // how stale it may be; absent: as the type says
  std::optional<double> max_error;          // share of wrong answers; absent: the type's budget
  std::vector<float> vector;                // of the prompt, where callers embed; else empty
  bool count_miss = true;                   // false: the caller asks again, or counts it itself
  bool peek = false;                        // nothing is counted, no entry counts as used
  semantic::Pause* pause = nullptr;         // null: waits on its thread for an embedder elsewhere
};

// Of a hit of the semantic tier.
struct Likeness {
  float cosine = 0;
  double probability = 0;     // that the answer is right
  double bound = 0;           // of the wrong share of all that are as likely
  std::uint64_t hit = 0;      // CACHE.FEEDBACK names it so; 0: not of this tier
  bool is_to_verify = false;  // chosen at random: not to be served, but judged
};

struct Found {
  Tier tier = Tier::kExact;
  std::string type;
  bool stale = false;  // not counted as a hit until CountStale
  base::UnixMillis created_at{0};
  base::UnixMillis expires_at{0};  // from then on it is stale, or gone
  Worth worth;
  Body body;  // points into `bytes`
  storage::BlobRef bytes;
  Likeness likeness{};
};

// Why nothing was found.
enum class Absent : std::uint8_t {
  kUnknown,
  kExpired,
  kTooOld,
  kVoid,
  // There is a near entry of the semantic tier, but
  kGuarded,    // it differs in what matters
  kUnsure,     // it is not likely enough
  kAmbiguous,  // another one is as likely, with another answer
  kBarred,     // somebody said that it was wrong for this question
  kNoVector,   // the embedder did not answer
  kTemplate,   // it shares a template with the question, and is filled with something else
  kContext,    // one of the two is long, and they are about different texts
  kTooLong,    // the question is longer than the tier reads
  kIndexing    // there is none, but entries wait for their vectors
};

// What the policies say of a question.
struct Ruling {
  std::string type;
  std::string reason;    // why it is of this type
  bool refused = false;  // neither looked up nor stored
  std::string refusal;   // why
};

struct Outcome {
  std::optional<Found> found;
  std::string_view reason;  // why it is a hit or a miss, for people
  Ruling ruling;            // only of a miss
};

// An entry that the semantic tier thinks of for a question.
struct Considered {
  Found found;
  std::string name;      // semantic::Entry
  std::string embedder;  // whose vectors these are
  float cosine = 0;
  double probability = 0;  // 0: may not answer, or too far behind the nearest to be compared
  bool is_barred = false;
  bool is_passed_over = false;  // nearer ones may answer: the guards were not asked
  semantic::Probe question;
  semantic::Facing facing;
  match::Verdicts verdicts;
  bool MayAnswer() const {
    return !is_barred && !is_passed_over && facing.refusal == semantic::Refusal::kNone &&
           match::FindVeto(verdicts) == nullptr;
  }
};

// What is stored near a question, and whether enough else is stored to judge by.
struct Neighbours {
  std::vector<Considered> entries;  // nearest first
  semantic::Setting setting = semantic::Setting::kAlone;
};

// All that the semantic tier has to say of a question.
struct Likely {
  bool allowed = false;  // by the type
  double max_error = 0;
  semantic::Report report;
  Neighbours neighbours;
  bool chosen = false;
  Absent why = Absent::kUnknown;
};
// For people.
std::string_view ReasonOf(Absent why);

// The accounts of one namespace in one dimension, all read at the same moment.
struct AccountsStats {
  std::vector<AccountStats> accounts;
  Counters total;
  LogStats log;
};

struct NamespaceStats {
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;           // as bounds count them (bounds.h)
  std::uint64_t memory_bytes = 0;    // of the index
  std::uint64_t foreign_bodies = 0;  // must stay 0: rows whose namespace was not the reader's
  std::vector<AccountStats> types;
  LogStats log;
};

class Cache {
 public:
  // Reads the small rows and counters of `namespaces`; takes about 1.5 s for a million entries.
  static base::Result<std::unique_ptr<Cache>> Load(
      storage::Store& store, const std::vector<storage::NamespaceId>& namespaces,
      const base::Clock& clock);
  ~Cache();
  Cache(const Cache&) = delete;
  Cache& operator=(const Cache&) = delete;
  Cache(Cache&&) = delete;
  Cache& operator=(Cache&&) = delete;

  // Errors: an unknown type.
  static base::Result<Ruling> Judge(const Question& question, const config::CacheOptions& options);
  base::Result<Outcome> Lookup(const Question& question, const LookupLimits& limits,
                               const config::CacheOptions& options, const storage::View& view);
  // From here on rephrased questions are answered too. Before the first lookup.
  void UseSemantic(semantic::Semantic& semantic);
  base::Result<Likely> FindLikely(const Question& question, const LookupLimits& limits,
                                  const config::CacheOptions& options, const storage::View& view);
  base::Result<Stored> Store(const Question& question, const Answer& answer,
                             const config::CacheOptions& options,
                             storage::Transaction& transaction);
  // The question as flights know it; with `deepest` exact it joins and is joined by the same text
  // only. Errors: as Lookup.
  base::Result<FlightQuestion> Ask(const Question& question, Tier deepest,
                                   const config::CacheOptions& options) const;
  // Entries that are nearest to the question: explain.h. Reads the disk, at most so many rows.
  base::Result<Neighbourhood> FindNeighbours(const FlightQuestion& asked, const storage::View& view,
                                             std::uint64_t rows_max) const;
  // A stale answer was served after all, and so saved a call.
  void CountStale(storage::NamespaceId id, const Found& found, const Asker& asker);
  // It was not: the caller computes a new one.
  void CountRenewal(storage::NamespaceId id, const Found& found, const Asker& asker);
  // Somebody who waited for the answer had it, and so saved a call.
  void CountFollower(storage::NamespaceId id, const Filled& filled, Tier tier, const Asker& asker);
  // The caller wanted no stored answer, and was not looked up.
  void CountBypass(const Question& question, const config::CacheOptions& options);
  // An answer was not taken. `type` is that of the lease; empty: it has none.
  void CountRefusedFill(storage::NamespaceId id, std::string_view type, Reason reason,
                        const Asker& asker);
  Flights& flights() { return flights_; }

  // Voids all entries with the label that were stored before now; O(1) in their number. Their rows
  // go later, in Reclaim. Answers how many they are; some may have been void by another label.
  std::uint64_t Invalidate(storage::NamespaceId id, const Label& label,
                           storage::Transaction& transaction);
  // The name of the label kIdentity of entries with this identity (one MessagePack value).
  base::Result<std::string> IdentityLabel(storage::NamespaceId id, std::string_view identity) const;
  std::uint64_t CountLabel(storage::NamespaceId id, const Label& label) const;
  // Removes the one entry of this question, if there is one. An answer to it that is under way is
  // handed to who waits, and not kept.
  base::Result<bool> Remove(const Question& question, const config::CacheOptions& options,
                            storage::Transaction& transaction);
  // Gives the one entry of this question so much time from now; false when there is none.
  base::Result<bool> Expire(const Question& question, std::int64_t ttl_ms,
                            const config::CacheOptions& options, storage::Transaction& transaction);
  // Writes the life of entries that slid, at most so many of each namespace.
  base::Status WriteSlides(std::size_t entries_max, storage::Transaction& transaction);
  bool HasSlides() const;
  // One page of the namespace's entries (port.h); answers the cursor of the next, empty at the end.
  base::Result<std::string> ReadPage(const PageRequest& request, const storage::View& view,
                                     const PageVisitor& visit);
  // There is an entry of this very question that is alive and was not made before `created_at`.
  base::Result<bool> HasNewer(const Question& question, base::UnixMillis created_at,
                              base::UnixMillis now) const;
  // Deletes rows of void entries, looking at no more than `slots_max` slots of each namespace.
  void Reclaim(std::size_t slots_max, storage::Transaction& transaction);
  bool NeedsReclaim() const;

  // After a bound was lowered. Evicts what is over the bounds, at most so many of each namespace
  // and as many for the server's.
  void Trim(const config::CacheOptions& options, std::size_t entries_max,
            storage::Transaction& transaction);
  bool NeedsTrim(const config::CacheOptions& options) const;

  // Removes all entries of a namespace; its counters stay unless `forget`.
  std::uint64_t Drop(storage::NamespaceId id, bool forget, storage::Transaction& transaction);

  NamespaceStats Stats(storage::NamespaceId id) const;
  AccountsStats StatsBy(storage::NamespaceId id, Dimension dimension) const;
  // All namespaces together, for metrics.
  NamespaceStats Total() const;

  // Writes the counters that changed since they were last written, with the records of the decision
  // log; false when none had.
  bool WriteCounters(storage::Transaction& transaction);
  bool HasUnwrittenCounters() const;
  // What hits saved leaves through `post`, in this transaction: all of it, or what is due.
  using PostSaving = std::function<base::Status(storage::NamespaceId, const SavingSum&)>;
  base::Status PostSavings(bool all, const PostSaving& post, storage::Transaction& transaction);
  bool HasSavings(bool all) const;
  // cache.log_sample_ppm and cache.log_keep_ms. Any thread.
  void SetLog(const config::CacheOptions& options);
  // Called on any thread when so many records are pending that WriteCounters should come soon. Set
  // it before the first lookup; it must not wait.
  void OnManyRecords(std::function<void()> nudge) { nudge_ = std::move(nudge); }
  // Forgets expired entries, looking at no more than `slots_max` slots of each namespace.
  void SweepExpired(base::UnixMillis now, std::size_t slots_max);

 private:
  class Space;  // one namespace
  struct Candidate;

  // A question in the forms that stored bytes are compared with.
  struct Wanted {
    storage::NamespaceId namespace_id;
    std::string_view identity;  // canonical
    std::string_view prompt;
    std::string_view normalized;
  };

  Cache(const KeyHasher& hasher, const storage::Store& store, const base::Clock& clock);
  base::Status LoadSpace(storage::NamespaceId id, base::UnixMillis now, storage::Store& store);
  base::Status LoadFloors(storage::NamespaceId id, Space& space, storage::Store& store);
  struct Search;   // one lookup
  struct Memory {  // of a Search
    std::string identity;
    std::string normalized;
  };
  Search SearchFor(const Question& question, const LookupLimits& limits,
                   const config::CacheOptions& options, const storage::View& view, Memory& memory);
  Outcome Serve(Search& search, Found found, const Question& question);
  static base::Result<std::optional<Found>> Verify(const Wanted& wanted, const Candidate& candidate,
                                                   const storage::View& view, Space& space);
  base::Result<std::optional<Found>> AskTier(Search& search, Tier tier) const;
  base::Result<std::optional<Found>> AskSemantic(Search& search, std::string_view type) const;
  bool MayAskSemantic(const Search& search, std::string_view type) const;
  // A miss for which an entry may be on its way says so.
  void NoteIndexing(Search& search) const;
  static TierModes ModesOf(const LookupLimits& limits, const config::CacheOptions& options);
  // What one of the tier's spaces found, with what feedback is to be about.
  struct Chosen {
    std::optional<Considered> entry;
    double bound = 1;
    semantic::Trace probe;
  };
  base::Result<Chosen> ChooseAmong(Search& search, std::string_view type,
                                   std::vector<semantic::Asked>& spaces,
                                   Neighbours* seen = nullptr) const;
  base::Result<Neighbours> Consider(Search& search, semantic::Asked& asked,
                                    std::size_t guarded_max) const;
  static base::Status Compare(Neighbours& neighbours, semantic::Asked& asked,
                              const semantic::Ruling* ruling);
  static const Considered* Choose(const Neighbours& neighbours, const semantic::Ruling& ruling,
                                  Absent& why);
  static double BudgetOf(std::string_view type, const Search& search);
  semantic::Partition PartitionOf(const Wanted& wanted) const;
  base::Status ShowToSemantic(const Slot& slot, storage::NamespaceId id, const Answer& answer,
                              storage::Transaction& transaction);
  std::optional<std::string> PromptOf(const semantic::Entry& entry) const;
  std::vector<std::pair<semantic::Partition, std::uint64_t>> TakeGone();
  bool ListEntries(std::uint64_t& cursor, std::vector<semantic::Entry>& page) const;
  void DeleteRows(storage::NamespaceId id, const KeyHash& exact,
                  storage::Transaction& transaction) const;
  // What there is for the question; not counted.
  base::Result<std::optional<Found>> FindAnswer(Search& search) const;
  Outcome Refuse(Ruling ruling, const Question& question, const LookupLimits& limits);
  std::string CursorMark(storage::NamespaceId id) const;
  base::Result<std::string> StartOf(const PageRequest& request) const;
  base::Status LoadAccounts(storage::NamespaceId id, Space& space, storage::Store& store);
  static void DeleteAccounts(storage::NamespaceId id, storage::Transaction& transaction);
  // Whom a decision is for, and when it is made.
  struct Moment {
    const Asker& asker;
    base::UnixMillis now;
  };
  static Decision DecisionOf(const Moment& moment, DecisionKind kind, Reason reason);
  std::optional<std::int64_t> MicrosSince(base::Nanos arrived) const;
  void CountServed(Space& space, const Found& found, DecisionKind kind, const Moment& moment);
  struct Missed {
    std::string_view type;  // the question's
    Reason reason;
    std::optional<Worth> shadow;
  };
  void CountMiss(Space& space, const Missed& missed, const Moment& moment);
  void CountStore(const Question& question, const EntryLabels& labels,
                  storage::Transaction& transaction);
  void NudgeWhenMany();
  std::uint64_t TakeId(base::UnixMillis now);

  // What all namespaces hold together. Any thread.
  class Totals {
   public:
    void Add(std::uint32_t bytes) {
      entries_.fetch_add(1, std::memory_order_relaxed);
      bytes_.fetch_add(bytes, std::memory_order_relaxed);
    }
    void Subtract(const Room& room) {
      entries_.fetch_sub(room.entries, std::memory_order_relaxed);
      bytes_.fetch_sub(room.bytes, std::memory_order_relaxed);
    }
    Room held() const {
      return {entries_.load(std::memory_order_relaxed), bytes_.load(std::memory_order_relaxed)};
    }

   private:
    std::atomic<std::uint64_t> entries_{0};
    std::atomic<std::uint64_t> bytes_{0};
  };
  // The namespace that gives when the server is full.
  struct Giver {
    storage::NamespaceId id{0};
    Space* space = nullptr;
    Short what = Short::kEntries;
    std::size_t evictions_left = 0;  // then the fullest is looked for anew
  };
  // Evicts what keeps the entry from fitting. Errors: kTooLarge, it would not fit into an empty
  // one.
  base::Status MakeRoom(storage::NamespaceId id, const Slot& entry,
                        const config::CacheOptions& options, storage::Transaction& transaction);
  void TrimServer(const Room& incoming, const config::CacheOptions& options,
                  std::size_t entries_max, storage::Transaction& transaction);
  Giver FindGiver(Short what) const;
  Space* Find(storage::NamespaceId id) const;
  Space& FindOrMake(storage::NamespaceId id);

  KeyHasher hasher_;
  const storage::Store& store_;
  const base::Clock& clock_;
  semantic::Semantic* semantic_ = nullptr;  // null: without that tier
  LogShare log_share_;
  std::function<void()> nudge_;
  Flights flights_;
  std::uint64_t next_id_ = 1;  // used by Load and then by the writer thread only
  Giver giver_;                // used by the writer thread only
  Totals totals_;
  storage::ByNamespace<Space> spaces_;
};

}  // namespace reprise::cache
