// Pool: up to N connections to one server, lent out one at a time.
//
// Threads: safe from any thread. Errors: kBusy when all connections stay lent for the whole wait;
// else those of the Client. Lifetime: leases are returned before the pool is destroyed. Complexity:
// O(1); the connection used last is lent first, so that few stay warm. Limits: PoolOptions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "client/cpp/caller.h"
#include "client/cpp/client.h"
#include "client/cpp/options.h"

namespace reprise::client {

struct PoolOptions {
  std::size_t connections_max = 8;
  std::int64_t wait_ms = 1'000;  // how long to wait for a connection when all are lent
};

class Pool final : public Caller {
 public:
  // A connection on loan; returned when this is destroyed.
  class Lease {
   public:
    Lease(Lease&& other) noexcept = default;
    Lease& operator=(Lease&& other) noexcept;
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease();

    Client* operator->() const { return client_.get(); }
    Client& operator*() const { return *client_; }

   private:
    friend class Pool;
    Lease(class PoolCore* pool, std::unique_ptr<Client> client);
    void Return();

    class PoolCore* pool_;
    std::unique_ptr<Client> client_;
  };

  // Opens no connection yet. Errors: kBadRequest.
  static base::Result<std::unique_ptr<Pool>> Create(Options options, PoolOptions limits);
  ~Pool() override;
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  Pool(Pool&&) = delete;
  Pool& operator=(Pool&&) = delete;

  // Errors: kBusy. The connection may have been lost since; the Client opens it again.
  base::Result<Lease> Acquire();

  using Caller::CallRaw;
  // Acquire, call, return.
  base::Result<std::string> CallRaw(std::string_view method, std::string_view params,
                                    const CallOptions& options) override;

  std::size_t lent() const;
  std::size_t idle() const;

 private:
  explicit Pool(std::unique_ptr<class PoolCore> core);
  std::unique_ptr<class PoolCore> core_;
};

}  // namespace reprise::client
