// EventHub: small events from anywhere to the sessions that subscribed to a channel.
//
// Publish never waits: an event crosses to the subscriber's thread as a message in its Mailbox, and
// a subscriber that already has `pending_max` undelivered ones loses the new one (counted).
//
// Threads: any; `deliver` runs on the thread that owns the mailbox. Once Unsubscribe or Remove has
// returned on that thread, `deliver` is not called any more for the channel. Lifetime: a mailbox
// outlives the hub's use of it: Remove its subscribers first. Errors: kTooLarge when a limit below
// is reached. Complexity: Publish O(log channels + subscribers of the channel). Limits: below.
// Channel names carry the namespace when they should (the caller composes them).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/mailbox.h"
#include "protocol/base/mutex.h"
#include "protocol/base/result.h"

namespace reprise::telemetry {

enum class SubscriberId : std::uint64_t {};

class EventHub {
 public:
  static constexpr std::size_t kChannelBytesMax = 256;
  static constexpr std::size_t kEventBytesMax = std::size_t{64} * 1024;
  static constexpr std::size_t kChannelsOfSubscriberMax = 64;
  static constexpr std::size_t kSubscriptionsMax = 100'000;

  using Deliver = std::function<void(std::string_view channel, std::string_view bytes)>;

  // Where the events of one subscriber go. The first Subscribe of an id decides; later ones may
  // leave `deliver` empty.
  struct Sink {
    base::Mailbox* mailbox = nullptr;
    Deliver deliver;
    std::size_t pending_max = 1024;
  };

  struct Stats {
    std::uint64_t published = 0;
    std::uint64_t delivered = 0;
    std::uint64_t dropped = 0;  // the subscriber was full or its mailbox refused
    std::size_t channels = 0;
    std::size_t subscribers = 0;
    std::size_t subscriptions = 0;
  };

  EventHub();

  // Subscribing twice to a channel is the same as once.
  base::Status Subscribe(std::string_view channel, SubscriberId id, Sink sink);
  // Whether it was subscribed.
  bool Unsubscribe(std::string_view channel, SubscriberId id);
  // All subscriptions of `id`, as when its connection ends.
  void Remove(SubscriberId id);
  std::vector<std::string> ChannelsOf(SubscriberId id) const;

  // How many subscribers will get it. Copies `bytes` once, when there is one at all.
  base::Result<std::size_t> Publish(std::string_view channel, std::string_view bytes);

  Stats stats() const;

 private:
  struct Counters;
  struct Subscriber;
  struct Subscription;
  struct Event;
  using Subscriptions = std::vector<std::shared_ptr<Subscription>>;

  static bool Post(const std::shared_ptr<Subscription>& subscription,
                   const std::shared_ptr<const Event>& event);
  void Detach(const std::string& channel, SubscriberId id) REQUIRES(mutex_);

  std::shared_ptr<Counters> counters_;  // outlives the hub in messages that are under way
  mutable base::Mutex mutex_;
  // Ordered maps: their keys come from outside, and a hash could be flooded.
  std::map<std::string, Subscriptions, std::less<>> channels_ GUARDED_BY(mutex_);
  std::map<SubscriberId, std::shared_ptr<Subscriber>> subscribers_ GUARDED_BY(mutex_);
  std::size_t subscriptions_ GUARDED_BY(mutex_) = 0;
};

}  // namespace reprise::telemetry
