#include "server/semantic/semantic.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <utility>

#include "server/semantic/prior.h"
#include "server/semantic/seed.h"
#include "server/semantic/vector_row.h"
#include "server/text/normalize.h"

namespace reprise::semantic {
namespace {

using base::Code;
using base::Error;
using storage::Family;

constexpr std::size_t kBatch = 64;              // entries that one transaction writes
constexpr std::uint32_t kUpkeepSteps = 256;     // insertions between two looks at the queue
constexpr std::uint32_t kAuditEntries = 2'000;  // that search for themselves at one audit
constexpr std::int64_t kAuditMs = 60'000;
constexpr std::int64_t kRetryMs = 5'000;  // of an embedder that gave no vector
constexpr std::uint64_t kChangesForSnapshot = 1'000;
constexpr double kMillion = 1'000'000;
constexpr std::string_view kQuarantineRows = "semantic_quarantine/";
constexpr std::string_view kEvidenceRows = "semantic_evidence/";
constexpr std::string_view kLabelledRows = "semantic_labelled/";
constexpr char kLabelledVersion = 1;
constexpr unsigned kByteBits = 8;

std::string EvidencePrefix(storage::NamespaceId id) {
  return std::string(kEvidenceRows) + std::to_string(static_cast<std::uint32_t>(id)) + "/";
}

std::string LabelledPrefix(storage::NamespaceId id) {
  return std::string(kLabelledRows) + std::to_string(static_cast<std::uint32_t>(id)) + "/";
}

std::uint32_t NumberOf(std::string_view digits) {
  std::uint32_t number = 0;
  for (const char digit : digits) {
    number = number * 10 + static_cast<std::uint32_t>(digit - '0');
  }
  return number;
}

base::Nanos After(base::Nanos now, std::int64_t ms) {
  return now + ms * base::kNanosPerMilli;
}

}  // namespace

Semantic::Semantic(const SemanticOptions& options, std::unique_ptr<Embedding> embedding,
                   storage::Store& store, const base::Clock& clock)
    : options_(options),
      embedding_(std::move(embedding)),
      store_(store),
      clock_(clock),
      vector_prefix_(VectorPrefix(embedding_->Fingerprint())),
      recent_(kHitsMax),
      draws_(RandomSeed()) {}

Semantic::~Semantic() = default;

base::Result<std::unique_ptr<Semantic>> Semantic::Open(const SemanticOptions& options,
                                                       storage::Store& store,
                                                       const base::Clock& clock) {
  ASSIGN_OR_RETURN(auto embedding, Embedding::Make(options.embedding, clock));
  std::unique_ptr<Semantic> semantic(new Semantic(options, std::move(embedding), store, clock));
  RETURN_IF_ERROR(semantic->LoadRows());
  semantic->LoadIndex();
  const base::Nanos now = clock.Elapsed();
  semantic->snapshot_due_ = After(now, options.snapshot_ms);
  semantic->audit_due_ = After(now, kAuditMs);
  return semantic;
}

base::Status Semantic::LoadRows() {
  base::Status status = base::Ok{};
  const auto scan = [&](std::string_view prefix, const auto& load) -> base::Status {
    const storage::ScanRequest rows{.family = Family::kMeta, .prefix = prefix, .after = ""};
    RETURN_IF_ERROR(store_.Scan(rows, storage::kNever, [&](const storage::ScanRow& row) {
      status = load(row.key.substr(prefix.size()), row.value);
      return status.ok();
    }));
    return status;
  };
  RETURN_IF_ERROR(scan(kQuarantineRows, [this](std::string_view entry, std::string_view row) {
    return quarantine_.Load(entry, row);
  }));
  RETURN_IF_ERROR(scan(kLabelledRows, [this](std::string_view name, std::string_view row) {
    return LoadLabelled(name, row);
  }));
  return scan(kEvidenceRows, [this](std::string_view name, std::string_view row) -> base::Status {
    const std::size_t slash = name.find('/');
    ASSIGN_OR_RETURN(const Evidence evidence, Evidence::Parse(row));
    base::MutexLock lock(mutex_);
    evidence_[{NumberOf(name.substr(0, slash)),
               std::string(slash < name.size() ? name.substr(slash + 1) : "")}] = evidence;
    return base::Ok{};
  });
}

std::string Semantic::SnapshotPath() const {
  return options_.folder + "/" + FileNameOf(embedding_->Fingerprint());
}

// Whatever is odd with the snapshot: the rows have the vectors.
void Semantic::LoadIndex() {
  vector::IndexOptions options;
  options.width = static_cast<std::uint32_t>(embedding_->Width());
  options.entries_max = options_.entries_max;
  if (!options_.folder.empty()) {
    auto loaded = vector::VectorIndex::Load(options, SnapshotPath());
    if (loaded.ok()) {
      index_ = std::move(loaded).value();
      sequence_ = index_->AppliedSequence() + 1;
      return;
    }
  }
  index_ = std::make_unique<vector::VectorIndex>(options);
}

vector::PartitionId Semantic::IdOf(const Partition& partition) const {
  return {static_cast<std::uint64_t>(partition.namespace_id), partition.identity};
}

bool Semantic::HasEntries(const Partition& partition) const {
  return index_->HasEntries(IdOf(partition));
}

base::Result<Probe> Semantic::MakeProbe(const OwnText& text, std::span<const float> vector,
                                        Pause* pause) const {
  Probe probe;
  if (embedding_->IsClient()) {
    if (vector.empty()) {
      return Error{Code::kBadRequest,
                   "no 'vector' is given, and the server has no embedder of its own "
                   "(semantic.embedder is client)"};
    }
    ASSIGN_OR_RETURN(probe.vectors, UnitVector(vector, embedding_->Width()));
  } else if (!vector.empty()) {
    return Error{Code::kBadRequest, "'vector' is given, but the server embeds by itself (" +
                                        std::string(embedding_->Name()) +
                                        "); set semantic.embedder to client"};
  } else {
    ASSIGN_OR_RETURN(probe.vectors, pause == nullptr ? embedding_->Embed(text)
                                                     : embedding_->EmbedOrPause(text, *pause));
  }
  probe.owner = text.owner;
  probe.text = text.text;
  probe.words = match::ReadWords(text.text);
  return probe;
}

base::Result<vector::Matches> Semantic::Nearest(const Partition& partition, const Probe& probe,
                                                std::size_t count) const {
  return index_->Search(IdOf(partition), probe.vectors->vector, count);
}

base::Status Semantic::AddTokens(Probe& probe) const {
  const bool has_tokens = probe.vectors != nullptr && !probe.vectors->tokens.empty();
  if (embedding_->HasTokens() && !has_tokens) {
    ASSIGN_OR_RETURN(probe.vectors, embedding_->EmbedTokens({probe.owner, probe.text}));
  }
  return base::Ok{};
}

bool Semantic::IsBarred(std::string_view entry, const Probe& probe) const {
  return quarantine_.Has(entry) &&
         quarantine_.IsBarred(
             entry, TraceOf({probe.owner, probe.text}, PackedVector::Of(probe.vectors->vector)));
}

PackedVector Semantic::TraceOf(const OwnText& text, const PackedVector& vector) const {
  std::string normal;
  if (embedding_->IsLocal() && text::Normalize(text.text, normal).ok()) {
    if (const auto vectors = embedding_->Embed({text.owner, normal}); vectors.ok()) {
      return PackedVector::Of(vectors.value()->vector);
    }
  }
  return vector;
}

Ruling Semantic::RulingOf(storage::NamespaceId id, std::string_view type, double max_error) const {
  const EvidenceKey key{static_cast<std::uint32_t>(id), std::string(type)};
  const auto ppm = static_cast<std::int64_t>(max_error * kMillion);
  base::MutexLock lock(mutex_);
  const auto known = rulings_.find({key, ppm});
  if (known != rulings_.end()) {
    return known->second;
  }
  constexpr std::size_t kRulingsMax = 10'000;  // callers choose budgets
  if (rulings_.size() >= kRulingsMax) {
    rulings_.clear();
  }
  const auto evidence = evidence_.find(key);
  const Ruling ruling = ThresholdOf(PriorOf(embedding_->Fingerprint()),
                                    evidence == evidence_.end() ? Tally() : evidence->second.All(),
                                    {.max_error = max_error});
  rulings_[{key, ppm}] = ruling;
  return ruling;
}

Report Semantic::ReportOf(storage::NamespaceId id, std::string_view type, double max_error) const {
  Report report;
  report.ruling = RulingOf(id, type, max_error);
  base::MutexLock lock(mutex_);
  const auto evidence = evidence_.find({static_cast<std::uint32_t>(id), std::string(type)});
  if (evidence != evidence_.end()) {
    report.evidence = evidence->second.All().size();
    report.verified = EstimateOf(evidence->second.verified, report.ruling.threshold);
  }
  return report;
}

base::Result<double> Semantic::Compare(storage::NamespaceId owner, std::string_view stored,
                                       std::string_view asked) const {
  Probe one = ReadQuestion(stored, owner);
  Probe other = ReadQuestion(asked, owner);
  const match::Verdicts verdicts = Guard(one, other);
  if (match::FindVeto(verdicts) != nullptr) {
    return 0.0;
  }
  RETURN_IF_ERROR(AddTokens(one));
  RETURN_IF_ERROR(AddTokens(other));
  return ProbabilityOf(one, other, verdicts, {CosineOf(one, other), 0});
}

bool Semantic::DrawVerification(std::int64_t ppm) const {
  constexpr std::uint64_t kStep = 0x9E3779B97F4A7C15;
  constexpr std::uint64_t kAll = 1'000'000;
  std::uint64_t draw = draws_.fetch_add(kStep, std::memory_order_relaxed);
  draw = (draw ^ (draw >> 30U)) * 0xBF58476D1CE4E5B9;
  draw = (draw ^ (draw >> 27U)) * 0x94D049BB133111EB;
  return (draw ^ (draw >> 31U)) % kAll < static_cast<std::uint64_t>(std::max<std::int64_t>(ppm, 0));
}

SemanticStats Semantic::Stats() const {
  SemanticStats stats;
  stats.embedder = embedding_->Name();
  stats.fingerprint = embedding_->Fingerprint();
  stats.warning = embedding_->warning();
  stats.index = index_->Stats();
  stats.embedded = embedding_->embedded();
  stats.failed = failed_.load(std::memory_order_relaxed);
  stats.quarantined = quarantine_.size();
  stats.snapshots = snapshots_.load(std::memory_order_relaxed);
  stats.audited = audited_.load(std::memory_order_relaxed);
  stats.unreachable = unreachable_.load(std::memory_order_relaxed);
  stats.repaired = repaired_.load(std::memory_order_relaxed);
  stats.reconciling = reconciling_.load(std::memory_order_relaxed);
  base::MutexLock lock(queue_mutex_);
  stats.queued = queue_.size();
  return stats;
}

std::string Semantic::VectorKey(std::string_view entry_name) const {
  return vector_prefix_ + std::string(entry_name);
}

base::Status Semantic::PutVector(const Entry& entry, std::span<const float> vector,
                                 storage::Transaction& transaction) const {
  ASSIGN_OR_RETURN(const Probe probe, MakeProbe({}, vector));
  transaction.Put(Family::kVectors, VectorKey(entry.name),
                  FormatVectorRow({entry.id, PackedVector::Of(probe.vectors->vector)}),
                  entry.expires_at);
  return base::Ok{};
}

void Semantic::DeleteVector(std::string_view entry_name, storage::Transaction& transaction) const {
  transaction.Delete(Family::kVectors, VectorKey(entry_name));
}

void Semantic::DropVectors(storage::NamespaceId id, storage::Transaction& transaction) const {
  transaction.DeletePrefix(Family::kVectors, vector_prefix_ + EntryPrefix(id));
}

void Semantic::DropNamespace(storage::NamespaceId id, storage::Transaction& transaction) {
  DropVectors(id, transaction);
  transaction.DeletePrefix(Family::kMeta, EvidencePrefix(id));
  transaction.DeletePrefix(Family::kMeta, LabelledPrefix(id));
  const std::string names = EntryPrefix(id);
  transaction.DeletePrefix(Family::kMeta, std::string(kQuarantineRows) + names);
  quarantine_.ForgetPrefix(names);
  recent_.Forget(id);
  base::MutexLock lock(mutex_);
  const auto number = static_cast<std::uint32_t>(id);
  const auto is_gone = [number](const auto& item) { return item.first.first == number; };
  std::erase_if(evidence_, is_gone);
  std::erase_if(labelled_, is_gone);
  rulings_.clear();
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
    quarantine_.Bar(hit.entry, TraceOf({hit.namespace_id, hit.question}, hit.probe));
    transaction.Put(Family::kMeta, std::string(kQuarantineRows) + hit.entry,
                    quarantine_.Format(hit.entry), storage::kNever);
  }
  const EvidenceKey key{static_cast<std::uint32_t>(hit.namespace_id), hit.type};
  base::MutexLock lock(mutex_);
  evidence_[key].of(hit.source).Add(hit.probability, is_good);
  WriteEvidence(key, transaction);
  return base::Ok{};
}

std::uint64_t LabelledPair::HashOf(std::string_view stored, std::string_view asked, bool is_right) {
  std::string pair(is_right ? "+" : "-");
  pair += std::to_string(stored.size());
  pair += ' ';
  pair += stored;
  pair += asked;
  return StableHash(pair);
}

base::Result<std::uint64_t> Semantic::Learn(const Topic& topic, std::span<const LabelledPair> pairs,
                                            bool replace, storage::Transaction& transaction) {
  const EvidenceKey key{static_cast<std::uint32_t>(topic.namespace_id), std::string(topic.type)};
  const std::string rows = LabelledPrefix(topic.namespace_id) + key.second + "/";
  base::MutexLock lock(mutex_);
  std::unordered_set<std::uint64_t>& counted = labelled_[key];
  if ((replace ? 0 : counted.size()) + pairs.size() > kLabelledPairsMax) {
    return Error{Code::kTooLarge, std::to_string(counted.size()) +
                                      " labelled pairs of this type are known; {replace: true} "
                                      "forgets them"};
  }
  Tally& known = evidence_[key].calibration;
  if (replace) {
    known = Tally();
    counted.clear();
    transaction.DeletePrefix(Family::kMeta, rows);
  }
  const std::size_t before = counted.size();
  std::string row(1, kLabelledVersion);
  for (const LabelledPair& pair : pairs) {
    if (counted.insert(pair.hash).second) {
      known.Add(pair.probability, pair.is_right);
      for (std::size_t i = 0; i < sizeof(pair.hash); ++i) {
        row.push_back(static_cast<char>((pair.hash >> (kByteBits * i)) & 0xFFU));
      }
    }
  }
  const std::size_t added = counted.size() - before;
  if (added > 0) {
    transaction.Put(Family::kMeta, rows + std::to_string(before), row, storage::kNever);
  }
  WriteEvidence(key, transaction);
  return pairs.size() - added;
}

// `name` is namespace, type and number of the row.
base::Status Semantic::LoadLabelled(std::string_view name, std::string_view row) {
  const std::size_t slash = name.find('/');
  const std::size_t last = name.rfind('/');
  if (slash == last || row.empty() || row[0] != kLabelledVersion ||
      (row.size() - 1) % sizeof(std::uint64_t) != 0) {
    return Error{Code::kCorrupt, "a row of labelled pairs is not one"};
  }
  base::MutexLock lock(mutex_);
  auto& counted = labelled_[{NumberOf(name.substr(0, slash)),
                             std::string(name.substr(slash + 1, last - slash - 1))}];
  for (row.remove_prefix(1); !row.empty(); row.remove_prefix(sizeof(std::uint64_t))) {
    std::uint64_t hash = 0;
    for (std::size_t i = sizeof(hash); i-- > 0;) {
      hash = (hash << kByteBits) | static_cast<unsigned char>(row[i]);
    }
    counted.insert(hash);
  }
  return base::Ok{};
}

// A commit that fails leaves memory ahead of the rows until the next start: it then knows more bad
// hits than it would, never fewer.
void Semantic::WriteEvidence(const EvidenceKey& key, storage::Transaction& transaction) {
  rulings_.clear();
  transaction.Put(Family::kMeta, EvidencePrefix(storage::NamespaceId{key.first}) + key.second,
                  evidence_[key].Format(), storage::kNever);
}

void Semantic::SetEnabled(bool enabled) {
  if (enabled_.exchange(enabled) || !enabled) {
    return;
  }
  {
    base::MutexLock lock(queue_mutex_);
    overflowed_ = true;  // As if entries had found no room: all are looked through.
  }
  Wake();
}

void Semantic::Enqueue(Entry entry) {
  {
    base::MutexLock lock(queue_mutex_);
    if (queue_.size() >= kQueueMax) {
      overflowed_ = true;
      return;
    }
    queue_.push_back(std::move(entry));
  }
  wake_.notify_one();
}

std::vector<Entry> Semantic::TakeQueue(std::size_t entries_max) {
  std::vector<Entry> taken;
  base::MutexLock lock(queue_mutex_);
  while (!queue_.empty() && taken.size() < entries_max) {
    taken.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  if (queue_.empty() && overflowed_) {
    overflowed_ = false;
    reconcile_cursor_ = 0;
    reconciling_ = true;
  }
  return taken;
}

void Semantic::Wait(std::int64_t ms) {
  base::MutexLock lock(queue_mutex_);
  if (queue_.empty() && !woken_) {
    wake_.wait_for(queue_mutex_, std::chrono::milliseconds(ms));
  }
  woken_ = false;
}

void Semantic::Wake() {
  {
    base::MutexLock lock(queue_mutex_);
    woken_ = true;
  }
  wake_.notify_one();
}

bool Semantic::Step() {
  RemoveGone();
  if (!enabled_.load(std::memory_order_relaxed)) {
    return false;
  }
  std::vector<Entry> entries = TakeQueue(kBatch);
  const bool had_entries = !entries.empty();
  AddAll(std::move(entries));
  if (!had_entries && reconciling_.load(std::memory_order_relaxed)) {
    reconciling_ = Reconcile();
    return true;
  }
  const bool is_building = index_->Maintain(kUpkeepSteps);
  Upkeep();
  return had_entries || is_building;
}

void Semantic::RemoveGone() {
  for (const auto& [partition, id] : owner_.take_gone()) {
    index_->Remove(IdOf(partition), id, sequence_++);
    ++changes_;
  }
}

// What has a row is read; the rest is embedded, and gets its rows in one transaction.
void Semantic::AddAll(std::vector<Entry> entries) {
  std::vector<std::pair<Entry, embed::Vector>> made;
  for (Entry& entry : entries) {
    if (!owner_.is_live(entry)) {
      continue;
    }
    if (const auto stored = StoredVector(entry); stored.has_value()) {
      Insert(entry, *stored);
    } else if (auto vector = MakeVector(entry); vector.has_value()) {
      made.emplace_back(std::move(entry), *std::move(vector));
    }
  }
  if (made.empty()) {
    return;
  }
  const base::Status written = store_.Run([&](storage::Transaction& transaction) -> base::Status {
    for (const auto& [entry, vector] : made) {
      if (owner_.is_live(entry)) {
        transaction.Put(Family::kVectors, VectorKey(entry.name),
                        FormatVectorRow({entry.id, PackedVector::Of(vector)}), entry.expires_at);
      }
    }
    return base::Ok{};
  });
  (void)written.ok();  // Refused: it is embedded again after a restart.
  for (const auto& [entry, vector] : made) {
    if (owner_.is_live(entry)) {
      Insert(entry, vector);
    }
  }
}

std::optional<embed::Vector> Semantic::StoredVector(const Entry& entry) const {
  const auto row =
      store_.Get(Family::kVectors, VectorKey(entry.name), clock_.Now(), storage::ReadMode::kDisk);
  if (!row.ok() || !row.value().has_value()) {
    return std::nullopt;
  }
  auto parsed = ParseVectorRow(row.value()->value());
  if (!parsed.ok() || parsed.value().vector.values.size() != embedding_->Width()) {
    return std::nullopt;
  }
  // A caller's vector belongs to one answer; one that we made, to the question.
  if (embedding_->IsClient() && parsed.value().id != entry.id) {
    return std::nullopt;
  }
  return parsed.value().vector.Unpacked();
}

std::optional<embed::Vector> Semantic::MakeVector(const Entry& entry) {
  const bool is_left_alone = has_missed_ && clock_.Elapsed() < retry_due_;
  if (embedding_->IsClient() || is_left_alone) {
    return std::nullopt;  // Left alone: Upkeep looks for all that has no vector.
  }
  const auto prompt = owner_.prompt_of(entry);
  if (!prompt.has_value()) {
    return std::nullopt;
  }
  const auto vectors = embedding_->Embed({entry.partition.namespace_id, *prompt});
  if (!vectors.ok()) {
    failed_.fetch_add(1, std::memory_order_relaxed);
    if (vectors.error().code == Code::kUnavailable) {
      has_missed_ = true;
      retry_due_ = After(clock_.Elapsed(), kRetryMs);
    }
    return std::nullopt;
  }
  return vectors.value()->vector;
}

void Semantic::Insert(const Entry& entry, const embed::Vector& vector) {
  const base::Status added = index_->Add(IdOf(entry.partition), entry.id, vector, sequence_++);
  if (!added.ok()) {
    failed_.fetch_add(1, std::memory_order_relaxed);
  }
  ++changes_;
}

// One page: entries that the index lacks go to the queue. False at the end.
bool Semantic::Reconcile() {
  std::vector<Entry> page;
  const bool more = owner_.list(reconcile_cursor_, page);
  for (Entry& entry : page) {
    if (!index_->Contains(IdOf(entry.partition), entry.id)) {
      Enqueue(std::move(entry));
    }
  }
  return more;
}

void Semantic::Upkeep() {
  const base::Nanos now = clock_.Elapsed();
  if (has_missed_ && now >= retry_due_) {
    has_missed_ = false;
    reconcile_cursor_ = 0;
    reconciling_ = true;
  }
  if (now >= audit_due_) {
    audit_due_ = After(now, kAuditMs);
    const vector::AuditReport report = index_->Audit(kAuditEntries);
    audited_ += report.probed;
    unreachable_ += report.unreachable;
    repaired_ += report.repaired;
  }
  if (now >= snapshot_due_) {
    snapshot_due_ = After(now, options_.snapshot_ms);
    if (changes_ >= kChangesForSnapshot) {
      Close();
    }
  }
}

void Semantic::Close() {
  if (options_.folder.empty() || changes_ == 0) {
    return;
  }
  std::error_code ignored;
  std::filesystem::create_directories(options_.folder, ignored);
  std::filesystem::permissions(options_.folder, std::filesystem::perms::owner_all, ignored);
  if (index_->Snapshot(SnapshotPath()).ok()) {
    changes_ = 0;
    snapshots_.fetch_add(1, std::memory_order_relaxed);
  }
}

}  // namespace reprise::semantic
