#include "server/routing/decisions.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "protocol/base/random.h"

namespace reprise::routing {
namespace {

// Positive, and exact in a double: JavaScript's numbers.
std::uint64_t RandomNumber() {
  constexpr std::uint64_t kMost = (std::uint64_t{1} << 53U) - 1;
  const std::string bytes = base::RandomBytes(sizeof(std::uint64_t));
  std::uint64_t number = 0;
  std::memcpy(&number, bytes.data(), sizeof(number));
  return std::max<std::uint64_t>(number & kMost, 1);
}

}  // namespace

const Considered* Decision::Find(std::string_view model) const {
  const auto found = std::find_if(considered.begin(), considered.end(),
                                  [model](const Considered& one) { return one.model == model; });
  return found == considered.end() ? nullptr : &*found;
}

void Decisions::Forget(storage::NamespaceId id) {
  Order& order = orders_[id];
  decisions_.erase(order.front());
  order.pop_front();
  shares_.Remove(id);
}

std::uint64_t Decisions::Remember(Decision decision, std::int64_t ttl_ms) {
  const storage::NamespaceId id = decision.namespace_id;
  const base::UnixMillis now = decision.at;
  base::MutexLock lock(mutex_);
  Order& order = orders_[id];
  while (!order.empty() && now - decisions_.at(order.front()).at > ttl_ms) {
    Forget(id);
  }
  if (const auto giver = shares_.WhoGives(id); giver.has_value()) {
    Forget(*giver);
  }
  std::uint64_t number = RandomNumber();
  while (decisions_.contains(number)) {
    number = RandomNumber();
  }
  decisions_.emplace(number, std::move(decision));
  order.push_back(number);
  shares_.Add(id);
  return number;
}

std::optional<Decision> Decisions::Find(storage::NamespaceId id, std::uint64_t number,
                                        base::UnixMillis now, std::int64_t ttl_ms) const {
  base::MutexLock lock(mutex_);
  const auto found = decisions_.find(number);
  if (found == decisions_.end() || found->second.namespace_id != id ||
      now - found->second.at > ttl_ms) {
    return std::nullopt;
  }
  return found->second;
}

void Decisions::Note(std::uint64_t number, const std::string& model, std::uint64_t outcome) {
  base::MutexLock lock(mutex_);
  if (const auto found = decisions_.find(number); found != decisions_.end()) {
    found->second.judged.push_back(model);
    found->second.outcome = outcome;
  }
}

void Decisions::TakeBack(std::uint64_t number, const std::string& model, std::uint64_t outcome) {
  base::MutexLock lock(mutex_);
  if (const auto found = decisions_.find(number); found != decisions_.end()) {
    std::erase(found->second.judged, model);
    found->second.outcome = outcome;
  }
}

void Decisions::DropNamespace(storage::NamespaceId id) {
  base::MutexLock lock(mutex_);
  if (const auto order = orders_.find(id); order != orders_.end()) {
    for (const std::uint64_t number : order->second) {
      decisions_.erase(number);
    }
    shares_.Remove(id, order->second.size());
    orders_.erase(order);
  }
}

std::size_t Decisions::size() const {
  base::MutexLock lock(mutex_);
  return decisions_.size();
}

}  // namespace reprise::routing
