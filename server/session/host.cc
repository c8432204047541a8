#include "server/session/host.h"

#include <utility>

#include "server/session/session.h"

namespace reprise::session {

SessionHost::SessionHost(Parts parts)
    : parts_(parts),
      dispatcher_({parts.instance, parts.server, parts.mailbox, parts.shard,
                   [this](const dispatch::ReplyTo& to, base::Buffer reply) {
                     base::kLoop.AssertHeld();
                     if (Session* session = Find(to.session)) {
                       session->Complete(to, std::move(reply));
                     } else if (to.waits) {
                       // It may have been given a lease after it had gone.
                       parts_.instance.Disconnect(to.owner);
                     }
                   },
                   [this](const dispatch::SessionRef& to, std::string_view channel,
                          std::string_view event) {
                     base::kLoop.AssertHeld();
                     if (Session* session = Find(to)) {
                       session->Notify(channel, event);
                     }
                   }}) {}

dispatch::SessionRef SessionHost::Add(Session& session) {
  ++open_;
  if (free_.empty()) {
    places_.push_back({&session, 1});
    return {static_cast<std::uint32_t>(places_.size() - 1), 1};
  }
  const std::uint32_t slot = free_.back();
  free_.pop_back();
  places_[slot].session = &session;
  return {slot, places_[slot].generation};
}

void SessionHost::Remove(const dispatch::SessionRef& ref) {
  --open_;
  places_[ref.slot].session = nullptr;
  ++places_[ref.slot].generation;
  free_.push_back(ref.slot);
}

Session* SessionHost::Find(const dispatch::SessionRef& ref) {
  const Place& place = places_[ref.slot];
  return place.generation == ref.generation ? place.session : nullptr;
}

void SessionHost::FlushAtTurnEnd(const dispatch::SessionRef& ref) {
  unflushed_.push_back(ref);
}

void SessionHost::EndTurn() {
  dispatcher_.EndTurn();
  flushing_.swap(unflushed_);
  for (const dispatch::SessionRef& ref : flushing_) {
    if (Session* session = Find(ref)) {
      session->FlushNow();
    }
  }
  flushing_.clear();
}

void SessionHost::Drain() {
  draining_ = true;
  for (std::size_t i = 0; i < places_.size(); ++i) {
    if (places_[i].session != nullptr) {
      places_[i].session->Drain();
    }
  }
}

bool SessionHost::MayLog(std::string_view event, std::string_view peer) {
  constexpr std::int64_t kOnceIn = 60'000 * base::kNanosPerMilli;
  constexpr std::size_t kAddressesMax = 1024;
  const base::Nanos now = clock().Elapsed();
  const std::string address =
      std::string(event) + " " + std::string(peer.substr(0, peer.rfind(':')));
  const auto found = logged_at_.find(address);
  if (found != logged_at_.end() && now - found->second < kOnceIn) {
    return false;
  }
  if (logged_at_.size() >= kAddressesMax) {
    logged_at_.clear();
  }
  logged_at_[address] = now;
  return true;
}

void SessionHost::LogForeignBytes(std::string_view peer, std::string_view kind) {
  constexpr std::string_view kEvent = "security_foreign_protocol";
  if (MayLog(kEvent, peer)) {
    parts_.log.Log(telemetry::Level::kWarn, kEvent, {{"peer", peer}, {"kind", kind}});
  }
}

void SessionHost::LogOverLimit(std::string_view peer, std::string_view detail) {
  constexpr std::string_view kEvent = "request_over_limit";
  if (MayLog(kEvent, peer)) {
    parts_.log.Log(telemetry::Level::kWarn, kEvent, {{"peer", peer}, {"detail", detail}});
  }
}

}  // namespace reprise::session
