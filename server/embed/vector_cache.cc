#include "server/embed/vector_cache.h"

#include <iterator>
#include <utility>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "protocol/base/ensure.h"

namespace reprise::embed {
namespace {

constexpr std::size_t kBuckets = 1024;
// List and map nodes, control block, allocator: what an entry takes besides its bytes.
constexpr std::size_t kOverheadBytes = 256;

std::size_t BytesOfFloats(const std::vector<float>& values) {
  return values.capacity() * sizeof(float);
}

}  // namespace

std::size_t VectorCache::SeededHash::operator()(std::string_view prompt) const {
  return XXH3_64bits_withSeed(prompt.data(), prompt.size(), seed);
}

VectorCache::VectorCache(const VectorCacheOptions& options)
    : options_(options), by_prompt_(kBuckets, SeededHash{options.seed}) {}

std::size_t VectorCache::BytesOf(const Entry& entry) {
  std::size_t bytes = kOverheadBytes + entry.prompt.capacity() + BytesOfFloats(*entry.vector);
  if (entry.tokens != nullptr) {
    bytes += entry.tokens->Bytes();
  }
  return bytes;
}

VectorCache::Entries::iterator VectorCache::Touch(std::string_view prompt) {
  const auto found = by_prompt_.find(prompt);
  if (found == by_prompt_.end()) {
    return entries_.end();
  }
  entries_.splice(entries_.begin(), entries_, found->second);
  if (found->second->tokens != nullptr) {
    with_tokens_.splice(with_tokens_.begin(), with_tokens_, found->second->place_with_tokens);
  }
  return found->second;
}

std::shared_ptr<const Vector> VectorCache::Find(std::string_view prompt) {
  const base::MutexLock lock(mutex_);
  const auto entry = Touch(prompt);
  const bool is_there = entry != entries_.end();
  ++(is_there ? hits_ : misses_);
  return is_there ? entry->vector : nullptr;
}

VectorCache::Known VectorCache::FindTokens(std::string_view prompt) {
  const base::MutexLock lock(mutex_);
  const auto entry = Touch(prompt);
  const bool is_there = entry != entries_.end() && entry->tokens != nullptr;
  ++(is_there ? hits_ : misses_);
  return is_there ? Known{entry->vector, entry->tokens} : Known{};
}

void VectorCache::Keep(std::string_view prompt, std::shared_ptr<const Vector> vector) {
  ENSURE(vector != nullptr);
  Entry entry{std::string(prompt), std::move(vector), nullptr, 0, {}};
  const base::MutexLock lock(mutex_);
  Insert(std::move(entry));
}

void VectorCache::KeepTokens(std::string_view prompt, Known known) {
  ENSURE(known.vector != nullptr && known.tokens != nullptr);
  Entry entry{std::string(prompt), std::move(known.vector), std::move(known.tokens), 0, {}};
  const base::MutexLock lock(mutex_);
  Insert(std::move(entry));
}

void VectorCache::Insert(Entry entry) {
  entry.bytes = BytesOf(entry);
  if (const auto old = Touch(entry.prompt); old != entries_.end()) {
    Erase(old);
  }
  if (entry.bytes > options_.bytes_max) {
    return;
  }
  bytes_ += entry.bytes;
  entries_.push_front(std::move(entry));
  Entry& kept = entries_.front();
  by_prompt_.emplace(kept.prompt, entries_.begin());
  if (kept.tokens != nullptr) {
    with_tokens_.push_front(kept.prompt);
    kept.place_with_tokens = with_tokens_.begin();
  }
  if (with_tokens_.size() > options_.token_entries_max) {
    DropOldestTokens();
  }
  while (bytes_ > options_.bytes_max) {
    Erase(std::prev(entries_.end()));
  }
}

void VectorCache::Erase(Entries::iterator entry) {
  by_prompt_.erase(entry->prompt);
  bytes_ -= entry->bytes;
  if (entry->tokens != nullptr) {
    with_tokens_.erase(entry->place_with_tokens);
  }
  entries_.erase(entry);
}

void VectorCache::DropOldestTokens() {
  const auto entry = by_prompt_.find(with_tokens_.back())->second;
  with_tokens_.pop_back();
  entry->tokens = nullptr;
  bytes_ -= entry->bytes;
  entry->bytes = BytesOf(*entry);
  bytes_ += entry->bytes;
}

void VectorCache::Clear() {
  const base::MutexLock lock(mutex_);
  by_prompt_.clear();
  entries_.clear();
  with_tokens_.clear();
  bytes_ = 0;
}

VectorCache::Stats VectorCache::Read() const {
  const base::MutexLock lock(mutex_);
  return {hits_, misses_, entries_.size(), bytes_};
}

}  // namespace reprise::embed
