#include "server/semantic/spaces.h"

#include <algorithm>
#include <filesystem>
#include <utility>

namespace reprise::semantic {
namespace {

using storage::Family;

std::string PrefixOf(std::string_view fingerprint) {
  return VectorPrefix(HashOf(fingerprint));
}

}  // namespace

Spaces::Spaces(const SpacesOptions& options, storage::Store& store,
               std::unique_ptr<Embedding> embedding)
    : options_(options),
      store_(store),
      current_(std::make_shared<VectorSpace>(std::move(embedding), options.space, store)) {}

base::Result<std::unique_ptr<Spaces>> Spaces::Open(const SpacesOptions& options,
                                                   storage::Store& store,
                                                   const base::Clock& clock) {
  ASSIGN_OR_RETURN(auto rows, ReadSpaceRows(store));
  ASSIGN_OR_RETURN(auto embedding, options.make_embedding(options.embedding, clock));
  std::unique_ptr<Spaces> spaces(new Spaces(options, store, std::move(embedding)));
  RETURN_IF_ERROR(spaces->Register(std::move(rows), clock));
  return spaces;
}

// Says that the current embedder has had its turn, and finds what is left of others.
base::Status Spaces::Register(std::vector<SpaceRow> rows, const base::Clock& clock) {
  const Embedding& embedding = current_->embedding();
  row_ = {std::string(embedding.Fingerprint()), std::string(embedding.Name())};
  std::uint64_t turns = 0;
  for (const SpaceRow& row : rows) {
    turns = std::max(turns, row.turn);
    if (row.fingerprint == row_.fingerprint) {
      row_ = row;
    }
  }
  const SpaceRow* chosen = ChooseRetiring(rows, row_.fingerprint);
  ASSIGN_OR_RETURN(std::vector<std::string> prefixes, RowPrefixes(store_));
  std::erase(prefixes, current_->row_prefix());
  const bool is_new = row_.turn == 0 || row_.turn < turns;
  std::vector<std::string> dropped;
  for (const SpaceRow& row : rows) {
    if (row.fingerprint == row_.fingerprint) {
      continue;
    }
    if (&row != chosen && !is_stand_in()) {
      dropped.push_back(row.fingerprint);
      std::erase(prefixes, PrefixOf(row.fingerprint));
    } else {
      old_fingerprints_.push_back(row.fingerprint);
      std::erase(prefixes, PrefixOf(row.fingerprint));
      prefixes.push_back(PrefixOf(row.fingerprint));  // It may get rows yet.
    }
  }
  row_.turn = is_new ? turns + 1 : row_.turn;
  old_prefixes_here_ = prefixes;
  {
    base::MutexLock lock(mutex_);
    old_prefixes_ = prefixes;
  }
  if (chosen != nullptr) {
    OpenRetiring(*chosen, clock);
  } else if (!prefixes.empty()) {
    base::MutexLock lock(mutex_);
    replaced_.embedder = "unknown";
    replaced_.warning = "nothing says which embedder made these vectors";
  }
  DeleteSnapshots();
  if (!is_new && dropped.empty()) {
    return base::Ok{};
  }
  const base::Status written = store_.Run([&](storage::Transaction& transaction) -> base::Status {
    PutSpaceRow(row_, transaction);
    for (const std::string& fingerprint : dropped) {
      transaction.DeletePrefix(Family::kVectors, PrefixOf(fingerprint));
      DeleteSpaceRow(fingerprint, transaction);
    }
    return base::Ok{};
  });
  (void)written.ok();  // Refused (read-only): the next start does it.
  return base::Ok{};
}

void Spaces::OpenRetiring(const SpaceRow& row, const base::Clock& clock) {
  EmbeddingOptions options = options_.embedding;
  options.embedder = row.embedder;
  if (row.embedder == "client") {
    options.client_width = WidthOfClient(row.fingerprint).value_or(options.client_width);
  }
  auto embedding = options_.make_embedding(options, clock);
  Replaced replaced{row.embedder, row.fingerprint, "", {}};
  std::shared_ptr<VectorSpace> space;
  if (!embedding.ok()) {
    replaced.warning = embedding.error().detail;
  } else if (embedding.value()->Fingerprint() != row.fingerprint) {
    replaced.warning = "its model or settings are not there any more";
  } else {
    space = std::make_shared<VectorSpace>(std::move(embedding).value(), options_.space, store_);
  }
  base::MutexLock lock(mutex_);
  replaced_ = std::move(replaced);
  has_retiring_ = space != nullptr;
  retiring_ = std::move(space);
}

// Of indexes that nobody will load again.
void Spaces::DeleteSnapshots() const {
  if (options_.space.folder.empty()) {
    return;
  }
  std::vector<std::string> kept{FileNameOf(current_->hash())};
  for (const std::string& fingerprint : old_fingerprints_) {
    kept.push_back(FileNameOf(HashOf(fingerprint)));
  }
  std::vector<std::filesystem::path> old;
  std::error_code failed;
  for (std::filesystem::directory_iterator file(options_.space.folder, failed), end;
       !failed && file != end; file.increment(failed)) {
    const std::string name = file->path().filename().string();
    if (name.starts_with("index-") && name.ends_with(".snapshot") &&
        std::find(kept.begin(), kept.end(), name) == kept.end()) {
      old.push_back(file->path());
    }
  }
  for (const std::filesystem::path& file : old) {
    std::filesystem::remove(file, failed);
  }
}

bool Spaces::HasEntries(const Partition& partition) const {
  if (current_->HasEntries(partition)) {
    return true;
  }
  if (!has_retiring_.load(std::memory_order_acquire)) {
    return false;
  }
  const auto space = Retiring();
  return space != nullptr && space->HasEntries(partition);
}

std::shared_ptr<VectorSpace> Spaces::Retiring() const {
  base::MutexLock lock(mutex_);
  return retiring_;
}

std::vector<SpacePtr> Spaces::All() const {
  std::vector<SpacePtr> all{current_};
  if (has_retiring_.load(std::memory_order_acquire)) {
    if (auto space = Retiring(); space != nullptr) {
      all.push_back(std::move(space));
    }
  }
  return all;
}

Replaced Spaces::replaced() const {
  const auto space = Retiring();
  Replaced replaced;
  {
    base::MutexLock lock(mutex_);
    replaced = replaced_;
  }
  if (space != nullptr) {
    replaced.index = space->Stats();
  }
  return replaced;
}

base::Status Spaces::PutVector(const Entry& entry, std::span<const float> vector,
                               storage::Transaction& transaction) const {
  const auto spaces = All();
  const auto taker = std::find_if(spaces.begin(), spaces.end(),
                                  [vector](const auto& space) { return space->Takes(vector); });
  const VectorSpace& space = taker == spaces.end() ? *current_ : **taker;
  ASSIGN_OR_RETURN(const Probe probe, space.MakeProbe({}, vector));
  space.Put(entry, PackedVector::Of(probe.vectors->vector), transaction);
  return base::Ok{};
}

void Spaces::DeleteRows(std::string_view entry_name, storage::Transaction& transaction) const {
  const std::string name(entry_name);
  transaction.Delete(Family::kVectors, current_->row_prefix() + name);
  base::MutexLock lock(mutex_);
  for (const std::string& prefix : old_prefixes_) {
    transaction.Delete(Family::kVectors, prefix + name);
  }
}

void Spaces::DropRows(storage::NamespaceId id, storage::Transaction& transaction) const {
  const std::string names = EntryPrefix(id);
  transaction.DeletePrefix(Family::kVectors, current_->row_prefix() + names);
  base::MutexLock lock(mutex_);
  for (const std::string& prefix : old_prefixes_) {
    transaction.DeletePrefix(Family::kVectors, prefix + names);
  }
}

VectorSpace* Spaces::retiring() {
  if (gone_.use_count() == 1) {
    gone_.reset();  // Here, and not by a reader that would stop for it.
  }
  return Retiring().get();
}

base::Status Spaces::End() {
  SpaceRow filled = row_;
  filled.is_filled = true;
  const bool deletes = !is_stand_in();
  RETURN_IF_ERROR(store_.Run([&](storage::Transaction& transaction) -> base::Status {
    PutSpaceRow(filled, transaction);
    for (std::size_t i = 0; deletes && i < old_prefixes_here_.size(); ++i) {
      transaction.DeletePrefix(Family::kVectors, old_prefixes_here_[i]);
    }
    for (std::size_t i = 0; deletes && i < old_fingerprints_.size(); ++i) {
      DeleteSpaceRow(old_fingerprints_[i], transaction);
    }
    return base::Ok{};
  }));
  row_ = filled;
  if (!deletes) {
    return base::Ok{};
  }
  old_prefixes_here_.clear();
  old_fingerprints_.clear();
  DeleteSnapshots();
  base::MutexLock lock(mutex_);
  has_retiring_ = false;
  old_prefixes_.clear();
  replaced_ = Replaced();
  gone_ = std::move(retiring_);
  return base::Ok{};
}

}  // namespace reprise::semantic
