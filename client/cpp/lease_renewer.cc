#include "client/cpp/lease_renewer.h"

#include <algorithm>
#include <chrono>

namespace reprise::client {
namespace {

constexpr std::int64_t kRenewals = 3;  // in the life of a lease
constexpr std::int64_t kIdleMs = 60'000;

}  // namespace

LeaseRenewer::LeaseRenewer(AsyncClient& client, const base::Clock& clock)
    : client_(client), clock_(clock), thread_([this] { Run(); }) {}

LeaseRenewer::~LeaseRenewer() {
  {
    base::MutexLock lock(mutex_);  // So that the thread is not between its look and its wait.
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void LeaseRenewer::Add(std::string_view lease, std::int64_t lease_ms) {
  const std::int64_t every_ms = std::max<std::int64_t>(lease_ms / kRenewals, 1);
  {
    base::MutexLock lock(mutex_);
    leases_[std::string(lease)] = {clock_.Elapsed() + every_ms * base::kNanosPerMilli, every_ms};
  }
  changed_.notify_all();
}

void LeaseRenewer::Remove(std::string_view lease) {
  base::MutexLock lock(mutex_);
  if (const auto found = leases_.find(lease); found != leases_.end()) {
    leases_.erase(found);
  }
}

std::vector<std::pair<std::string, std::int64_t>> LeaseRenewer::TakeDue() {
  std::vector<std::pair<std::string, std::int64_t>> due;
  base::MutexLock lock(mutex_);
  const base::Nanos now = clock_.Elapsed();
  base::Nanos next = now + kIdleMs * base::kNanosPerMilli;
  for (auto& [lease, held] : leases_) {
    if (held.next <= now) {
      held.next = now + held.every_ms * base::kNanosPerMilli;
      due.emplace_back(lease, held.every_ms);
    }
    next = std::min(next, held.next);
  }
  if (due.empty() && !stopping_) {
    changed_.wait_for(mutex_, std::chrono::nanoseconds(next - now));
  }
  return due;
}

void LeaseRenewer::Run() {
  while (!stopping_) {
    for (const auto& [lease, every_ms] : TakeDue()) {
      const CallOptions once{.timeout_ms = every_ms, .retry = Retry::kNever};
      // When it cannot be sent, the next one may.
      (void)client_.Call("CACHE.RENEW", {lease}, once, [](const base::Result<base::Value>&) {})
          .ok();
    }
  }
}

}  // namespace reprise::client
