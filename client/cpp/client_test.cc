#include "client/cpp/client.h"

#include <poll.h>
#include <thread>

#include <catch2/catch.hpp>

#include "client/cpp/fake_server.h"
#include "client/cpp/pool.h"
#include "client/cpp/session.h"
#include "protocol/base/mutex.h"
#include "protocol/wire/decode.h"

namespace reprise::client {
namespace {

using base::Code;
using base::Value;

// Fast enough for tests, and always the same.
Options QuickOptions(const std::string& address) {
  Options options;
  options.address = address;
  options.reconnect = {.first_delay_ms = 1, .max_delay_ms = 4, .jitter_seed = 11};
  return options;
}

std::unique_ptr<Client> MakeClient(Options options) {
  auto client = Client::Create(std::move(options));
  REQUIRE(client.ok());
  return std::move(client).value();
}

std::unique_ptr<Client> MakeClient(const FakeServer& server) {
  return MakeClient(QuickOptions(server.address()));
}

// Answers each request with its first parameter.
void Echo(Peer& peer) {
  while (const auto request = peer.Read()) {
    if (!peer.Reply(request->msgid, request->params.empty() ? Value() : request->params[0])) {
      return;
    }
  }
}

TEST_CASE("A reply that arrives byte by byte is put together") {
  FakeServer server([](Peer& peer) {
    while (const auto request = peer.Read()) {
      for (const char byte : EncodedReply(request->msgid, Value::Map{{"text", "äöü"}})) {
        if (!peer.Write({&byte, 1})) {
          return;
        }
      }
    }
  });
  const auto client = MakeClient(server);
  for (int i = 0; i < 3; ++i) {
    const auto reply = client->Call("GET", {"k"});
    REQUIRE(reply.ok());
    CHECK(reply.value() == Value(Value::Map{{"text", "äöü"}}));
  }
  CHECK(server.connections() == 1);
}

TEST_CASE("Replies in another order than the requests reach their own requests") {
  FakeServer server([](Peer& peer) {
    std::vector<Received> requests;
    while (requests.size() < 100) {
      auto request = peer.Read();
      if (!request.has_value()) {
        return;
      }
      requests.push_back(*std::move(request));
    }
    for (auto each = requests.rbegin(); each != requests.rend(); ++each) {
      peer.Reply(each->msgid, each->params[0]);
    }
  });
  Pipeline pipeline;
  for (int i = 0; i < 100; ++i) {
    pipeline.Add("ECHO", {i});
  }
  const auto replies = MakeClient(server)->Run(pipeline);
  REQUIRE(replies.ok());
  REQUIRE(replies.value().size() == 100);
  for (int i = 0; i < 100; ++i) {
    CHECK(replies.value()[static_cast<std::size_t>(i)].value() == Value(i));
  }
}

TEST_CASE("A reply to no request ends the connection before it can be taken for another") {
  FakeServer server([](Peer& peer) {
    const auto request = peer.Read();
    if (request.has_value() && peer.index() == 0) {
      peer.Reply(request->msgid + 7, "stray");
      peer.Reply(request->msgid, "right");
    } else if (request.has_value()) {
      peer.Reply(request->msgid, "second");
    }
    peer.Read();
  });
  const auto client = MakeClient(server);
  const auto reply = client->Call("GET", {"k"});
  REQUIRE_FALSE(reply.ok());
  CHECK(reply.error().code == Code::kCorrupt);
  CHECK_FALSE(client->connected());
  CHECK(client->Call("GET", {"k"}).value() == Value("second"));
}

TEST_CASE("A frame that the server refuses fails with the server's reason, and is not sent again") {
  FakeServer server([](Peer& peer) {
    if (peer.Read().has_value()) {
      peer.ReplyError(0, {Code::kTooLarge, "frame_bytes: too many"});
    }
  });
  const auto client = MakeClient(server);
  const auto reply = client->Call("SET", {"k", "v"}, {.retry = Retry::kAlways});
  REQUIRE_FALSE(reply.ok());
  CHECK(reply.error().code == Code::kTooLarge);
  CHECK(reply.error().detail == "frame_bytes: too many");
  CHECK_FALSE(client->connected());
  CHECK(server.connections() == 1);
}

TEST_CASE("A request that is answered twice ends the connection") {
  FakeServer server([](Peer& peer) {
    while (const auto request = peer.Read()) {
      peer.Write(EncodedReply(request->msgid, 1) + EncodedReply(request->msgid, 2));
    }
  });
  const auto client = MakeClient(server);
  Pipeline pipeline;
  pipeline.Add("GET", {"a"});
  pipeline.Add("GET", {"b"});
  const auto replies = client->Run(pipeline);
  REQUIRE_FALSE(replies.ok());
  CHECK(replies.error().code == Code::kCorrupt);
}

TEST_CASE("A notification between replies goes to its callback and may call the client") {
  FakeServer server([](Peer& peer) {
    while (const auto request = peer.Read()) {
      if (request->method == "GET") {
        peer.Notify("event", {"hot", 3});
      }
      peer.Reply(request->msgid, request->method);
    }
  });
  Options options = QuickOptions(server.address());
  std::vector<std::string> events;
  Client* borrowed = nullptr;
  options.on_notification = [&](std::string_view method, const Value& params) {
    const auto inner = borrowed->Call("ECHO", {});
    events.push_back(std::string(method) + " " + std::string(*params.AsArray()->front().AsText()) +
                     " " + std::string(*inner.value().AsText()));
  };
  const auto client = MakeClient(std::move(options));
  borrowed = client.get();
  CHECK(client->Call("GET", {"k"}).value() == Value("GET"));
  CHECK(events == std::vector<std::string>{"event hot ECHO"});
}

TEST_CASE("Notifications can be waited for without a call") {
  FakeServer server([](Peer& peer) {
    const auto request = peer.Read();
    peer.Reply(request->msgid, true);
    peer.Notify("event", {1});
    peer.Read();
  });
  Options options = QuickOptions(server.address());
  int count = 0;
  options.on_notification = [&](std::string_view, const Value&) { ++count; };
  const auto client = MakeClient(std::move(options));
  REQUIRE(client->Call("SUBSCRIBE", {}).ok());
  if (count == 0) {  // It may have come together with the reply.
    CHECK(client->WaitForNotifications(5'000).value() == 1);
  }
  CHECK(count == 1);
  CHECK(client->WaitForNotifications(1).value() == 0);
}

// Cuts the first connection in the middle of the reply; later ones echo.
void CutFirst(Peer& peer) {
  if (peer.index() > 0) {
    Echo(peer);
    return;
  }
  if (const auto request = peer.Read()) {
    const std::string reply = EncodedReply(request->msgid, std::string(1000, 'x'));
    peer.Write(std::string_view(reply).substr(0, reply.size() / 2));
  }
}

TEST_CASE("A read whose connection is cut in the middle of the reply is repeated on a new one") {
  FakeServer server(CutFirst);
  CallReport report;
  const auto reply = MakeClient(server)->Call("GET", {"k"}, {.report = &report});
  REQUIRE(reply.ok());
  CHECK(reply.value() == Value("k"));
  CHECK(report.attempts == 2);
  CHECK(server.connections() == 2);
}

TEST_CASE("INCRBY and a store are never repeated once bytes were sent") {
  for (const char* method : {"INCRBY", "SET", "CACHE.STORE", "DEL", "EXPIRE", "LATER.COMMAND"}) {
    INFO(method);
    FakeServer server(CutFirst);
    CallReport report;
    const auto reply = MakeClient(server)->Call(method, {"k", 1}, {.report = &report});
    REQUIRE_FALSE(reply.ok());
    CHECK(reply.error().code == Code::kUnknownOutcome);
    CHECK(report.attempts == 1);
    CHECK(report.sent);
    CHECK_FALSE(report.answered);
    CHECK(server.connections() == 1);
  }
}

TEST_CASE("A caller that knows better can have a write repeated or a read not") {
  FakeServer first(CutFirst);
  CHECK(MakeClient(first)->Call("SET", {"k", 1}, {.retry = Retry::kAlways}).ok());
  FakeServer second(CutFirst);
  const auto reply = MakeClient(second)->Call("GET", {"k"}, {.retry = Retry::kNever});
  REQUIRE_FALSE(reply.ok());
  CHECK(reply.error().code == Code::kUnavailable);
}

TEST_CASE("A write goes out on a new connection when the server had closed the idle one") {
  FakeServer server([](Peer& peer) {
    if (const auto request = peer.Read()) {
      peer.Reply(request->msgid, peer.index());
    }
  });
  const auto client = MakeClient(server);
  REQUIRE(client->Call("INCRBY", {"k", 1}).ok());
  poll(nullptr, 0, 20);  // Longer than an idle connection is trusted.
  CallReport report;
  const auto reply = client->Call("INCRBY", {"k", 1}, {.report = &report});
  REQUIRE(reply.ok());
  CHECK(reply.value() == Value(1));
  CHECK(report.attempts == 1);
}

TEST_CASE("A late reply is dropped and the next call gets its own") {
  std::atomic<bool> release{false};
  FakeServer server([&](Peer& peer) {
    const auto slow = peer.Read();
    while (!release) {
      poll(nullptr, 0, 1);
    }
    peer.Reply(slow->msgid, "late");
    Echo(peer);
  });
  const auto client = MakeClient(server);
  CallReport report;
  const auto reply = client->Call("GET", {"slow"}, {.timeout_ms = 20, .report = &report});
  REQUIRE_FALSE(reply.ok());
  CHECK(reply.error().code == Code::kTimeout);
  CHECK(report.timed_out);
  release = true;
  CHECK(client->Call("GET", {"quick"}).value() == Value("quick"));
  CHECK(server.connections() == 1);
}

TEST_CASE("A write without a reply in time has an unknown outcome and says that it timed out") {
  FakeServer server([](Peer& peer) { peer.Read(), peer.Read(); });
  CallReport report;
  const auto reply =
      MakeClient(server)->Call("SET", {"k", 1}, {.timeout_ms = 10, .report = &report});
  REQUIRE_FALSE(reply.ok());
  CHECK(reply.error().code == Code::kUnknownOutcome);
  CHECK(report.timed_out);
}

TEST_CASE("A call ends soon after it was canceled") {
  FakeServer server([](Peer& peer) { peer.Read(), peer.Read(); });
  const auto client = MakeClient(server);
  std::atomic<bool> cancel{false};
  std::thread canceler([&] {
    poll(nullptr, 0, 10);
    cancel = true;
  });
  const auto reply = client->Call("GET", {"k"}, {.timeout_ms = 60'000, .cancel = &cancel});
  canceler.join();
  REQUIRE_FALSE(reply.ok());
  CHECK(reply.error().detail == "the call was canceled");
}

TEST_CASE("A server that is not there is unavailable, and the circuit opens") {
  std::string address;
  {
    FakeServer server(Echo);
    address = server.address();
  }
  Options options = QuickOptions(address);
  options.reconnect = {
      .first_delay_ms = 1, .max_delay_ms = 60'000, .failures_to_open = 3, .jitter_seed = 5};
  options.attempts_max = 3;
  const auto client = MakeClient(std::move(options));
  CallReport report;
  const auto reply = client->Call("SET", {"k", 1}, {.report = &report});
  REQUIRE_FALSE(reply.ok());
  CHECK(reply.error().code == Code::kUnavailable);
  CHECK(reply.error().detail.find(address) != std::string::npos);
  CHECK(report.attempts == 3);
  CHECK_FALSE(report.sent);
  CHECK(client->circuit() != Circuit::kClosed);
}

TEST_CASE("An open circuit fails at once") {
  Options options = QuickOptions("127.0.0.1:1");
  options.reconnect = {
      .first_delay_ms = 60'000, .max_delay_ms = 60'000, .failures_to_open = 1, .jitter_seed = 5};
  const auto client = MakeClient(std::move(options));
  REQUIRE_FALSE(client->Connect().ok());
  CHECK(client->circuit() == Circuit::kOpen);
  CallReport report;
  const auto reply = client->Call("GET", {"k"}, {.timeout_ms = 50'000, .report = &report});
  REQUIRE_FALSE(reply.ok());
  CHECK(reply.error().code == Code::kUnavailable);
  CHECK(report.attempts == 1);
}

TEST_CASE("A client connects again when the server is back") {
  TemporaryFolder folder;
  const std::string path = folder.path() + "/s";
  auto server = std::make_unique<FakeServer>(Echo, path);
  const auto client = MakeClient(*server);
  REQUIRE(client->Call("ECHO", {1}).ok());
  server.reset();
  CHECK(client->Call("ECHO", {1}).error().code == Code::kUnavailable);
  server = std::make_unique<FakeServer>(Echo, path);
  CHECK(client->Call("ECHO", {2}).value() == Value(2));
}

TEST_CASE("Each error code of the server arrives as itself with its message") {
  FakeServer server([](Peer& peer) {
    while (const auto request = peer.Read()) {
      peer.ReplyError(request->msgid,
                      {*base::CodeNamed(*request->params[0].AsText()), "because of the test"});
    }
  });
  const auto client = MakeClient(server);
  for (const base::CodeRow& row : base::kCodes) {
    INFO(row.name);
    const auto reply = client->Call("SET", {row.name});
    REQUIRE_FALSE(reply.ok());
    CHECK(reply.error().code == row.code);
    CHECK(reply.error().detail == "because of the test");
  }
  CHECK(server.connections() == 1);
}

TEST_CASE("A code of a newer server is internal and keeps its name") {
  FakeServer server([](Peer& peer) {
    const auto request = peer.Read();
    // [1, 1, ["too_fancy", "no", {}], nil]
    peer.Write("\x94\x01\x01\x93\xa9too_fancy\xa2no\x80\xc0");
    peer.Read();
  });
  const auto reply = MakeClient(server)->Call("SET", {"k", 1});
  REQUIRE_FALSE(reply.ok());
  CHECK(reply.error().code == Code::kInternal);
  CHECK(reply.error().detail == "too_fancy: no");
}

TEST_CASE("A busy server is asked again for a read, and not for a write") {
  const auto busy_first = [](Peer& peer) {
    int calls = 0;
    while (const auto request = peer.Read()) {
      if (calls++ == 0) {
        peer.ReplyError(request->msgid, {Code::kBusy, "queue full"});
      } else {
        peer.Reply(request->msgid, calls);
      }
    }
  };
  FakeServer first(busy_first);
  CHECK(MakeClient(first)->Call("GET", {"k"}).value() == Value(2));
  FakeServer second(busy_first);
  CHECK(MakeClient(second)->Call("SET", {"k", 1}).error().code == Code::kBusy);
}

TEST_CASE("AUTH goes first and alone, then HELLO, then the calls, on each connection") {
  base::Mutex mutex;
  std::vector<std::string> seen;
  FakeServer server([&](Peer& peer) {
    while (const auto request = peer.Read()) {
      {
        const base::MutexLock lock(mutex);
        seen.push_back(request->method);
      }
      peer.Reply(request->msgid, Value::Map{});
    }
  });
  Options options = QuickOptions(server.address());
  options.access_key = "secret";
  options.client_name = "bot";
  const auto client = MakeClient(std::move(options));
  REQUIRE(client->Call("GET", {"k"}).ok());
  client->Disconnect();
  REQUIRE(client->Call("GET", {"k"}).ok());
  const base::MutexLock lock(mutex);
  CHECK(seen == std::vector<std::string>{"AUTH", "HELLO", "GET", "AUTH", "HELLO", "GET"});
}

TEST_CASE("A wrong access key is the server's own error and is not tried again") {
  FakeServer server([](Peer& peer) {
    const auto request = peer.Read();
    peer.ReplyError(request->msgid, {Code::kUnauthenticated, "no such key"});
  });
  Options options = QuickOptions(server.address());
  options.access_key = "wrong";
  const auto client = MakeClient(std::move(options));
  const auto reply = client->Call("GET", {"k"});
  REQUIRE_FALSE(reply.ok());
  CHECK(reply.error().code == Code::kUnauthenticated);
  CHECK(server.connections() == 1);
}

TEST_CASE("Bytes that are not the protocol are corrupt") {
  FakeServer server([](Peer& peer) {
    peer.Read();
    peer.Write("HTTP/1.1 400 Bad Request\r\n\r\n");
    peer.Read();
  });
  const auto reply = MakeClient(server)->Call("GET", {"k"});
  REQUIRE_FALSE(reply.ok());
  CHECK(reply.error().code == Code::kCorrupt);
}

TEST_CASE("A reply above response_bytes_max is refused, one at the limit is taken") {
  FakeServer server([](Peer& peer) {
    while (const auto request = peer.Read()) {
      peer.Reply(request->msgid,
                 std::string(static_cast<std::size_t>(*request->params[0].AsInt()), 'v'));
    }
  });
  Options options = QuickOptions(server.address());
  options.response_bytes_max = 1007;  // 1000 bytes, 3 of their header, 4 of the frame
  const auto client = MakeClient(std::move(options));
  CHECK(client->Call("GET", {1000}).ok());
  const auto reply = client->Call("GET", {1001});
  REQUIRE_FALSE(reply.ok());
  CHECK(reply.error().code == Code::kTooLarge);
}

TEST_CASE("A value of 1 MiB comes back as it went, as a tree and as bytes") {
  FakeServer server(Echo);
  const auto client = MakeClient(server);
  const Value value(std::string(std::size_t{1} << 20U, 'v'));
  CHECK(client->Call("ECHO", {value}).value() == value);
  const auto raw = client->CallRaw("ECHO", wire::Encode(Value::Array{value}));
  REQUIRE(raw.ok());
  CHECK(raw.value() == wire::Encode(value));
}

TEST_CASE("Parameters that are no array are refused before anything is sent") {
  FakeServer server(Echo);
  const auto client = MakeClient(server);
  for (const std::string& params : {std::string(), std::string("\x91"), std::string("\xc0"),
                                    std::string("\x90\x90"), std::string("\x80")}) {
    const auto reply = client->CallRaw("ECHO", params);
    REQUIRE_FALSE(reply.ok());
    CHECK(reply.error().code == Code::kBadRequest);
  }
  CHECK(server.connections() == 0);
}

TEST_CASE("Ten thousand pipelined requests with large replies do not block each other") {
  FakeServer server(Echo);
  const auto client = MakeClient(server);
  Pipeline pipeline;
  const std::string filler(1000, 'f');  // More than the sockets hold, both ways.
  for (int i = 0; i < 10'000; ++i) {
    pipeline.Add("ECHO", {std::to_string(i) + filler});
  }
  const auto replies = client->Run(pipeline, {.timeout_ms = 60'000});
  REQUIRE(replies.ok());
  REQUIRE(replies.value().size() == 10'000);
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < replies.value().size(); ++i) {
    wrong += replies.value()[i].value() == Value(std::to_string(i) + filler) ? 0 : 1;
  }
  CHECK(wrong == 0);
}

TEST_CASE("A pipeline gives each request its own error and can be run again") {
  TinyStore store;
  FakeServer server(store.script());
  const auto client = MakeClient(server);
  Pipeline pipeline;
  CHECK(client->Run(pipeline).value().empty());
  pipeline.Add("SET", {"a", 1});
  pipeline.Add("NOPE", {});
  pipeline.Add("GET", {"a"});
  for (int round = 0; round < 2; ++round) {
    const auto replies = client->Run(pipeline);
    REQUIRE(replies.ok());
    CHECK(replies.value()[0].value() == Value(true));
    CHECK(replies.value()[1].error().code == Code::kUnknownCommand);
    CHECK(replies.value()[2].value() == Value(1));
  }
}

TEST_CASE("A pipeline that was cut is repeated only when all of it reads") {
  Pipeline pipeline;
  pipeline.Add("GET", {"a"});
  pipeline.Add("GET", {"b"});
  FakeServer first(CutFirst);
  CHECK(MakeClient(first)->Run(pipeline).ok());
  pipeline.Add("SET", {"c", 1});
  FakeServer second(CutFirst);
  CHECK(MakeClient(second)->Run(pipeline).error().code == Code::kUnknownOutcome);
}

TEST_CASE("Threads that share a client get their own replies") {
  FakeServer server(Echo);
  const auto client = MakeClient(server);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 50; ++i) {
        const Value value(thread * 1000 + i);
        const auto reply = client->Call("ECHO", {value});
        wrong += reply.ok() && reply.value() == value ? 0 : 1;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  CHECK(wrong == 0);
  CHECK(server.connections() == 1);
}

TEST_CASE("A pool refuses when all connections are lent and reuses them when they return") {
  FakeServer server(Echo);
  auto made = Pool::Create(QuickOptions(server.address()), {.connections_max = 2, .wait_ms = 5});
  REQUIRE(made.ok());
  Pool& pool = *made.value();
  {
    auto first = pool.Acquire();
    auto second = pool.Acquire();
    REQUIRE(first.ok());
    REQUIRE(second.ok());
    CHECK(first.value()->Call("ECHO", {1}).value() == Value(1));
    CHECK(second.value()->Call("ECHO", {2}).value() == Value(2));
    const auto third = pool.Acquire();
    REQUIRE_FALSE(third.ok());
    CHECK(third.error().code == Code::kBusy);
    CHECK(pool.Call("ECHO", {3}).error().code == Code::kBusy);
    CHECK(pool.lent() == 2);
  }
  CHECK(pool.idle() == 2);
  CHECK(pool.Call("ECHO", {3}).value() == Value(3));
  CHECK(server.connections() == 2);
}

TEST_CASE("A pool serves more threads than it has connections") {
  FakeServer server(Echo);
  auto pool =
      Pool::Create(QuickOptions(server.address()), {.connections_max = 2, .wait_ms = 30'000});
  REQUIRE(pool.ok());
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  threads.reserve(6);
  for (int thread = 0; thread < 6; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 20; ++i) {
        right += pool.value()->Call("ECHO", {thread}).value() == Value(thread) ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  CHECK(right == 120);
  CHECK(server.connections() <= 2);
}

TEST_CASE("A pool finds a wrong option when it is made") {
  CHECK(Pool::Create({.address = "nonsense:"}, {}).error().code == Code::kBadRequest);
  CHECK(Pool::Create({}, {.connections_max = 0}).error().code == Code::kBadRequest);
}

}  // namespace
}  // namespace reprise::client
