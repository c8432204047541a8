// ClientRegistry: the open connections of all loops, for CLIENT.LIST, CLIENT.KILL and metrics.
//
// Each session keeps its record up to date; readers may see it a moment old. Threads: any (a mutex
// that is a leaf). Lifetime: a record lives as long as anyone holds it. Errors: none. Complexity:
// List is linear.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "protocol/base/clock.h"
#include "protocol/base/mutex.h"

namespace reprise::commands {

struct ClientRecord {
  std::uint64_t id = 0;
  std::string peer;
  std::string transport;
  base::UnixMillis connected_at{0};
  std::atomic<std::int64_t> active_at{0};  // UnixMillis of the last request
  std::atomic<std::uint64_t> calls{0};
  std::atomic<std::uint64_t> unsent_bytes{0};
  std::atomic<std::uint64_t> in_flight{0};
  std::function<void()> kill;  // closes the connection, from any thread

  void SetNames(const std::string& namespace_name, const std::string& client) {
    base::MutexLock lock(mutex_);
    namespace_name_ = namespace_name;
    client_ = client;
  }
  std::string namespace_name() const {
    base::MutexLock lock(mutex_);
    return namespace_name_;
  }
  std::string client() const {
    base::MutexLock lock(mutex_);
    return client_;
  }

 private:
  mutable base::Mutex mutex_;
  std::string namespace_name_ GUARDED_BY(mutex_);
  std::string client_ GUARDED_BY(mutex_);
};

class ClientRegistry {
 public:
  std::uint64_t NextId() { return next_id_.fetch_add(1, std::memory_order_relaxed); }

  void Add(std::shared_ptr<ClientRecord> record) {
    base::MutexLock lock(mutex_);
    const std::uint64_t id = record->id;
    records_.emplace(id, std::move(record));
  }
  void Remove(std::uint64_t id) {
    base::MutexLock lock(mutex_);
    records_.erase(id);
  }
  std::shared_ptr<ClientRecord> Find(std::uint64_t id) const {
    base::MutexLock lock(mutex_);
    const auto found = records_.find(id);
    return found == records_.end() ? nullptr : found->second;
  }
  std::vector<std::shared_ptr<ClientRecord>> List() const {
    base::MutexLock lock(mutex_);
    std::vector<std::shared_ptr<ClientRecord>> all;
    all.reserve(records_.size());
    for (const auto& [id, record] : records_) {
      all.push_back(record);
    }
    return all;
  }
  std::size_t size() const {
    base::MutexLock lock(mutex_);
    return records_.size();
  }

 private:
  mutable base::Mutex mutex_;
  std::unordered_map<std::uint64_t, std::shared_ptr<ClientRecord>> records_ GUARDED_BY(mutex_);
  std::atomic<std::uint64_t> next_id_{1};
};

}  // namespace reprise::commands
