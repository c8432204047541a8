#include "server/loop/test_kit.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <utility>

#include "protocol/base/ensure.h"

namespace reprise::loop::test {

namespace {

constexpr std::size_t kEchoPause = std::size_t{1} << 20U;

// True when the descriptor is ready for one of `events` before the deadline.
bool Ready(int descriptor, int events) {
  pollfd wanted{descriptor, static_cast<short>(events), 0};
  return poll(&wanted, 1, kDeadlineMs) == 1;
}

}  // namespace

void Journal::Write(std::string line) {
  const base::MutexLock lock(mutex_);
  lines_.push_back(std::move(line));
  changed_.notify_all();
}

bool Journal::Await(std::string_view line, std::size_t count) {
  const base::MutexLock lock(mutex_);
  const auto found = [&]() REQUIRES(mutex_) {
    return static_cast<std::size_t>(std::count(lines_.begin(), lines_.end(), line)) >= count;
  };
  while (!found()) {
    if (changed_.wait_for(mutex_, std::chrono::milliseconds(kDeadlineMs)) ==
        std::cv_status::timeout) {
      return found();
    }
  }
  return true;
}

std::size_t Journal::Count(std::string_view line) {
  const base::MutexLock lock(mutex_);
  return static_cast<std::size_t>(std::count(lines_.begin(), lines_.end(), line));
}

std::vector<std::string> Journal::Lines() {
  const base::MutexLock lock(mutex_);
  return lines_;
}

TemporaryFolder::TemporaryFolder() {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): no test changes the environment.
  const char* base = std::getenv("TMPDIR");
  path_ = std::string(base == nullptr ? "/tmp" : base) + "/loop_test_XXXXXX";
  ENSURE(mkdtemp(path_.data()) != nullptr);
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

LoopThread::LoopThread(const base::Clock* clock) {
  auto created = Loop::Create(0, clock == nullptr ? system_clock_ : *clock);
  ENSURE(created.ok());
  loop_ = std::move(created).value();
}

void LoopThread::Start() {
  thread_ = std::thread([this]() { loop_->Run(); });
}

void LoopThread::Stop() {
  if (thread_.joinable()) {
    loop_->Stop();
    thread_.join();
  }
}

void LoopThread::Do(const std::function<void()>& work) {
  Journal done;
  ENSURE(loop_->Post(base::MakeTask([&work, &done]() {
    work();
    done.Write("done");
  })));
  ENSURE(done.Await("done"));
}

ListenOptions OnLoopback(HandlerFactory factory) {
  ListenOptions options;
  options.address.host = "127.0.0.1";
  options.handler = std::move(factory);
  return options;
}

void EchoHandler::OnBytes(std::string_view bytes) {
  stream().Output().Append(bytes);
  stream().Flush();
  if (stream().Unsent() > kEchoPause) {
    stream().PauseReading();
  }
}

void EchoHandler::OnWritable() {
  if (stream().Unsent() < kEchoPause / 2) {
    stream().ResumeReading();
  }
}

HandlerFactory Echo(Journal* journal) {
  return [journal](base::Stream& stream) { return std::make_unique<EchoHandler>(stream, journal); };
}

Client Client::Tcp(std::uint16_t port, const std::string& host) {
  Client client;
  sockaddr_storage storage{};
  socklen_t size = sizeof(sockaddr_in);
  if (host.find(':') == std::string::npos) {
    auto* four = reinterpret_cast<sockaddr_in*>(&storage);
    four->sin_family = AF_INET;
    four->sin_port = htons(port);
    inet_pton(AF_INET, host.c_str(), &four->sin_addr);
  } else {
    auto* six = reinterpret_cast<sockaddr_in6*>(&storage);
    six->sin6_family = AF_INET6;
    six->sin6_port = htons(port);
    inet_pton(AF_INET6, host.c_str(), &six->sin6_addr);
    size = sizeof(sockaddr_in6);
  }
  client.descriptor_ = Descriptor(socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (connect(client.descriptor(), reinterpret_cast<const sockaddr*>(&storage), size) != 0) {
    client.descriptor_.Reset();
  }
  return client;
}

Client Client::Unix(const std::string& path) {
  Client client;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), std::min(path.size(), sizeof(address.sun_path) - 1));
  client.descriptor_ = Descriptor(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (connect(client.descriptor(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) !=
      0) {
    client.descriptor_.Reset();
  }
  return client;
}

bool Client::Send(std::string_view bytes) const {
  while (!bytes.empty()) {
    if (!Ready(descriptor(), POLLOUT)) {
      return false;
    }
    const ssize_t sent =
        send(descriptor(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) {
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(sent, 0)));
  }
  return true;
}

std::string Client::Receive(std::size_t bytes) const {
  std::string received(bytes, '\0');
  std::size_t size = 0;
  while (size < bytes && Ready(descriptor(), POLLIN)) {
    const ssize_t got = recv(descriptor(), received.data() + size, bytes - size, 0);
    if (got <= 0) {
      break;
    }
    size += static_cast<std::size_t>(got);
  }
  received.resize(size);
  return received;
}

std::string Client::ReceiveToEnd(bool* reset) const {
  std::string received;
  std::array<char, 16384> chunk{};
  ssize_t got = -1;
  while (Ready(descriptor(), POLLIN)) {
    got = recv(descriptor(), chunk.data(), chunk.size(), 0);
    if (got <= 0) {
      break;
    }
    received.append(chunk.data(), static_cast<std::size_t>(got));
  }
  if (reset != nullptr) {
    *reset = got != 0;
  }
  return received;
}

std::string Client::Exchange(std::string_view bytes, std::size_t chunk) const {
  std::string received;
  std::vector<char> space(chunk);
  const std::size_t wanted = bytes.size();
  while (received.size() < wanted) {
    const int events = POLLIN | (bytes.empty() ? 0 : POLLOUT);
    if (!Ready(descriptor(), events)) {
      break;
    }
    if (!bytes.empty()) {
      const ssize_t sent =
          send(descriptor(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      bytes.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(sent, 0)));
    }
    const ssize_t got = recv(descriptor(), space.data(), space.size(), MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN)) {
      break;
    }
    received.append(space.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  }
  return received;
}

void Client::EndOutput() const {
  shutdown(descriptor(), SHUT_WR);
}

void Client::Reset() {
  const linger at_once{1, 0};
  setsockopt(descriptor(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  descriptor_.Reset();
}

std::string Pattern(std::size_t bytes) {
  std::string pattern(bytes, '\0');
  std::uint64_t state = 0x9E3779B97F4A7C15U;
  for (char& byte : pattern) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    byte = static_cast<char>(state >> 56U);
  }
  return pattern;
}

}  // namespace reprise::loop::test
