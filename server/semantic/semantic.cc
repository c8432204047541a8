#include "server/semantic/semantic.h"

#include <algorithm>
#include <utility>

#include "protocol/base/random.h"
#include "server/semantic/draws.h"
#include "server/semantic/facing.h"
#include "server/semantic/long_text.h"
#include "server/semantic/parts.h"
#include "server/semantic/prior.h"
#include "server/semantic/vector_row.h"
#include "server/text/normalize.h"

namespace reprise::semantic {
namespace {

using base::Code;
using base::Error;
using storage::Family;

constexpr std::uint32_t kUpkeepSteps = 256;     // insertions between two looks at the queue
constexpr std::uint32_t kAuditEntries = 2'000;  // that search for themselves at one audit
constexpr std::int64_t kAuditMs = 60'000;
constexpr std::uint64_t kChangesForSnapshot = 1'000;
constexpr std::int64_t kTellMs = 30'000;  // between two lines about the same thing
constexpr std::int64_t kAgainMs = 5'000;  // until what has failed is tried again
constexpr std::size_t kSeenAtOnce = 16;   // barred questions
constexpr std::string_view kQuarantineRows = "semantic_quarantine/";

// What holds before there is evidence.
Learned::Before BeforeOf(const VectorSpace& space, Setting setting) {
  return {PriorOf(space.embedding().Fingerprint(), setting), setting};
}

base::Nanos After(base::Nanos now, std::int64_t ms) {
  return now + ms * base::kNanosPerMilli;
}

}  // namespace

Semantic::Semantic(const SemanticOptions& options, std::unique_ptr<Spaces> spaces,
                   storage::Store& store, const base::Clock& clock)
    : options_(options),
      store_(store),
      clock_(clock),
      spaces_(std::move(spaces)),
      indexer_(spaces_->writable(), store, clock),
      recent_(kHitsMax),
      draws_(base::RandomSeed()) {}

Semantic::~Semantic() = default;

base::Result<std::unique_ptr<Semantic>> Semantic::Open(const SemanticOptions& options,
                                                       storage::Store& store,
                                                       const base::Clock& clock) {
  ASSIGN_OR_RETURN(auto spaces, Spaces::Open(options.spaces, store, clock));
  std::unique_ptr<Semantic> semantic(new Semantic(options, std::move(spaces), store, clock));
  RETURN_IF_ERROR(semantic->LoadQuarantine());
  RETURN_IF_ERROR(semantic->learned_.Load(store));
  if (semantic->spaces_->is_replacing()) {
    semantic->indexer_.Replace(semantic->spaces_->retiring());
  }
  const base::Nanos now = clock.Elapsed();
  semantic->snapshot_due_ = After(now, options.snapshot_ms);
  semantic->audit_due_ = After(now, kAuditMs);
  return semantic;
}

base::Status Semantic::LoadQuarantine() {
  base::Status status = base::Ok{};
  const storage::ScanRequest rows{.family = Family::kMeta, .prefix = kQuarantineRows, .after = ""};
  RETURN_IF_ERROR(store_.Scan(rows, storage::kNever, [&](const storage::ScanRow& row) {
    status = quarantine_.Load(row.key.substr(kQuarantineRows.size()), row.value);
    return status.ok();
  }));
  return status;
}

void Semantic::Serve(Owner owner) {
  owner_ = owner;
  indexer_.Serve(std::move(owner));
}

bool Semantic::HasEntries(const Partition& partition) const {
  return spaces_->HasEntries(partition);
}

base::Result<std::vector<Asked>> Semantic::Ask(const Partition& partition, std::string_view text,
                                               std::span<const float> vector, Pause* pause) const {
  const OwnText own{partition.namespace_id, text};
  const auto spaces = spaces_->All();
  const auto taker = std::find_if(spaces.begin(), spaces.end(),
                                  [vector](const auto& space) { return space->Takes(vector); });
  if (taker == spaces.end() && !vector.empty()) {
    return spaces.front()->MakeProbe(own, vector).error();  // It belongs nowhere.
  }
  std::vector<Asked> asked;
  std::optional<Error> refused;
  // An entry may leave the retiring space for the current one at any moment: who searches in this
  // order does not miss it.
  for (auto place = spaces.rbegin(); place != spaces.rend(); ++place) {
    const SpacePtr& space = *place;
    const bool is_client = space->embedding().IsClient();
    const bool is_of_other = is_client && taker != spaces.end() && space != *taker;
    if (is_of_other || (spaces.size() == 1 && !space->HasEntries(partition))) {
      continue;
    }
    // What a call was run again for is of one embedder.
    auto probe = space->MakeProbe(own, is_client ? vector : std::span<const float>(),
                                  space == spaces.front() ? pause : nullptr);
    if (probe.ok()) {
      asked.push_back({space, std::move(probe).value()});
      continue;
    }
    const bool is_missing = is_client && vector.empty();  // Another space may do without.
    if (probe.error().code != Code::kUnavailable && !is_missing) {
      return probe.error();
    }
    refused = refused.value_or(probe.error());
  }
  if (asked.empty() && refused.has_value()) {
    return *refused;
  }
  return asked;
}

bool Semantic::IsBarred(std::string_view entry, Asked& asked) const {
  if (!quarantine_.Has(entry)) {
    return false;
  }
  if (!asked.trace.has_value()) {
    asked.spelling = SpellingOf(asked.probe.text);
    asked.trace = TraceOf(*asked.space, {asked.probe.owner, asked.spelling},
                          PackedVector::Of(asked.probe.vectors->vector));
  }
  return quarantine_.IsBarred(entry, asked.spelling, *asked.trace);
}

Trace Semantic::ProbeOf(const Asked& asked) {
  const PackedVector vector = PackedVector::Of(asked.probe.vectors->vector);
  const std::string& text = asked.probe.text;
  return IsLong(text) ? TraceOf(*asked.space, {asked.probe.owner, SpellingOf(text)}, vector)
                      : Trace{asked.space->hash(), vector};
}

std::string Semantic::SpellingOf(std::string_view text) {
  std::string normal;
  return text::Normalize(text, normal).ok() ? normal : std::string(text);
}

Trace Semantic::TraceOf(const VectorSpace& space, const OwnText& spelling,
                        const PackedVector& vector) {
  if (space.embedding().IsLocal()) {
    if (const auto vectors = EmbedWhole(space.embedding(), spelling); vectors.ok()) {
      return {space.hash(), PackedVector::Of(vectors.value()->vector)};
    }
  }
  return {space.hash(), vector};
}

Ruling Semantic::RulingOf(const VectorSpace& space, const Subject& subject,
                          double max_error) const {
  return learned_.RulingOf({subject.namespace_id, space.hash(), std::string(subject.type)},
                           BeforeOf(space, subject.setting), max_error);
}

Report Semantic::ReportOf(const Subject& subject, double max_error) const {
  const VectorSpace& space = spaces_->current();
  return learned_.ReportOf({subject.namespace_id, space.hash(), std::string(subject.type)},
                           BeforeOf(space, subject.setting), max_error);
}

base::Result<double> Semantic::Compare(storage::NamespaceId owner, std::string_view stored,
                                       std::string_view asked) const {
  Probe one = ReadQuestion(stored, owner);
  Probe other = ReadQuestion(asked, owner);
  Facing facing = Face(one, other);
  if (facing.refusal != Refusal::kNone) {
    return 0.0;
  }
  const match::Verdicts verdicts = Guard(one, other, facing);
  if (match::FindVeto(verdicts) != nullptr) {
    return 0.0;
  }
  if (!facing.is_whole) {
    one = std::move(facing.stored);
    other = std::move(facing.asked);
  }
  RETURN_IF_ERROR(spaces_->current().AddTokens(one));
  RETURN_IF_ERROR(spaces_->current().AddTokens(other));
  return ProbabilityOf(
      one, other, verdicts,
      {CosineOf(one, other), std::nullopt, spaces_->current().embedding().HasTokens()});
}

bool Semantic::DrawVerification(std::int64_t ppm) const {
  constexpr std::uint64_t kAll = 1'000'000;
  const std::uint64_t draw = DrawOf(draws_.fetch_add(kDrawStep, std::memory_order_relaxed));
  return draw % kAll < static_cast<std::uint64_t>(std::max<std::int64_t>(ppm, 0));
}

SemanticStats Semantic::Stats() const {
  const VectorSpace& current = spaces_->current();
  SemanticStats stats;
  stats.embedder = current.embedding().Name();
  stats.fingerprint = current.embedding().Fingerprint();
  stats.warning = current.embedding().warning();
  stats.index = current.Stats();
  stats.queued = indexer_.queued();
  stats.embedded = current.embedding().embedded();
  stats.failed = indexer_.failed();
  stats.quarantined = quarantine_.size();
  stats.snapshots = snapshots_.load(std::memory_order_relaxed);
  stats.audited = audited_.load(std::memory_order_relaxed);
  stats.unreachable = unreachable_.load(std::memory_order_relaxed);
  stats.repaired = repaired_.load(std::memory_order_relaxed);
  stats.filling = indexer_.filling();
  stats.replaced = spaces_->replaced();
  return stats;
}

base::Status Semantic::PutVector(const Entry& entry, std::span<const float> vector,
                                 storage::Transaction& transaction) const {
  return spaces_->PutVector(entry, vector, transaction);
}

void Semantic::DeleteVector(std::string_view entry_name, storage::Transaction& transaction) const {
  spaces_->DeleteRows(entry_name, transaction);
}

void Semantic::DropVectors(storage::NamespaceId id, storage::Transaction& transaction) const {
  spaces_->DropRows(id, transaction);
}

void Semantic::DropNamespace(storage::NamespaceId id, storage::Transaction& transaction) {
  DropVectors(id, transaction);
  const std::string names = EntryPrefix(id);
  transaction.DeletePrefix(Family::kMeta, std::string(kQuarantineRows) + names);
  quarantine_.ForgetPrefix(names);
  recent_.Forget(id);
  learned_.DropNamespace(id, transaction);
}

base::Result<bool> Semantic::Judge(storage::NamespaceId id, std::uint64_t number, bool is_good,
                                   storage::Transaction& transaction) {
  std::optional<Hit> hit = recent_.Take(id, number);
  if (!hit.has_value()) {
    return false;
  }
  transaction.OnAbort([this, number, kept = *hit] { recent_.PutBack(number, kept); });
  RETURN_IF_ERROR(Judge(*hit, is_good, transaction));
  return true;
}

base::Status Semantic::Judge(const Hit& hit, bool is_good, storage::Transaction& transaction) {
  if (!is_good) {
    // Of a longer question only the beginning is known, which many may share.
    const bool is_whole = hit.question.size() < kQuestionBytesMax;
    const std::string spelling = is_whole ? SpellingOf(hit.question) : "";
    Trace trace = hit.probe;
    for (const SpacePtr& space : spaces_->All()) {
      if (is_whole && space->hash() == hit.probe.embedder) {
        trace = TraceOf(*space, {hit.namespace_id, spelling}, hit.probe.vector);
      }
    }
    quarantine_.Bar(hit.entry, spelling, std::move(trace));
    if (hit.probe.embedder != spaces_->current().hash()) {
      has_unseen_ = true;
    }
    transaction.Put(Family::kMeta, std::string(kQuarantineRows) + hit.entry,
                    quarantine_.Format(hit.entry), storage::kNever);
  }
  learned_.Add({hit.namespace_id, hit.probe.embedder, hit.type},
               {hit.source, hit.probability, is_good}, transaction);
  return base::Ok{};
}

base::Result<std::uint64_t> Semantic::Learn(storage::NamespaceId id, const Lesson& lesson,
                                            storage::Transaction& transaction) {
  return learned_.Learn({id, spaces_->current().hash(), std::string(lesson.type)}, lesson.pairs,
                        lesson.replace, transaction);
}

void Semantic::SetEnabled(bool enabled) {
  if (!enabled_.exchange(enabled) && enabled) {
    indexer_.StartOver();
  }
}

bool Semantic::Step() {
  RemoveGone();
  if (!enabled_.load(std::memory_order_relaxed)) {
    return false;
  }
  bool has_worked = SeeBarred();
  has_worked = indexer_.Step() || has_worked;
  has_worked = EndReplacing() || has_worked;
  if (!has_worked) {
    has_worked = spaces_->writable().Maintain(kUpkeepSteps);
  }
  Upkeep();
  return has_worked;
}

void Semantic::RemoveGone() {
  VectorSpace* const retiring = spaces_->retiring();
  for (const auto& [partition, id] : owner_.take_gone()) {
    spaces_->writable().Remove(partition, id);
    if (retiring != nullptr) {
      retiring->Remove(partition, id);
    }
  }
}

// Until it has seen them, the entries of these questions are barred for all others.
bool Semantic::SeeBarred() {
  const VectorSpace& current = spaces_->current();
  const base::Nanos now = clock_.Elapsed();
  if (!has_unseen_ || now < see_again_at_ || current.embedding().IsClient()) {
    return false;
  }
  has_unseen_ = false;  // Judge may say otherwise from here on.
  const auto unseen = quarantine_.Unseen(current.hash(), kSeenAtOnce);
  std::vector<std::pair<std::size_t, Trace>> traces;
  for (std::size_t i = 0; i < unseen.size(); ++i) {
    const auto& [entry, question] = unseen[i];
    const auto vectors = EmbedWhole(current.embedding(), {NamespaceOf(entry), question});
    if (vectors.ok()) {
      traces.emplace_back(i, Trace{current.hash(), PackedVector::Of(vectors.value()->vector)});
    }
  }
  const base::Status written = store_.Run([&](storage::Transaction& transaction) -> base::Status {
    for (const auto& [i, trace] : traces) {
      const auto& [entry, question] = unseen[i];
      quarantine_.AddTrace(entry, question, trace);
      transaction.Put(Family::kMeta, std::string(kQuarantineRows) + entry,
                      quarantine_.Format(entry), storage::kNever);
    }
    return base::Ok{};
  });
  (void)written.ok();  // Refused: it is seen again after a restart.
  if (!unseen.empty()) {
    has_unseen_ = true;
  }
  see_again_at_ = traces.size() == unseen.size() ? now : After(now, kAgainMs);
  return !traces.empty();
}

// False: there is nothing to end, or not yet.
bool Semantic::EndReplacing() {
  const base::Nanos now = clock_.Elapsed();
  if (!spaces_->needs_end() || !indexer_.is_filled() || now < end_again_at_) {
    return false;
  }
  end_again_at_ = After(now, kAgainMs);
  const bool replaces = spaces_->is_replacing() && !spaces_->is_stand_in();
  if (replaces) {
    Close();  // Before the other one goes.
  }
  const Replaced replaced = spaces_->replaced();
  if (!spaces_->End().ok()) {
    return false;
  }
  if (replaces) {
    indexer_.EndReplace();
    quarantine_.KeepTraces({spaces_->current().hash()});
    Tell("all entries have vectors of " + std::string(spaces_->current().embedding().Name()) +
         "; " + "those of " + replaced.embedder + " are deleted");
  }
  return true;
}

void Semantic::Upkeep() {
  const base::Nanos now = clock_.Elapsed();
  TellProgress(now);
  if (now >= audit_due_) {
    audit_due_ = After(now, kAuditMs);
    const vector::AuditReport report = spaces_->writable().Audit(kAuditEntries);
    audited_ += report.probed;
    unreachable_ += report.unreachable;
    repaired_ += report.repaired;
  }
  if (now >= snapshot_due_) {
    snapshot_due_ = After(now, options_.snapshot_ms);
    if (spaces_->writable().changes() >= kChangesForSnapshot) {
      Close();
    }
  }
}

void Semantic::TellStart(const Filling& filling) const {
  const Replaced replaced = spaces_->replaced();
  const Embedding& embedding = spaces_->current().embedding();
  std::string what =
      "vectors of " + replaced.embedder + " (" + replaced.fingerprint +
      ") are replaced by those of " + std::string(embedding.Name()) + " (" +
      std::string(embedding.Fingerprint()) + "): " + std::to_string(filling.left) + " of " +
      std::to_string(filling.total) + " entries " +
      (embedding.IsClient() ? "wait for vectors of their callers" : "are embedded anew");
  what += replaced.warning.empty()
              ? "; both are searched meanwhile"
              : "; the old ones are not searched meanwhile: " + replaced.warning;
  if (spaces_->is_stand_in()) {
    what += "; the old ones are kept, because this embedder only stands in";
  }
  Tell(what);
}

void Semantic::TellProgress(base::Nanos now) {
  const Filling filling = indexer_.filling();
  if (filling.is_loading || filling.left == 0) {
    return;
  }
  if (!has_told_ && spaces_->is_replacing()) {
    has_told_ = true;
    told_at_ = now;
    TellStart(filling);
  }
  if (!filling.is_embedding || now < After(told_at_, kTellMs)) {
    return;
  }
  told_at_ = now;
  constexpr std::int64_t kMillis = 1'000;
  Tell("embedded anew: " + std::to_string(filling.total - filling.left) + " of " +
       std::to_string(filling.total) + " entries, " +
       std::to_string(static_cast<std::uint64_t>(filling.per_second)) + " a second, about " +
       std::to_string(filling.left_ms() / kMillis) + " s left");
}

void Semantic::Tell(const std::string& what) const {
  if (options_.log) {
    options_.log(what);
  }
}

void Semantic::Close() {
  if (spaces_->writable().Snapshot()) {
    snapshots_.fetch_add(1, std::memory_order_relaxed);
  }
}

}  // namespace reprise::semantic
