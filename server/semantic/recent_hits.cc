#include "server/semantic/recent_hits.h"

#include <utility>

#include "protocol/base/random.h"

namespace reprise::semantic {
namespace {

// Numbers that every client can hold: JavaScript's have 53 bits.
std::uint64_t RandomNumber() {
  constexpr unsigned kUnused = 64 - 53;
  std::uint64_t number = 0;
  while (number == 0) {
    number = base::RandomSeed() >> kUnused;
  }
  return number;
}

}  // namespace

void RecentHits::Insert(std::uint64_t number, Hit hit) {
  while (!order_.empty() && (hits_.size() >= hits_max_ || order_.size() >= 2 * hits_max_)) {
    hits_.erase(order_.front());
    order_.pop_front();
  }
  hits_.insert_or_assign(number, std::move(hit));
  order_.push_back(number);
}

std::uint64_t RecentHits::Remember(Hit hit) {
  const std::uint64_t number = RandomNumber();
  base::MutexLock lock(mutex_);
  Insert(number, std::move(hit));
  return number;
}

std::optional<Hit> RecentHits::Take(storage::NamespaceId namespace_id, std::uint64_t number) {
  base::MutexLock lock(mutex_);
  const auto found = hits_.find(number);
  if (found == hits_.end() || found->second.namespace_id != namespace_id) {
    return std::nullopt;
  }
  std::optional<Hit> hit(std::move(found->second));
  hits_.erase(found);
  return hit;
}

void RecentHits::PutBack(std::uint64_t number, Hit hit) {
  base::MutexLock lock(mutex_);
  Insert(number, std::move(hit));
}

void RecentHits::Forget(storage::NamespaceId namespace_id) {
  base::MutexLock lock(mutex_);
  std::erase_if(
      hits_, [namespace_id](const auto& item) { return item.second.namespace_id == namespace_id; });
}

}  // namespace reprise::semantic
