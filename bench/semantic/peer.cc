#include "bench/semantic/peer.h"

#include <cstdio>
#include <cstdlib>
#include <poll.h>
#include <sys/socket.h>

#include "protocol/base/buffer.h"
#include "protocol/base/limits.h"
#include "protocol/wire/frame.h"
#include "protocol/wire/message.h"
#include "protocol/wire/reader.h"
#include "protocol/wire/writer.h"

namespace reprise::bench {
namespace {

constexpr std::string_view kNil = "\xc0";

[[noreturn]] void Give(std::string_view why) {
  std::fprintf(stderr, "reprise-semantic: %.*s\n", static_cast<int>(why.size()), why.data());
  std::exit(3);  // NOLINT(concurrency-mt-unsafe): nothing to clean up
}

void WriteVector(std::span<const float> vector, wire::Writer& writer) {
  writer.Str("vector");
  writer.Bin({reinterpret_cast<const char*>(vector.data()), vector.size_bytes()});
}

}  // namespace

std::string EncodeCall(std::string_view method, const WriteParams& params) {
  base::Buffer out;
  wire::BeginRequest(1, method, out);
  wire::Writer writer(out);
  params(writer);
  return std::string(out.view());
}

std::string FetchCall(std::string_view prompt, std::span<const float> vector) {
  return EncodeCall("CACHE.FETCH", [&](wire::Writer& writer) {
    writer.Array(2);
    writer.Str(prompt);
    writer.Map(vector.empty() ? 1 : 2);
    writer.Field("only_if_cached", true);
    if (!vector.empty()) {
      WriteVector(vector, writer);
    }
  });
}

std::string StoreCall(std::string_view prompt, std::string_view answer,
                      std::span<const float> vector) {
  return EncodeCall("CACHE.STORE", [&](wire::Writer& writer) {
    writer.Array(vector.empty() ? 2 : 3);
    writer.Str(prompt);
    writer.Str(answer);
    if (!vector.empty()) {
      writer.Map(1);
      WriteVector(vector, writer);
    }
  });
}

Peer::Peer(const Address& address) {
  auto socket = Connect(address);
  if (!socket.ok()) {
    Give(socket.error().detail);
  }
  socket_ = std::move(socket).value();
}

void Peer::Send(std::string_view frames) {
  while (!frames.empty()) {
    const ssize_t sent = ::send(socket_.number(), frames.data(), frames.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      frames.remove_prefix(static_cast<std::size_t>(sent));
      continue;
    }
    pollfd wait{socket_.number(), POLLOUT, 0};
    if (::poll(&wait, 1, 60'000) != 1) {
      Give("the server takes nothing more");
    }
  }
}

std::string_view Peer::Receive() {
  read_.erase(0, taken_);
  taken_ = 0;
  for (;;) {
    wire::FrameScanner scanner;
    const auto size = scanner.Scan(read_, base::limits::kFrameBytes.value);
    if (!size.ok()) {
      Give("an answer is no frame");
    }
    if (size.value().has_value()) {
      taken_ = *size.value();
      const auto response = wire::ParseResponse(std::string_view(read_).substr(0, taken_));
      if (!response.ok()) {
        Give(response.error().detail);
      }
      if (response.value().error != kNil) {
        Give("an error was answered: " + std::string(response.value().error));
      }
      return response.value().result;
    }
    pollfd wait{socket_.number(), POLLIN, 0};
    char bytes[64 * 1024];
    const ssize_t got =
        ::poll(&wait, 1, 600'000) == 1 ? ::recv(socket_.number(), bytes, sizeof(bytes), 0) : 0;
    if (got <= 0) {
      Give("the server is gone");
    }
    read_.append(bytes, static_cast<std::size_t>(got));
  }
}

CacheAnswer ReadCacheAnswer(std::string_view result) {
  wire::Reader reader(result);
  const auto pairs = reader.Map();
  CacheAnswer answer;
  for (std::uint32_t i = 0; pairs.ok() && i < pairs.value(); ++i) {
    const auto name = reader.Str();
    if (name.ok() && (name.value() == "status" || name.value() == "tier")) {
      const auto text = reader.Str();
      (name.value() == "status" ? answer.status : answer.tier) = text.ok() ? text.value() : "";
    } else if (!name.ok() || !reader.Raw().ok()) {
      Give("an answer is no map");
    }
  }
  return answer;
}

std::uint64_t ReadInner(std::string_view result, std::string_view name) {
  wire::Reader reader(result);
  if (!reader.Map().ok() || !reader.Str().ok()) {
    Give("INFO answers something else");
  }
  const auto pairs = reader.Map();
  for (std::uint32_t i = 0; pairs.ok() && i < pairs.value(); ++i) {
    const auto field = reader.Str();
    if (field.ok() && field.value() == name) {
      const auto number = reader.Uint();
      return number.ok() ? number.value() : 0;
    }
    if (!field.ok() || !reader.Raw().ok()) {
      break;
    }
  }
  Give("INFO has no " + std::string(name));
}

}  // namespace reprise::bench
