// Dispatcher: takes a request to the thread that may run it, and brings the reply back. One for
// each loop.
//
//   kInline   on the loop: commands that cannot block, and reads that memory can answer
//   kWriter   on the store's writer thread, in a transaction; all of one loop turn are submitted
//   together kStorage  on a storage thread: reads that need the disk, and long work
//
// Threads: every method on its loop; replies of kWriter and kStorage arrive through the loop's
// mailbox. Errors: go into the reply. Limits: the queues of the store; a full one is answered
// `busy`. Lifetime: outlives its loop's sessions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "protocol/base/buffer.h"
#include "protocol/base/clock.h"
#include "protocol/base/mailbox.h"
#include "protocol/base/thread_role.h"
#include "protocol/wire/message.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/server_state.h"
#include "server/commands/spec.h"
#include "server/instance/instance.h"

namespace reprise::dispatch {

enum class Lane : std::uint8_t { kInline, kWriter, kStorage };

// A request that passed the gates.
struct Plan {
  const commands::CommandSpec* spec = nullptr;
  std::size_t command = 0;  // index in AllCommands()
  Lane lane = Lane::kInline;

  bool Is(commands::Flag flag) const { return (spec->flags & flag) != 0; }
};

// Names a session without pointing at it: a reply to one that has gone is dropped.
struct SessionRef {
  std::uint32_t slot = 0;
  std::uint32_t generation = 0;
};

// Which request of which session a reply belongs to.
struct ReplyTo {
  SessionRef session;
  std::uint64_t ticket = 0;
  Lane lane = Lane::kInline;
  bool waits = false;
  std::uint64_t owner = 0;  // the connection's id
};

struct Incoming {
  wire::Request request;
  std::string_view frame;  // the bytes that `request` points into
  base::Nanos received{0};
};

class Dispatcher {
 public:
  struct Parts {
    instance::Instance& instance;
    commands::ServerState& server;
    base::Mailbox& mailbox;  // of this loop
    telemetry::Shard& shard;
    // Called on the loop with each reply that was not given at once.
    std::function<void(const ReplyTo&, base::Buffer reply)> deliver;
    // Called on the loop with an event for one session.
    std::function<void(const SessionRef&, std::string_view channel, std::string_view event)> notify;
  };
  explicit Dispatcher(Parts parts);
  ~Dispatcher();
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;
  Dispatcher(Dispatcher&&) = delete;
  Dispatcher& operator=(Dispatcher&&) = delete;

  // Finds the command and asks the gates.
  base::Result<Plan> Admit(const wire::Request& request, commands::Session& session) ON_LOOP_THREAD;

  // Appends the response. False when the read needs the disk: nothing is appended, and the caller
  // offloads it with Lane::kStorage.
  bool RunInline(const Plan& plan, const Incoming& incoming, commands::Session& session,
                 base::Buffer& out) ON_LOOP_THREAD;

  // Copies the frame and queues the request. False when it could not be queued: the response is
  // appended to `out` then.
  bool Offload(const Plan& plan, const Incoming& incoming, const commands::Session& session,
               const ReplyTo& reply_to, base::Buffer& out) ON_LOOP_THREAD;

  // Counts a request that never got to its command.
  void AppendRefusal(const wire::Request& request, const base::Error& error,
                     base::Buffer& out) ON_LOOP_THREAD;

  // Hands the writes of this turn to the writer.
  void EndTurn() ON_LOOP_THREAD;

  // The configuration, looked up again when it changed.
  const std::shared_ptr<const config::Config>& Config() ON_LOOP_THREAD;

  instance::Instance& instance() { return parts_.instance; }
  commands::ServerState& server() { return parts_.server; }

 private:
  class WriteCall;
  class Parking;
  class ReadCall;
  class Waiting;
  struct Job;

  void Finish(Job& job) ON_LOOP_THREAD;
  void RecordSlow(std::size_t command, std::uint64_t micros, const access::Principal& principal,
                  const std::shared_ptr<const std::string>& peer,
                  std::size_t request_bytes) ON_LOOP_THREAD;

  Parts parts_;
  const base::Clock& clock_;
  commands::Args args_ OWNED_BY_LOOP;  // of the inline command; memory is reused
  std::vector<std::unique_ptr<storage::Mutation>> writes_ OWNED_BY_LOOP;
  std::shared_ptr<const config::Config> config_ OWNED_BY_LOOP;
  std::uint64_t config_version_ OWNED_BY_LOOP = 0;
};

}  // namespace reprise::dispatch
