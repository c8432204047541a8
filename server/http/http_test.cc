#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include "protocol/base/clock.h"
#include "protocol/base/stream.h"
#include "server/http/admin_handler.h"
#include "server/http/request.h"

namespace reprise::http {

namespace {

constexpr std::size_t kTakesAll = ~std::size_t{0};

// A peer that takes as many bytes as it is told to.
class FakeStream final : public base::Stream {
 public:
  base::Buffer& Output() ON_LOOP_THREAD override { return output_; }
  void Flush() ON_LOOP_THREAD override {
    const std::size_t part = std::min(output_.size(), takes);
    sent.append(output_.view().substr(0, part));
    output_.Consume(part);
    takes -= takes == kTakesAll ? 0 : part;
  }
  std::size_t Unsent() const ON_LOOP_THREAD override { return output_.size(); }
  void PauseReading() ON_LOOP_THREAD override { paused = true; }
  void ResumeReading() ON_LOOP_THREAD override { paused = false; }
  void Close() ON_LOOP_THREAD override { closed = true; }
  void CloseAfterFlush() ON_LOOP_THREAD override {
    Flush();
    closed = true;
  }
  void YieldTurn() ON_LOOP_THREAD override { yielded = true; }
  std::string_view Peer() const ON_LOOP_THREAD override { return "test"; }
  std::string_view Transport() const ON_LOOP_THREAD override { return "tcp"; }

  std::string sent;
  std::size_t takes = kTakesAll;
  bool paused = false;
  bool closed = false;
  bool yielded = false;

 private:
  base::Buffer output_;
};

struct Connection {
  // What comes back on `bytes`, given at once, resumed as often as asked for.
  std::string Send(std::string_view bytes) {
    base::kLoop.AssertHeld();
    handler.OnBytes(bytes);
    while (stream.yielded) {
      stream.yielded = false;
      handler.OnResume();
    }
    return std::exchange(stream.sent, {});
  }
  void Tick(std::int64_t ms) {
    base::kLoop.AssertHeld();
    clock.Advance(ms);
    handler.OnTick();
  }

  AdminOptions MakeOptions() {
    AdminOptions made;
    made.clock = &clock;
    made.health = [this]() { return AdminAnswer{healthy, healthy ? "ok\n" : "ill\n"}; };
    made.ready = [this]() { return AdminAnswer{ready, ready ? "ready\n" : "starting\n"}; };
    made.metrics = [this]() {
      ++metrics_calls;
      return metrics;
    };
    made.allowed_hosts = {"reprise.internal"};
    return made;
  }

  const bool is_loop_thread = (base::kLoop.Adopt(), true);  // before the handler is made
  base::FakeClock clock;
  bool healthy = true;
  bool ready = true;
  std::string metrics = "reprise_up 1\n";
  int metrics_calls = 0;
  FakeStream stream;
  const AdminOptions options = MakeOptions();
  AdminRoom room;
  AdminHandler handler{stream, options, room};
};

int StatusOf(std::string_view reply) {
  constexpr std::string_view kStart = "HTTP/1.1 ";
  if (reply.substr(0, kStart.size()) != kStart) {
    return 0;
  }
  return std::stoi(std::string(reply.substr(kStart.size(), 3)));
}

std::string BodyOf(const std::string& reply) {
  const std::size_t end = reply.find("\r\n\r\n");
  return end == std::string::npos ? "no end of head" : reply.substr(end + 4);
}

bool Has(const std::string& reply, std::string_view text) {
  return reply.find(text) != std::string::npos;
}

std::string Get(const std::string& path, const std::string& more = "") {
  return "GET " + path + " HTTP/1.1\r\nHost: localhost:7378\r\n" + more + "\r\n";
}

std::size_t CountReplies(std::string_view bytes) {
  std::size_t count = 0;
  for (std::size_t at = bytes.find("HTTP/1.1 "); at != std::string_view::npos;
       at = bytes.find("HTTP/1.1 ", at + 1)) {
    ++count;
  }
  return count;
}

// What becomes of `bytes` given in pieces of `piece` bytes: the first status, whether the
// connection stays, how many replies there were and how often a callback was called.
std::string SummaryOf(const std::string& bytes, std::size_t piece = std::string::npos) {
  Connection connection;
  std::string replies;
  for (std::size_t at = 0; at < bytes.size(); at += std::min(piece, bytes.size())) {
    replies += connection.Send(bytes.substr(at, piece));
  }
  return std::to_string(StatusOf(replies)) + (connection.stream.closed ? " close, " : " stay, ") +
         std::to_string(CountReplies(replies)) + " reply, " +
         std::to_string(connection.metrics_calls) + " effects";
}

struct Attempt {
  const char* name;
  std::string bytes;
  int status;
};

const std::string kLine = "GET /metrics HTTP/1.1\r\n";
const std::string kHost = "Host: localhost\r\n";
const std::string kSmuggled = kLine + kHost + "\r\n";

// Two readings of where a request ends or whom it is for.
std::vector<Attempt> FramingAttempts() {
  return {
      {"no host", kLine + "\r\n", 400},
      {"two hosts", kLine + kHost + kHost + "\r\n", 400},
      {"two hosts, other case", kLine + kHost + "hOST: evil\r\n\r\n", 400},
      {"length and chunked",
       kLine + kHost + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" +
           kSmuggled,
       400},
      {"chunked and length",
       kLine + kHost + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" +
           kSmuggled,
       400},
      {"chunked", kLine + kHost + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + kSmuggled, 400},
      {"chunked, obscured", kLine + kHost + "Transfer-Encoding: xchunked\r\n\r\n" + kSmuggled, 400},
      {"chunked, tab", kLine + kHost + "Transfer-Encoding:\tchunked\r\n\r\n0\r\n\r\n", 400},
      {"chunked, twice",
       kLine + kHost + "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {"space before colon", kLine + kHost + "Transfer-Encoding : chunked\r\n\r\n" + kSmuggled,
       400},
      {"space before colon of length", kLine + kHost + "Content-Length : 5\r\n\r\n" + kSmuggled,
       400},
      {"two lengths", kLine + kHost + "Content-Length: 0\r\nContent-Length: 42\r\n\r\n" + kSmuggled,
       400},
      {"two equal lengths", kLine + kHost + "Content-Length: 0\r\nContent-Length: 0\r\n\r\n", 400},
      {"list of lengths", kLine + kHost + "Content-Length: 0, 42\r\n\r\n" + kSmuggled, 400},
      {"signed length", kLine + kHost + "Content-Length: +0\r\n\r\n", 400},
      {"negative length", kLine + kHost + "Content-Length: -1\r\n\r\n", 400},
      {"hexadecimal length", kLine + kHost + "Content-Length: 0x10\r\n\r\n", 400},
      {"empty length", kLine + kHost + "Content-Length:\r\n\r\n", 400},
      {"overflowing length", kLine + kHost + "Content-Length: 99999999999999999999999\r\n\r\n",
       400},
      {"body", kLine + kHost + "Content-Length: 42\r\n\r\n" + kSmuggled, 413},
  };
}

// Line ends, control characters, header names.
std::vector<Attempt> LineAttempts() {
  return {
      {"folded line", kLine + kHost + "X: a\r\n b\r\n\r\n", 400},
      {"folded line, tab", kLine + kHost + "X: a\r\n\tTransfer-Encoding: chunked\r\n\r\n", 400},
      {"bare line feeds", "GET /metrics HTTP/1.1\nHost: localhost\n\n", 400},
      {"one bare line feed", kLine + "Host: localhost\nX: y\r\n\r\n", 400},
      {"bare return", kLine + "Host: localhost\rX: y\r\n\r\n", 400},
      {"nul", kLine + "Host: localhost\r\nX: a" + std::string(1, '\0') + "b\r\n\r\n", 400},
      {"delete", kLine + "Host: localhost\r\nX: a\x7f\r\n\r\n", 400},
      {"no colon", kLine + kHost + "Transfer-Encoding chunked\r\n\r\n", 400},
      {"no name", kLine + kHost + ": x\r\n\r\n", 400},
      {"name with brackets", kLine + kHost + "X[y]: z\r\n\r\n", 400},
  };
}

// The first line, and what is no HTTP at all.
std::vector<Attempt> StartAttempts() {
  return {
      {"empty line first", "\r\n" + kSmuggled, 400},
      {"space first", " " + kSmuggled, 400},
      {"lower case method", "get /metrics HTTP/1.1\r\n" + kHost + "\r\n", 400},
      {"unknown method", "FETCH /metrics HTTP/1.1\r\n" + kHost + "\r\n", 400},
      {"two spaces", "GET  /metrics HTTP/1.1\r\n" + kHost + "\r\n", 400},
      {"space in target", "GET /metrics /x HTTP/1.1\r\n" + kHost + "\r\n", 400},
      {"tab in request line", "GET\t/metrics HTTP/1.1\r\n" + kHost + "\r\n", 400},
      {"version missing", "GET /metrics\r\n" + kHost + "\r\n", 400},
      {"HTTP/0.9", "GET /metrics\r\n\r\n", 400},
      {"version of letters", "GET /metrics HTTP/x.y\r\n" + kHost + "\r\n", 400},
      {"other protocol", "GET /metrics ICY/1.1\r\n" + kHost + "\r\n", 400},
      {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400},
      {"HTTP/2.0", "GET /metrics HTTP/2.0\r\n" + kHost + "\r\n", 505},
      {"HTTP/1.2", "GET /metrics HTTP/1.2\r\n" + kHost + "\r\n", 505},
      {"absolute target", "GET http://evil.example/metrics HTTP/1.1\r\n" + kHost + "\r\n", 400},
      {"relative target", "GET metrics HTTP/1.1\r\n" + kHost + "\r\n", 400},
      {"fragment", "GET /metrics#x HTTP/1.1\r\n" + kHost + "\r\n", 400},
      {"bytes above ASCII in target", "GET /metrics\xff HTTP/1.1\r\n" + kHost + "\r\n", 400},
      {"MessagePack-RPC request", std::string("\x94\x00\x01\xa4PING\x90", 9), 400},
      {"MessagePack-RPC notification", std::string("\x93\x02\xa4PING\x90", 8), 400},
      {"TLS", std::string("\x16\x03\x01\x02\x00", 5), 400},
  };
}

}  // namespace

TEST_CASE("each page answers GET with its content and security headers") {
  Connection connection;
  std::string reply = connection.Send(Get("/healthz"));
  CHECK(StatusOf(reply) == 200);
  CHECK(BodyOf(reply) == "ok\n");
  CHECK(Has(reply, "\r\nContent-Length: 3\r\n"));
  CHECK(Has(reply, "\r\nContent-Type: text/plain; charset=utf-8\r\n"));
  CHECK(Has(reply, "\r\nX-Content-Type-Options: nosniff\r\n"));
  CHECK(Has(reply, "\r\nCache-Control: no-store\r\n"));
  CHECK(Has(reply, "\r\nConnection: keep-alive\r\n"));
  CHECK_FALSE(Has(reply, "Access-Control"));
  reply = connection.Send(Get("/readyz?verbose=1"));
  CHECK(StatusOf(reply) == 200);
  CHECK(BodyOf(reply) == "ready\n");
  reply = connection.Send(Get("/metrics"));
  CHECK(BodyOf(reply) == "reprise_up 1\n");
  CHECK(Has(reply, "\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
  reply = connection.Send(Get("/"));
  CHECK(StatusOf(reply) == 200);
  CHECK(Has(BodyOf(reply), "/metrics"));
  CHECK_FALSE(connection.stream.closed);
}

TEST_CASE("health and readiness that fail are 503 with their text") {
  Connection connection;
  connection.healthy = false;
  connection.ready = false;
  std::string reply = connection.Send(Get("/healthz"));
  CHECK(StatusOf(reply) == 503);
  CHECK(BodyOf(reply) == "ill\n");
  reply = connection.Send(Get("/readyz"));
  CHECK(StatusOf(reply) == 503);
  CHECK(BodyOf(reply) == "starting\n");
  CHECK_FALSE(connection.stream.closed);
}

TEST_CASE("HEAD says what GET would, without the content") {
  Connection connection;
  const std::string get = connection.Send(Get("/metrics"));
  std::string request = Get("/metrics");
  request.replace(0, 3, "HEAD");
  const std::string head = connection.Send(request);
  CHECK(head == get.substr(0, get.size() - BodyOf(get).size()));
}

TEST_CASE("other pages are 404 and the connection stays") {
  Connection connection;
  for (const char* path :
       {"/healthz/", "/HEALTHZ", "//metrics", "/%6detrics", "/../metrics", "/x"}) {
    CHECK(StatusOf(connection.Send(Get(path))) == 404);
  }
  CHECK_FALSE(connection.stream.closed);
}

TEST_CASE("other methods are 405 with what is allowed, and have no effect") {
  for (const char* start : {"POST /metrics", "PUT /metrics", "DELETE /", "OPTIONS *", "PATCH /",
                            "TRACE /", "PURGE /", "CONNECT a:1"}) {
    INFO(start);
    const std::string request = std::string(start) + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
    CHECK(SummaryOf(request) == "405 close, 1 reply, 0 effects");
    Connection connection;
    CHECK(Has(connection.Send(request), "\r\nAllow: GET, HEAD\r\n"));
  }
}

TEST_CASE("only hosts of this machine and listed ones are answered") {
  const auto request_for = [](const std::string& host) {
    return "GET /metrics HTTP/1.1\r\nHost: " + host + "\r\n\r\n";
  };
  for (const char* host : {"localhost", "localhost:", "LOCALHOST:1", "127.0.0.1", "127.0.0.1:7378",
                           "[::1]", "[::1]:65535", "reprise.internal", "Reprise.Internal:80"}) {
    INFO(host);
    CHECK(SummaryOf(request_for(host)) == "200 stay, 1 reply, 1 effects");
  }
  for (const char* host :
       {"evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "127.0.0.2", "0.0.0.0",
        "::1", "[::1", "[::1]x", "[::2]", "localhost:123456", "localhost:7x", "localhost:80:80",
        "user@localhost", "localhost/", "localhost, localhost", "", "local host"}) {
    INFO(host);
    CHECK(SummaryOf(request_for(host)) == "421 close, 1 reply, 0 effects");
  }
}

TEST_CASE("requests that could be read in two ways are refused and end the connection") {
  const std::vector<Attempt> attempts =
      GENERATE(as<std::vector<Attempt>>(), FramingAttempts(), LineAttempts(), StartAttempts());
  std::size_t refused = 0;
  for (const Attempt& attempt : attempts) {
    INFO(attempt.name);
    const std::string expected = std::to_string(attempt.status) + " close, 1 reply, 0 effects";
    const std::string summary = SummaryOf(attempt.bytes);
    refused += summary == expected ? 1 : 0;
    CHECK(summary == expected);
    CHECK(SummaryOf(attempt.bytes, 1) == expected);
    CHECK(SummaryOf(attempt.bytes + kSmuggled) == expected);  // Nothing is heard after the end.
  }
  WARN("admin http attempts refused " << refused << "/" << attempts.size());
}

TEST_CASE("a first byte that is not HTTP ends the connection at once") {
  for (int byte = 0; byte < 256; ++byte) {
    Connection connection;
    const auto character = static_cast<char>(byte);
    const std::string reply = connection.Send({&character, 1});
    const bool letter = byte >= 'A' && byte <= 'Z';
    CHECK(connection.stream.closed == !letter);
    CHECK(StatusOf(reply) == (letter ? 0 : 400));
  }
}

TEST_CASE("a request is answered the same wherever it is cut") {
  const std::string request = Get("/metrics", "Accept: */*\r\n") + Get("/healthz");
  Connection whole;
  const std::string expected = whole.Send(request);
  REQUIRE(CountReplies(expected) == 2);
  for (std::size_t cut = 0; cut <= request.size(); ++cut) {
    Connection connection;
    std::string replies;
    if (cut > 0) {
      replies += connection.Send(request.substr(0, cut));
    }
    if (cut < request.size()) {
      replies += connection.Send(request.substr(cut));
    }
    CHECK(replies == expected);
  }
  Connection bytewise;
  std::string replies;
  for (const char byte : request) {
    replies += bytewise.Send({&byte, 1});
  }
  CHECK(replies == expected);
}

TEST_CASE("connections persist as HTTP/1.0 and HTTP/1.1 say") {
  struct Row {
    const char* version;
    const char* header;
    bool closed;
  };
  for (const Row& row : {Row{"1.1", "", false}, Row{"1.1", "Connection: close\r\n", true},
                         Row{"1.0", "", true}, Row{"1.0", "Connection: keep-alive\r\n", false}}) {
    Connection connection;
    const std::string reply =
        connection.Send("GET / HTTP/" + std::string(row.version) + "\r\nHost: localhost\r\n" +
                        row.header + "\r\n" + Get("/healthz"));
    CHECK(StatusOf(reply) == 200);
    CHECK(connection.stream.closed == row.closed);
    CHECK(CountReplies(reply) == (row.closed ? 1U : 2U));
  }
}

TEST_CASE("a head at the limit is served, one byte more is 431") {
  const std::size_t limit = 8192;
  const std::string frame = Get("/healthz", "X: \r\n");
  const auto sized = [&frame](std::size_t bytes) {
    return Get("/healthz", "X: " + std::string(bytes - frame.size(), 'x') + "\r\n");
  };
  REQUIRE(sized(limit).size() == limit);
  Connection at;
  CHECK(StatusOf(at.Send(sized(limit))) == 200);
  Connection over;
  CHECK(StatusOf(over.Send(sized(limit + 1))) == 431);
  CHECK(over.stream.closed);
  Connection endless;
  CHECK(endless.Send(sized(limit).substr(0, limit - 4) + "xxxx").empty());
  CHECK(StatusOf(endless.Send("x")) == 431);
}

TEST_CASE("a slow head is 408 after its deadline however often a byte comes") {
  Connection connection;
  const std::string request = Get("/healthz");
  CHECK(connection.Send(request.substr(0, 1)).empty());
  for (std::size_t i = 1; i < 5; ++i) {
    connection.Tick(999);
    CHECK(connection.Send(request.substr(i, 1)).empty());
  }
  connection.Tick(1003);
  CHECK_FALSE(connection.stream.closed);
  connection.Tick(1);
  CHECK(StatusOf(connection.stream.sent) == 408);
  CHECK(connection.stream.closed);
}

TEST_CASE("a silent connection is let go, sooner before its first request") {
  Connection fresh;
  fresh.Tick(4999);
  CHECK_FALSE(fresh.stream.closed);
  fresh.Tick(1);
  CHECK(fresh.stream.closed);
  CHECK(fresh.stream.sent.empty());

  Connection used;
  CHECK(StatusOf(used.Send(Get("/healthz"))) == 200);
  used.Tick(59'999);
  CHECK_FALSE(used.stream.closed);
  used.Tick(1);
  CHECK(used.stream.closed);
  CHECK(used.stream.sent.empty());
}

TEST_CASE("room is made by who waits longest, first by who never made a request") {
  Connection served;
  base::kLoop.AssertHeld();
  CHECK(StatusOf(served.Send(Get("/healthz"))) == 200);
  served.clock.Advance(1);
  FakeStream begun_stream;
  AdminHandler begun(begun_stream, served.options, served.room);
  begun.OnBytes("GET /heal");
  served.clock.Advance(1);
  FakeStream silent_stream;
  AdminHandler silent(silent_stream, served.options, served.room);
  served.clock.Advance(1);
  FakeStream busy_stream;
  busy_stream.takes = 0;
  AdminHandler busy(busy_stream, served.options, served.room);
  busy.OnBytes(Get("/metrics"));

  CHECK(served.room.Make());
  CHECK(begun_stream.closed);
  CHECK_FALSE(silent_stream.closed);
  begun.OnClosed();
  CHECK(served.room.Make());
  CHECK(silent_stream.closed);
  CHECK_FALSE(served.stream.closed);
  CHECK(served.room.Make());
  CHECK(served.stream.closed);
  // Those that are closing already, and the one that is being answered, make no room.
  CHECK_FALSE(served.room.Make());
  CHECK_FALSE(busy_stream.closed);
}

TEST_CASE("the deadline of a head begins with the head and not with the connection") {
  Connection connection;
  CHECK(StatusOf(connection.Send(Get("/healthz") + "GET ")) == 200);
  connection.Tick(4999);
  CHECK_FALSE(connection.stream.closed);
  CHECK(StatusOf(connection.Send(Get("/healthz").substr(4))) == 200);
  connection.Tick(4999);
  CHECK_FALSE(connection.stream.closed);
}

TEST_CASE("many pipelined requests are answered in order, some a turn") {
  Connection connection;
  std::string requests;
  for (int i = 0; i < 1000; ++i) {
    requests += Get(i % 2 == 0 ? "/healthz" : "/metrics");
  }
  base::kLoop.AssertHeld();
  connection.handler.OnBytes(requests);
  CHECK(CountReplies(connection.stream.sent) == 16);
  CHECK(connection.stream.yielded);
  CHECK(CountReplies(connection.Send("G")) == 1000);
  CHECK(connection.metrics_calls == 500);
}

TEST_CASE("a peer that does not read its answers stops the work on them, not the memory") {
  Connection connection;
  connection.metrics = std::string(100'000, 'm');
  connection.stream.takes = 0;
  std::string requests;
  for (int i = 0; i < 100; ++i) {
    requests += Get("/metrics");
  }
  CHECK(connection.Send(requests).empty());
  CHECK(connection.stream.paused);
  CHECK(connection.metrics_calls == 3);
  base::kLoop.AssertHeld();
  connection.stream.takes = kTakesAll;
  connection.stream.Flush();
  connection.handler.OnWritable();
  CHECK_FALSE(connection.stream.paused);
  CHECK(CountReplies(connection.Send("G")) == 100);
}

TEST_CASE("a peer that never reads its answer is cut off") {
  Connection connection;
  connection.stream.takes = 0;
  CHECK(connection.Send(Get("/metrics")).empty());
  connection.Tick(59'999);
  CHECK_FALSE(connection.stream.closed);
  connection.Tick(1);
  CHECK(connection.stream.closed);
}

TEST_CASE("a peer that ends its output gets the answers to what it sent") {
  base::kLoop.Adopt();
  Connection connection;
  base::kLoop.AssertHeld();
  connection.handler.OnBytes(Get("/healthz") + Get("/metrics") + "GET /");
  connection.handler.OnEndOfInput();
  CHECK(CountReplies(connection.stream.sent) == 2);
  CHECK(connection.stream.closed);

  Connection silent;
  silent.handler.OnEndOfInput();
  CHECK(silent.stream.closed);
  CHECK(silent.stream.sent.empty());
}

TEST_CASE("the reply to a connection too many is a whole HTTP reply") {
  const std::string reply = BusyReply();
  CHECK(StatusOf(reply) == 503);
  CHECK(Has(reply, "\r\nConnection: close\r\n"));
  CHECK(Has(reply, "\r\nContent-Length: " + std::to_string(BodyOf(reply).size()) + "\r\n"));
}

}  // namespace reprise::http
