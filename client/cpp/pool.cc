#include "client/cpp/pool.h"

#include <chrono>
#include <utility>
#include <vector>

#include "protocol/base/ensure.h"
#include "protocol/base/mutex.h"

namespace reprise::client {

class PoolCore {
 public:
  PoolCore(Options options, PoolOptions limits) : options_(std::move(options)), limits_(limits) {}
  ~PoolCore() { ENSURE(lent() == 0); }  // A lease would return to a pool that is gone.
  PoolCore(const PoolCore&) = delete;
  PoolCore& operator=(const PoolCore&) = delete;
  PoolCore(PoolCore&&) = delete;
  PoolCore& operator=(PoolCore&&) = delete;

  // Null when all are lent for the whole wait.
  base::Result<std::unique_ptr<Client>> Take() {
    {
      base::MutexLock lock(mutex_);
      const auto wait = std::chrono::milliseconds(limits_.wait_ms);
      const bool has_room = returned_.wait_for(
          mutex_, wait, [this]() REQUIRES(mutex_) { return lent_ < limits_.connections_max; });
      if (!has_room) {
        return base::Error{base::Code::kBusy, "all " + std::to_string(limits_.connections_max) +
                                                  " connections of the pool were in use for " +
                                                  std::to_string(limits_.wait_ms) + " ms"};
      }
      ++lent_;
      if (!idle_.empty()) {
        std::unique_ptr<Client> client = std::move(idle_.back());
        idle_.pop_back();
        return client;
      }
    }
    auto made = Client::Create(options_);
    if (!made.ok()) {
      GiveBack(nullptr);
    }
    return made;
  }

  void GiveBack(std::unique_ptr<Client> client) {
    {
      const base::MutexLock lock(mutex_);
      --lent_;
      if (client != nullptr) {
        idle_.push_back(std::move(client));
      }
    }
    returned_.notify_one();
  }

  std::size_t lent() {
    const base::MutexLock lock(mutex_);
    return lent_;
  }
  std::size_t idle() {
    const base::MutexLock lock(mutex_);
    return idle_.size();
  }

 private:
  const Options options_;
  const PoolOptions limits_;
  base::Mutex mutex_;
  base::ConditionVariable returned_;
  std::vector<std::unique_ptr<Client>> idle_ GUARDED_BY(mutex_);
  std::size_t lent_ GUARDED_BY(mutex_) = 0;
};

Pool::Lease::Lease(PoolCore* pool, std::unique_ptr<Client> client)
    : pool_(pool), client_(std::move(client)) {}

Pool::Lease& Pool::Lease::operator=(Lease&& other) noexcept {
  if (this != &other) {
    Return();
    pool_ = other.pool_;
    client_ = std::move(other.client_);
  }
  return *this;
}

Pool::Lease::~Lease() {
  Return();
}

void Pool::Lease::Return() {
  if (client_ != nullptr) {
    pool_->GiveBack(std::move(client_));
  }
}

base::Result<std::unique_ptr<Pool>> Pool::Create(Options options, PoolOptions limits) {
  if (limits.connections_max == 0 || limits.wait_ms < 0) {
    return base::Error{base::Code::kBadRequest,
                       "a pool needs connections_max above 0 and wait_ms of 0 or more"};
  }
  RETURN_IF_ERROR(Client::Create(options));  // Finds a wrong option or an unreadable file now.
  return std::unique_ptr<Pool>(new Pool(std::make_unique<PoolCore>(std::move(options), limits)));
}

Pool::Pool(std::unique_ptr<PoolCore> core) : core_(std::move(core)) {}

Pool::~Pool() = default;

base::Result<Pool::Lease> Pool::Acquire() {
  ASSIGN_OR_RETURN(std::unique_ptr<Client> client, core_->Take());
  return Lease(core_.get(), std::move(client));
}

base::Result<std::string> Pool::CallRaw(std::string_view method, std::string_view params,
                                        const CallOptions& options) {
  ASSIGN_OR_RETURN(Lease lease, Acquire());
  return lease->CallRaw(method, params, options);
}

std::size_t Pool::lent() const {
  return core_->lent();
}

std::size_t Pool::idle() const {
  return core_->idle();
}

}  // namespace reprise::client
