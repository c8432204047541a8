#include "server/cache/flights.h"

#include <algorithm>

#include "protocol/base/buffer.h"
#include "protocol/base/limits.h"
#include "protocol/base/random.h"
#include "protocol/wire/writer.h"

namespace reprise::cache {
namespace {

using base::Code;
using base::Error;

constexpr std::size_t kTokenBytes = 16;
// Errors that are remembered at a time; the oldest make room.
constexpr std::size_t kFailuresMax = 4'096;
// Invalidations that answers under way are checked against. When there were more since a lease was
// given, its answer counts as void.
constexpr std::size_t kInvalidationsMax = 1'024;

std::string NewToken() {
  return KeyHash::FromBytes(base::RandomBytes(kTokenBytes)).Hex();
}

}  // namespace

// One place in the queue of a flight.
struct Flights::Seat {
  FlightRef flight;  // a ring, broken when the seat is left
  OwnerId owner = 0;
  bool may_lead = true;
  bool wants_chunks = false;
  std::int64_t lease_ms = 0;
  std::string model;
  std::optional<base::Nanos> ends;
  std::shared_ptr<Waiter> waiter;
  std::list<std::shared_ptr<Seat>>::iterator place;  // in the flight's queue
};

struct Flights::Flight {
  FlightQuestion question;
  std::string token;
  OwnerId holder = 0;
  std::string model;  // the holder's
  std::int64_t lease_ms = 0;
  base::Nanos lease_ends{0};
  bool filling = false;
  std::uint64_t invalidated_before = 0;  // what came up to this one the holder may know of
  bool is_void = false;                  // the question itself was invalidated since then
  std::list<std::shared_ptr<Seat>> seats;
  std::vector<std::string> chunks;  // each one MessagePack value
  std::size_t chunk_bytes = 0;
  bool cut = false;                        // a piece was refused
  std::shared_ptr<const Failure> failure;  // then nobody holds a lease or waits
};

// Nobody is woken: who waited has gone before this.
Flights::~Flights() {
  Woken woken;
  base::MutexLock lock(mutex_);
  End(All(), woken);
}

base::Result<std::optional<Lease>> Flights::Join(FlightQuestion question,
                                                 const JoinRequest& request,
                                                 std::shared_ptr<Waiter> waiter) {
  bool earlier = false;
  auto joined = [&] {
    base::MutexLock lock(mutex_);
    const auto before = Earliest();
    auto outcome = Enter(std::move(question), request, std::move(waiter));
    const auto after = Earliest();
    earlier = after.has_value() && (!before.has_value() || *after < *before);
    return outcome;
  }();
  if (earlier && nudge_) {
    nudge_();
  }
  return joined;
}

base::Result<std::optional<Lease>> Flights::Enter(FlightQuestion question,
                                                  const JoinRequest& request,
                                                  std::shared_ptr<Waiter> waiter) {
  if (const FlightRef failed = FindSame(question); failed && failed->failure != nullptr) {
    ForgetFailure(failed);
  }
  if (const FlightRef flight = FindSame(question)) {
    if (waiter == nullptr) {
      return Error{Code::kBusy, "another caller computes the answer"};
    }
    RETURN_IF_ERROR(Wait(flight, request, std::move(waiter)));
    return std::optional<Lease>();
  }
  if (!request.may_lead) {
    return Error{Code::kNotFound, "nobody computes the answer"};
  }
  if (closed_) {
    return Error{Code::kShuttingDown, "the server is stopping; compute without it"};
  }
  if (by_token_.size() >= static_cast<std::size_t>(base::limits::kFlights.value)) {
    return Error{Code::kBusy, "flights: " + std::to_string(by_token_.size()) +
                                  " answers are being computed, which is the limit"};
  }
  auto flight = std::make_shared<Flight>();
  flight->question = std::move(question);
  flight->model = request.model;
  by_exact_.try_emplace(flight->question.exact, flight);
  if (!flight->question.exact_only) {
    by_normalized_.try_emplace(flight->question.normalized, flight);
  }
  return std::optional(Lead(flight, request.owner, request.lease_ms));
}

Flights::FlightRef Flights::FindSame(const FlightQuestion& question) const {
  const auto same_place = [&](const FlightQuestion& other) {
    return other.namespace_id == question.namespace_id && other.identity == question.identity;
  };
  if (const auto found = by_exact_.find(question.exact); found != by_exact_.end()) {
    const FlightQuestion& other = found->second->question;
    return same_place(other) && other.prompt == question.prompt ? found->second : nullptr;
  }
  if (question.exact_only) {
    return nullptr;
  }
  const auto found = by_normalized_.find(question.normalized);
  if (found == by_normalized_.end()) {
    return nullptr;
  }
  const FlightQuestion& other = found->second->question;
  return same_place(other) && other.normalized_prompt == question.normalized_prompt ? found->second
                                                                                    : nullptr;
}

Lease Flights::Lead(const FlightRef& flight, OwnerId owner, std::int64_t lease_ms) {
  flight->token = NewToken();
  flight->holder = owner;
  flight->invalidated_before = invalidated_;
  flight->is_void = false;
  flight->lease_ms = lease_ms;
  flight->lease_ends = clock_.Elapsed() + lease_ms * base::kNanosPerMilli;
  flight->chunks.clear();  // A stream that was cut leaves nothing.
  flight->chunk_bytes = 0;
  flight->cut = false;
  by_token_[flight->token] = flight;
  ++by_owner_[owner][flight];
  lease_ends_.emplace(flight->lease_ends, flight);
  ++stats_.leases_given;
  return {flight->token, lease_ms};
}

base::Status Flights::Wait(const FlightRef& flight, const JoinRequest& request,
                           std::shared_ptr<Waiter> waiter) {
  if (stats_.waiters >= static_cast<std::uint64_t>(base::limits::kFlightWaiters.value)) {
    return Error{Code::kBusy, "flight_waiters: " + std::to_string(stats_.waiters) +
                                  " callers wait for answers, which is the limit"};
  }
  auto seat = std::make_shared<Seat>();
  seat->flight = flight;
  seat->owner = request.owner;
  seat->may_lead = request.may_lead;
  seat->wants_chunks = request.wants_chunks;
  seat->lease_ms = request.lease_ms;
  seat->model = request.model;
  seat->waiter = std::move(waiter);
  if (request.wait_ms > 0) {
    seat->ends = clock_.Elapsed() + request.wait_ms * base::kNanosPerMilli;
    wait_ends_.emplace(*seat->ends, seat);
  }
  if (seat->wants_chunks) {
    Replay(*flight, *seat->waiter);
  }
  ++by_owner_[request.owner][flight];
  seat->place = flight->seats.insert(flight->seats.end(), seat);
  ++stats_.waiters;
  return base::Ok{};
}

void Flights::Replay(const Flight& flight, Waiter& waiter) {
  for (std::size_t i = 0; i < flight.chunks.size(); ++i) {
    waiter.Chunk(static_cast<std::uint32_t>(i), flight.chunks[i]);
  }
}

base::Result<Flights::FlightRef> Flights::FindLease(storage::NamespaceId id,
                                                    std::string_view token) const {
  const auto found = by_token_.find(std::string(token));
  // The lease of another namespace is as unknown as one that never was.
  if (found == by_token_.end() || found->second->question.namespace_id != id) {
    return Error{Code::kNotFound,
                 "this lease is not known, or no longer: it ran out, was filled or abandoned, its "
                 "connection "
                 "closed or authenticated anew, or the server is stopping or was restarted; this "
                 "call stored "
                 "nothing (CACHE.STORE still can)"};
  }
  if (found->second->filling) {
    return Error{Code::kNotFound, "this lease has just been filled"};
  }
  return found->second;
}

base::Result<std::int64_t> Flights::Renew(storage::NamespaceId id, std::string_view token) {
  base::MutexLock lock(mutex_);
  ASSIGN_OR_RETURN(const FlightRef flight, FindLease(id, token));
  lease_ends_.erase({flight->lease_ends, flight});
  flight->lease_ends = clock_.Elapsed() + flight->lease_ms * base::kNanosPerMilli;
  lease_ends_.emplace(flight->lease_ends, flight);
  return flight->lease_ms;
}

base::Result<std::uint32_t> Flights::Append(storage::NamespaceId id, std::string_view token,
                                            std::string_view chunk, std::size_t bytes_max) {
  base::MutexLock lock(mutex_);
  ASSIGN_OR_RETURN(const FlightRef flight, FindLease(id, token));
  if (flight->chunk_bytes + chunk.size() > bytes_max) {
    flight->cut = true;
    return Error{Code::kTooLarge, "value_bytes: the pieces together have more than " +
                                      std::to_string(bytes_max) + " bytes"};
  }
  if (flight->chunks.size() >= static_cast<std::size_t>(base::limits::kFlightChunks.value)) {
    flight->cut = true;
    return Error{Code::kTooLarge, "flight_chunks: an answer has at most " +
                                      std::to_string(base::limits::kFlightChunks.value) +
                                      " pieces"};
  }
  flight->chunks.emplace_back(chunk);
  flight->chunk_bytes += chunk.size();
  const auto index = static_cast<std::uint32_t>(flight->chunks.size() - 1);
  for (const std::shared_ptr<Seat>& seat : flight->seats) {
    if (seat->wants_chunks) {
      seat->waiter->Chunk(index, chunk);
    }
  }
  return index + 1;
}

base::Status Flights::Abandon(storage::NamespaceId id, std::string_view token) {
  Woken woken;
  {
    base::MutexLock lock(mutex_);
    ASSIGN_OR_RETURN(const FlightRef flight, FindLease(id, token));
    HandOver(flight, woken);
  }
  WakeAll(woken);
  return base::Ok{};
}

base::Status Flights::Fail(storage::NamespaceId id, std::string_view token, std::string_view error,
                           std::int64_t ttl_ms) {
  Woken woken;
  {
    base::MutexLock lock(mutex_);
    ASSIGN_OR_RETURN(const FlightRef flight, FindLease(id, token));
    while (failure_ends_.size() >= kFailuresMax) {
      const FlightRef failed = failure_ends_.begin()->second;  // Not the one that is erased.
      ForgetFailure(failed);
    }
    auto failure = std::make_shared<Failure>();
    failure->error = error;
    failure->ends = clock_.Elapsed() + ttl_ms * base::kNanosPerMilli;
    while (!flight->seats.empty()) {
      const std::shared_ptr<Seat> seat = flight->seats.front();
      woken.push_back({seat->waiter, {Wakeup::Kind::kFailed, nullptr, {}, failure}});
      Unseat(seat, flight);
    }
    Leave(flight);
    flight->failure = failure;
    failure_ends_.emplace(failure->ends, flight);
    ++stats_.failures;
  }
  WakeAll(woken);
  return base::Ok{};
}

std::shared_ptr<const Failure> Flights::FindFailure(const FlightQuestion& question) const {
  base::MutexLock lock(mutex_);
  const FlightRef flight = FindSame(question);
  const bool lives =
      flight != nullptr && flight->failure != nullptr && clock_.Elapsed() < flight->failure->ends;
  return lives ? flight->failure : nullptr;
}

std::string_view Flights::Describe(const FlightQuestion& question) const {
  base::MutexLock lock(mutex_);
  const FlightRef flight = FindSame(question);
  if (flight == nullptr) {
    return "nobody";
  }
  return flight->failure == nullptr ? "another caller" : "failed";
}

void Flights::ForgetFailure(const FlightRef& flight) {
  failure_ends_.erase({flight->failure->ends, flight});
  flight->failure = nullptr;
  Land(flight);
}

std::vector<Flights::FlightRef> Flights::All() const {
  std::vector<FlightRef> all;
  for (const auto& [token, flight] : by_token_) {
    all.push_back(flight);
  }
  for (const auto& [ends, flight] : failure_ends_) {
    all.push_back(flight);
  }
  return all;
}

base::Result<Flights::Filling> Flights::BeginFill(storage::NamespaceId id, std::string_view token) {
  base::MutexLock lock(mutex_);
  ASSIGN_OR_RETURN(const FlightRef flight, FindLease(id, token));
  flight->filling = true;
  Filling filling{flight->question, {}, flight->cut, flight->model, InvalidatedSince(*flight)};
  if (!flight->chunks.empty()) {
    base::Buffer pieces;
    wire::Writer writer(pieces);
    writer.Array(flight->chunks.size());
    for (const std::string& chunk : flight->chunks) {
      writer.Raw(chunk);
    }
    filling.chunks.assign(pieces.view());
  }
  return filling;
}

void Flights::NoteInvalidation(storage::NamespaceId id, const Label& label) {
  base::MutexLock lock(mutex_);
  ++invalidated_;
  if (by_token_.empty()) {
    invalidations_.clear();
    return;
  }
  invalidations_.push_back({invalidated_, id, label.kind, std::string(label.name)});
  if (invalidations_.size() > kInvalidationsMax) {
    invalidations_.pop_front();
  }
}

void Flights::NoteInvalidation(const FlightQuestion& question) {
  base::MutexLock lock(mutex_);
  const auto found = by_exact_.find(question.exact);
  if (found == by_exact_.end()) {
    return;
  }
  const FlightQuestion& other = found->second->question;
  found->second->is_void = found->second->is_void ||
                           (other.namespace_id == question.namespace_id &&
                            other.identity == question.identity && other.prompt == question.prompt);
}

std::vector<std::pair<LabelKind, std::string>> Flights::InvalidatedSince(
    const Flight& flight) const {
  std::vector<std::pair<LabelKind, std::string>> labels;
  if (flight.is_void) {
    labels.emplace_back(LabelKind::kAll, "");  // Whatever its labels are.
  }
  if (!invalidations_.empty() && invalidations_.size() == kInvalidationsMax &&
      invalidations_.front().number > flight.invalidated_before + 1) {
    labels.emplace_back(LabelKind::kAll, "");  // What was forgotten may have been any.
  }
  for (const Invalidation& invalidation : invalidations_) {
    if (invalidation.number > flight.invalidated_before &&
        invalidation.namespace_id == flight.question.namespace_id) {
      labels.emplace_back(invalidation.kind, invalidation.name);
    }
  }
  return labels;
}

void Flights::EndFill(std::string_view token, const std::shared_ptr<const Filled>& filled) {
  Woken woken;
  {
    base::MutexLock lock(mutex_);
    const auto found = by_token_.find(std::string(token));
    if (found == by_token_.end()) {
      return;  // Its namespace was removed meanwhile.
    }
    const FlightRef flight = found->second;
    for (const std::shared_ptr<Seat>& seat : flight->seats) {
      woken.push_back({seat->waiter, {Wakeup::Kind::kFilled, filled, {}, nullptr}});
    }
    ++stats_.filled;
    Land(flight);
  }
  WakeAll(woken);
}

void Flights::CancelFill(std::string_view token) {
  base::MutexLock lock(mutex_);
  if (const auto found = by_token_.find(std::string(token)); found != by_token_.end()) {
    found->second->filling = false;
    lease_ends_.emplace(found->second->lease_ends, found->second);
  }
}

// The holder goes; what it had appended goes with it, and followers of the stream start anew.
void Flights::HandOver(const FlightRef& flight, Woken& woken) {
  Leave(flight);
  const auto next = std::find_if(flight->seats.begin(), flight->seats.end(),
                                 [](const auto& seat) { return seat->may_lead; });
  if (next == flight->seats.end()) {
    for (const std::shared_ptr<Seat>& seat : flight->seats) {
      woken.push_back({seat->waiter, {}});
    }
    Land(flight);
    return;
  }
  const std::shared_ptr<Seat> seat = *next;
  Unseat(seat, flight);
  ++stats_.handed_over;
  flight->model = seat->model;
  woken.push_back(
      {seat->waiter,
       {Wakeup::Kind::kLease, nullptr, Lead(flight, seat->owner, seat->lease_ms), nullptr}});
}

// Takes the lease from whoever holds it.
void Flights::Leave(const FlightRef& flight) {
  if (by_token_.erase(flight->token) == 0) {
    return;
  }
  lease_ends_.erase({flight->lease_ends, flight});
  flight->filling = false;
  Release(flight->holder, flight);
}

void Flights::Unseat(const std::shared_ptr<Seat>& seat, const FlightRef& flight) {
  if (seat->ends.has_value()) {
    wait_ends_.erase({*seat->ends, seat});
  }
  flight->seats.erase(seat->place);
  --stats_.waiters;
  Release(seat->owner, flight);
}

void Flights::Release(OwnerId owner, const FlightRef& flight) {
  const auto flights = by_owner_.find(owner);
  if (flights == by_owner_.end()) {
    return;
  }
  const auto count = flights->second.find(flight);
  if (count != flights->second.end() && --count->second == 0) {
    flights->second.erase(count);
  }
  if (flights->second.empty()) {
    by_owner_.erase(flights);
  }
}

// The flight ends; who waited has been told, or will be.
void Flights::Land(const FlightRef& flight) {
  const auto forget = [&](auto& table, const KeyHash& key) {
    if (const auto found = table.find(key); found != table.end() && found->second == flight) {
      table.erase(found);
    }
  };
  forget(by_exact_, flight->question.exact);
  forget(by_normalized_, flight->question.normalized);
  while (!flight->seats.empty()) {
    const std::shared_ptr<Seat> seat = flight->seats.front();
    Unseat(seat, flight);
  }
  Leave(flight);
}

void Flights::Disconnect(OwnerId owner) {
  Woken woken;
  {
    base::MutexLock lock(mutex_);
    Remove(owner, woken, false);
  }
  WakeAll(woken);
}

void Flights::Expel(OwnerId owner) {
  Woken woken;
  {
    base::MutexLock lock(mutex_);
    Remove(owner, woken, true);
  }
  WakeAll(woken);
}

void Flights::Remove(OwnerId owner, Woken& woken, bool tell) {
  const auto found = by_owner_.find(owner);
  if (owner == 0 || found == by_owner_.end()) {
    return;
  }
  const std::map<FlightRef, std::uint32_t> flights = std::move(found->second);
  by_owner_.erase(found);
  for (const auto& [flight, count] : flights) {
    for (std::shared_ptr<Waiter>& waiter : UnseatAll(owner, flight)) {
      if (tell) {
        woken.emplace_back(std::move(waiter), Wakeup());
      }
    }
    // A fill that is being committed ends the flight itself.
    if (flight->holder == owner && by_token_.contains(flight->token) && !flight->filling) {
      HandOver(flight, woken);
    }
  }
}

std::size_t Flights::StopWaiting(OwnerId owner) {
  base::MutexLock lock(mutex_);
  const auto found = by_owner_.find(owner);
  if (owner == 0 || found == by_owner_.end()) {
    return 0;
  }
  std::size_t dropped = 0;
  const std::map<FlightRef, std::uint32_t> flights = found->second;  // Unseat changes the original.
  for (const auto& [flight, count] : flights) {
    dropped += UnseatAll(owner, flight).size();
  }
  return dropped;
}

std::vector<std::shared_ptr<Waiter>> Flights::UnseatAll(OwnerId owner, const FlightRef& flight) {
  std::vector<std::shared_ptr<Waiter>> waiters;
  for (auto next = flight->seats.begin(); next != flight->seats.end();) {
    const std::shared_ptr<Seat> seat = *next++;
    if (seat->owner == owner) {
      waiters.push_back(seat->waiter);
      Unseat(seat, flight);
    }
  }
  return waiters;
}

void Flights::Drop(storage::NamespaceId id) {
  Woken woken;
  {
    base::MutexLock lock(mutex_);
    std::vector<FlightRef> ended = All();
    std::erase_if(ended,
                  [id](const FlightRef& flight) { return flight->question.namespace_id != id; });
    End(ended, woken);
  }
  WakeAll(woken);
}

void Flights::Close() {
  base::MutexLock lock(mutex_);
  closed_ = true;
}

void Flights::DropAll() {
  Woken woken;
  {
    base::MutexLock lock(mutex_);
    End(All(), woken);
  }
  WakeAll(woken);
}

void Flights::End(const std::vector<FlightRef>& flights, Woken& woken) {
  for (const FlightRef& flight : flights) {
    if (flight->failure != nullptr) {
      ForgetFailure(flight);
      continue;
    }
    for (const std::shared_ptr<Seat>& seat : flight->seats) {
      woken.push_back({seat->waiter, {}});
    }
    Land(flight);
  }
}

void Flights::Expire(base::Nanos now) {
  Woken woken;
  {
    base::MutexLock lock(mutex_);
    while (!wait_ends_.empty() && wait_ends_.begin()->first <= now) {
      const std::shared_ptr<Seat> seat = wait_ends_.begin()->second;
      Unseat(seat, seat->flight);
      ++stats_.wait_timeouts;
      woken.push_back({seat->waiter, {Wakeup::Kind::kTimeout, nullptr, {}, nullptr}});
    }
    while (!lease_ends_.empty() && lease_ends_.begin()->first <= now) {
      const FlightRef flight = lease_ends_.begin()->second;
      if (flight->filling) {  // The commit ends it; it only must not be looked at again and again.
        lease_ends_.erase(lease_ends_.begin());
        continue;
      }
      ++stats_.leases_expired;
      HandOver(flight, woken);
    }
    while (!failure_ends_.empty() && failure_ends_.begin()->first <= now) {
      const FlightRef failed = failure_ends_.begin()->second;  // Not the one that is erased.
      ForgetFailure(failed);
    }
  }
  WakeAll(woken);
}

std::optional<base::Nanos> Flights::NextDeadline() const {
  base::MutexLock lock(mutex_);
  return Earliest();
}

std::optional<base::Nanos> Flights::Earliest() const {
  std::optional<base::Nanos> next;
  if (!lease_ends_.empty()) {
    next = lease_ends_.begin()->first;
  }
  if (!failure_ends_.empty() && (!next.has_value() || failure_ends_.begin()->first < *next)) {
    next = failure_ends_.begin()->first;
  }
  if (!wait_ends_.empty() && (!next.has_value() || wait_ends_.begin()->first < *next)) {
    next = wait_ends_.begin()->first;
  }
  return next;
}

void Flights::WakeAll(Woken& woken) {
  for (auto& [waiter, wakeup] : woken) {
    waiter->Wake(wakeup);
  }
}

FlightStats Flights::Stats() const {
  base::MutexLock lock(mutex_);
  FlightStats stats = stats_;
  stats.flights = by_token_.size();
  return stats;
}

}  // namespace reprise::cache
