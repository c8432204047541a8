// AsyncCaller: blocking calls of many threads over one AsyncClient.
//
// The calls of a Client take turns, and each keeps a connection of a Pool; here all of them are
// under way at once on one connection. So a thread may wait in CACHE.FETCH while another one fills
// the very lease that it waits for. Threads: safe from any thread but the AsyncClient's own.
// Errors: those of caller.h, and kBusy (AsyncOptions). Lifetime: the AsyncClient must outlive this.
#pragma once

#include <string>
#include <string_view>

#include "client/cpp/async_client.h"
#include "client/cpp/caller.h"

namespace reprise::client {

class AsyncCaller final : public Caller {
 public:
  explicit AsyncCaller(AsyncClient& client) : client_(client) {}

  using Caller::CallRaw;
  // CallOptions::cancel and ::report are not used here.
  base::Result<std::string> CallRaw(std::string_view method, std::string_view params,
                                    const CallOptions& options) override;

 private:
  AsyncClient& client_;
};

}  // namespace reprise::client
