#include "server/commands/batch_common.h"

#include <algorithm>

#include "protocol/wire/reader.h"
#include "protocol/wire/writer.h"
#include "server/commands/channels.h"

namespace reprise::commands {
namespace {

using base::Code;
using base::Error;

// What a queued task waits for, in one word.
std::string_view PhaseOf(const jobs::TaskView& view) {
  switch (view.place) {
    case jobs::Place::kBlocked:
      return "blocked";
    case jobs::Place::kDelayed: {
      const bool is_deferred = view.defer_reason == jobs::DeferReason::kWindow ||
                               view.defer_reason == jobs::DeferReason::kPeak;
      return is_deferred ? "deferred" : "delayed";
    }
    case jobs::Place::kReady:
      return view.paused ? "paused" : "ready";
    case jobs::Place::kLeased:
      return "leased";
    case jobs::Place::kDead:
      return "dead";
    case jobs::Place::kFree:
      break;
  }
  return "free";
}

}  // namespace

base::Result<jobs::TaskId> TicketOf(std::string_view command, std::string_view text) {
  if (const auto id = jobs::ParseTicket(text)) {
    return *id;
  }
  return Error{
      Code::kBadRequest,
      std::string(command) + ": a ticket is 16 hexadecimal digits, as BATCH.SUBMIT gave it"};
}

base::Result<jobs::LeaseAsk> LeaseAskOf(const Context& context, std::string_view command,
                                        std::string_view text) {
  const auto token = jobs::ParseLease(text);
  if (!token.has_value()) {
    return Error{
        Code::kBadRequest,
        std::string(command) + ": a lease is 32 hexadecimal digits, as BATCH.TAKE gave it"};
  }
  const bool is_server_worker = (context.principal.permissions & access::kMayAdminister) != 0;
  return jobs::LeaseAsk{context.principal.namespace_id, is_server_worker, *token};
}

base::Result<std::vector<jobs::TaskId>> TicketsOf(std::string_view command,
                                                  std::string_view array) {
  std::vector<jobs::TaskId> ids;
  if (array.empty()) {
    return ids;
  }
  wire::Reader reader(array);
  ASSIGN_OR_RETURN(const std::uint32_t count, reader.Array());
  if (count > base::limits::kJobsPerCall.value) {
    return Error{Code::kTooLarge,
                 std::string(command) + ": jobs_per_call: " + std::to_string(count) +
                     " tickets, the limit is " + std::to_string(base::limits::kJobsPerCall.value)};
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    ASSIGN_OR_RETURN(const std::string_view text, reader.Text());
    ASSIGN_OR_RETURN(const jobs::TaskId id, TicketOf(command, text));
    ids.push_back(id);
  }
  return ids;
}

base::Result<std::vector<std::string>> NamesOf(std::string_view what, std::string_view array,
                                               std::size_t bytes_max) {
  std::vector<std::string> names;
  if (array.empty()) {
    return names;
  }
  wire::Reader reader(array);
  ASSIGN_OR_RETURN(const std::uint32_t count, reader.Array());
  if (count > base::limits::kJobFilterNames.value) {
    return Error{Code::kTooLarge, "job_filter_names: '" + std::string(what) + "' has " +
                                      std::to_string(count) + " names, the limit is " +
                                      std::to_string(base::limits::kJobFilterNames.value)};
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    ASSIGN_OR_RETURN(const std::string_view name, reader.Str());
    if (name.size() > bytes_max) {
      return Error{Code::kTooLarge, "a name in '" + std::string(what) + "' has " +
                                        std::to_string(name.size()) + " bytes, the limit is " +
                                        std::to_string(bytes_max)};
    }
    names.emplace_back(name);
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

base::Status CheckReplyTo(std::string_view reply_to) {
  const bool is_plain = std::all_of(reply_to.begin(), reply_to.end(), [](char byte) {
    return byte > ' ' && byte < '\x7f' && byte != kNamespaceMark;
  });
  if (reply_to.empty() ||
      reply_to.size() > static_cast<std::size_t>(base::limits::kNameBytes.value) || !is_plain) {
    return Error{Code::kBadRequest,
                 "'reply_to' has 1 to 64 bytes of printable ASCII, without spaces and '@'"};
  }
  return base::Ok{};
}

std::string_view StatusOf(const jobs::TaskView& view) {
  if (view.place == jobs::Place::kDead) {
    return jobs::NameOf(jobs::Outcome::kFailed);
  }
  return view.place == jobs::Place::kLeased ? "leased" : "queued";
}

void WriteTask(const jobs::TaskView& view, base::UnixMillis now, wire::Writer& reply) {
  const bool is_leased = view.place == jobs::Place::kLeased;
  reply.Map(is_leased ? 18 : 16);
  reply.Field("status", StatusOf(view));
  reply.Field("ticket", jobs::TicketText(view.id));
  reply.Field("phase", PhaseOf(view));
  reply.Field("category", view.category);
  reply.Field("model", view.model);
  reply.Field("context_key", view.context_key);
  reply.Field("custom_id", view.custom_id);
  reply.Field("priority", view.priority);
  reply.Field("attempts", view.attempts);
  reply.Field("attempts_max", view.attempts_max);
  reply.Field("age_ms", base::ToInt(now) - view.submitted_ms);
  reply.Str("not_before_ms");
  if (view.place == jobs::Place::kDelayed) {
    reply.Int(view.when_ms);
  } else {
    reply.Nil();
  }
  reply.Str("deadline_ms");
  if (view.deadline_ms != 0) {
    reply.Int(view.deadline_ms);
  } else {
    reply.Nil();
  }
  reply.Field("deferral", jobs::NameOf(view.defer_reason));
  reply.Str("after");
  reply.Array(view.after.size());
  for (const jobs::TaskId id : view.after) {
    reply.Str(jobs::TicketText(id));
  }
  reply.Field("error", view.error);
  if (is_leased) {
    reply.Field("worker", view.worker);
    reply.Field("lease_ms", std::max<std::int64_t>(view.lease_ends_ms - base::ToInt(now), 0));
  }
}

void WriteResult(jobs::TaskId id, const jobs::ResultRow& row, wire::Writer& reply) {
  const auto raw_or_nil = [&reply](std::string_view name, std::string_view raw) {
    reply.Str(name);
    if (raw.empty()) {
      reply.Nil();
    } else {
      reply.Raw(raw);
    }
  };
  reply.Map(12);
  reply.Field("status", jobs::NameOf(row.outcome));
  reply.Field("ticket", jobs::TicketText(id));
  reply.Field("category", row.category);
  reply.Field("model", row.model);
  reply.Field("custom_id", row.custom_id);
  reply.Field("attempts", row.attempts);
  reply.Field("submitted_ms", row.submitted_ms);
  reply.Field("finished_ms", row.finished_ms);
  reply.Field("error", row.error);
  raw_or_nil("usage", row.usage);
  raw_or_nil("result", row.result);
  reply.Str("cost_nano");
  if (row.cost_nano.has_value()) {
    reply.Uint(*row.cost_nano);
  } else {
    reply.Nil();
  }
}

void PublishEnd(const jobs::Notice& notice, telemetry::EventHub& events) {
  if (notice.reply_to.empty()) {
    return;
  }
  base::Buffer event;
  wire::Writer writer(event);
  writer.Map(3);
  writer.Field("ticket", jobs::TicketText(notice.id));
  writer.Field("status", jobs::NameOf(notice.outcome));
  writer.Field("custom_id", notice.custom_id);
  (void)events.Publish(HubChannelOfJobs(notice.reply_to, notice.home), event.view()).ok();
}

base::Status SetPaused(Context& context, const Args& args, bool is_paused, wire::Writer& reply) {
  enum Option : std::size_t { kCategory, kModel };
  const jobs::Pause pause{std::string(args.BytesOr(kCategory, "")),
                          std::string(args.BytesOr(kModel, ""))};
  ASSIGN_OR_RETURN(const bool changed,
                   context.instance.jobs().SetPaused(context.principal.namespace_id, pause,
                                                     is_paused, context.view.transaction()));
  reply.Map(1);
  reply.Field("changed", changed);
  return base::Ok{};
}

}  // namespace reprise::commands
