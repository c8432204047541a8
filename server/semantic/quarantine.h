// Quarantine: which question must not get which entry again, because somebody said that the answer
// was wrong.
//
// A bad hit bars the pair of its probe and its entry, and close relatives of that probe with it:
// whatever is nearer to the probe than kRelative. Other probes still get the entry. It is for good:
// kept by the entry's key, it outlives the entry and bars the next answer to the same stored
// question too.
//
// Threads: any; one mutex, a leaf. Units: cosines. Errors: kCorrupt (a row that cannot be read).
// Complexity: O(barred probes of the entry). Limits: kBarredPerEntry probes an entry, then the
// entry is barred for every other question; kEntriesMax entries, then the oldest of them goes and
// `forgotten` counts it.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "protocol/base/mutex.h"
#include "protocol/base/result.h"
#include "server/semantic/packed_vector.h"

namespace reprise::semantic {

inline constexpr float kRelative = 0.92F;
inline constexpr std::size_t kBarredPerEntry = 32;
inline constexpr std::size_t kQuarantinedEntriesMax = 100'000;

class Quarantine {
 public:
  // `entry` names namespace and entry, as a row key does.
  void Bar(std::string_view entry, PackedVector probe);
  bool IsBarred(std::string_view entry, const PackedVector& probe) const;
  // Whether anything is barred for it.
  bool Has(std::string_view entry) const;
  // Of a namespace that goes: all entries whose name begins so.
  void ForgetPrefix(std::string_view prefix);
  // What a row of this entry holds; empty when nothing is barred.
  std::string Format(std::string_view entry) const;
  base::Status Load(std::string_view entry, std::string_view row);

  std::size_t size() const;
  std::uint64_t forgotten() const;

 private:
  void MakeRoom() REQUIRES(mutex_);

  mutable base::Mutex mutex_;
  std::unordered_map<std::string, std::vector<PackedVector>> barred_ GUARDED_BY(mutex_);
  std::deque<std::string> order_ GUARDED_BY(mutex_);  // entries, oldest first
  std::uint64_t forgotten_ GUARDED_BY(mutex_) = 0;
};

}  // namespace reprise::semantic
