#include "server/cache/labels.h"

#include <algorithm>

#include "protocol/base/ensure.h"

namespace reprise::cache {
namespace {

constexpr std::uint32_t kAllNumber = 0;  // the label that every entry has

}  // namespace

Labels::Labels() {
  const std::uint32_t all = NumberOf({LabelKind::kAll, ""});
  ENSURE(all == kAllNumber);
}

Labels::LabelNumber Labels::NumberOf(const Label& label) {
  const Key key(label.kind, label.name);
  if (const auto found = numbers_.find(key); found != numbers_.end()) {
    return found->second;
  }
  auto number = static_cast<LabelNumber>(known_.size());
  if (free_labels_.empty()) {
    known_.emplace_back();
  } else {
    number = free_labels_.back();
    free_labels_.pop_back();
  }
  known_[number] = {label.kind, std::string(label.name), 0, 0, 0};
  numbers_.emplace(key, number);
  return number;
}

const Labels::Known* Labels::Find(const Label& label) const {
  const auto found = numbers_.find(Key(label.kind, label.name));
  return found == numbers_.end() ? nullptr : &known_[found->second];
}

LabelSet Labels::Add(const std::vector<Label>& labels) {
  std::vector<LabelNumber> numbers{kAllNumber};
  for (const Label& label : labels) {
    numbers.push_back(NumberOf(label));
  }
  std::sort(numbers.begin(), numbers.end());
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  for (const LabelNumber number : numbers) {
    ++known_[number].entries;
  }
  if (const auto found = set_numbers_.find(numbers); found != set_numbers_.end()) {
    ++sets_[found->second].entries;
    return found->second;
  }
  auto set = static_cast<LabelSet>(sets_.size());
  if (free_sets_.empty()) {
    sets_.emplace_back();
  } else {
    set = free_sets_.back();
    free_sets_.pop_back();
  }
  set_numbers_.emplace(numbers, set);
  sets_[set] = {std::move(numbers), 1};
  return set;
}

void Labels::Remove(LabelSet set, std::uint64_t id) {
  Set& leaving = sets_[set];
  ENSURE(leaving.entries > 0);
  const bool last = --leaving.entries == 0;
  if (last) {
    set_numbers_.erase(leaving.labels);
  }
  for (const LabelNumber number : leaving.labels) {
    Known& label = known_[number];
    --label.entries;
    if (id < label.floor && label.void_entries > 0) {
      --label.void_entries;
    }
    ForgetUnused(number);
  }
  if (last) {
    leaving.labels.clear();
    free_sets_.push_back(set);
  }
}

void Labels::ForgetUnused(LabelNumber number) {
  Known& label = known_[number];
  if (number == kAllNumber || label.entries > 0 || label.floor > 0) {
    return;
  }
  numbers_.erase(Key(label.kind, label.name));
  label = Known();
  free_labels_.push_back(number);
}

std::uint64_t Labels::Count(const Label& label) const {
  const Known* known = Find(label);
  return known == nullptr ? 0 : known->entries - known->void_entries;
}

Floor Labels::Invalidate(const Label& label, Floor floor) {
  Known& known = known_[NumberOf(label)];
  const Floor before = known.floor;
  floors_ += before == 0 ? 1 : 0;
  known.floor = std::max(floor, before);
  known.void_entries = known.entries;
  return before;
}

void Labels::Restore(const Label& label, Floor before) {
  const LabelNumber number = NumberOf(label);
  Known& known = known_[number];
  known.floor = before;
  known.void_entries = 0;  // Counted anew by the next invalidation; a failed commit is rare.
  if (before == 0) {
    --floors_;
    ForgetUnused(number);
  }
}

bool Labels::IsVoid(LabelSet set, std::uint64_t id) const {
  return floors_ > 0 && std::any_of(sets_[set].labels.begin(), sets_[set].labels.end(),
                                    [&](LabelNumber number) { return id < known_[number].floor; });
}

std::string_view Labels::NameIn(LabelSet set, LabelKind kind) const {
  for (const LabelNumber number : sets_[set].labels) {
    if (known_[number].kind == kind) {
      return known_[number].name;
    }
  }
  return {};
}

std::vector<std::pair<LabelKind, std::string>> Labels::DropFloors() {
  std::vector<Key> dropped;
  for (LabelNumber number = 0; number < known_.size(); ++number) {
    Known& label = known_[number];
    if (label.floor > 0) {
      dropped.emplace_back(label.kind, label.name);
      label.floor = 0;
      label.void_entries = 0;
      ForgetUnused(number);
    }
  }
  floors_ = 0;
  return dropped;
}

}  // namespace reprise::cache
