#include "server/session/session.h"

#include <algorithm>
#include <utility>

#include "protocol/wire/message.h"
#include "protocol/wire/writer.h"
#include "server/commands/channels.h"
#include "server/dispatch/gates.h"

namespace reprise::session {
namespace {

using base::Error;
using dispatch::Lane;

constexpr auto kInFlightMax = static_cast<std::size_t>(base::limits::kRequestsInFlight.value);
constexpr auto kWaitingMax = static_cast<std::size_t>(base::limits::kWaitingRequests.value);
constexpr auto kPerTurn = static_cast<std::size_t>(base::limits::kRequestsPerTurn.value);
constexpr auto kPauseBytes = static_cast<std::size_t>(base::limits::kOutputPauseBytes.value);
constexpr std::size_t kKeptBufferBytes = std::size_t{16} * 1024;

// What arrived instead of a request, for the log.
std::string_view KindOf(std::string_view bytes) {
  for (const std::string_view verb : {"GET ", "POST", "PUT ", "HEAD", "OPTI", "DELE", "PATC"}) {
    if (bytes.starts_with(verb.substr(0, std::min(verb.size(), bytes.size())))) {
      return "http";
    }
  }
  constexpr char kTlsHandshake = 0x16;
  return !bytes.empty() && bytes[0] == kTlsHandshake ? "tls" : "unknown";
}

}  // namespace

Session::Session(base::Stream& stream, SessionHost& host)
    : stream_(stream), host_(host), record_(std::make_shared<commands::ClientRecord>()) {
  ref_ = host_.Add(*this);
  static const auto everyone = std::make_shared<const access::Principal>();
  commands::ServerState& server = host_.parts().server;
  identity_.id = server.clients.NextId();
  identity_.principal = everyone;
  identity_.peer = std::make_shared<const std::string>(stream_.Peer());
  identity_.subscriptions = this;
  connected_at_ = active_at_ = host_.clock().Elapsed();
  record_->id = identity_.id;
  record_->peer = *identity_.peer;
  record_->transport = stream_.Transport();
  record_->connected_at = host_.clock().Now();
  record_->active_at = base::ToInt(record_->connected_at);
  record_->SetNames(identity_.principal->namespace_name, "");
  record_->kill = [&host = host_, ref = ref_] {
    (void)host.parts().mailbox.Post(base::MakeTask([&host, ref] {
      base::kLoop.AssertHeld();
      if (Session* session = host.Find(ref)) {
        session->stream_.Close();
      }
    }));
  };
  server.clients.Add(record_);
  if (host_.draining()) {
    Drain();
  }
}

bool Session::Trusted() const {
  return identity_.authenticated || !host_.parts().instance.access().RequiresKey();
}

std::span<char> Session::ReadSpace() {
  if (input_.empty()) {
    return {};
  }
  // As much again as has come: memory follows what arrives, not what a header claims.
  constexpr std::size_t kLeast = 4096;
  const std::size_t missing =
      scanner_.NeededBytes() > input_.size() ? scanner_.NeededBytes() - input_.size() : kLeast;
  input_.Reserve(std::clamp(missing, kLeast, std::max(kLeast, input_.size())));
  return input_.Space();
}

void Session::OnBytes(std::string_view bytes) {
  if (closing_) {
    return;
  }
  NoteActivity();
  if (input_.empty()) {
    const std::size_t handled = Process(bytes);
    if (handled < bytes.size() && step_ != Step::kEnded) {
      input_.Append(bytes.substr(handled));
      frame_began_at_ = active_at_;
    }
  } else {
    input_.Commit(bytes.size());
    if (step_ == Step::kWantsMore) {
      Continue();
    }
  }
  FlushNow();
}

// Handles what waits in input_.
void Session::Continue() {
  const std::size_t handled = Process(input_.view());
  input_.Consume(handled);
  input_.Shrink(kKeptBufferBytes);
  if (handled > 0) {
    frame_began_at_ = active_at_;
  }
}

std::size_t Session::Process(std::string_view bytes) {
  std::size_t handled = 0;
  step_ = Step::kWantsMore;
  for (std::size_t count = 0; handled < bytes.size(); ++count) {
    if (closing_) {
      step_ = Step::kEnded;
      break;
    }
    if (Blocked()) {
      step_ = Step::kBlocked;
      reading_paused_ = true;
      stream_.PauseReading();
      break;
    }
    if (count == kPerTurn) {
      step_ = Step::kYielded;
      stream_.YieldTurn();
      break;
    }
    const std::size_t frame_max =
        Trusted() ? static_cast<std::size_t>(host_.dispatcher().Config()->network.frame_bytes_max)
                  : static_cast<std::size_t>(base::limits::kFrameBytesBeforeAuth.value);
    const auto size = scanner_.Scan(bytes.substr(handled), frame_max);
    if (!size.ok()) {
      Fail(size.error(), bytes.substr(handled));
      break;
    }
    if (!size.value().has_value()) {
      break;
    }
    Handle(bytes.substr(handled, *size.value()));
    handled += *size.value();
  }
  return handled;
}

// The connection is beyond repair: say why, and close it.
void Session::Fail(const Error& error, std::string_view bytes) {
  step_ = Step::kEnded;
  closing_ = true;
  if (error.code == base::Code::kTooLarge) {  // A request, as far as it was read.
    host_.LogOverLimit(*identity_.peer, error.detail);
    wire::AppendError(wire::MsgidOf(bytes).value_or(0), error, NextReply());
    CloseWhenDone();
    return;
  }
  host_.LogForeignBytes(*identity_.peer, KindOf(bytes));
  if (KindOf(bytes) == "http" || KindOf(bytes) == "tls") {
    stream_.Close();
    return;
  }
  wire::AppendError(0, error, NextReply());
  CloseWhenDone();
}

void Session::Handle(std::string_view frame) {
  auto request = wire::ParseRequest(frame);
  if (!request.ok()) {
    Fail(request.error(), frame);
    return;
  }
  const dispatch::Incoming incoming{request.value(), frame, host_.clock().Elapsed()};
  if (!parked_.empty()) {  // Even a refusal waits for its turn.
    parked_.push_back({std::string(frame), incoming.received});
    return;
  }
  auto plan = host_.dispatcher().Admit(incoming.request, identity_);
  if (!plan.ok()) {
    if (identity_.revoked) {  // Others need not wait for what it may not give any more.
      host_.parts().instance.Expel(identity_.id);
    }
    Refuse(incoming.request, plan.error());
  } else if (Conflicts(plan.value())) {
    parked_.push_back({std::string(frame), incoming.received});
  } else {
    Start(plan.value(), incoming);
  }
}

bool Session::Conflicts(const dispatch::Plan& plan) const {
  if (plan.lane == Lane::kWriter) {
    return reads_in_flight_ > 0;
  }
  // What only talks about the connection itself need not wait for data.
  const bool reads_data =
      plan.Is(commands::kRead) || plan.Is(commands::kInMemory) || plan.lane == Lane::kStorage;
  return reads_data && writes_in_flight_ > 0;
}

void Session::Start(dispatch::Plan plan, const dispatch::Incoming& incoming) {
  record_->calls.store(record_->calls.load(std::memory_order_relaxed) + 1,
                       std::memory_order_relaxed);
  if (plan.lane != Lane::kInline) {
    Offload(plan, incoming);
    return;
  }
  if (replies_.empty()) {
    if (host_.dispatcher().RunInline(plan, incoming, identity_, stream_.Output())) {
      NoteIdentity(plan);
      CloseWhenDone();
      return;
    }
  } else {
    replies_.emplace_back();
    if (host_.dispatcher().RunInline(plan, incoming, identity_, replies_.back().reply)) {
      replies_.back().done = true;
      NoteIdentity(plan);
      return;
    }
    replies_.pop_back();
  }
  plan.lane = Lane::kStorage;
  Offload(plan, incoming);
}

// A command about the connection itself may have changed who it is, or asked for its end.
void Session::NoteIdentity(const dispatch::Plan& plan) {
  if (plan.Is(commands::kSession)) {
    record_->SetNames(identity_.principal->namespace_name, identity_.client);
    closing_ = closing_ || identity_.close_after_reply;
  }
}

void Session::Offload(const dispatch::Plan& plan, const dispatch::Incoming& incoming) {
  const bool waits = plan.Is(commands::kWaits);
  if (waits && waiting_ >= kWaitingMax) {
    Refuse(incoming.request,
           {base::Code::kBusy, "waiting_requests: this connection waits for " +
                                   std::to_string(waiting_) + " answers, which is the limit"});
    return;
  }
  const dispatch::ReplyTo reply_to{ref_, first_ticket_ + replies_.size(), plan.lane, waits};
  base::Buffer refusal;
  if (!host_.dispatcher().Offload(plan, incoming, identity_, reply_to, refusal)) {
    NextReply().Append(refusal.view());
    return;
  }
  if (waits) {
    ++waiting_;
    return;
  }
  replies_.emplace_back();
  ++(plan.lane == Lane::kWriter ? writes_in_flight_ : reads_in_flight_);
}

void Session::Refuse(const wire::Request& request, const Error& error) {
  host_.dispatcher().AppendRefusal(request, error, NextReply());
}

base::Buffer& Session::NextReply() {
  if (replies_.empty()) {
    return stream_.Output();
  }
  replies_.emplace_back();
  replies_.back().done = true;
  return replies_.back().reply;
}

void Session::Complete(const dispatch::ReplyTo& to, base::Buffer reply) {
  if (to.waits) {
    --waiting_;
    stream_.Output().Append(reply.view());
  } else {
    Pending& pending = replies_[static_cast<std::size_t>(to.ticket - first_ticket_)];
    pending.reply = std::move(reply);
    pending.done = true;
    --(to.lane == Lane::kWriter ? writes_in_flight_ : reads_in_flight_);
    MoveDoneReplies();
  }
  NoteActivity();
  RunParked();
  Unblock();
  CloseWhenDone();
  if (!flush_noted_) {
    flush_noted_ = true;
    host_.FlushAtTurnEnd(ref_);
  }
}

void Session::MoveDoneReplies() {
  base::Buffer& output = stream_.Output();
  while (!replies_.empty() && replies_.front().done) {
    output.Append(replies_.front().reply.view());
    replies_.pop_front();
    ++first_ticket_;
  }
}

void Session::RunParked() {
  while (!parked_.empty() && !closing_) {
    const Parked& next = parked_.front();
    const auto request = wire::ParseRequest(next.frame);  // It was read once; it is well formed.
    const dispatch::Incoming incoming{request.value(), next.frame, next.received};
    auto plan = host_.dispatcher().Admit(incoming.request, identity_);
    if (!plan.ok()) {
      Refuse(incoming.request, plan.error());
    } else if (Conflicts(plan.value())) {
      return;
    } else {
      Start(plan.value(), incoming);
    }
    parked_.pop_front();
  }
}

std::size_t Session::InFlight() const {
  return replies_.size() + parked_.size() + waiting_;
}

std::size_t Session::HoldingUp() const {
  return replies_.size() + parked_.size();
}

bool Session::Blocked() const {
  if (!Trusted()) {
    return InFlight() > 0 ||
           stream_.Unsent() > static_cast<std::size_t>(base::limits::kOutputBytesBeforeAuth.value);
  }
  return HoldingUp() >= kInFlightMax || stream_.Unsent() > kPauseBytes;
}

void Session::FlushNow() {
  flush_noted_ = false;
  stream_.Flush();
  CheckOutput();
  if (step_ == Step::kBlocked && !closing_ && !Blocked()) {
    stream_.YieldTurn();  // All of it left at once: no OnWritable will follow.
  }
}

// Limits on output that the client does not take.
void Session::CheckOutput() {
  const std::size_t unsent = stream_.Unsent();
  record_->unsent_bytes.store(unsent, std::memory_order_relaxed);
  record_->in_flight.store(InFlight(), std::memory_order_relaxed);
  if (unsent == 0) [[likely]] {
    over_soft_since_ = base::Nanos{0};
    return;
  }
  const config::NetworkOptions& options = host_.dispatcher().Config()->network;
  if (unsent > static_cast<std::size_t>(options.output_hard_bytes)) {
    host_.parts().log.Log(telemetry::Level::kWarn, "client_too_slow",
                          {{"peer", *identity_.peer}, {"unsent_bytes", unsent}});
    closing_ = true;
    stream_.Close();
    return;
  }
  if (unsent <= static_cast<std::size_t>(options.output_soft_bytes)) {
    over_soft_since_ = base::Nanos{0};
  } else if (base::ToInt(over_soft_since_) == 0) {
    over_soft_since_ = host_.clock().Elapsed();
  }
}

// Goes on with what was left when too much was under way or unsent.
void Session::Unblock() {
  if (step_ != Step::kBlocked || closing_ || Blocked()) {
    return;
  }
  Continue();
  if (step_ != Step::kBlocked && reading_paused_ && !closing_ && !input_ended_) {
    reading_paused_ = false;
    stream_.ResumeReading();
  }
}

void Session::OnWritable() {
  CheckOutput();
  if (step_ == Step::kBlocked && stream_.Unsent() <= kPauseBytes / 2) {
    Unblock();
    CloseWhenDone();
    FlushNow();
  }
}

void Session::OnResume() {
  if (closing_) {
    return;
  }
  if (step_ == Step::kYielded) {
    Continue();
  } else {
    Unblock();
  }
  CloseWhenDone();
  FlushNow();
}

// What came is still answered, but who sends nothing any more need not wait for others: it would be
// kept alive, with its leases, for as long as they take.
void Session::OnEndOfInput() {
  input_ended_ = true;
  StopWaiting();
  CloseWhenDone();
}

void Session::StopWaiting() {
  waiting_ -= std::min(waiting_, host_.parts().instance.StopWaiting(identity_.id));
}

void Session::Drain() {
  input_ended_ = true;
  stream_.PauseReading();
  CloseWhenDone();
}

// A connection that takes no more requests ends when the last reply has been given.
void Session::CloseWhenDone() {
  const bool all_handled = closing_ || (input_ended_ && step_ == Step::kWantsMore);
  if (all_handled && replies_.empty() && waiting_ == 0 && (closing_ || parked_.empty())) {
    stream_.CloseAfterFlush();
  }
}

void Session::NoteActivity() {
  active_at_ = host_.clock().Elapsed();
  record_->active_at.store(base::ToInt(host_.clock().Now()), std::memory_order_relaxed);
}

void Session::OnTick() {
  if (input_ended_ && waiting_ > 0) {  // One may have begun to wait after the input had ended.
    StopWaiting();
    CloseWhenDone();
  }
  const config::NetworkOptions& options = host_.dispatcher().Config()->network;
  const base::Nanos now = host_.clock().Elapsed();
  const auto older_than = [&](base::Nanos since, std::int64_t ms) {
    return now - since > ms * base::kNanosPerMilli;
  };
  const bool unknown_for_long = !Trusted() && older_than(connected_at_, options.handshake_ms);
  const bool frame_unfinished = !input_.empty() && step_ == Step::kWantsMore &&
                                older_than(frame_began_at_, options.handshake_ms);
  const bool idle = InFlight() == 0 && !subscribed_ && older_than(active_at_, options.idle_ms);
  const bool reads_too_slowly =
      base::ToInt(over_soft_since_) != 0 && older_than(over_soft_since_, options.output_soft_ms);
  if (unknown_for_long || frame_unfinished || idle || reads_too_slowly) {
    stream_.Close();
  }
}

void Session::OnClosed() {
  if (subscribed_) {
    host_.parts().server.events.Remove(telemetry::SubscriberId{identity_.id});
  }
  host_.parts().instance.Disconnect(identity_.id);
  host_.parts().server.clients.Remove(identity_.id);
  host_.Remove(ref_);
}

base::Status Session::Subscribe(std::string_view channel) {
  base::kLoop.AssertHeld();
  telemetry::EventHub::Sink sink;
  sink.mailbox = &host_.parts().mailbox;
  sink.deliver = [&host = host_, ref = ref_](std::string_view name, std::string_view event) {
    base::kLoop.AssertHeld();
    Session* session = host.Find(ref);
    if (session == nullptr || session->closing_) {
      return;
    }
    if (!dispatch::Revalidate(session->identity_, host.parts().instance.access())) {
      host.parts().server.events.Remove(telemetry::SubscriberId{session->identity_.id});
      session->subscribed_ = false;
      return;
    }
    session->Notify(commands::NameOfHubChannel(name), event);
  };
  RETURN_IF_ERROR(host_.parts().server.events.Subscribe(
      channel, telemetry::SubscriberId{identity_.id}, std::move(sink)));
  subscribed_ = true;
  return base::Ok{};
}

void Session::Notify(std::string_view channel, std::string_view event) {
  if (closing_) {
    return;
  }
  base::Buffer& out = stream_.Output();
  wire::BeginNotification("EVENT", out);
  wire::Writer writer(out);
  writer.Array(2);
  writer.Str(channel);
  writer.Raw(event);
  FlushNow();
}

bool Session::Unsubscribe(std::string_view channel) {
  base::kLoop.AssertHeld();
  return host_.parts().server.events.Unsubscribe(channel, telemetry::SubscriberId{identity_.id});
}

}  // namespace reprise::session
