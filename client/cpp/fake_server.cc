#include "client/cpp/fake_server.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "protocol/base/ensure.h"
#include "protocol/wire/decode.h"
#include "protocol/wire/message.h"
#include "protocol/wire/writer.h"

namespace reprise::client {
namespace {

constexpr std::size_t kFrameBytesMax = std::size_t{64} << 20U;

std::string EnvironmentOr(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : value;
}

}  // namespace

std::optional<Received> Peer::Read() {
  while (true) {
    const auto size = scanner_.Scan(input_.view(), kFrameBytesMax);
    if (!size.ok()) {
      return std::nullopt;
    }
    if (size.value().has_value()) {
      const auto request = wire::ParseRequest(input_.view().substr(0, *size.value()));
      if (!request.ok()) {
        return std::nullopt;
      }
      const auto params = wire::Decode(request.value().params);
      Received received{request.value().msgid, std::string(request.value().method), {}};
      if (params.ok() && params.value().AsArray() != nullptr) {
        received.params = *params.value().AsArray();
      }
      input_.Consume(*size.value());
      return received;
    }
    constexpr std::size_t kReadBytes = 65'536;
    char* space = input_.Reserve(kReadBytes);
    const ssize_t count = ssl_ != nullptr ? SSL_read(ssl_, space, static_cast<int>(kReadBytes))
                                          : recv(descriptor_, space, kReadBytes, 0);
    if (count <= 0) {
      return std::nullopt;
    }
    input_.Commit(static_cast<std::size_t>(count));
  }
}

bool Peer::Write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count =
        ssl_ != nullptr
            ? SSL_write(
                  ssl_, bytes.data(),
                  static_cast<int>(std::min<std::size_t>(bytes.size(), std::size_t{1} << 30U)))
            : send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) {
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

std::string EncodedReply(std::uint32_t msgid, const base::Value& result) {
  base::Buffer out;
  wire::BeginResponse(msgid, out);
  wire::Writer(out).Write(result);
  return std::string(out.view());
}

bool Peer::Reply(std::uint32_t msgid, const base::Value& result) {
  return Write(EncodedReply(msgid, result));
}

bool Peer::ReplyError(std::uint32_t msgid, const base::Error& error) {
  base::Buffer out;
  wire::AppendError(msgid, error, out);
  return Write(out.view());
}

bool Peer::Notify(std::string_view method, const base::Value::Array& params) {
  base::Buffer out;
  wire::BeginNotification(method, out);
  wire::Writer(out).Write(params);
  return Write(out.view());
}

FakeServer::FakeServer(Script script) : script_(std::move(script)) {
  Descriptor listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ENSURE(bind(listener.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  socklen_t size = sizeof address;
  ENSURE(getsockname(listener.number(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
  address_ = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  Start(std::move(listener));
}

FakeServer::FakeServer(Script script, const TlsFiles& tls) : script_(std::move(script)) {
  tls_ = {SSL_CTX_new(TLS_server_method()), &SSL_CTX_free};
  ENSURE(SSL_CTX_use_certificate_file(tls_.get(), tls.certificate.c_str(), SSL_FILETYPE_PEM) == 1);
  ENSURE(SSL_CTX_use_PrivateKey_file(tls_.get(), tls.key.c_str(), SSL_FILETYPE_PEM) == 1);
  Descriptor listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ENSURE(bind(listener.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  socklen_t size = sizeof address;
  ENSURE(getsockname(listener.number(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
  address_ = "tls://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  Start(std::move(listener));
}

FakeServer::FakeServer(Script script, const std::string& unix_path)
    : script_(std::move(script)), address_("unix:" + unix_path), unix_path_(unix_path) {
  Descriptor listener(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  ENSURE(unix_path.size() < sizeof address.sun_path);
  std::memcpy(address.sun_path, unix_path.data(), unix_path.size());
  ENSURE(bind(listener.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  Start(std::move(listener));
}

void FakeServer::Start(Descriptor listener) {
  constexpr int kBacklog = 128;
  ENSURE(listen(listener.number(), kBacklog) == 0);
  listener_ = std::move(listener);
  acceptor_ = std::thread([this] { Accept(); });
}

FakeServer::~FakeServer() {
  stopping_ = true;
  shutdown(listener_.number(), SHUT_RDWR);
  acceptor_.join();
  CloseAll();
  std::vector<std::thread> threads;
  {
    const base::MutexLock lock(mutex_);
    threads.swap(threads_);
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  if (!unix_path_.empty()) {
    unlink(unix_path_.c_str());
  }
}

void FakeServer::CloseAll() {
  const base::MutexLock lock(mutex_);
  for (const int descriptor : open_) {
    shutdown(descriptor, SHUT_RDWR);
  }
}

void FakeServer::Accept() {
  while (!stopping_) {
    const int descriptor = accept4(listener_.number(), nullptr, nullptr, SOCK_CLOEXEC);
    if (descriptor < 0) {
      return;
    }
    const int index = connections_.fetch_add(1);
    const base::MutexLock lock(mutex_);
    open_.push_back(descriptor);
    threads_.emplace_back([this, index, descriptor] { Serve(index, descriptor); });
  }
}

void FakeServer::Serve(int index, int descriptor) {
  // OpenSSL writes without MSG_NOSIGNAL.
  sigset_t broken_pipe;
  sigemptyset(&broken_pipe);
  sigaddset(&broken_pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &broken_pipe, nullptr);
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl(nullptr, &SSL_free);
  bool usable = true;
  if (tls_ != nullptr) {
    ERR_clear_error();
    ssl.reset(SSL_new(tls_.get()));
    SSL_set_fd(ssl.get(), descriptor);
    usable = SSL_accept(ssl.get()) == 1;
  }
  if (usable) {
    Peer peer(index, descriptor, ssl.get());
    script_(peer);
  }
  const base::MutexLock lock(mutex_);
  open_.erase(std::remove(open_.begin(), open_.end(), descriptor), open_.end());
  close(descriptor);
}

TemporaryFolder::TemporaryFolder() : path_(EnvironmentOr("TMPDIR", "/tmp") + "/reprise-XXXXXX") {
  ENSURE(mkdtemp(path_.data()) != nullptr);
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

struct TinyStore::State {
  base::Mutex mutex;
  std::map<std::string, base::Value> values GUARDED_BY(mutex);
};

namespace {

using base::Value;

std::string TextAt(const Received& request, std::size_t index) {
  return index < request.params.size() ? std::string(request.params[index].AsText().value_or(""))
                                       : "";
}

base::Value Docs() {
  const auto argument = [](const char* name, const char* kind) {
    return Value::Map{{"name", name}, {"kind", kind}, {"required", true}, {"variadic", false}};
  };
  Value::Map set{{"name", "SET"},
                 {"summary", "Stores a value."},
                 {"family", "keys"},
                 {"flags", Value::Array{"write"}},
                 {"args", Value::Array{argument("key", "key"), argument("value", "value")}},
                 {"options", Value::Array{Value::Map{
                                 {"name", "ttl_ms"}, {"kind", "milliseconds"}, {"doc", "life"}}}}};
  Value::Map get{{"name", "GET"},
                 {"summary", "Reads a value."},
                 {"family", "keys"},
                 {"flags", Value::Array{"read"}},
                 {"args", Value::Array{argument("key", "key")}},
                 {"options", Value::Array{}}};
  return Value::Array{std::move(set), std::move(get)};
}

}  // namespace

TinyStore::TinyStore() : state_(std::make_shared<State>()) {}

// NOLINTNEXTLINE(readability-function-cognitive-complexity): one list of commands, read in one go
FakeServer::Script TinyStore::script() {
  // NOLINTNEXTLINE(readability-function-cognitive-complexity): one list of commands
  return [state = state_](Peer& peer) {
    const auto answer = [&](const Received& request) {
      const base::MutexLock lock(state->mutex);
      const std::string key = TextAt(request, 0);
      if (request.method == "PING") {
        return peer.Reply(request.msgid, "PONG");
      }
      if ((request.method == "SET" || request.method == "CACHE.STORE") &&
          request.params.size() >= 2) {
        state->values[key] = request.params[1];
        return peer.Reply(request.msgid,
                          request.method == "SET" ? Value(true) : Value(Value::Map{{"id", key}}));
      }
      if (request.method == "GET") {
        const auto found = state->values.find(key);
        return peer.Reply(request.msgid, found == state->values.end() ? Value() : found->second);
      }
      if (request.method == "DEL") {
        return peer.Reply(request.msgid, state->values.erase(key));
      }
      if (request.method == "INCRBY" && request.params.size() >= 2) {
        Value& value = state->values[key];
        value = value.AsInt().value_or(0) + request.params[1].AsInt().value_or(0);
        return peer.Reply(request.msgid, value);
      }
      if (request.method == "ECHO" && !request.params.empty()) {
        return peer.Reply(request.msgid, request.params[0]);
      }
      if (request.method == "COMMAND.DOCS") {
        return peer.Reply(request.msgid, Docs());
      }
      return peer.ReplyError(request.msgid, {base::Code::kUnknownCommand,
                                             "no command is called '" + request.method + "'"});
    };
    while (const auto request = peer.Read()) {
      if (!answer(*request)) {
        return;
      }
    }
  };
}

std::optional<base::Value> TinyStore::Get(const std::string& key) const {
  const base::MutexLock lock(state_->mutex);
  const auto found = state_->values.find(key);
  return found == state_->values.end() ? std::optional<Value>{} : std::optional(found->second);
}

std::size_t TinyStore::size() const {
  const base::MutexLock lock(state_->mutex);
  return state_->values.size();
}

}  // namespace reprise::client
