// LeaseRenewer: one thread that renews the leases of those who compute.
//
// Internal to client/cpp. Each lease is renewed at a third of its time, without waiting for the
// answer: of a lease that is lost, the fill will tell. Units: milliseconds. Threads: safe from any
// thread but the AsyncClient's own. Errors: none. Complexity: O(log leases). Lifetime: the
// AsyncClient must outlive this.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "client/cpp/async_client.h"
#include "protocol/base/clock.h"
#include "protocol/base/mutex.h"

namespace reprise::client {

class LeaseRenewer {
 public:
  LeaseRenewer(AsyncClient& client, const base::Clock& clock);
  ~LeaseRenewer();
  LeaseRenewer(const LeaseRenewer&) = delete;
  LeaseRenewer& operator=(const LeaseRenewer&) = delete;
  LeaseRenewer(LeaseRenewer&&) = delete;
  LeaseRenewer& operator=(LeaseRenewer&&) = delete;

  void Add(std::string_view lease, std::int64_t lease_ms);
  void Remove(std::string_view lease);

 private:
  struct Held {
    base::Nanos next{0};
    std::int64_t every_ms = 0;
  };

  void Run();
  // Those that are due; when there are none, after a wait.
  std::vector<std::pair<std::string, std::int64_t>> TakeDue();

  AsyncClient& client_;
  const base::Clock& clock_;
  base::Mutex mutex_;
  base::ConditionVariable changed_;
  std::map<std::string, Held, std::less<>> leases_ GUARDED_BY(mutex_);
  std::atomic<bool> stopping_{false};
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace reprise::client
