// reprise-bench-null: a server that stores nothing and answers as if every key existed.
//
// It speaks just enough of the three protocols for the load generator's requests. Against it the
// generator's own cost can be measured, and its checks tested: --wrong-every spoils a value now and
// then, --stop-after falls silent. One thread, loopback only, a port of the system's choice.
//
// It prints "ready: 127.0.0.1:PORT pid=PID" and runs until it is told to stop.
#include <CLI/CLI.hpp>
#include <array>
#include <charconv>
#include <cstdio>
#include <memory>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <optional>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include "bench/load/address.h"
#include "bench/load/content.h"
#include "bench/load/driver.h"
#include "protocol/base/ensure.h"
#include "protocol/base/limits.h"
#include "protocol/wire/frame.h"
#include "protocol/wire/message.h"
#include "protocol/wire/reader.h"
#include "protocol/wire/writer.h"

namespace reprise::bench {
namespace {

struct NullSettings {
  std::string protocol = "reprise";
  std::size_t value_bytes = 1024;
  std::uint64_t wrong_every = 0;
  std::uint64_t stop_after = 0;
};

// What a request asks for, whatever its protocol.
struct Question {
  std::string_view verb;
  std::string_view subject;  // key or prompt
  std::uint32_t msgid = 0;
};

// A reader of one protocol: the size of the first whole request in `bytes`, 0 when there is none.
using ReadFunction = std::size_t (*)(std::string_view bytes, Question& question);

std::size_t ReadReprise(std::string_view bytes, Question& question) {
  wire::FrameScanner scanner;
  const auto size = scanner.Scan(bytes, base::limits::kFrameBytes.value);
  ENSURE(size.ok());
  if (!size.value().has_value()) {
    return 0;
  }
  const auto request = wire::ParseRequest(bytes.substr(0, *size.value()));
  ENSURE(request.ok());
  question.verb = request.value().method;
  question.msgid = request.value().msgid;
  wire::Reader params(request.value().params);
  const auto items = params.Array();
  if (items.ok() && items.value() > 0) {
    const auto subject = params.Text();
    question.subject = subject.ok() ? subject.value() : std::string_view{};
  }
  return *size.value();
}

std::optional<std::size_t> Number(std::string_view text) {
  std::size_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  return parsed.ec == std::errc() ? std::optional(number) : std::nullopt;
}

// The line at `offset`, which moves behind it; absent when its end has not come.
std::optional<std::string_view> Line(std::string_view bytes, std::size_t& offset) {
  const std::size_t end = bytes.find("\r\n", offset);
  if (end == std::string_view::npos) {
    return std::nullopt;
  }
  const std::string_view line = bytes.substr(offset, end - offset);
  offset = end + 2;
  return line;
}

std::size_t ReadRedis(std::string_view bytes, Question& question) {
  std::size_t offset = 0;
  const auto head = Line(bytes, offset);
  const std::size_t arguments = head.has_value() ? Number(head->substr(1)).value_or(0) : 0;
  for (std::size_t i = 0; i < arguments; ++i) {
    const auto size_line = Line(bytes, offset);
    if (!size_line.has_value()) {
      return 0;
    }
    const std::size_t size = Number(size_line->substr(1)).value_or(0);
    if (bytes.size() < offset + size + 2) {
      return 0;
    }
    if (i < 2) {
      (i == 0 ? question.verb : question.subject) = bytes.substr(offset, size);
    }
    offset += size + 2;
  }
  return arguments == 0 ? 0 : offset;
}

std::size_t ReadMemcached(std::string_view bytes, Question& question) {
  std::size_t offset = 0;
  const auto line = Line(bytes, offset);
  if (!line.has_value()) {
    return 0;
  }
  const std::size_t space = std::min(line->find(' '), line->size());
  question.verb = line->substr(0, space);
  question.subject = line->substr(std::min(space + 1, line->size()));
  if (question.verb == "set" || question.verb == "ms") {
    const std::size_t size = Number(line->substr(line->rfind(' ') + 1)).value_or(0);
    offset += size + 2;
  }
  question.subject = question.subject.substr(0, question.subject.find(' '));
  return offset <= bytes.size() ? offset : 0;
}

// The first twelve digits in a row.
std::uint64_t KeyIn(std::string_view subject) {
  const std::size_t start = subject.find_first_of("0123456789");
  return start == std::string_view::npos ? 0 : Number(subject.substr(start, kDigits)).value_or(0);
}

class NullServer {
 public:
  explicit NullServer(const NullSettings& settings)
      : settings_(settings), content_(settings.value_bytes) {
    read_ = settings.protocol == "reprise" ? ReadReprise
            : settings.protocol == "redis" ? ReadRedis
                                           : ReadMemcached;
  }

  void Run() {
    Listen();
    std::array<epoll_event, 64> events{};
    while (true) {
      const int ready = epoll_wait(epoll_.number(), events.data(), events.size(), -1);
      for (int i = 0; i < ready; ++i) {
        auto* peer = static_cast<Peer*>(events.at(static_cast<std::size_t>(i)).data.ptr);
        if (peer == nullptr) {
          Accept();
        } else if (peer->socket.IsOpen()) {
          Serve(*peer);
        }
      }
    }
  }

 private:
  struct Peer {
    Descriptor socket;
    base::Buffer in;
    base::Buffer out;
  };

  void Watch(int descriptor, std::uint32_t interest, Peer* peer, int operation) {
    epoll_event event{};
    event.events = interest;
    event.data.ptr = peer;
    ENSURE(epoll_ctl(epoll_.number(), operation, descriptor, &event) == 0);
  }

  void Listen() {
    epoll_ = Descriptor(epoll_create1(EPOLL_CLOEXEC));
    listener_ = Descriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(name);
    auto* generic = reinterpret_cast<sockaddr*>(&name);
    ENSURE(::bind(listener_.number(), generic, size) == 0);
    ENSURE(::listen(listener_.number(), SOMAXCONN) == 0);
    ENSURE(::getsockname(listener_.number(), generic, &size) == 0);
    Watch(listener_.number(), EPOLLIN, nullptr, EPOLL_CTL_ADD);
    std::printf("ready: 127.0.0.1:%u pid=%d\n", unsigned{ntohs(name.sin_port)}, getpid());
    std::fflush(stdout);
  }

  void Accept() {
    Descriptor socket(
        ::accept4(listener_.number(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket.IsOpen()) {
      return;
    }
    const int on = 1;
    ::setsockopt(socket.number(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    peers_.push_back(std::make_unique<Peer>());
    peers_.back()->socket = std::move(socket);
    Watch(peers_.back()->socket.number(), EPOLLIN, peers_.back().get(), EPOLL_CTL_ADD);
  }

  void Serve(Peer& peer) {
    constexpr std::size_t kReadBytes = 65536;
    if (peer.out.empty()) {  // Reads nothing new while the client does not take its replies.
      char* space = peer.in.Reserve(kReadBytes);
      const ssize_t received = ::recv(peer.socket.number(), space, kReadBytes, 0);
      if (received == 0 || (received < 0 && errno != EAGAIN)) {
        peer.socket.Close();
        return;
      }
      peer.in.Commit(static_cast<std::size_t>(std::max<ssize_t>(0, received)));
      Question question;
      while (const std::size_t size = read_(peer.in.view(), question)) {
        Answer(question, peer.out);
        peer.in.Consume(size);
        question = {};
      }
    }
    const ssize_t sent =
        ::send(peer.socket.number(), peer.out.data(), peer.out.size(), MSG_NOSIGNAL);
    peer.out.Consume(static_cast<std::size_t>(std::max<ssize_t>(0, sent)));
    Watch(peer.socket.number(), peer.out.empty() ? EPOLLIN : EPOLLOUT, &peer, EPOLL_CTL_MOD);
  }

  void Answer(const Question& question, base::Buffer& out) {
    ++answers_;
    if (settings_.stop_after > 0 && answers_ > settings_.stop_after) {
      return;
    }
    std::uint64_t key = KeyIn(question.subject);
    if (settings_.wrong_every > 0 && answers_ % settings_.wrong_every == 0) {
      ++key;
    }
    if (settings_.protocol == "reprise") {
      AnswerReprise(question, key, out);
    } else if (settings_.protocol == "redis") {
      AnswerRedis(question, key, out);
    } else {
      AnswerMemcached(question, key, out);
    }
  }

  // The value of the key, header and all, without a copy of it first.
  void AppendValue(std::uint64_t key, base::Buffer& out) const {
    WriteDigits(key, out.Reserve(kDigits));
    out.Commit(kDigits);
    out.Append(content_.Body(key));
  }

  void AnswerReprise(const Question& question, std::uint64_t key, base::Buffer& out) const {
    wire::BeginResponse(question.msgid, out);
    wire::Writer writer(out);
    const bool is_lookup = question.verb == "CACHE.LOOKUP" || question.verb == "CACHE.FETCH";
    if (question.verb == "PING") {
      writer.Str("PONG");
    } else if (question.verb == "SET") {
      writer.Bool(true);
    } else if (question.verb == "CACHE.STORE") {
      writer.Map(1);
      writer.Field("id", key);
    } else if (question.verb == "LIMIT.TAKE") {
      writer.Map(5);
      writer.Field("allowed", key == KeyIn(question.subject));
      for (const std::string_view name : {"limit", "remaining", "retry_after_ms", "reset_ms"}) {
        writer.Field(name, 0);
      }
    } else if (is_lookup || question.subject.starts_with("key:")) {
      if (is_lookup) {
        writer.Map(3);
        writer.Field("status", "hit");
        writer.Field("tier", question.subject.starts_with("What") ? "exact" : "normalized");
        writer.Str("response");
      }
      AppendStrHeader(out);
      AppendValue(key, out);
    } else {
      writer.Nil();
    }
  }

  void AppendStrHeader(base::Buffer& out) const {
    constexpr std::size_t kStr32HeaderBytes = 5;  // any length may be written as str 32
    char header[kStr32HeaderBytes] = {'\xdb', 0, 0, 0, 0};
    for (std::size_t i = 0; i < 4; ++i) {
      header[kStr32HeaderBytes - 1 - i] =
          static_cast<char>((settings_.value_bytes >> (8 * i)) & 0xffU);
    }
    out.Append({header, kStr32HeaderBytes});
  }

  void AnswerRedis(const Question& question, std::uint64_t key, base::Buffer& out) const {
    if (question.verb == "PING") {
      out.Append("+PONG\r\n");
    } else if (question.verb == "SET") {
      out.Append("+OK\r\n");
    } else if (question.subject.starts_with("key:")) {
      out.Append("$" + std::to_string(settings_.value_bytes) + "\r\n");
      AppendValue(key, out);
      out.Append("\r\n");
    } else {
      out.Append("$-1\r\n");
    }
  }

  void AnswerMemcached(const Question& question, std::uint64_t key, base::Buffer& out) const {
    const bool meta = question.verb.size() == 2;
    if (question.verb == "version" || question.verb == "mn") {
      out.Append(meta ? "MN\r\n" : "VERSION 0\r\n");
    } else if (question.verb == "set" || question.verb == "ms") {
      out.Append(meta ? "HD\r\n" : "STORED\r\n");
    } else if (question.subject.starts_with("key:")) {
      out.Append(meta ? "VA " : "VALUE " + std::string(question.subject) + " 0 ");
      out.Append(std::to_string(settings_.value_bytes) + "\r\n");
      AppendValue(key, out);
      out.Append(meta ? "\r\n" : "\r\nEND\r\n");
    } else {
      out.Append(meta ? "EN\r\n" : "END\r\n");
    }
  }

  const NullSettings settings_;
  const Content content_;
  ReadFunction read_;
  std::uint64_t answers_ = 0;
  Descriptor epoll_;
  Descriptor listener_;
  std::vector<std::unique_ptr<Peer>> peers_;
};

int Main(int argument_count, char** arguments) {
  NullSettings settings;
  CLI::App app("Server that stores nothing, for tests of the load generator", "reprise-bench-null");
  app.add_option("--protocol", settings.protocol)
      ->check(CLI::IsMember({"reprise", "redis", "memcached"}));
  app.add_option("--value-bytes", settings.value_bytes)->check(CLI::Range(12, 1 << 20));
  app.add_option("--wrong-every", settings.wrong_every, "Answer each n-th request wrongly");
  app.add_option("--stop-after", settings.stop_after, "Fall silent after n answers");
  CLI11_PARSE(app, argument_count, arguments);
  NullServer(settings).Run();
  return 0;
}

}  // namespace
}  // namespace reprise::bench

int main(int argument_count, char** arguments) {
  return reprise::bench::Main(argument_count, arguments);
}
