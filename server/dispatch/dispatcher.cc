#include "server/dispatch/dispatcher.h"

#include <string>
#include <utility>

#include "protocol/base/mutex.h"
#include "protocol/wire/writer.h"
#include "server/commands/all.h"
#include "server/commands/channels.h"
#include "server/dispatch/gates.h"
#include "server/telemetry/escape.h"
#include "storage/engine/view.h"

namespace reprise::dispatch {
namespace {

using base::Code;
using base::Error;

constexpr std::string_view kQueueFull =
    "the queue of the storage threads is full; retry with back-off";

Lane LaneOf(std::uint32_t flags) {
  if ((flags & commands::kWrite) != 0) {
    return Lane::kWriter;
  }
  return (flags & commands::kBlocking) != 0 ? Lane::kStorage : Lane::kInline;
}

Error UnknownCommand(std::string_view method) {
  std::string detail = "there is no command ";
  telemetry::AppendTextValue(method, detail);  // It may hold anything, and may end in a log.
  if (const std::string_view nearest = commands::NearestCommand(method); !nearest.empty()) {
    detail += "; did you mean " + std::string(nearest) + "?";
  }
  return {Code::kUnknownCommand, detail + " (COMMAND.LIST shows all)"};
}

// Puts the outcome behind what `out` held at `start`: the result that is there already, or the
// error.
void Settle(const base::Status& outcome, const wire::Request& request, std::size_t start,
            base::Buffer& out) {
  if (!outcome.ok() || request.is_notification) {
    out.Truncate(start);
  }
  if (!outcome.ok() && !request.is_notification) {
    wire::AppendError(request.msgid, outcome.error(), out);
  }
}

}  // namespace

// A request on its way through another thread; owns all that it needs, and brings itself back.
struct Dispatcher::Job final : public base::Task {
  explicit Job(Dispatcher& home) : dispatcher(home) {}
  void Run() override {
    base::kLoop.AssertHeld();
    dispatcher.Finish(*this);
  }

  Dispatcher& dispatcher;
  Plan plan;
  wire::Request request;  // points into `frame`
  std::string frame;
  commands::Args args;  // points into `frame`
  std::shared_ptr<const access::Principal> principal;
  std::uint64_t access_version = 0;
  std::shared_ptr<const config::Config> config;
  std::shared_ptr<const std::string> peer;
  std::string bot;
  ReplyTo reply_to;
  base::Nanos received{0};
  base::Buffer reply;
  std::optional<semantic::Pause::Came> came;  // the vector that it was run again for
  bool failed = false;

  bool TooLate(base::Nanos now) const {
    return args.timeout_ms() > 0 && now - received > args.timeout_ms() * base::kNanosPerMilli;
  }
  bool Revoked() const {
    const access::Registry& registry = dispatcher.parts_.instance.access();
    return registry.version() != access_version && !registry.Revalidate(*principal).has_value();
  }
  base::Status Execute(const storage::View& view, commands::Deferral* deferral = nullptr,
                       semantic::Pause* pause = nullptr) {
    const Parts& parts = dispatcher.parts_;
    if (TooLate(dispatcher.clock_.Elapsed())) {
      return Error{Code::kTimeout,
                   std::string(plan.spec->name) + ": the deadline passed before the work began"};
    }
    // A key or namespace may have gone since the gates were asked. On the writer thread, which
    // makes such changes, this is exact: nothing is written into a namespace that was removed
    // before.
    if (Revoked()) {
      return Error{Code::kUnauthenticated,
                   "the access key of this connection was revoked; send AUTH"};
    }
    reply.Clear();
    wire::BeginResponse(request.msgid, reply);
    wire::Writer writer(reply);
    commands::Context context{parts.instance,  *config, view,     *principal,
                              &parts.server,   nullptr, deferral, reply_to.owner,
                              {bot, received}, pause};
    return plan.spec->run(context, args, writer);
  }
  void Settle(const base::Status& outcome) {
    failed = !outcome.ok();
    dispatch::Settle(outcome, request, 0, reply);
  }
};

class Dispatcher::WriteCall final : public storage::Mutation {
 public:
  explicit WriteCall(std::unique_ptr<Job> job) : job_(std::move(job)) {}

  base::Status Apply(storage::Transaction& transaction) override {
    if (job_->plan.Is(commands::kDurable)) {
      transaction.RequireSync();
    }
    return job_->Execute(storage::View(job_->dispatcher.parts_.instance.store(), transaction));
  }
  void Finish(base::Status outcome) override {
    job_->Settle(outcome);
    base::Mailbox& home = job_->dispatcher.parts_.mailbox;
    // A loop that has stopped takes no more messages: its connections are gone as well.
    (void)home.Post(std::move(job_));
  }
  std::size_t QueuedBytes() const override { return job_->frame.size() + sizeof(Job); }

  // Takes the job back when the queue was full.
  std::unique_ptr<Job> Release() { return std::move(job_); }

 private:
  std::unique_ptr<Job> job_;
};

// A job whose command took its reply along.
class Dispatcher::Waiting final : public commands::LateReply {
 public:
  explicit Waiting(std::unique_ptr<Job> job) : job_(std::move(job)) {}

  void Give(const std::function<base::Status(wire::Writer&)>& write) override {
    job_->reply.Clear();
    wire::BeginResponse(job_->request.msgid, job_->reply);
    wire::Writer writer(job_->reply);
    job_->Settle(write(writer));
    base::Mailbox& home = job_->dispatcher.parts_.mailbox;
    (void)home.Post(std::move(job_));
  }
  bool revoked() const override { return job_->Revoked(); }
  void Notify(std::string_view channel, std::string_view event) override {
    const Parts& parts = job_->dispatcher.parts_;
    (void)parts.mailbox.Post(
        base::MakeTask([&parts, to = job_->reply_to.session, channel = std::string(channel),
                        event = std::string(event)] { parts.notify(to, channel, event); }));
  }

 private:
  std::unique_ptr<Job> job_;
};

// A job without a thread, until its vector comes. Two have to let go of it, in either order: the
// call that could not go on, and whoever brings the vector.
class Dispatcher::Parking {
 public:
  void Keep(std::unique_ptr<Job> job) {
    {
      base::MutexLock lock(mutex_);
      job_ = std::move(job);
    }
    MaybeResume();
  }
  void Bring(semantic::Pause::Came came) {
    {
      base::MutexLock lock(mutex_);
      came_ = std::move(came);
    }
    MaybeResume();
  }

 private:
  void MaybeResume();

  base::Mutex mutex_;
  std::unique_ptr<Job> job_ GUARDED_BY(mutex_);
  std::optional<semantic::Pause::Came> came_ GUARDED_BY(mutex_);
};

class Dispatcher::ReadCall final : public base::Task,
                                   public commands::Deferral,
                                   public semantic::Pause {
 public:
  explicit ReadCall(std::unique_ptr<Job> job) : job_(std::move(job)) {}
  // A job that comes back and finds the queue full has nobody else to answer it.
  ~ReadCall() override {
    if (job_ != nullptr && job_->came.has_value()) {
      job_->Settle(Error{Code::kBusy, std::string(kQueueFull)});
      base::Mailbox& home = job_->dispatcher.parts_.mailbox;
      (void)home.Post(std::move(job_));
    }
  }
  ReadCall(const ReadCall&) = delete;
  ReadCall& operator=(const ReadCall&) = delete;
  ReadCall(ReadCall&&) = delete;
  ReadCall& operator=(ReadCall&&) = delete;

  const Came* came() const override { return job_->came.has_value() ? &*job_->came : nullptr; }

  std::shared_ptr<commands::LateReply> Take() override {
    return std::make_shared<Waiting>(std::move(job_));
  }

  std::function<void(Came)> Suspend() override {
    parking_ = std::make_shared<Parking>();
    return [parking = parking_](Came came) { parking->Bring(std::move(came)); };
  }

  void Run() override {
    const Parts& parts = job_->dispatcher.parts_;
    const storage::View view(parts.instance.store(), parts.instance.clock().Now(),
                             storage::ReadMode::kDisk);
    const base::Status outcome =
        job_->Execute(view, job_->plan.Is(commands::kWaits) ? this : nullptr, this);
    if (job_ == nullptr) {
      return;  // Taken along: it may be answered already.
    }
    if (parking_ != nullptr && !outcome.ok() && outcome.error().code == Code::kWouldBlock) {
      parking_->Keep(std::move(job_));
      return;
    }
    job_->Settle(outcome);
    base::Mailbox& home = job_->dispatcher.parts_.mailbox;
    (void)home.Post(std::move(job_));
  }

 private:
  std::unique_ptr<Job> job_;
  std::shared_ptr<Parking> parking_;  // null: it was not suspended
};

void Dispatcher::Parking::MaybeResume() {
  std::unique_ptr<Job> job;
  {
    base::MutexLock lock(mutex_);
    if (job_ == nullptr || !came_.has_value()) {
      return;
    }
    job = std::move(job_);
    job->came = std::move(came_);
  }
  storage::Store& store = job->dispatcher.parts_.instance.store();
  (void)store.PostRead(std::make_unique<ReadCall>(std::move(job)));
}

Dispatcher::Dispatcher(Parts parts) : parts_(std::move(parts)), clock_(parts_.instance.clock()) {}
Dispatcher::~Dispatcher() = default;

const std::shared_ptr<const config::Config>& Dispatcher::Config() {
  if (const std::uint64_t version = parts_.server.config.version(); version != config_version_) {
    config_ = parts_.server.config.Get();
    config_version_ = version;
  }
  return config_;
}

base::Result<Plan> Dispatcher::Admit(const wire::Request& request, commands::Session& session) {
  const auto index = commands::IndexOf(request.method);
  if (!index.has_value()) {
    // Before AUTH a client learns nothing about what exists.
    if (!session.authenticated && parts_.instance.access().RequiresKey()) {
      return Error{Code::kUnauthenticated, "send AUTH with an access key first"};
    }
    return UnknownCommand(request.method);
  }
  const commands::CommandSpec& spec = *commands::AllCommands()[*index];
  if (auto refusal = Refusal({spec, session, parts_.instance})) {
    parts_.shard.Record(*index, 0, true);
    return *std::move(refusal);
  }
  return Plan{&spec, *index, LaneOf(spec.flags)};
}

void Dispatcher::AppendRefusal(const wire::Request& request, const base::Error& error,
                               base::Buffer& out) {
  if (!request.is_notification) {
    wire::AppendError(request.msgid, error, out);
  }
}

bool Dispatcher::RunInline(const Plan& plan, const Incoming& incoming, commands::Session& session,
                           base::Buffer& out) {
  const std::size_t start = out.size();
  base::Status outcome = args_.Decode(*plan.spec, incoming.request.params);
  if (outcome.ok() && args_.timeout_ms() > 0 &&
      clock_.Elapsed() - incoming.received > args_.timeout_ms() * base::kNanosPerMilli) {
    outcome = Error{Code::kTimeout,
                    std::string(plan.spec->name) + ": the deadline passed before the work began"};
  }
  if (outcome.ok()) {
    wire::BeginResponse(incoming.request.msgid, out);
    wire::Writer writer(out);
    const storage::View view(parts_.instance.store(), clock_.Now(), storage::ReadMode::kMemory);
    commands::Context context{parts_.instance,
                              *Config(),
                              view,
                              *session.principal,
                              &parts_.server,
                              &session,
                              nullptr,
                              session.id,
                              {commands::BotOf(session), incoming.received}};
    outcome = plan.spec->run(context, args_, writer);
    if (!outcome.ok() && outcome.error().code == Code::kWouldBlock) {
      out.Truncate(start);
      return false;
    }
  }
  Settle(outcome, incoming.request, start, out);
  const std::int64_t micros = (clock_.Elapsed() - incoming.received) / base::kNanosPerMicro;
  parts_.shard.Record(plan.command, static_cast<std::uint64_t>(micros), !outcome.ok());
  RecordSlow(plan.command, static_cast<std::uint64_t>(micros), *session.principal, session.peer,
             incoming.frame.size());
  return true;
}

bool Dispatcher::Offload(const Plan& plan, const Incoming& incoming,
                         const commands::Session& session, const ReplyTo& reply_to,
                         base::Buffer& out) {
  auto job = std::make_unique<Job>(*this);
  job->plan = plan;
  job->frame = incoming.frame;
  const auto moved = [&](std::string_view view) {
    return std::string_view(job->frame)
        .substr(static_cast<std::size_t>(view.data() - incoming.frame.data()), view.size());
  };
  job->request = incoming.request;
  job->request.method = moved(incoming.request.method);
  job->request.params = moved(incoming.request.params);
  if (const base::Status decoded = job->args.Decode(*plan.spec, job->request.params);
      !decoded.ok()) {
    AppendRefusal(incoming.request, decoded.error(), out);
    parts_.shard.Record(plan.command, 0, true);
    return false;
  }
  job->principal = session.principal;
  job->access_version = session.access_version;
  job->config = Config();
  job->peer = session.peer;
  job->bot = commands::BotOf(session);
  job->reply_to = reply_to;
  job->reply_to.owner = session.id;
  job->received = incoming.received;
  if (plan.lane == Lane::kWriter) {
    writes_.push_back(std::make_unique<WriteCall>(std::move(job)));
    return true;
  }
  if (!parts_.instance.store().PostRead(std::make_unique<ReadCall>(std::move(job)))) {
    AppendRefusal(incoming.request, {Code::kBusy, std::string(kQueueFull)}, out);
    parts_.shard.Record(plan.command, 0, true);
    return false;
  }
  return true;
}

void Dispatcher::EndTurn() {
  if (writes_.empty()) {
    return;
  }
  if (!parts_.instance.store().Submit(writes_)) {
    std::vector<std::unique_ptr<storage::Mutation>> refused = std::move(writes_);
    for (auto& mutation : refused) {
      auto& call = static_cast<WriteCall&>(*mutation);
      const std::unique_ptr<Job> job = call.Release();
      job->Settle(Error{Code::kBusy,
                        "the write queue is full; retry with back-off (store.write_queue_items)"});
      Finish(*job);
    }
  }
  writes_.clear();
}

void Dispatcher::Finish(Job& job) {
  const auto micros =
      static_cast<std::uint64_t>((clock_.Elapsed() - job.received) / base::kNanosPerMicro);
  parts_.shard.Record(job.plan.command, micros, job.failed);
  if (!job.plan.Is(commands::kWaits)) {  // Waiting is not slow.
    RecordSlow(job.plan.command, micros, *job.principal, job.peer, job.frame.size());
  }
  parts_.deliver(job.reply_to, std::move(job.reply));
}

void Dispatcher::RecordSlow(std::size_t command, std::uint64_t micros,
                            const access::Principal& principal,
                            const std::shared_ptr<const std::string>& peer,
                            std::size_t request_bytes) {
  if (micros < static_cast<std::uint64_t>(Config()->log.slow_micros)) {
    return;
  }
  telemetry::SlowCommand slow;
  slow.time = clock_.Now();
  slow.command = std::string(commands::AllCommands()[command]->name);
  slow.duration_micros = micros;
  slow.name_space = principal.namespace_name;
  slow.peer = *peer;
  slow.request_bytes = request_bytes;
  base::Buffer event;
  wire::Writer writer(event);
  writer.Map(4);
  writer.Field("command", slow.command);
  writer.Field("duration_micros", slow.duration_micros);
  writer.Field("namespace", slow.name_space);
  writer.Field("peer", slow.peer);
  (void)parts_.server.events.Publish(commands::kSlowChannel, event.view()).ok();
  parts_.server.slow_log.Add(std::move(slow));
}

}  // namespace reprise::dispatch
