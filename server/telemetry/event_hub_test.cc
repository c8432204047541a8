#include "server/telemetry/event_hub.h"

#include <deque>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

namespace reprise::telemetry {
namespace {

// A mailbox that a test empties by hand.
class HandMailbox final : public base::Mailbox {
 public:
  explicit HandMailbox(std::size_t places = 1'000'000) : places_(places) {}

  bool Post(std::unique_ptr<base::Task> task) override {
    const base::MutexLock lock(mutex_);
    if (tasks_.size() >= places_) {
      return false;
    }
    tasks_.push_back(std::move(task));
    return true;
  }
  void Drain() {
    std::deque<std::unique_ptr<base::Task>> tasks;
    {
      const base::MutexLock lock(mutex_);
      tasks.swap(tasks_);
    }
    for (const std::unique_ptr<base::Task>& task : tasks) {
      task->Run();
    }
  }

 private:
  std::size_t places_;
  base::Mutex mutex_;
  std::deque<std::unique_ptr<base::Task>> tasks_ GUARDED_BY(mutex_);
};

using Received = std::vector<std::pair<std::string, std::string>>;

EventHub::Sink SinkInto(Received& received, base::Mailbox& mailbox, std::size_t pending_max = 10) {
  return {&mailbox,
          [&received](std::string_view channel, std::string_view bytes) {
            received.emplace_back(channel, bytes);
          },
          pending_max};
}

constexpr SubscriberId kFirst{1};
constexpr SubscriberId kSecond{2};

std::size_t Published(EventHub& hub, std::string_view channel, std::string_view bytes) {
  const base::Result<std::size_t> count = hub.Publish(channel, bytes);
  REQUIRE(count.ok());
  return count.value();
}

}  // namespace

TEST_CASE("events reach those who subscribed to the channel, in order, on their own thread") {
  EventHub hub;
  HandMailbox mailbox;
  Received first;
  Received second;
  REQUIRE(hub.Subscribe("a", kFirst, SinkInto(first, mailbox)).ok());
  REQUIRE(hub.Subscribe("b", kFirst, {}).ok());
  REQUIRE(hub.Subscribe("a", kSecond, SinkInto(second, mailbox)).ok());
  CHECK(Published(hub, "a", "1") == 2);
  CHECK(Published(hub, "b", "2") == 1);
  CHECK(Published(hub, "c", "3") == 0);
  CHECK(first.empty());  // not before the mailbox is emptied
  mailbox.Drain();
  CHECK(first == Received{{"a", "1"}, {"b", "2"}});
  CHECK(second == Received{{"a", "1"}});
  const EventHub::Stats stats = hub.stats();
  CHECK(stats.published == 3);
  CHECK(stats.delivered == 3);
  CHECK(stats.dropped == 0);
  CHECK(stats.channels == 2);
  CHECK(stats.subscribers == 2);
  CHECK(stats.subscriptions == 3);
}

TEST_CASE("after Unsubscribe nothing arrives, not even what was under way") {
  EventHub hub;
  HandMailbox mailbox;
  Received received;
  REQUIRE(hub.Subscribe("a", kFirst, SinkInto(received, mailbox)).ok());
  REQUIRE(hub.Subscribe("b", kFirst, {}).ok());
  CHECK(Published(hub, "a", "1") == 1);
  CHECK(Published(hub, "b", "2") == 1);
  CHECK(hub.Unsubscribe("a", kFirst));
  CHECK_FALSE(hub.Unsubscribe("a", kFirst));
  CHECK_FALSE(hub.Unsubscribe("x", kFirst));
  CHECK_FALSE(hub.Unsubscribe("a", kSecond));
  CHECK(hub.ChannelsOf(kFirst) == std::vector<std::string>{"b"});
  mailbox.Drain();
  CHECK(received == Received{{"b", "2"}});
  CHECK(Published(hub, "a", "3") == 0);

  CHECK(Published(hub, "b", "4") == 1);
  hub.Remove(kFirst);
  hub.Remove(kFirst);
  mailbox.Drain();
  CHECK(received.size() == 1);
  CHECK(hub.stats().subscribers == 0);
  CHECK(hub.stats().channels == 0);
  CHECK(hub.stats().subscriptions == 0);
}

TEST_CASE("a subscriber that does not keep up loses the new events and these are counted") {
  EventHub hub;
  HandMailbox mailbox;
  Received slow;
  Received quick;
  REQUIRE(hub.Subscribe("a", kFirst, SinkInto(slow, mailbox, 3)).ok());
  REQUIRE(hub.Subscribe("a", kSecond, SinkInto(quick, mailbox, 100)).ok());
  for (int i = 0; i < 5; ++i) {
    (void)Published(hub, "a", std::to_string(i));
  }
  CHECK(hub.stats().dropped == 2);
  mailbox.Drain();
  CHECK(slow == Received{{"a", "0"}, {"a", "1"}, {"a", "2"}});
  CHECK(quick.size() == 5);
  CHECK(Published(hub, "a", "again") == 2);  // there is room once more
}

TEST_CASE("a mailbox that refuses costs the event, not the subscription") {
  EventHub hub;
  HandMailbox mailbox(1);
  Received received;
  REQUIRE(hub.Subscribe("a", kFirst, SinkInto(received, mailbox, 2)).ok());
  CHECK(Published(hub, "a", "1") == 1);
  for (int i = 0; i < 10; ++i) {
    CHECK(Published(hub, "a", "lost") == 0);
  }
  CHECK(hub.stats().dropped == 10);
  mailbox.Drain();
  CHECK(Published(hub, "a", "2") == 1);
  mailbox.Drain();
  CHECK(received == Received{{"a", "1"}, {"a", "2"}});
}

TEST_CASE("subscribing twice delivers once") {
  EventHub hub;
  HandMailbox mailbox;
  Received received;
  REQUIRE(hub.Subscribe("a", kFirst, SinkInto(received, mailbox)).ok());
  REQUIRE(hub.Subscribe("a", kFirst, SinkInto(received, mailbox)).ok());
  CHECK(Published(hub, "a", "1") == 1);
  CHECK(hub.stats().subscriptions == 1);
}

TEST_CASE("channels, names and events have limits that hold exactly") {
  EventHub hub;
  HandMailbox mailbox;
  Received received;
  for (std::size_t i = 0; i < EventHub::kChannelsOfSubscriberMax; ++i) {
    REQUIRE(hub.Subscribe("c" + std::to_string(i), kFirst, SinkInto(received, mailbox)).ok());
  }
  const base::Status one_more = hub.Subscribe("one more", kFirst, {});
  REQUIRE_FALSE(one_more.ok());
  CHECK(one_more.error().code == base::Code::kTooLarge);
  CHECK(hub.Subscribe("c0", kFirst, {}).ok());  // one that it has already

  const std::string longest(EventHub::kChannelBytesMax, 'x');
  CHECK(hub.Subscribe(longest, kSecond, SinkInto(received, mailbox)).ok());
  CHECK_FALSE(hub.Subscribe(longest + "x", kSecond, {}).ok());
  CHECK_FALSE(hub.Subscribe("", kSecond, {}).ok());

  const std::string largest(EventHub::kEventBytesMax, 'x');
  CHECK(hub.Publish(longest, largest).ok());
  CHECK_FALSE(hub.Publish(longest, largest + "x").ok());
}

TEST_CASE("messages under way outlive the hub") {
  HandMailbox mailbox;
  Received received;
  {
    EventHub hub;
    REQUIRE(hub.Subscribe("a", kFirst, SinkInto(received, mailbox)).ok());
    CHECK(Published(hub, "a", "1") == 1);
  }
  mailbox.Drain();
  CHECK(received == Received{{"a", "1"}});
}

TEST_CASE("publishers and subscribers on many threads lose count of nothing") {
  EventHub hub;
  HandMailbox mailbox;
  Received received;
  constexpr std::size_t kEvents = 2'000;
  REQUIRE(hub.Subscribe("a", kFirst, SinkInto(received, mailbox, 100'000)).ok());
  std::vector<std::thread> threads;
  threads.reserve(3);
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&hub] {
      for (std::size_t event = 0; event < kEvents; ++event) {
        (void)hub.Publish("a", "x");
      }
    });
  }
  threads.emplace_back([&hub, &mailbox] {
    for (int i = 0; i < 500; ++i) {
      (void)hub.Subscribe("a", kSecond, {&mailbox, [](std::string_view, std::string_view) {}, 1});
      hub.Remove(kSecond);
    }
  });
  for (std::thread& thread : threads) {
    thread.join();
  }
  mailbox.Drain();
  CHECK(received.size() == 2 * kEvents);
  CHECK(hub.stats().subscribers == 1);
}

}  // namespace reprise::telemetry
