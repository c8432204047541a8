#include "server/embed/fake_endpoint.h"

#include <netinet/in.h>
#include <optional>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/base/ensure.h"

namespace reprise::embed {
namespace {

// Absent when the other side has closed.
std::optional<FakeRequest> ReadRequest(int connection, std::string& left) {
  char buffer[16384];
  while (true) {
    const std::size_t end = left.find("\r\n\r\n");
    if (end != std::string::npos) {
      const std::size_t field = left.find("Content-Length: ");
      const std::size_t size = field < end ? std::stoul(left.substr(field + 16)) : 0;
      if (left.size() >= end + 4 + size) {
        FakeRequest request{left.substr(0, end), left.substr(end + 4, size)};
        left.erase(0, end + 4 + size);
        return request;
      }
    }
    const ssize_t got = ::recv(connection, buffer, sizeof(buffer), 0);
    if (got <= 0) {
      return std::nullopt;
    }
    left.append(buffer, static_cast<std::size_t>(got));
  }
}

bool SendAll(int connection, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) {
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

}  // namespace

FakeAnswer Responded(int status, std::string_view body) {
  return {"HTTP/1.1 " + std::to_string(status) +
          " Said\r\nContent-Type: application/json\r\nContent-Length: " +
          std::to_string(body.size()) + "\r\n\r\n" + std::string(body)};
}

std::string HonestBody(const FakeRequest& request) {
  auto data = nlohmann::json::array();
  const auto asked = nlohmann::json::parse(request.body);
  for (const auto& text : asked.at("input")) {
    data.push_back({{"object", "embedding"},
                    {"index", data.size()},
                    {"embedding", {text.get<std::string>().size(), 1}}});
  }
  return nlohmann::json{{"object", "list"}, {"data", data}}.dump();
}

FakeEndpoint::FakeEndpoint(Behaviour behaviour) : behaviour_(std::move(behaviour)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ENSURE(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0);
  ENSURE(::listen(listener_, 16) == 0);
  ENSURE(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  port_ = ntohs(address.sin_port);
  accepting_ = std::thread([this] { Accept(); });
}

FakeEndpoint::~FakeEndpoint() {
  ::shutdown(listener_, SHUT_RDWR);
  accepting_.join();
  {
    const base::MutexLock lock(mutex_);
    for (const int connection : connections_) {
      ::shutdown(connection, SHUT_RDWR);
    }
  }
  for (std::thread& server : servers_) {
    server.join();
  }
  for (const int connection : connections_) {
    ::close(connection);
  }
  ::close(listener_);
}

std::string FakeEndpoint::Url() const {
  return "http://127.0.0.1:" + std::to_string(port_) + "/v1/embeddings";
}

std::vector<FakeRequest> FakeEndpoint::Seen() const {
  const base::MutexLock lock(mutex_);
  return seen_;
}

void FakeEndpoint::Accept() {
  while (true) {
    const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) {
      return;
    }
    const base::MutexLock lock(mutex_);
    connections_.push_back(connection);
    servers_.emplace_back([this, connection] { Serve(connection); });
  }
}

void FakeEndpoint::Serve(int connection) {
  std::string left;
  while (const auto request = ReadRequest(connection, left)) {
    FakeAnswer answer;
    {
      const base::MutexLock lock(mutex_);
      seen_.push_back(*request);
      answer = behaviour_(*request);
    }
    if (answer.waits_for_end) {
      continue;  // reads on, which ends when either side closes
    }
    if (!SendAll(connection, answer.bytes) || answer.closes) {
      break;
    }
  }
  ::shutdown(connection, SHUT_RDWR);
}

}  // namespace reprise::embed
