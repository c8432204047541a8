#include "server/routing/conversations.h"

#include <utility>

namespace reprise::routing {

std::optional<Turn> Conversations::Find(storage::NamespaceId id, std::string_view name) const {
  base::MutexLock lock(mutex_);
  const auto home = homes_.find(id);
  if (home == homes_.end()) {
    return std::nullopt;
  }
  const auto found = home->second.by_name.find(name);
  return found == home->second.by_name.end() ? std::nullopt : std::optional(found->second->turn);
}

void Conversations::Note(storage::NamespaceId id, std::string_view name, Turn turn) {
  base::MutexLock lock(mutex_);
  Home& home = homes_[id];
  if (const auto found = home.by_name.find(name); found != home.by_name.end()) {
    found->second->turn = std::move(turn);
    home.entries.splice(home.entries.begin(), home.entries, found->second);
    return;
  }
  if (const auto giver = shares_.WhoGives(id); giver.has_value()) {
    Home& gives = homes_[*giver];
    gives.by_name.erase(gives.entries.back().name);
    gives.entries.pop_back();
    shares_.Remove(*giver);
  }
  home.entries.push_front({std::string(name), std::move(turn)});
  home.by_name.emplace(home.entries.front().name, home.entries.begin());
  shares_.Add(id);
}

void Conversations::DropNamespace(storage::NamespaceId id) {
  base::MutexLock lock(mutex_);
  if (const auto home = homes_.find(id); home != homes_.end()) {
    shares_.Remove(id, home->second.entries.size());
    homes_.erase(home);
  }
}

}  // namespace reprise::routing
