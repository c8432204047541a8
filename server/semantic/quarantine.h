// Quarantine: which question must not get which entry again, because somebody said that the answer
// was wrong.
//
// A bad hit bars the pair of its question and its entry, and close relatives of that question with
// it: whatever is nearer to it than kRelative, as an embedder sees it. Other questions still get
// the entry. It is for good: kept by the entry's key, it outlives the entry and bars the next
// answer to the same stored question too.
//
// It outlives the embedder as well. A barred question is kept as text, with its trace (its vector)
// by each embedder that has seen it; traces of two embedders are never compared. Until an embedder
// has seen the question, its entry is barred for every other question that comes by that embedder.
//
// Threads: any; one mutex, a leaf. Units: cosines. Errors: kCorrupt (a row that cannot be read).
// Complexity: O(barred questions of the entry); Unseen O(all of them). Limits: kBarredPerEntry
// questions an entry, then the entry is barred for every other question; kQuarantinedEntriesMax
// entries, then the oldest of them goes and `forgotten` counts it; the text of a question is kept
// below kQuestionBytesMax, and of a longer one its trace alone.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "protocol/base/mutex.h"
#include "protocol/base/result.h"
#include "server/semantic/fingerprint.h"
#include "server/semantic/packed_vector.h"

namespace reprise::semantic {

inline constexpr float kRelative = 0.92F;
inline constexpr std::size_t kBarredPerEntry = 32;
inline constexpr std::size_t kQuarantinedEntriesMax = 100'000;
inline constexpr std::size_t kQuestionBytesMax = 4'096;

// A question as one embedder sees it.
struct Trace {
  FingerprintHash embedder{0};
  PackedVector vector;
};

class Quarantine {
 public:
  // `entry` names namespace and entry, as a row key does; `question` is in one spelling of many,
  // empty when it is not known.
  void Bar(std::string_view entry, std::string_view question, Trace trace);
  bool IsBarred(std::string_view entry, std::string_view question, const Trace& trace) const;
  // Whether anything is barred for it.
  bool Has(std::string_view entry) const;
  // Pairs of entry and barred question, at most so many, that this embedder has not seen.
  std::vector<std::pair<std::string, std::string>> Unseen(FingerprintHash embedder,
                                                          std::size_t pairs_max) const;
  // What the embedder makes of a barred question; nothing when that is not barred any more.
  void AddTrace(std::string_view entry, std::string_view question, const Trace& trace);
  // Traces of all embedders but these go.
  void KeepTraces(const std::vector<FingerprintHash>& embedders);
  // Of a namespace that goes: all entries whose name begins so.
  void ForgetPrefix(std::string_view prefix);
  // What a row of this entry holds; empty when nothing is barred.
  std::string Format(std::string_view entry) const;
  base::Status Load(std::string_view entry, std::string_view row);

  std::size_t size() const;
  std::uint64_t forgotten() const;

 private:
  struct Barred {
    std::string question;  // empty: not known (too long, or a row of version 1)
    std::vector<Trace> traces;

    const Trace* by(FingerprintHash embedder) const;
  };

  std::vector<Barred>& FindOrMake(std::string_view entry) REQUIRES(mutex_);
  void MakeRoom() REQUIRES(mutex_);

  mutable base::Mutex mutex_;
  std::unordered_map<std::string, std::vector<Barred>> barred_ GUARDED_BY(mutex_);
  std::deque<std::string> order_ GUARDED_BY(mutex_);  // entries, oldest first
  std::uint64_t forgotten_ GUARDED_BY(mutex_) = 0;
};

}  // namespace reprise::semantic
