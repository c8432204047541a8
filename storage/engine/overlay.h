// Overlay: the writes of a batch that has not been committed, in order, so that later transactions
// of the batch see them and a failed one takes its own back.
//
// A log of operations and an index from key to its last operation. Undoing is popping the log.
// Threads: the writer. Units: none. Errors: none. Complexity: O(1) amortised for each call; Find
// also looks at the batch's prefixes, of which there are few. Limits: the batch's, set by the
// writer. Lifetime: results are valid until Rollback or Clear.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "storage/engine/engine.h"
#include "storage/engine/hot_table.h"

namespace reprise::storage {

class Overlay {
 public:
  struct Entry {
    Operation operation;
    std::uint64_t hash = 0;
    std::int32_t previous = kNone;  // the operation on the same key before this one
    bool superseded = false;        // a later operation on the key makes this one needless
  };
  struct Found {
    bool known = false;            // the batch says something about the key:
    const BlobRef* row = nullptr;  // its row, or null when the batch deleted it
  };

  Overlay();

  void Put(const HotTable::Key& key, BlobRef row);
  void Delete(const HotTable::Key& key);
  void DeletePrefix(Family family, std::string_view prefix);

  Found Find(const HotTable::Key& key) const;
  // The same for an entry of the log: false when a prefix behind it deleted its row.
  bool Survives(std::size_t position) const;

  std::size_t Mark() const { return log_.size(); }
  void Rollback(std::size_t mark);
  void Clear();

  bool empty() const { return log_.empty(); }
  const std::vector<Entry>& log() const { return log_; }
  bool HasPrefixes() const { return !prefixes_.empty(); }

 private:
  static constexpr std::int32_t kNone = -1;
  struct Place {
    std::uint64_t hash = 0;
    std::int32_t last = kNone;
    bool used = false;
  };

  void Append(const HotTable::Key& key, Operation operation);
  // The place of the key in the index, or where it would go.
  std::size_t PlaceOf(const HotTable::Key& key) const;
  void Grow();

  std::vector<Entry> log_;
  std::vector<std::size_t> prefixes_;  // positions in the log
  std::vector<Place> index_;
  std::size_t places_used_ = 0;
};

}  // namespace reprise::storage
