// Labels: what entries of one namespace can be invalidated by (tag, type, model), in memory.
//
// Each entry belongs to a set of labels, and sets are shared. Invalidating a label raises its
// floor: entries with a smaller id are void from then on, however many there are. Ids only grow, so
// what is stored later is not meant.
//
// Threads: one owner at a time (Space's mutex). Errors: none. Complexity: Add and Remove O(labels
// of the entry), Invalidate and Count O(1), IsVoid O(labels) and O(1) while nothing was
// invalidated. Lifetime: a label goes with its last entry, unless it has a floor.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace reprise::cache {

// kIdentity: counted in partitions.h, not here.
enum class LabelKind : char { kAll = 'a', kIdentity = 'i', kModel = 'm', kTag = 't', kType = 'y' };

struct Label {
  LabelKind kind = LabelKind::kAll;
  std::string_view name;
  auto operator<=>(const Label&) const = default;
};

using LabelSet = std::uint32_t;
using Floor = std::uint64_t;  // 0: none

class Labels {
 public:
  Labels();

  // The set of these labels (kAll is in every set), which has one entry more.
  LabelSet Add(const std::vector<Label>& labels);
  // The entry has gone.
  void Remove(LabelSet set, std::uint64_t id);

  // Entries that have the label and are not void by it.
  std::uint64_t Count(const Label& label) const;
  // Answers the floor that it had before.
  Floor Invalidate(const Label& label, Floor floor);
  void Restore(const Label& label, Floor before);
  bool IsVoid(LabelSet set, std::uint64_t id) const;
  // The first name of this kind in the set; empty when it has none. Valid until the next change.
  std::string_view NameIn(LabelSet set, LabelKind kind) const;
  bool HasFloors() const { return floors_ > 0; }
  // Forgets all floors; answers the labels that had one. Only when nothing void is left.
  std::vector<std::pair<LabelKind, std::string>> DropFloors();

 private:
  using LabelNumber = std::uint32_t;
  struct Known {
    LabelKind kind = LabelKind::kAll;
    std::string name;
    std::uint64_t entries = 0;
    std::uint64_t void_entries = 0;  // of them, void by this label's floor
    Floor floor = 0;
  };
  struct Set {
    std::vector<LabelNumber> labels;
    std::uint64_t entries = 0;
  };
  using Key = std::pair<LabelKind, std::string>;

  LabelNumber NumberOf(const Label& label);
  const Known* Find(const Label& label) const;
  void ForgetUnused(LabelNumber number);

  // Ordered: the names come from outside, and a hash could be flooded.
  std::map<Key, LabelNumber, std::less<>> numbers_;
  std::vector<Known> known_;
  std::vector<LabelNumber> free_labels_;
  std::map<std::vector<LabelNumber>, LabelSet> set_numbers_;
  std::vector<Set> sets_;
  std::vector<LabelSet> free_sets_;
  std::size_t floors_ = 0;
};

}  // namespace reprise::cache
