#include "server/telemetry/event_hub.h"

#include <algorithm>
#include <set>
#include <utility>

#include "protocol/base/ensure.h"

namespace reprise::telemetry {

struct EventHub::Counters {
  std::atomic<std::uint64_t> published{0};
  std::atomic<std::uint64_t> delivered{0};
  std::atomic<std::uint64_t> dropped{0};
};

struct EventHub::Subscriber {
  SubscriberId id{};
  Sink sink;
  std::shared_ptr<Counters> counters;
  std::set<std::string, std::less<>> channels;  // under the hub's mutex
  std::atomic<std::size_t> pending{0};
};

struct EventHub::Subscription {
  std::string channel;
  std::shared_ptr<Subscriber> subscriber;
  std::atomic<bool> is_active{true};
};

struct EventHub::Event {
  std::string bytes;
};

EventHub::EventHub() : counters_(std::make_shared<Counters>()) {}

base::Status EventHub::Subscribe(std::string_view channel, SubscriberId id, Sink sink) {
  if (channel.empty() || channel.size() > kChannelBytesMax) {
    return base::Error{base::Code::kTooLarge, "a channel name has 1 to " +
                                                  std::to_string(kChannelBytesMax) +
                                                  " bytes, not " + std::to_string(channel.size())};
  }
  const base::MutexLock lock(mutex_);
  if (subscriptions_ >= kSubscriptionsMax) {
    return base::Error{base::Code::kTooLarge, "the server has " +
                                                  std::to_string(kSubscriptionsMax) +
                                                  " subscriptions, which is its limit"};
  }
  std::shared_ptr<Subscriber>& subscriber = subscribers_[id];
  if (subscriber == nullptr) {
    ENSURE(sink.mailbox != nullptr && sink.deliver != nullptr);
    subscriber = std::make_shared<Subscriber>();
    subscriber->id = id;
    subscriber->sink = std::move(sink);
    subscriber->counters = counters_;
  }
  if (subscriber->channels.find(channel) != subscriber->channels.end()) {
    return base::Ok{};
  }
  if (subscriber->channels.size() >= kChannelsOfSubscriberMax) {
    return base::Error{base::Code::kTooLarge, "a connection subscribes to at most " +
                                                  std::to_string(kChannelsOfSubscriberMax) +
                                                  " channels"};
  }
  auto subscription = std::make_shared<Subscription>();
  subscription->channel = channel;
  subscription->subscriber = subscriber;
  subscriber->channels.emplace(channel);
  channels_[std::string(channel)].push_back(std::move(subscription));
  ++subscriptions_;
  return base::Ok{};
}

void EventHub::Detach(const std::string& channel, SubscriberId id) {
  const auto found = channels_.find(channel);
  ENSURE(found != channels_.end());
  Subscriptions& subscriptions = found->second;
  const auto place = std::find_if(
      subscriptions.begin(), subscriptions.end(),
      [id](const std::shared_ptr<Subscription>& each) { return each->subscriber->id == id; });
  ENSURE(place != subscriptions.end());
  (*place)->is_active.store(false, std::memory_order_relaxed);
  subscriptions.erase(place);
  if (subscriptions.empty()) {
    channels_.erase(found);
  }
  --subscriptions_;
}

bool EventHub::Unsubscribe(std::string_view channel, SubscriberId id) {
  const base::MutexLock lock(mutex_);
  const auto found = subscribers_.find(id);
  if (found == subscribers_.end()) {
    return false;
  }
  const auto name = found->second->channels.find(channel);
  if (name == found->second->channels.end()) {
    return false;
  }
  Detach(*name, id);
  found->second->channels.erase(name);
  if (found->second->channels.empty()) {
    subscribers_.erase(found);
  }
  return true;
}

void EventHub::Remove(SubscriberId id) {
  const base::MutexLock lock(mutex_);
  const auto found = subscribers_.find(id);
  if (found == subscribers_.end()) {
    return;
  }
  for (const std::string& channel : found->second->channels) {
    Detach(channel, id);
  }
  subscribers_.erase(found);
}

std::vector<std::string> EventHub::ChannelsOf(SubscriberId id) const {
  const base::MutexLock lock(mutex_);
  const auto found = subscribers_.find(id);
  if (found == subscribers_.end()) {
    return {};
  }
  return {found->second->channels.begin(), found->second->channels.end()};
}

bool EventHub::Post(const std::shared_ptr<Subscription>& subscription,
                    const std::shared_ptr<const Event>& event) {
  Subscriber& subscriber = *subscription->subscriber;
  if (subscriber.pending.fetch_add(1, std::memory_order_relaxed) >= subscriber.sink.pending_max) {
    subscriber.pending.fetch_sub(1, std::memory_order_relaxed);
    return false;
  }
  const bool is_posted = subscriber.sink.mailbox->Post(base::MakeTask([subscription, event] {
    Subscriber& receiver = *subscription->subscriber;
    receiver.pending.fetch_sub(1, std::memory_order_relaxed);
    if (subscription->is_active.load(std::memory_order_relaxed)) {
      receiver.counters->delivered.fetch_add(1, std::memory_order_relaxed);
      receiver.sink.deliver(subscription->channel, event->bytes);
    }
  }));
  if (!is_posted) {
    subscriber.pending.fetch_sub(1, std::memory_order_relaxed);
  }
  return is_posted;
}

base::Result<std::size_t> EventHub::Publish(std::string_view channel, std::string_view bytes) {
  if (bytes.size() > kEventBytesMax) {
    return base::Error{base::Code::kTooLarge, "an event has at most " +
                                                  std::to_string(kEventBytesMax) + " bytes, not " +
                                                  std::to_string(bytes.size())};
  }
  counters_->published.fetch_add(1, std::memory_order_relaxed);
  Subscriptions receivers;
  {
    const base::MutexLock lock(mutex_);
    const auto found = channels_.find(channel);
    if (found == channels_.end()) {
      return std::size_t{0};
    }
    receivers = found->second;
  }
  // Posting wakes a loop; the mutex, a leaf, is not held for that.
  const auto event = std::make_shared<const Event>(Event{std::string(bytes)});
  std::size_t count = 0;
  for (const std::shared_ptr<Subscription>& receiver : receivers) {
    if (Post(receiver, event)) {
      ++count;
    } else {
      counters_->dropped.fetch_add(1, std::memory_order_relaxed);
    }
  }
  return count;
}

EventHub::Stats EventHub::stats() const {
  Stats stats;
  stats.published = counters_->published.load(std::memory_order_relaxed);
  stats.delivered = counters_->delivered.load(std::memory_order_relaxed);
  stats.dropped = counters_->dropped.load(std::memory_order_relaxed);
  const base::MutexLock lock(mutex_);
  stats.channels = channels_.size();
  stats.subscribers = subscribers_.size();
  stats.subscriptions = subscriptions_;
  return stats;
}

}  // namespace reprise::telemetry
