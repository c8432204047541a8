#include "storage/engine/batch.h"

#include <algorithm>
#include <utility>

#include "storage/engine/expiry.h"

namespace reprise::storage {

void Batch::Reset(base::UnixMillis now, std::uint64_t commit) {
  overlay_.Clear();
  undo_.clear();
  done_.clear();
  now_ = now;
  commit_ = commit;
  sync_required_ = false;
  earliest_expiry_ = kNever;
}

base::Status Batch::Apply(Mutation& mutation) {
  const std::size_t mark = overlay_.Mark();
  const std::size_t undo_mark = undo_.size();
  const std::size_t done_mark = done_.size();
  const bool sync_before = sync_required_;
  base::Status outcome = mutation.Apply(*this);
  if (!outcome.ok()) {
    overlay_.Rollback(mark);
    undo_.resize(undo_mark);
    done_.resize(done_mark);
    sync_required_ = sync_before;
  }
  return outcome;
}

base::Status Batch::Commit(bool sync) {
  operations_.clear();
  for (const Overlay::Entry& entry : overlay_.log()) {
    if (!entry.superseded) {
      operations_.push_back(&entry.operation);
    }
  }
  BeginHot();
  base::Status outcome = engine_.Commit(operations_, sync);
  if (outcome.ok()) {
    FinishHot();
    return outcome;
  }
  AbortHot();
  while (!undo_.empty()) {
    undo_.back()();
    undo_.pop_back();
  }
  return outcome;
}

void Batch::RunDone() {
  for (const std::function<void()>& done : done_) {
    done();
  }
  done_.clear();
}

base::Result<std::optional<BlobRef>> Batch::Get(Family family, std::string_view key) {
  ASSIGN_OR_RETURN(std::optional<BlobRef> row, Load(hot_table_.MakeKey(family, key)));
  if (row.has_value() && IsExpired(row->expires_at(), now_)) {
    row.reset();
  }
  return row;
}

base::Result<std::optional<BlobRef>> Batch::Load(const HotTable::Key& key) {
  if (const Overlay::Found found = overlay_.Find(key); found.known) {
    return found.row == nullptr ? std::nullopt : std::optional<BlobRef>(*found.row);
  }
  HotTable::Lookup lookup = hot_table_.Find(key);
  if (lookup.row) {
    return std::optional<BlobRef>(std::move(lookup.row));
  }
  ASSIGN_OR_RETURN(std::optional<BlobRef> loaded,
                   engine_.Get(key.family, key.bytes, ReadMode::kDisk));
  return hot_table_.Settle(key, lookup.ticket, std::move(loaded));
}

void Batch::Put(Family family, std::string_view key, std::string_view value,
                base::UnixMillis expires_at) {
  if (expires_at != kNever && (earliest_expiry_ == kNever || expires_at < earliest_expiry_)) {
    earliest_expiry_ = expires_at;
  }
  BlobRef row = BlobRef::Make(key, value, expires_at);
  overlay_.Put(hot_table_.MakeKey(family, row.key()), row);
}

void Batch::Delete(Family family, std::string_view key) {
  overlay_.Delete(hot_table_.MakeKey(family, key));
}

void Batch::DeletePrefix(Family family, std::string_view prefix) {
  overlay_.DeletePrefix(family, prefix);
}

bool Batch::DeleteExpired(Family family, std::string_view key, base::UnixMillis deletion_now) {
  const HotTable::Key named = hot_table_.MakeKey(family, key);
  const auto row = Load(named);
  if (!row.ok() || !row.value().has_value() ||
      !IsExpired(row.value()->expires_at(), deletion_now)) {
    return false;
  }
  overlay_.Delete(named);
  return true;
}

HotTable::Key Batch::KeyOf(const Overlay::Entry& entry) const {
  return {entry.operation.family, entry.operation.row.key(), entry.hash};
}

bool Batch::NamesKey(const Overlay::Entry& entry) {
  return !entry.superseded && entry.operation.kind != Operation::Kind::kDeletePrefix;
}

void Batch::BeginHot() {
  if (overlay_.HasPrefixes()) {
    hot_table_.BeginPrefixes();
  }
  for (const Overlay::Entry& entry : overlay_.log()) {
    if (NamesKey(entry)) {
      hot_table_.BeginWrite(KeyOf(entry));
    }
  }
}

// Prefixes first: readers must not see a row that the same batch put and then deleted.
void Batch::FinishHot() {
  const bool prefixes = overlay_.HasPrefixes();
  if (prefixes) {
    for (const Overlay::Entry& entry : overlay_.log()) {
      if (entry.operation.kind == Operation::Kind::kDeletePrefix) {
        hot_table_.ErasePrefix(entry.operation.family, entry.operation.row.key());
      }
    }
    hot_table_.FinishPrefixes();
  }
  for (std::size_t i = 0; i < overlay_.log().size(); ++i) {
    const Overlay::Entry& entry = overlay_.log()[i];
    if (!NamesKey(entry)) {
      continue;
    }
    const bool put = entry.operation.kind == Operation::Kind::kPut;
    if (put && (!prefixes || overlay_.Survives(i))) {
      hot_table_.FinishPut(KeyOf(entry), entry.operation.row);
    } else {
      hot_table_.FinishDelete(KeyOf(entry));
    }
  }
}

void Batch::AbortHot() {
  if (overlay_.HasPrefixes()) {
    hot_table_.FinishPrefixes();
  }
  for (const Overlay::Entry& entry : overlay_.log()) {
    if (NamesKey(entry)) {
      hot_table_.AbortWrite(KeyOf(entry));
    }
  }
}

}  // namespace reprise::storage
