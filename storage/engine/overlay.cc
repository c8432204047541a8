#include "storage/engine/overlay.h"

#include <utility>

namespace reprise::storage {
namespace {

constexpr std::size_t kPlacesMin = 256;

}  // namespace

Overlay::Overlay() : index_(kPlacesMin) {}

void Overlay::Put(const HotTable::Key& key, BlobRef row) {
  Append(key, {Operation::Kind::kPut, key.family, std::move(row)});
}

void Overlay::Delete(const HotTable::Key& key) {
  Append(key, {Operation::Kind::kDelete, key.family, BlobRef::Make(key.bytes, {}, kNever)});
}

void Overlay::DeletePrefix(Family family, std::string_view prefix) {
  prefixes_.push_back(log_.size());
  log_.push_back({{Operation::Kind::kDeletePrefix, family, BlobRef::Make(prefix, {}, kNever)},
                  0,
                  kNone,
                  false});
}

Overlay::Found Overlay::Find(const HotTable::Key& key) const {
  std::int32_t last = kNone;
  if (!log_.empty()) {
    last = index_[PlaceOf(key)].last;
  }
  for (const std::size_t position : prefixes_) {
    const Operation& operation = log_[position].operation;
    if (static_cast<std::int64_t>(position) > last && operation.family == key.family &&
        key.bytes.substr(0, operation.row.key().size()) == operation.row.key()) {
      return {true, nullptr};
    }
  }
  if (last == kNone) {
    return {};
  }
  const Operation& operation = log_[static_cast<std::size_t>(last)].operation;
  return {true, operation.kind == Operation::Kind::kPut ? &operation.row : nullptr};
}

bool Overlay::Survives(std::size_t position) const {
  const Entry& entry = log_[position];
  return Find({entry.operation.family, entry.operation.row.key(), entry.hash}).row != nullptr;
}

void Overlay::Rollback(std::size_t mark) {
  while (log_.size() > mark) {
    const Entry& entry = log_.back();
    if (entry.operation.kind == Operation::Kind::kDeletePrefix) {
      prefixes_.pop_back();
    } else {
      const Operation& operation = entry.operation;
      index_[PlaceOf({operation.family, operation.row.key(), entry.hash})].last = entry.previous;
      if (entry.previous != kNone) {
        log_[static_cast<std::size_t>(entry.previous)].superseded = false;
      }
    }
    log_.pop_back();
  }
}

void Overlay::Clear() {
  log_.clear();
  prefixes_.clear();
  places_used_ = 0;
  index_.assign(index_.size() > kPlacesMin * 64 ? kPlacesMin : index_.size(), Place());
}

void Overlay::Append(const HotTable::Key& key, Operation operation) {
  if ((places_used_ + 1) * 2 > index_.size()) {
    Grow();
  }
  const auto position = static_cast<std::int32_t>(log_.size());
  Place& place = index_[PlaceOf(key)];
  if (!place.used) {
    place.used = true;
    place.hash = key.hash;
    ++places_used_;
  }
  if (place.last != kNone) {
    log_[static_cast<std::size_t>(place.last)].superseded = true;
  }
  log_.push_back({std::move(operation), key.hash, place.last, false});
  place.last = position;
}

// A place whose operations were all taken back keeps its hash but names no key; it is passed over
// and reused by no other key, so that runs stay whole until Clear.
std::size_t Overlay::PlaceOf(const HotTable::Key& key) const {
  const std::size_t mask = index_.size() - 1;
  for (std::size_t i = key.hash & mask;; i = (i + 1) & mask) {
    const Place& place = index_[i];
    if (!place.used) {
      return i;
    }
    if (place.hash != key.hash || place.last == kNone) {
      continue;
    }
    const Operation& operation = log_[static_cast<std::size_t>(place.last)].operation;
    if (operation.family == key.family && operation.row.key() == key.bytes) {
      return i;
    }
  }
}

void Overlay::Grow() {
  const std::vector<Place> old = std::exchange(index_, std::vector<Place>(index_.size() * 2));
  const std::size_t mask = index_.size() - 1;
  places_used_ = 0;
  for (const Place& place : old) {
    if (place.last == kNone) {
      continue;
    }
    std::size_t i = place.hash & mask;
    while (index_[i].used) {
      i = (i + 1) & mask;
    }
    index_[i] = place;
    ++places_used_;
  }
}

}  // namespace reprise::storage
