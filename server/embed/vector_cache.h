// VectorCache: the vectors of the latest prompts, so that a prompt that comes again is not embedded
// again.
//
// One cache for one embedder: nothing here tells two of them apart. Keeps the least recently used
// from going over a bound of bytes; the tokens of only the most recent few, which are large.
//
// Errors: none; what does not fit is not kept. Threads: any; one lock, held for a look-up or a
// change of pointers. Complexity: O(bytes of the prompt). Units: bytes, all that an entry takes.
// Lifetime: what is found is the caller's for as long as it likes. Limits: Options.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "protocol/base/mutex.h"
#include "server/embed/embedder.h"
#include "server/embed/packed_tokens.h"

namespace reprise::embed {

struct VectorCacheOptions {
  std::size_t bytes_max = std::size_t{16} << 20U;
  std::size_t token_entries_max = 64;
  // Of the hash: random, for prompts are chosen by strangers.
  std::uint64_t seed = 0;
};

class VectorCache {
 public:
  struct Stats {
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;
    std::size_t entries = 0;
    std::size_t bytes = 0;
  };

  explicit VectorCache(const VectorCacheOptions& options);

  // With tokens there is a vector.
  struct Known {
    std::shared_ptr<const Vector> vector;
    std::shared_ptr<const PackedTokens> tokens;
  };

  // Null when it is not there. Each of the two counts a hit or a miss.
  std::shared_ptr<const Vector> Find(std::string_view prompt);
  Known FindTokens(std::string_view prompt);

  // Replaces what is there. A vector must not be null; nor must tokens.
  void Keep(std::string_view prompt, std::shared_ptr<const Vector> vector);
  void KeepTokens(std::string_view prompt, Known known);

  void Clear();
  Stats Read() const;

 private:
  using Prompts = std::list<std::string_view>;
  struct Entry {
    std::string prompt;
    std::shared_ptr<const Vector> vector;
    std::shared_ptr<const PackedTokens> tokens;  // null: not kept
    std::size_t bytes = 0;
    Prompts::iterator place_with_tokens;  // while there are tokens
  };
  using Entries = std::list<Entry>;
  struct SeededHash {
    std::uint64_t seed;
    std::size_t operator()(std::string_view prompt) const;
  };

  static std::size_t BytesOf(const Entry& entry);
  // Moves the entry to the front; the end when there is none.
  Entries::iterator Touch(std::string_view prompt) REQUIRES(mutex_);
  void Insert(Entry entry) REQUIRES(mutex_);
  void Erase(Entries::iterator entry) REQUIRES(mutex_);
  void DropOldestTokens() REQUIRES(mutex_);

  const VectorCacheOptions options_;
  mutable base::Mutex mutex_;
  Entries entries_ GUARDED_BY(mutex_);  // the most recently used in front
  std::unordered_map<std::string_view, Entries::iterator, SeededHash> by_prompt_ GUARDED_BY(mutex_);
  std::size_t bytes_ GUARDED_BY(mutex_) = 0;
  Prompts with_tokens_ GUARDED_BY(mutex_);  // the most recently used in front
  std::uint64_t hits_ GUARDED_BY(mutex_) = 0;
  std::uint64_t misses_ GUARDED_BY(mutex_) = 0;
};

}  // namespace reprise::embed
