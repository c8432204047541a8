// Flights: who computes an answer, and who waits for it (single flight).
//
//   Join --nobody computes--> a lease: the caller computes --Fill--> every waiter has the answer
//        --somebody does----> the caller waits
//   Abandon, the holder's disconnect and the end of the lease hand it to the waiter that came
//   first. Fail tells the waiters, and for a while all who ask the same, what the upstream said.
//
// A flight is found by the exact and by the normalized key of its question; the identity and the
// text are compared, so that a collision joins nobody. Leases live in memory: a restart ends them,
// and late fills are refused.
//
// Threads: any; one mutex, a leaf. Waiters are woken without it; chunks are handed over under it,
// so that they keep their order. Errors: kBadRequest, kNotFound (a lease that has ended or is
// another namespace's), kTooLarge, kBusy (a limit below), kShuttingDown. Complexity: O(1) expected,
// O(log n) for deadlines, O(waiters) when a flight ends. Limits: limits::kFlights, kFlightWaiters,
// kFlightChunks. Source of the idea: Go's singleflight; leases as in "Scaling Memcache at Facebook"
// (NSDI 2013).
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "protocol/base/clock.h"
#include "protocol/base/mutex.h"
#include "protocol/base/result.h"
#include "server/cache/identity.h"
#include "server/cache/labels.h"
#include "server/cache/row.h"
#include "storage/engine/namespace_id.h"

namespace reprise::cache {

// Who joined: everything of one owner ends with it (0: nobody, as in embedded use).
using OwnerId = std::uint64_t;

struct Lease {
  std::string token;
  std::int64_t lease_ms = 0;
};

// An answer as the holder gave it.
struct Filled {
  KeyHash exact;  // of the holder's question
  std::uint64_t id = 0;
  std::string response;  // MessagePack bytes
  std::string joined;    // the same as one answer, when it came as a stream (fill.h); else empty
  std::string model;
  std::string type;
  Worth worth;
  base::UnixMillis created_at{0};
  base::UnixMillis expires_at{0};
};

// What the upstream said instead of an answer, told to others for a while.
struct Failure {
  std::string error;
  base::Nanos ends{0};
};

// Why somebody stopped to wait.
struct Wakeup {
  // kEnded: nobody computes it any more, and this waiter may not, or its namespace was emptied.
  enum class Kind : std::uint8_t { kFilled, kLease, kTimeout, kEnded, kFailed };
  Kind kind = Kind::kEnded;
  std::shared_ptr<const Filled> filled;
  Lease lease;
  std::shared_ptr<const Failure> failure;
};

class Waiter {
 public:
  virtual ~Waiter() = default;
  // Once. Any thread.
  virtual void Wake(const Wakeup& wakeup) = 0;
  // A piece of the answer, in order, before Wake. Must only post a message: a mutex is held.
  virtual void Chunk(std::uint32_t index, std::string_view chunk) = 0;
};

// A question in the forms that flights are found and compared by.
struct FlightQuestion {
  storage::NamespaceId namespace_id = storage::kDefaultNamespace;
  KeyHash exact;
  KeyHash normalized;
  std::string identity;  // canonical
  std::string prompt;
  std::string normalized_prompt;
  std::string type;
  bool exact_only = false;  // joins and is joined by the same text only
};

struct JoinRequest {
  OwnerId owner = 0;
  bool may_lead = true;  // false: waits, but never gets the lease
  bool wants_chunks = false;
  std::int64_t lease_ms = 0;
  std::int64_t wait_ms = 0;  // 0: as long as somebody computes
  std::string model{};       // of the answer, when the one who joins computes it
};

struct FlightStats {
  std::uint64_t flights = 0;  // at this moment
  std::uint64_t waiters = 0;  // at this moment
  std::uint64_t leases_given = 0;
  std::uint64_t handed_over = 0;  // to a waiter, because the holder gave up or went away
  std::uint64_t leases_expired = 0;
  std::uint64_t filled = 0;
  std::uint64_t wait_timeouts = 0;
  std::uint64_t failures = 0;  // that were told to others
};

class Flights {
 public:
  explicit Flights(const base::Clock& clock) : clock_(clock) {}
  ~Flights();
  Flights(const Flights&) = delete;
  Flights& operator=(const Flights&) = delete;
  Flights(Flights&&) = delete;
  Flights& operator=(Flights&&) = delete;

  // A lease, or nothing: then `waiter` (taken) will be woken once. Without a waiter the caller does
  // not wait: kBusy when somebody else computes, kNotFound when nobody does and it may not lead.
  base::Result<std::optional<Lease>> Join(FlightQuestion question, const JoinRequest& request,
                                          std::shared_ptr<Waiter> waiter);

  // How long the lease lives from now.
  base::Result<std::int64_t> Renew(storage::NamespaceId id, std::string_view token);
  // Adds a piece of the answer; how many there are now.
  base::Result<std::uint32_t> Append(storage::NamespaceId id, std::string_view token,
                                     std::string_view chunk, std::size_t bytes_max);
  base::Status Abandon(storage::NamespaceId id, std::string_view token);
  // Ends the flight; who asks the same within `ttl_ms` is told the error, unless it joins anew.
  base::Status Fail(storage::NamespaceId id, std::string_view token, std::string_view error,
                    std::int64_t ttl_ms);
  // For people: "nobody", "another caller" or "failed".
  std::string_view Describe(const FlightQuestion& question) const;
  std::shared_ptr<const Failure> FindFailure(const FlightQuestion& question) const;

  // A fill in two steps, around the commit. Between them nothing else can end the flight.
  struct Filling {
    FlightQuestion question;
    std::string chunks;  // a MessagePack array of all pieces; empty when there were none
    bool cut = false;    // a piece was refused, so that the others are no answer
    std::string model;   // as the holder said when it joined; may be empty
    // What was invalidated while the answer was computed, as far as remembered.
    std::vector<std::pair<LabelKind, std::string>> invalidated;
  };
  base::Result<Filling> BeginFill(storage::NamespaceId id, std::string_view token);
  // The commit is done, or failed: the waiters have the answer in both cases.
  void EndFill(std::string_view token, const std::shared_ptr<const Filled>& filled);
  // The fill was refused before it was written; the holder may try again.
  void CancelFill(std::string_view token);

  // Answers under way may rest on what is void now.
  void NoteInvalidation(storage::NamespaceId id, const Label& label);
  // The same of the answer to this very question (same identity, same text), if it is under way.
  void NoteInvalidation(const FlightQuestion& question);

  // The owner has gone: its leases go to others, it waits for nothing any more.
  void Disconnect(OwnerId owner);
  // It keeps its leases; its waiters are dropped without being woken. How many they were.
  std::size_t StopWaiting(OwnerId owner);
  // Its rights changed: as Disconnect, but its waiters are told.
  void Expel(OwnerId owner);
  // Everything of a namespace that was removed or emptied.
  void Drop(storage::NamespaceId id);
  // The server is about to stop: no more leases (kShuttingDown), but those that live may be filled.
  void Close();
  // Everything.
  void DropAll();

  // Ends the leases and waits whose time has come.
  void Expire(base::Nanos now);
  // When Expire has something to do next.
  std::optional<base::Nanos> NextDeadline() const;
  // Called by Join, on its thread, when a deadline is earlier than all before it. Set it before the
  // first Join and after the last.
  void OnEarlierDeadline(std::function<void()> nudge) { nudge_ = std::move(nudge); }

  FlightStats Stats() const;

 private:
  struct Seat;
  struct Flight;
  using FlightRef = std::shared_ptr<Flight>;
  using Woken = std::vector<std::pair<std::shared_ptr<Waiter>, Wakeup>>;
  struct HashOfKey {
    std::size_t operator()(const KeyHash& key) const { return key.low; }
  };

  base::Result<std::optional<Lease>> Enter(FlightQuestion question, const JoinRequest& request,
                                           std::shared_ptr<Waiter> waiter) REQUIRES(mutex_);
  std::optional<base::Nanos> Earliest() const REQUIRES(mutex_);
  FlightRef FindSame(const FlightQuestion& question) const REQUIRES(mutex_);
  std::vector<std::pair<LabelKind, std::string>> InvalidatedSince(const Flight& flight) const
      REQUIRES(mutex_);
  void ForgetFailure(const FlightRef& flight) REQUIRES(mutex_);
  // Fails too.
  std::vector<FlightRef> All() const REQUIRES(mutex_);
  base::Result<FlightRef> FindLease(storage::NamespaceId id, std::string_view token) const
      REQUIRES(mutex_);
  Lease Lead(const FlightRef& flight, OwnerId owner, std::int64_t lease_ms) REQUIRES(mutex_);
  base::Status Wait(const FlightRef& flight, const JoinRequest& request,
                    std::shared_ptr<Waiter> waiter) REQUIRES(mutex_);
  // The next waiter that may lead gets the lease; without one the flight ends.
  void HandOver(const FlightRef& flight, Woken& woken) REQUIRES(mutex_);
  void Land(const FlightRef& flight) REQUIRES(mutex_);
  void End(const std::vector<FlightRef>& flights, Woken& woken) REQUIRES(mutex_);
  void Leave(const FlightRef& flight) REQUIRES(mutex_);
  std::vector<std::shared_ptr<Waiter>> UnseatAll(OwnerId owner, const FlightRef& flight)
      REQUIRES(mutex_);
  void Remove(OwnerId owner, Woken& woken, bool tell) REQUIRES(mutex_);
  // Out of the queue; the waiter is the caller's to wake.
  void Unseat(const std::shared_ptr<Seat>& seat, const FlightRef& flight) REQUIRES(mutex_);
  void Release(OwnerId owner, const FlightRef& flight) REQUIRES(mutex_);
  static void Replay(const Flight& flight, Waiter& waiter);
  static void WakeAll(Woken& woken);

  const base::Clock& clock_;
  std::function<void()> nudge_;
  mutable base::Mutex mutex_;
  std::unordered_map<std::string, FlightRef> by_token_ GUARDED_BY(mutex_);
  std::unordered_map<KeyHash, FlightRef, HashOfKey> by_exact_ GUARDED_BY(mutex_);
  std::unordered_map<KeyHash, FlightRef, HashOfKey> by_normalized_ GUARDED_BY(mutex_);
  // Which flights an owner leads or waits for, and how often.
  std::unordered_map<OwnerId, std::map<FlightRef, std::uint32_t>> by_owner_ GUARDED_BY(mutex_);
  std::set<std::pair<base::Nanos, FlightRef>> lease_ends_ GUARDED_BY(mutex_);
  std::set<std::pair<base::Nanos, std::shared_ptr<Seat>>> wait_ends_ GUARDED_BY(mutex_);
  // Flights that failed: without a lease, found by question until then.
  std::set<std::pair<base::Nanos, FlightRef>> failure_ends_ GUARDED_BY(mutex_);
  struct Invalidation {
    std::uint64_t number = 0;
    storage::NamespaceId namespace_id{0};
    LabelKind kind = LabelKind::kAll;
    std::string name;
  };
  // Those that a lease of now may have to hear of; the oldest may have been forgotten.
  std::deque<Invalidation> invalidations_ GUARDED_BY(mutex_);
  std::uint64_t invalidated_ GUARDED_BY(mutex_) = 0;  // so many ever
  bool closed_ GUARDED_BY(mutex_) = false;
  FlightStats stats_ GUARDED_BY(mutex_);
};

}  // namespace reprise::cache
