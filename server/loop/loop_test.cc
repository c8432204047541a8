#include "server/loop/loop.h"

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include "server/loop/inbox.h"
#include "server/loop/test_kit.h"

namespace reprise::loop {

using test::Client;
using test::Journal;
using test::LoopThread;

namespace {

// What the inbox answers; the task must stay here exactly when it is refused.
Inbox::Outcome PutOne(Inbox& inbox) {
  auto task = base::MakeTask([]() {});
  const Inbox::Outcome outcome = inbox.Put(task);
  const bool taken = outcome == Inbox::Outcome::kFirst || outcome == Inbox::Outcome::kQueued;
  CHECK((task == nullptr) == taken);
  return outcome;
}

}  // namespace

TEST_CASE("an inbox refuses what exceeds its places and all once it is closed") {
  Inbox inbox(2);
  CHECK_FALSE(inbox.MayHaveTasks());
  CHECK(PutOne(inbox) == Inbox::Outcome::kFirst);
  CHECK(PutOne(inbox) == Inbox::Outcome::kQueued);
  CHECK(PutOne(inbox) == Inbox::Outcome::kFull);
  CHECK(inbox.MayHaveTasks());
  std::vector<std::unique_ptr<base::Task>> tasks;
  inbox.Take(tasks);
  CHECK(tasks.size() == 2);
  CHECK_FALSE(inbox.MayHaveTasks());
  CHECK(PutOne(inbox) == Inbox::Outcome::kFirst);
  inbox.Close();
  CHECK(PutOne(inbox) == Inbox::Outcome::kClosed);
}

TEST_CASE("messages run on the loop in the order of each sender and none is lost") {
  constexpr int kMessages = 20'000;
  constexpr int kSenders = 3;
  std::vector<std::vector<int>> seen(kSenders);
  LoopThread server;
  server.Start();
  std::vector<std::thread> senders;
  senders.reserve(kSenders);
  std::atomic<int> refused{0};
  for (int sender = 0; sender < kSenders; ++sender) {
    senders.emplace_back([&server, &seen, &refused, sender]() {
      for (int i = 0; i < kMessages; ++i) {
        auto& mine = seen[static_cast<std::size_t>(sender)];
        if (!server.loop().Post(base::MakeTask([&mine, i]() { mine.push_back(i); }))) {
          ++refused;
        }
      }
    });
  }
  for (std::thread& sender : senders) {
    sender.join();
  }
  server.Stop();  // What was posted before the stop still runs.
  CHECK(refused == 0);
  for (const std::vector<int>& mine : seen) {
    REQUIRE(mine.size() == kMessages);
    CHECK(std::is_sorted(mine.begin(), mine.end()));
  }
  CHECK(server.loop().Stats().mailbox_items == std::uint64_t{kMessages} * kSenders);
}

TEST_CASE("a loop that has stopped refuses messages") {
  LoopThread server;
  server.Start();
  server.Stop();
  CHECK_FALSE(server.loop().Post(base::MakeTask([]() {})));
}

TEST_CASE("a loop that never ran can be destroyed with a listener on it") {
  LoopThread server;
  auto listener = Listener::Listen(server.loop(), test::OnLoopback(test::Echo()));
  REQUIRE(listener.ok());
  CHECK(server.loop().Post(base::MakeTask([]() {})));
}

TEST_CASE("the end of a turn comes after its messages and before the loop waits again") {
  Journal journal;
  bool pending = false;
  LoopThread server;
  server.loop().OnTurnEnd([&]() {
    if (pending) {
      pending = false;
      journal.Write("ended");
    }
  });
  server.Start();
  for (std::size_t i = 1; i <= 100; ++i) {
    REQUIRE(server.loop().Post(base::MakeTask([&pending]() { pending = true; })));
    REQUIRE(journal.Await("ended", i));  // No later event is needed to make it happen.
  }
  server.Stop();
  CHECK(server.loop().Stats().turns >= 100);
}

TEST_CASE("an idle loop ends no turns apart from its ticks") {
  Journal journal;
  std::atomic<int> turns{0};
  LoopThread server;
  server.loop().OnTurnEnd([&turns]() { ++turns; });
  server.loop().OnTick([&journal]() { journal.Write("tick"); });
  server.Start();
  REQUIRE(journal.Await("tick", 3));
  server.Stop();
  CHECK(turns <= static_cast<int>(journal.Count("tick")) + 2);
}

TEST_CASE("the time of a turn is read once and its length is counted") {
  base::FakeClock clock;
  LoopThread server(&clock);
  server.Start();
  std::int64_t moved = -1;
  server.Do([&]() {
    base::kLoop.AssertHeld();
    const base::Nanos before = server.loop().TurnStart();
    clock.Advance(7);
    moved = server.loop().TurnStart() - before;
  });
  server.Stop();
  CHECK(moved == 0);
  CHECK(server.loop().Stats().lag_micros_max == 7000);
  CHECK(server.loop().Stats().lag_micros_max == 0);  // since the last reading
}

namespace {

// Yields again and again until another connection was served.
class YieldingHandler final : public test::QuietHandler {
 public:
  YieldingHandler(base::Stream& stream, Journal* journal, const std::atomic<bool>& other_served)
      : QuietHandler(stream, journal), other_served_(other_served) {}

  void OnBytes(std::string_view bytes) ON_LOOP_THREAD override {
    if (yielded_) {
      Note("bytes during a yield");
    }
    if (bytes.front() == 'y') {
      Note("yields");
      yielded_ = true;
      stream().YieldTurn();
    }
  }
  void OnResume() ON_LOOP_THREAD override {
    constexpr int kMost = 50'000'000;
    if (!other_served_ && ++rounds_ < kMost) {
      stream().YieldTurn();
      return;
    }
    yielded_ = false;
    Note(other_served_ ? "other was served" : "starved the other");
    stream().Output().Append("done");
    stream().Flush();
  }

 private:
  const std::atomic<bool>& other_served_;
  int rounds_ = 0;
  bool yielded_ = false;
};

class ServedHandler final : public test::EchoHandler {
 public:
  ServedHandler(base::Stream& stream, std::atomic<bool>& served)
      : EchoHandler(stream), served_(served) {}
  void OnBytes(std::string_view bytes) ON_LOOP_THREAD override {
    served_ = true;
    EchoHandler::OnBytes(bytes);
  }

 private:
  std::atomic<bool>& served_;
};

}  // namespace

TEST_CASE("a connection that yields lets the others have their turn and hears nothing meanwhile") {
  Journal journal;
  std::atomic<bool> served{false};
  LoopThread server;
  auto yielding =
      Listener::Listen(server.loop(), test::OnLoopback([&](base::Stream& stream) {
                         return std::make_unique<YieldingHandler>(stream, &journal, served);
                       }));
  auto other = Listener::Listen(server.loop(), test::OnLoopback([&](base::Stream& stream) {
                                  return std::make_unique<ServedHandler>(stream, served);
                                }));
  REQUIRE(yielding.ok());
  REQUIRE(other.ok());
  server.Start();
  const Client first = Client::Tcp(yielding.value()->BoundPort());
  REQUIRE(first.Send("y"));
  REQUIRE(journal.Await("yields"));
  REQUIRE(first.Send("x"));
  const Client second = Client::Tcp(other.value()->BoundPort());
  CHECK(second.Echoes("hello"));
  CHECK(first.Receive(4) == "done");
  CHECK(journal.Count("other was served") == 1);
  CHECK(journal.Count("bytes during a yield") == 0);
}

TEST_CASE("a yield is resumed in the next turn, not in the same and not later") {
  Journal journal;
  int turn = 0;
  int yielded_in = 0;
  int resumed_in = 0;
  class Handler final : public test::QuietHandler {
   public:
    Handler(base::Stream& stream, Journal* journal, std::function<void(bool)> note)
        : QuietHandler(stream, journal), note_(std::move(note)) {}
    void OnBytes(std::string_view /*bytes*/) ON_LOOP_THREAD override {
      note_(false);
      stream().YieldTurn();
    }
    void OnResume() ON_LOOP_THREAD override {
      note_(true);
      Note("resumed");
    }

   private:
    std::function<void(bool)> note_;
  };
  LoopThread server;
  server.loop().OnTurnEnd([&turn]() { ++turn; });
  auto listener = Listener::Listen(
      server.loop(), test::OnLoopback([&](base::Stream& stream) {
        return std::make_unique<Handler>(
            stream, &journal, [&](bool resumed) { (resumed ? resumed_in : yielded_in) = turn; });
      }));
  REQUIRE(listener.ok());
  server.Start();
  const Client client = Client::Tcp(listener.value()->BoundPort());
  REQUIRE(client.Send("x"));
  REQUIRE(journal.Await("resumed"));
  server.Stop();
  CHECK(resumed_in == yielded_in + 1);
}

TEST_CASE("stop closes open connections, tells their handlers and returns") {
  Journal journal;
  LoopThread server;
  auto listener = Listener::Listen(server.loop(), test::OnLoopback(test::Echo(&journal)));
  REQUIRE(listener.ok());
  server.Start();
  std::vector<Client> clients;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(Client::Tcp(listener.value()->BoundPort()));
    REQUIRE(clients.back().Echoes("x"));
  }
  server.Stop();
  CHECK(journal.Count("closed") == 20);
  for (const Client& client : clients) {
    CHECK(client.ReceiveToEnd().empty());
  }
  CHECK_FALSE(Client::Tcp(listener.value()->BoundPort()).connected());
}

}  // namespace reprise::loop
