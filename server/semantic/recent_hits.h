// RecentHits: what semantic hits were served of late, so that CACHE.FEEDBACK can name one.
//
// A hit's number is random: nobody can judge hits that he was not given. A hit is judged once.
//
// Threads: any; one mutex, a leaf. Errors: none. Complexity: O(1). Limits: `hits_max` hits of the
// whole server, about 700 bytes and the question each; then the oldest is forgotten. They do not
// outlive a restart: feedback that comes later gives the prompt instead.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>

#include "protocol/base/mutex.h"
#include "server/semantic/evidence.h"
#include "server/semantic/quarantine.h"
#include "storage/engine/namespace_id.h"

namespace reprise::semantic {

struct Hit {
  storage::NamespaceId namespace_id{0};
  std::string entry;  // name of the entry in the quarantine
  std::string type;
  double probability = 0;
  std::string question;               // as it was asked
  Trace probe;                        // by the embedder that found the entry
  Source source = Source::kFeedback;  // kVerified: chosen at random to be verified
};

class RecentHits {
 public:
  explicit RecentHits(std::size_t hits_max) : hits_max_(hits_max) {}

  // The number that names it, never 0.
  std::uint64_t Remember(Hit hit);
  // Takes the hit out. Absent: unknown, judged before, or of another namespace.
  std::optional<Hit> Take(storage::NamespaceId namespace_id, std::uint64_t number);
  // A judgement that could not be written: it may be given again.
  void PutBack(std::uint64_t number, Hit hit);
  void Forget(storage::NamespaceId namespace_id);

 private:
  void Insert(std::uint64_t number, Hit hit) REQUIRES(mutex_);

  const std::size_t hits_max_;
  mutable base::Mutex mutex_;
  std::unordered_map<std::uint64_t, Hit> hits_ GUARDED_BY(mutex_);
  std::deque<std::uint64_t> order_ GUARDED_BY(mutex_);  // oldest first; may name hits that are gone
};

}  // namespace reprise::semantic
