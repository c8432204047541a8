// Client: one connection to a server, blocking calls and pipelines.
//
//   auto client = client::Client::Connect({.address = "127.0.0.1:7377"});
//   if (!client.ok()) { ... client.error().detail ... }
//   auto answer = client.value()->Call("GET", {"greeting"});
//
// It starts no thread: the calling thread sends, waits with poll(2) and receives. A lost connection
// is opened again by the next call, after a delay that grows (ReconnectOptions).
//
// Threads: safe from any thread; calls take turns, so use a Pool (or an AsyncClient) to have
// several under way. A notification callback runs after its call has ended and may call the client
// again. Errors: see caller.h. Complexity: one write and one read a call where the reply comes in
// one piece; no allocation grows with the number of calls. Limits: Options.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "client/cpp/caller.h"
#include "client/cpp/options.h"
#include "protocol/base/buffer.h"
#include "protocol/base/result.h"
#include "protocol/base/value.h"

namespace reprise::client {

// Requests that are sent together and answered together: one round trip for all of them.
//
// A pipeline is encoded as it is filled and can be run again. Threads: one owner. Errors: none;
// a wrong request is answered with an error of its own. Limits: memory; requests and their replies
// are all held until the pipeline ends.
class Pipeline {
 public:
  Pipeline() = default;

  void Add(std::string_view method, const base::Value::Array& params);
  // `params`: the MessagePack bytes of the params array.
  void AddRaw(std::string_view method, std::string_view params);
  void Clear();

  std::size_t size() const { return ends_.size(); }
  bool empty() const { return ends_.empty(); }

 private:
  friend class Client;
  friend class ClientCore;

  // A request without its msgid, which is known when it is sent: [method][params].
  base::Buffer bodies_;
  std::vector<std::size_t> ends_;
  bool reads_only_ = true;
};

class Client final : public Caller {
 public:
  // Checks the options and opens no connection; the first call does. Errors: kBadRequest.
  static base::Result<std::unique_ptr<Client>> Create(Options options);
  // The same, and connects. Errors: also kUnavailable, kUnauthenticated, kTimeout.
  static base::Result<std::unique_ptr<Client>> Connect(Options options);
  ~Client() override;
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  Client(Client&&) = delete;
  Client& operator=(Client&&) = delete;

  using Caller::CallRaw;
  base::Result<std::string> CallRaw(std::string_view method, std::string_view params,
                                    const CallOptions& options) override;

  // Sends all requests of the pipeline and waits for all replies, which stand in the order of the
  // requests. The outer error means that not all replies came (the connection ended, or the time
  // was over); what had been applied by then is unknown. It is sent again only when no byte of it
  // had left, or when each of its commands only reads. Safe for any number of requests: it reads
  // while it writes.
  base::Result<std::vector<base::Result<base::Value>>> Run(const Pipeline& pipeline,
                                                           const CallOptions& options = {});
  // The same with the MessagePack bytes of each result.
  base::Result<std::vector<base::Result<std::string>>> RunRaw(const Pipeline& pipeline,
                                                              const CallOptions& options = {});

  // Connects now if there is no connection.
  base::Status Connect();
  // Ends the connection; the next call opens a new one.
  void Disconnect();
  // Waits at most `timeout_ms` for notifications and delivers them; how many came.
  base::Result<int> WaitForNotifications(std::int64_t timeout_ms);

  bool connected() const;
  Circuit circuit() const;
  const Options& options() const;

 private:
  explicit Client(std::unique_ptr<class ClientCore> core);
  std::unique_ptr<class ClientCore> core_;
};

}  // namespace reprise::client
