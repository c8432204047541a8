#include <poll.h>

#include <catch2/catch.hpp>

#include "client/cpp/async_client.h"
#include "client/cpp/fake_server.h"
#include "protocol/base/mutex.h"
#include "protocol/wire/decode.h"

namespace reprise::client {
namespace {

using base::Code;
using base::Value;

constexpr std::int64_t kLongMs = 60'000;

Options QuickOptions(const std::string& address) {
  Options options;
  options.address = address;
  options.request_timeout_ms = kLongMs;
  options.reconnect = {.first_delay_ms = 1, .max_delay_ms = 4, .jitter_seed = 11};
  return options;
}

std::unique_ptr<AsyncClient> MakeClient(Options options, AsyncOptions limits = {}) {
  auto client = AsyncClient::Create(std::move(options), limits);
  REQUIRE(client.ok());
  return std::move(client).value();
}

void Echo(Peer& peer) {
  while (const auto request = peer.Read()) {
    if (!peer.Reply(request->msgid, request->params.empty() ? Value() : request->params[0])) {
      return;
    }
  }
}

// Collects replies on the client's thread for the test's thread.
class Inbox {
 public:
  AsyncClient::Callback Slot(std::size_t index) {
    return [this, index](base::Result<Value> reply) {
      const base::MutexLock lock(mutex_);
      replies_.emplace_back(index, std::move(reply));
    };
  }
  std::vector<std::pair<std::size_t, base::Result<Value>>> Take() {
    const base::MutexLock lock(mutex_);
    return std::move(replies_);
  }

 private:
  base::Mutex mutex_;
  std::vector<std::pair<std::size_t, base::Result<Value>>> replies_ GUARDED_BY(mutex_);
};

TEST_CASE("Ten thousand calls under way all get their own replies") {
  FakeServer server(Echo);
  Inbox inbox;
  const auto client = MakeClient(QuickOptions(server.address()));
  for (std::size_t i = 0; i < 10'000; ++i) {
    REQUIRE(client->Call("ECHO", {i}, {}, inbox.Slot(i)).ok());
  }
  REQUIRE(client->Drain(kLongMs));
  const auto replies = inbox.Take();
  REQUIRE(replies.size() == 10'000);
  std::size_t wrong = 0;
  for (const auto& [index, reply] : replies) {
    wrong += reply.ok() && reply.value() == Value(index) ? 0 : 1;
  }
  CHECK(wrong == 0);
  CHECK(server.connections() == 1);
  CHECK(client->unanswered() == 0);
}

TEST_CASE("No more than the window is sent before a reply comes") {
  std::atomic<int> most{0};
  FakeServer server([&](Peer& peer) {
    // With a window of 4 the fifth request cannot arrive before one of these is answered.
    std::vector<Received> batch;
    while (auto request = peer.Read()) {
      batch.push_back(*std::move(request));
      most = std::max(most.load(), static_cast<int>(batch.size()));
      if (batch.size() == 4) {
        for (auto each = batch.rbegin(); each != batch.rend(); ++each) {
          peer.Reply(each->msgid, each->params[0]);
        }
        batch.clear();
      }
    }
  });
  Inbox inbox;
  const auto client = MakeClient(QuickOptions(server.address()), {.window = 4});
  for (std::size_t i = 0; i < 40; ++i) {
    REQUIRE(client->Call("ECHO", {i}, {}, inbox.Slot(i)).ok());
  }
  REQUIRE(client->Drain(kLongMs));
  for (const auto& [index, reply] : inbox.Take()) {
    CHECK(reply.value() == Value(index));
  }
  CHECK(most == 4);
}

TEST_CASE("A full queue refuses at once and its callback does not run") {
  FakeServer server([](Peer& peer) {
    while (peer.Read().has_value()) {
    }
  });
  Inbox inbox;
  auto client =
      MakeClient(QuickOptions(server.address()), {.calls_max = 3, .queue_bytes_max = 4'000'000});
  for (std::size_t i = 0; i < 3; ++i) {
    REQUIRE(client->Call("GET", {"k"}, {}, inbox.Slot(i)).ok());
  }
  const auto refused = client->Call("GET", {"k"}, {}, inbox.Slot(3));
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == Code::kBusy);
  CHECK(client->unanswered() == 3);
  CHECK_FALSE(client->WaitBelow(3, 1));
  client.reset();
  CHECK(inbox.Take().size() == 3);
}

TEST_CASE("The queue is bounded in bytes, too") {
  Options options = QuickOptions("127.0.0.1:1");
  const auto client = MakeClient(options, {.queue_bytes_max = 1000});
  Inbox inbox;
  const auto refused = client->Call("SET", {"k", std::string(1000, 'v')}, {}, inbox.Slot(0));
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == Code::kBusy);
}

TEST_CASE("When a connection is lost, what reads is asked again and what writes is unknown") {
  FakeServer server([](Peer& peer) {
    if (peer.index() > 0) {
      Echo(peer);
      return;
    }
    peer.Read();
    peer.Read();  // Both have arrived; neither is answered.
  });
  Inbox inbox;
  const auto client = MakeClient(QuickOptions(server.address()));
  REQUIRE(client->Call("GET", {"read"}, {}, inbox.Slot(0)).ok());
  REQUIRE(client->Call("SET", {"write"}, {}, inbox.Slot(1)).ok());
  REQUIRE(client->Drain(kLongMs));
  for (const auto& [index, reply] : inbox.Take()) {
    if (index == 0) {
      CHECK(reply.value() == Value("read"));
    } else {
      CHECK(reply.error().code == Code::kUnknownOutcome);
    }
  }
  CHECK(server.connections() == 2);
}

TEST_CASE("A call that gets no reply ends at its deadline and its late reply is dropped") {
  std::atomic<bool> release{false};
  FakeServer server([&](Peer& peer) {
    const auto slow = peer.Read();
    while (!release) {
      poll(nullptr, 0, 1);
    }
    peer.Reply(slow->msgid, "late");
    Echo(peer);
  });
  const auto client = MakeClient(QuickOptions(server.address()));
  auto late = client->Future("GET", {"slow"}, {.timeout_ms = 10}).get();
  REQUIRE_FALSE(late.ok());
  CHECK(late.error().code == Code::kTimeout);
  release = true;
  CHECK(client->Future("GET", {"quick"}).get().value() == Value("quick"));
  CHECK(server.connections() == 1);
}

TEST_CASE("A call for a server that is not there ends when the circuit opens") {
  Options options = QuickOptions("127.0.0.1:1");
  options.reconnect = {
      .first_delay_ms = 1, .max_delay_ms = 60'000, .failures_to_open = 4, .jitter_seed = 3};
  const auto client = MakeClient(options);
  auto reply = client->Future("SET", {"k", 1}).get();
  REQUIRE_FALSE(reply.ok());
  CHECK(reply.error().code == Code::kUnavailable);
  CHECK_FALSE(client->connected());
}

TEST_CASE("A wrong access key ends the calls with the server's own error") {
  FakeServer server([](Peer& peer) {
    const auto request = peer.Read();
    peer.ReplyError(request->msgid, {Code::kUnauthenticated, "no such key"});
    peer.Read();
  });
  Options options = QuickOptions(server.address());
  options.access_key = "wrong";
  const auto client = MakeClient(options);
  auto reply = client->Future("GET", {"k"}).get();
  REQUIRE_FALSE(reply.ok());
  CHECK(reply.error().code == Code::kUnauthenticated);
}

TEST_CASE("Ending the client ends every call once, writes with an unknown outcome") {
  std::atomic<int> arrived{0};
  FakeServer server([&](Peer& peer) {
    while (peer.Read().has_value()) {
      ++arrived;
    }
  });
  Inbox inbox;
  auto client = MakeClient(QuickOptions(server.address()));
  REQUIRE(client->Call("GET", {"k"}, {}, inbox.Slot(0)).ok());
  REQUIRE(client->Call("SET", {"k", 1}, {}, inbox.Slot(1)).ok());
  while (arrived < 2) {
    poll(nullptr, 0, 1);
  }
  client.reset();
  const auto replies = inbox.Take();
  REQUIRE(replies.size() == 2);
  for (const auto& [index, reply] : replies) {
    CHECK(reply.error().code == (index == 0 ? Code::kUnavailable : Code::kUnknownOutcome));
  }
}

TEST_CASE("A callback may start the next call") {
  FakeServer server(Echo);
  const auto client = MakeClient(QuickOptions(server.address()));
  std::promise<int> done;
  std::function<void(int)> next = [&](int step) {
    const auto status =
        client->Call("ECHO", {step}, {}, [&, step](const base::Result<Value>& reply) {
          if (step == 100 || !reply.ok()) {
            done.set_value(reply.ok() ? step : -1);
          } else {
            next(step + 1);
          }
        });
    if (!status.ok()) {
      done.set_value(-2);
    }
  };
  next(1);
  CHECK(done.get_future().get() == 100);
}

TEST_CASE("Notifications arrive between replies") {
  FakeServer server([](Peer& peer) {
    const auto request = peer.Read();
    peer.Notify("event", {1});
    peer.Reply(request->msgid, true);
    peer.Notify("event", {2});
    peer.Read();
  });
  Options options = QuickOptions(server.address());
  std::promise<std::int64_t> second;
  options.on_notification = [&](std::string_view, const Value& params) {
    if (params.AsArray()->front().AsInt() == 2) {
      second.set_value(2);
    }
  };
  const auto client = MakeClient(std::move(options));
  CHECK(client->Future("SUBSCRIBE", {}).get().ok());
  CHECK(second.get_future().get() == 2);
}

TEST_CASE("Large values go through the asynchronous client as bytes") {
  FakeServer server(Echo);
  const auto client = MakeClient(QuickOptions(server.address()));
  const std::string params = wire::Encode(Value::Array{std::string(std::size_t{1} << 20U, 'v')});
  std::atomic<int> right{0};
  for (int i = 0; i < 20; ++i) {
    REQUIRE(client
                ->CallRaw("ECHO", params, {},
                          [&](const base::Result<std::string_view>& reply) {
                            right += reply.ok() && params.substr(1) == reply.value() ? 1 : 0;
                          })
                .ok());
  }
  REQUIRE(client->Drain(kLongMs));
  CHECK(right == 20);
}

TEST_CASE("Wrong options and limits are refused when the client is made") {
  CHECK(AsyncClient::Create({.address = "::"}, {}).error().code == Code::kBadRequest);
  CHECK(AsyncClient::Create({}, {.window = 0}).error().code == Code::kBadRequest);
}

}  // namespace
}  // namespace reprise::client
