#include "server/routing/shares.h"

#include <algorithm>

namespace reprise::routing {

std::size_t Shares::of(storage::NamespaceId id) const {
  const auto found = held_.find(id);
  return found == held_.end() ? 0 : found->second;
}

std::optional<storage::NamespaceId> Shares::WhoGives(storage::NamespaceId id) const {
  if (of(id) >= bounds_.own_max) {
    return id;
  }
  if (total_ < bounds_.total_max || held_.empty()) {
    return std::nullopt;
  }
  const auto most = std::max_element(
      held_.begin(), held_.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  return of(id) == most->second ? id : most->first;
}

void Shares::Remove(storage::NamespaceId id, std::size_t count) {
  const auto found = held_.find(id);
  if (found == held_.end()) {
    return;
  }
  const std::size_t removed = std::min(count, found->second);
  total_ -= removed;
  found->second -= removed;
  if (found->second == 0) {
    held_.erase(found);
  }
}

}  // namespace reprise::routing
