// FollowingCaller: a call during which pieces of a stream arrive, given to the caller's own thread.
//
// Internal to client/cpp. Pieces come as notifications EVENT ["chunk", {stream, index, chunk}] on
// the AsyncClient's thread; a ChunkRouter sorts them by the label `stream`, and the thread that
// waits for the reply hands them out in between.
//
// Threads: a ChunkRouter any, a FollowingCaller one; not the AsyncClient's own. Errors: those of
// caller.h. Complexity: O(1) a piece. Limits: none; pieces wait in memory until the caller takes
// them. Lifetime: the client and the router outlive the FollowingCaller.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/cpp/async_client.h"
#include "client/cpp/caller.h"
#include "protocol/base/mutex.h"

namespace reprise::client {

struct Chunk {
  std::uint64_t index = 0;  // 0 again: the stream begins anew
  base::Value value{};
};

// What has come for one call.
class ChunkInbox {
 public:
  struct News {
    std::vector<Chunk> chunks;
    std::optional<base::Result<std::string>> reply;  // nothing comes after it
  };

  void Put(Chunk chunk);
  void End(base::Result<std::string> reply);
  // All that is there; waits when there is nothing.
  News Wait();

 private:
  base::Mutex mutex_;
  base::ConditionVariable changed_;
  News news_ GUARDED_BY(mutex_);
};

class ChunkRouter {
 public:
  ChunkRouter();
  // Unique among all clients of a server.
  std::string NewLabel();
  std::shared_ptr<ChunkInbox> Open(const std::string& label);
  void Close(const std::string& label);
  // False when the notification is no piece of a stream that is open here.
  bool Take(std::string_view method, const base::Value& params);

 private:
  const std::string prefix_;
  std::atomic<std::uint64_t> labels_{0};
  base::Mutex mutex_;
  std::map<std::string, std::shared_ptr<ChunkInbox>, std::less<>> inboxes_ GUARDED_BY(mutex_);
};

class FollowingCaller final : public Caller {
 public:
  using OnChunk = std::function<void(const Chunk&)>;

  FollowingCaller(AsyncClient& client, ChunkRouter& router, std::string label, OnChunk on_chunk)
      : client_(client),
        router_(router),
        label_(std::move(label)),
        on_chunk_(std::move(on_chunk)) {}

  using Caller::CallRaw;
  // CallOptions::cancel and ::report are not used here.
  base::Result<std::string> CallRaw(std::string_view method, std::string_view params,
                                    const CallOptions& options) override;

 private:
  AsyncClient& client_;
  ChunkRouter& router_;
  const std::string label_;
  const OnChunk on_chunk_;
};

}  // namespace reprise::client
