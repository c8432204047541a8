// FakeServer: a scripted server for tests: each connection runs a function that reads requests and
// writes whatever bytes it likes.
//
// Test support of client/cpp and client/cli; not installed. Threads: one accepts, one more for each
// connection; a script runs on its connection's thread and must assert nothing itself. Lifetime:
// the destructor closes all connections and joins. Errors: a Peer answers false or nothing when its
// connection has ended; a server that cannot listen aborts the test.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <openssl/types.h>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "client/cpp/channel.h"
#include "protocol/base/buffer.h"
#include "protocol/base/error.h"
#include "protocol/base/mutex.h"
#include "protocol/base/value.h"
#include "protocol/wire/frame.h"

namespace reprise::client {

struct Received {
  std::uint32_t msgid = 0;
  std::string method;
  base::Value::Array params;
};

// The server's side of one connection.
class Peer {
 public:
  Peer(int index, int descriptor, SSL* ssl) : index_(index), descriptor_(descriptor), ssl_(ssl) {}

  int index() const { return index_; }  // 0 for the first connection
  // Waits for the next request; absent when the client has gone.
  std::optional<Received> Read();
  bool Write(std::string_view bytes);
  bool Reply(std::uint32_t msgid, const base::Value& result);
  bool ReplyError(std::uint32_t msgid, const base::Error& error);
  bool Notify(std::string_view method, const base::Value::Array& params);

 private:
  int index_;
  int descriptor_;
  SSL* ssl_;  // null: no TLS
  base::Buffer input_;
  wire::FrameScanner scanner_;
};

std::string EncodedReply(std::uint32_t msgid, const base::Value& result);

// Certificate and key in PEM files.
struct TlsFiles {
  std::string certificate;
  std::string key;
};

class FakeServer {
 public:
  using Script = std::function<void(Peer&)>;

  // Listens on 127.0.0.1, on a port that the system chooses.
  explicit FakeServer(Script script);
  FakeServer(Script script, const TlsFiles& tls);
  FakeServer(Script script, const std::string& unix_path);
  ~FakeServer();
  FakeServer(const FakeServer&) = delete;
  FakeServer& operator=(const FakeServer&) = delete;
  FakeServer(FakeServer&&) = delete;
  FakeServer& operator=(FakeServer&&) = delete;

  const std::string& address() const { return address_; }
  int connections() const { return connections_.load(); }
  // Ends each connection that is open now; new ones are accepted.
  void CloseAll();

 private:
  void Start(Descriptor listener);
  void Accept();
  void Serve(int index, int descriptor);

  Script script_;
  std::string address_;
  std::string unix_path_;
  std::shared_ptr<SSL_CTX> tls_;
  Descriptor listener_;
  std::atomic<bool> stopping_{false};
  std::atomic<int> connections_{0};
  base::Mutex mutex_;
  std::vector<int> open_ GUARDED_BY(mutex_);  // descriptors, shut down to end their reads
  std::vector<std::thread> threads_ GUARDED_BY(mutex_);
  std::thread acceptor_;
};

// A folder that is removed with all it holds.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  TemporaryFolder(TemporaryFolder&&) = delete;
  TemporaryFolder& operator=(TemporaryFolder&&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Answers PING, SET, GET, DEL, INCRBY, ECHO, CACHE.STORE and COMMAND.DOCS from a small map that all
// its connections share; everything else is unknown_command.
class TinyStore {
 public:
  TinyStore();
  FakeServer::Script script();
  std::optional<base::Value> Get(const std::string& key) const;
  std::size_t size() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace reprise::client
