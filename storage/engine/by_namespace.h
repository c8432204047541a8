// ByNamespace: the part of a module that belongs to one namespace, found by its id. A part is made
// when it is first needed and stays at its address until the table goes.
//
// Threads: any; Find takes no lock for the first 256 ids, which is nearly every server's all.
// Complexity: O(1); All O(parts). Limit: the namespaces (base::limits::kNamespaces).
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "protocol/base/mutex.h"
#include "storage/engine/namespace_id.h"

namespace reprise::storage {

template <typename Part>
class ByNamespace {
 public:
  // Null when there is none.
  Part* Find(NamespaceId id) const {
    const auto number = static_cast<std::uint32_t>(id);
    if (number < low_.size()) {
      return low_[number].load(std::memory_order_acquire);
    }
    base::MutexLock lock(mutex_);
    const auto found = parts_.find(number);
    return found == parts_.end() ? nullptr : found->second.get();
  }

  // `make` answers a std::unique_ptr<Part>, which goes at once when another thread was first. The
  // second says whether the part is the one that was made.
  template <typename Make>
  std::pair<Part*, bool> FindOrMake(NamespaceId id, const Make& make) {
    if (Part* known = Find(id); known != nullptr) {
      return {known, false};
    }
    const auto number = static_cast<std::uint32_t>(id);
    std::unique_ptr<Part> made = make();  // a part may take mutexes of its own: not under this one
    base::MutexLock lock(mutex_);
    std::unique_ptr<Part>& part = parts_[number];
    if (part != nullptr) {
      return {part.get(), false};
    }
    part = std::move(made);
    if (number < low_.size()) {
      low_[number].store(part.get(), std::memory_order_release);
    }
    return {part.get(), true};
  }

  // In no order.
  std::vector<std::pair<NamespaceId, Part*>> All() const {
    base::MutexLock lock(mutex_);
    std::vector<std::pair<NamespaceId, Part*>> all;
    all.reserve(parts_.size());
    for (const auto& [number, part] : parts_) {
      all.emplace_back(NamespaceId{number}, part.get());
    }
    return all;
  }

 private:
  mutable base::Mutex mutex_;
  std::unordered_map<std::uint32_t, std::unique_ptr<Part>> parts_ GUARDED_BY(mutex_);
  // The parts of low ids once more, found without the mutex: a part is never taken away.
  std::array<std::atomic<Part*>, 256> low_{};
};

}  // namespace reprise::storage
