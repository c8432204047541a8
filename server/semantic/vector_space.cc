#include "server/semantic/vector_space.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "protocol/base/random.h"
#include "server/semantic/long_text.h"

namespace reprise::semantic {
namespace {

using base::Code;
using base::Error;
using storage::Family;

vector::PartitionId IdOf(const Partition& partition) {
  return {static_cast<std::uint64_t>(partition.namespace_id), partition.identity};
}

}  // namespace

VectorSpace::VectorSpace(std::unique_ptr<Embedding> embedding, const SpaceOptions& options,
                         const storage::Store& store)
    : embedding_(std::move(embedding)),
      options_(options),
      store_(store),
      hash_(HashOf(embedding_->Fingerprint())),
      row_prefix_(VectorPrefix(hash_)) {
  Load();
}

// Whatever is odd with the snapshot: the rows have the vectors.
void VectorSpace::Load() {
  vector::IndexOptions options;
  options.width = static_cast<std::uint32_t>(embedding_->Width());
  options.entries_max = options_.entries_max;
  options.graph.seed = base::RandomSeed();
  if (!options_.folder.empty()) {
    auto loaded = vector::VectorIndex::Load(options, SnapshotPath());
    if (loaded.ok()) {
      index_ = std::move(loaded).value();
      sequence_ = index_->AppliedSequence() + 1;
      kept_.emplace();
      return;
    }
  }
  index_ = std::make_unique<vector::VectorIndex>(options);
}

bool VectorSpace::HasEntries(const Partition& partition) const {
  return index_->HasEntries(IdOf(partition));
}

bool VectorSpace::Takes(std::span<const float> vector) const {
  return embedding_->IsClient() && vector.size() == embedding_->Width();
}

base::Result<Probe> VectorSpace::MakeProbe(const OwnText& own, std::span<const float> vector,
                                           Pause* pause) const {
  VectorsPtr vectors;
  if (embedding_->IsClient()) {
    if (vector.empty()) {
      return Error{Code::kBadRequest,
                   "no 'vector' is given, and the server has no embedder of its own "
                   "(semantic.embedder is client)"};
    }
    ASSIGN_OR_RETURN(vectors, UnitVector(vector, embedding_->Width()));
  } else if (!vector.empty()) {
    return Error{Code::kBadRequest, "'vector' is given, but the server embeds by itself (" +
                                        std::string(embedding_->Name()) +
                                        "); set semantic.embedder to client"};
  } else {
    ASSIGN_OR_RETURN(vectors, EmbedWhole(*embedding_, own, pause));
  }
  Probe probe = ReadQuestion(own.text, own.owner);
  probe.vectors = std::move(vectors);
  return probe;
}

base::Result<vector::Matches> VectorSpace::Nearest(const Partition& partition, const Probe& probe,
                                                   std::size_t count) const {
  return index_->Search(IdOf(partition), probe.vectors->vector, count);
}

base::Status VectorSpace::AddTokens(Probe& probe) const {
  const bool has_tokens = probe.vectors != nullptr && !probe.vectors->tokens.empty();
  if (embedding_->HasTokens() && !has_tokens) {
    ASSIGN_OR_RETURN(probe.vectors, embedding_->EmbedTokens({probe.owner, probe.text}));
  }
  return base::Ok{};
}

void VectorSpace::Put(const Entry& entry, const PackedVector& vector,
                      storage::Transaction& transaction) const {
  transaction.Put(Family::kVectors, row_prefix_ + entry.name, FormatVectorRow({entry.id, vector}),
                  entry.expires_at);
}

std::optional<embed::Vector> VectorSpace::Stored(const Entry& entry, base::UnixMillis now) const {
  const auto row =
      store_.Get(Family::kVectors, row_prefix_ + entry.name, now, storage::ReadMode::kDisk);
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

bool VectorSpace::Contains(const Entry& entry) const {
  return index_->Contains(IdOf(entry.partition), entry.id);
}

base::Status VectorSpace::Insert(const Entry& entry, std::span<const float> vector) {
  ++changes_;
  Keep(entry.id);
  return index_->Add(IdOf(entry.partition), entry.id, vector, sequence_++);
}

void VectorSpace::Remove(const Partition& partition, std::uint64_t id) {
  ++changes_;
  index_->Remove(IdOf(partition), id, sequence_++);
}

void VectorSpace::Keep(std::uint64_t id) {
  if (kept_.has_value()) {
    kept_->push_back(id);
  }
}

std::uint64_t VectorSpace::DropOrphans() {
  if (!kept_.has_value()) {
    return 0;
  }
  std::vector<std::uint64_t> kept = *std::exchange(kept_, std::nullopt);
  std::sort(kept.begin(), kept.end());
  const std::uint64_t dropped = index_->Retain(
      [&kept](vector::PartitionId /*partition*/, vector::EntryId id) {
        return std::binary_search(kept.begin(), kept.end(), id);
      },
      sequence_++);
  changes_ += dropped;
  return dropped;
}

bool VectorSpace::Snapshot() {
  if (options_.folder.empty() || changes_ == 0) {
    return false;
  }
  std::error_code ignored;
  std::filesystem::create_directories(options_.folder, ignored);
  std::filesystem::permissions(options_.folder, std::filesystem::perms::owner_all, ignored);
  if (!index_->Snapshot(SnapshotPath()).ok()) {
    return false;
  }
  changes_ = 0;
  return true;
}

}  // namespace reprise::semantic
