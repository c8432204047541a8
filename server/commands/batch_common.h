// What several commands of the jobs family share: tasks as bots write them, how tasks and batches
// are told, who asks about a lease. Threads: as the command.
#pragma once

#include <array>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"
#include "server/jobs/jobs.h"
#include "server/telemetry/event_hub.h"

namespace reprise::commands {

inline constexpr ArgSpec kTicketArg{.name = "ticket",
                                    .kind = ArgKind::kText,
                                    .doc = "as BATCH.SUBMIT gave it",
                                    .min = 1,
                                    .max = base::limits::kNameBytes.value};
inline constexpr ArgSpec kBatchLeaseArg{.name = "lease",
                                        .kind = ArgKind::kText,
                                        .doc = "as BATCH.TAKE gave it",
                                        .min = 1,
                                        .max = base::limits::kNameBytes.value};
inline constexpr ArgSpec kWorkerArg{.name = "worker",
                                    .kind = ArgKind::kText,
                                    .doc = "the worker's name, for BATCH.BEAT and BATCH.STATS",
                                    .min = 1,
                                    .max = base::limits::kNameBytes.value};
inline constexpr ArgSpec kLeaseMsOption{
    .name = "lease_ms",
    .kind = ArgKind::kMillis,
    .doc = "how long the worker has the batch from now on; jobs.lease_ms when not given",
    .min = base::limits::kLeaseMs.floor,
    .max = base::limits::kLeaseMs.ceiling};
inline constexpr ArgSpec kCategoryOption{.name = "category",
                                         .kind = ArgKind::kText,
                                         .doc = "all categories when not given",
                                         .max = base::limits::kNameBytes.value};
inline constexpr ArgSpec kQueueModelOption{.name = "model",
                                           .kind = ArgKind::kText,
                                           .doc = "all models when not given",
                                           .max = base::limits::kTagBytes.value};

// BATCH.PAUSE and BATCH.RESUME: both have these options, in this order.
inline constexpr std::array kPauseOptions{kCategoryOption, kQueueModelOption};
base::Status SetPaused(Context& context, const Args& args, bool is_paused, wire::Writer& reply);

// Errors: kBadRequest, naming the command and what was found.
base::Result<jobs::TaskId> TicketOf(std::string_view command, std::string_view text);
// Who asks, and about which lease.
base::Result<jobs::LeaseAsk> LeaseAskOf(const Context& context, std::string_view command,
                                        std::string_view text);
// An array of tickets; empty bytes are none. Errors: also kTooLarge.
base::Result<std::vector<jobs::TaskId>> TicketsOf(std::string_view command, std::string_view array);
// Names of an option of kind kTexts, each of at most `bytes_max`.
base::Result<std::vector<std::string>> NamesOf(std::string_view what, std::string_view array,
                                               std::size_t bytes_max);
// What follows "jobs:" in the name of a channel, and what `reply_to` of a task may be.
base::Status CheckReplyTo(std::string_view reply_to);

// The tasks of BATCH.SUBMIT. Views point into the request, and into the categories that were found.
struct TasksAsked {
  std::vector<jobs::Submission> tasks;
  std::deque<std::string> categories;
};
// Errors name the task and the field.
base::Result<TasksAsked> TasksOf(const Context& context, std::string_view tasks);

// "queued", "leased", "failed" (a dead letter).
std::string_view StatusOf(const jobs::TaskView& view);
// A task that waits, runs, or is dead: fields of a map.
void WriteTask(const jobs::TaskView& view, base::UnixMillis now, wire::Writer& reply);
// One that has ended.
void WriteResult(jobs::TaskId id, const jobs::ResultRow& row, wire::Writer& reply);

// Tells the subscribers of a task's `reply_to` that it has ended.
void PublishEnd(const jobs::Notice& notice, telemetry::EventHub& events);

}  // namespace reprise::commands
