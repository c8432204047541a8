#include "client/cpp/jobs.h"

#include <algorithm>
#include <utility>

#include "client/cpp/fields.h"
#include "protocol/base/clock.h"

namespace reprise::client {
namespace {

using base::Value;

// On top of what the server waits, for the way there and back.
constexpr std::int64_t kWayMs = 5'000;
// The longest wait of one call of SubmitAndWait.
constexpr std::int64_t kSliceMs = 30'000;

Value Member(const Value& map, std::string_view name) {
  const Value* found = map.Find(name);
  return found == nullptr ? Value() : *found;
}

std::optional<std::uint64_t> MaybeUint(const Value& map, std::string_view name) {
  return Member(map, name).AsUint();
}

void AddIfGiven(std::string_view name, const Value& value, OptionMap& map) {
  if (!value.IsNil()) {
    map.Add(name, value);
  }
}

Value TaskOf(const Job& job) {
  OptionMap map;
  map.Add("payload", job.payload);
  map.AddIfSet("category", job.category);
  map.AddIfSet("text", job.text);
  map.AddIfSet("model", job.model);
  AddIfGiven("context", job.context, map);
  map.AddIfSet("context_key", job.context_key);
  AddIfGiven("parameters", job.parameters, map);
  if (job.priority.has_value()) {
    map.Add("priority", *job.priority);
  }
  if (job.max_wait_ms.has_value()) {
    map.Add("max_wait_ms", *job.max_wait_ms);
  }
  map.AddIfSet("delay_ms", job.delay_ms);
  map.AddIfSet("deadline_in_ms", job.deadline_in_ms);
  map.AddIfSet("defer", job.defer);
  map.AddIfSet("dedup", job.dedup);
  map.AddIfSet("custom_id", job.custom_id);
  map.AddIfSet("reply_to", job.reply_to);
  map.AddIfSet("after", job.after);
  if (job.tokens.has_value()) {
    map.Add("tokens", *job.tokens);
  }
  map.AddIfSet("max_attempts", std::int64_t{job.max_attempts});
  AddIfGiven("fill", job.fill, map);
  Value::Array one;
  std::move(map).AppendTo(one);
  return std::move(one.front());
}

JobState StateOf(const Value& map) {
  JobState state;
  state.status = TextOf(map, "status");
  state.phase = TextOf(map, "phase");
  state.ticket = TextOf(map, "ticket");
  state.custom_id = TextOf(map, "custom_id");
  state.error = TextOf(map, "error");
  state.attempts = IntOf(map, "attempts");
  state.result = Member(map, "result");
  state.usage = Member(map, "usage");
  state.cost_nano = MaybeUint(map, "cost_nano");
  return state;
}

JobBatch BatchOf(const Value& map) {
  JobBatch batch;
  batch.lease = TextOf(map, "lease");
  batch.lease_ms = IntOf(map, "lease_ms");
  batch.name_space = TextOf(map, "namespace");
  batch.category = TextOf(map, "category");
  batch.model = TextOf(map, "model");
  batch.context_key = TextOf(map, "context_key");
  batch.context = Member(map, "context");
  batch.parameters = Member(map, "parameters");
  batch.prompt = TextOf(map, "template");
  batch.lines = TextsOf(map, "lines");
  const Value items = Member(map, "items");
  for (const Value& item : items.AsArray() == nullptr ? Value::Array() : *items.AsArray()) {
    batch.items.push_back({TextOf(item, "ticket"), Member(item, "payload"),
                           TextOf(item, "custom_id"), IntOf(item, "attempt"), IntOf(item, "age_ms"),
                           Member(item, "deadline_ms").AsInt()});
  }
  return batch;
}

// Waits at least as long as the server may.
CallOptions Patient(CallOptions call, std::int64_t wait_ms) {
  if (wait_ms > 0 && call.timeout_ms == 0) {
    call.timeout_ms = wait_ms + kWayMs;
  }
  return call;
}

}  // namespace

base::Result<std::vector<JobTicket>> JobCommands::Submit(const std::vector<Job>& jobs,
                                                         const CallOptions& call) {
  Value::Array tasks;
  for (const Job& job : jobs) {
    tasks.push_back(TaskOf(job));
  }
  CallOptions options = call;
  const bool is_known_again =
      std::all_of(jobs.begin(), jobs.end(), [](const Job& job) { return !job.dedup.empty(); });
  if (is_known_again && options.retry == Retry::kSafe) {
    options.retry = Retry::kAlways;
  }
  ASSIGN_OR_RETURN(const Value reply,
                   caller_.Call("BATCH.SUBMIT", {Value(std::move(tasks))}, options));
  ASSIGN_OR_RETURN(const Value::Array* items, ExpectArray(reply, "BATCH.SUBMIT"));
  std::vector<JobTicket> tickets;
  for (const Value& item : *items) {
    tickets.push_back({TextOf(item, "ticket"), BoolOf(item, "duplicate"), TextOf(item, "category"),
                       IntOf(item, "not_before_ms"), TextOf(item, "deferral")});
  }
  if (tickets.size() != jobs.size()) {
    return base::Error{base::Code::kCorrupt,
                       "BATCH.SUBMIT answered with another number of tickets"};
  }
  return tickets;
}

base::Result<JobState> JobCommands::Result(std::string_view ticket, std::int64_t wait_ms,
                                           const CallOptions& call) {
  OptionMap map;
  map.AddIfSet("wait_ms", wait_ms);
  Value::Array params{ticket};
  std::move(map).AppendTo(params);
  ASSIGN_OR_RETURN(const Value reply, caller_.Call("BATCH.RESULT", params, Patient(call, wait_ms)));
  RETURN_IF_ERROR(ExpectMap(reply, "BATCH.RESULT"));
  return StateOf(reply);
}

base::Result<JobState> JobCommands::SubmitAndWait(const Job& job, std::int64_t wait_ms,
                                                  const CallOptions& call) {
  ASSIGN_OR_RETURN(const std::vector<JobTicket> tickets, Submit({job}, call));
  const base::SystemClock clock;
  const base::Nanos end = clock.Elapsed() + wait_ms * base::kNanosPerMilli;
  for (;;) {
    const std::int64_t left_ms =
        std::max<std::int64_t>((end - clock.Elapsed()) / base::kNanosPerMilli, 0);
    ASSIGN_OR_RETURN(JobState state,
                     Result(tickets.front().ticket, std::min(left_ms, kSliceMs), call));
    if (state.ended() || left_ms == 0) {
      return state;
    }
  }
}

base::Result<bool> JobCommands::Cancel(std::string_view ticket, const CallOptions& call) {
  ASSIGN_OR_RETURN(const Value reply, caller_.Call("BATCH.CANCEL", {ticket}, call));
  RETURN_IF_ERROR(ExpectMap(reply, "BATCH.CANCEL"));
  return BoolOf(reply, "canceled");
}

base::Result<std::optional<JobBatch>> JobCommands::Take(std::string_view worker,
                                                        const TakeOptions& options,
                                                        const CallOptions& call) {
  OptionMap map;
  map.AddIfSet("categories", options.categories);
  map.AddIfSet("models", options.models);
  map.AddIfSet("max_items", options.max_items);
  map.AddIfSet("max_tokens", options.max_tokens);
  map.AddIfSet("wait_ms", options.wait_ms);
  map.AddIfSet("lease_ms", options.lease_ms);
  map.AddIfSet("format", options.format);
  if (options.all_namespaces) {
    map.Add("all_namespaces", true);
  }
  Value::Array params{worker};
  std::move(map).AppendTo(params);
  ASSIGN_OR_RETURN(const Value reply,
                   caller_.Call("BATCH.TAKE", params, Patient(call, options.wait_ms)));
  if (reply.IsNil()) {
    return std::optional<JobBatch>();
  }
  RETURN_IF_ERROR(ExpectMap(reply, "BATCH.TAKE"));
  return std::optional<JobBatch>(BatchOf(reply));
}

base::Result<std::int64_t> JobCommands::Extend(std::string_view lease, std::int64_t lease_ms,
                                               const CallOptions& call) {
  OptionMap map;
  map.AddIfSet("lease_ms", lease_ms);
  Value::Array params{lease};
  std::move(map).AppendTo(params);
  ASSIGN_OR_RETURN(const Value reply, caller_.Call("BATCH.EXTEND", params, call));
  RETURN_IF_ERROR(ExpectMap(reply, "BATCH.EXTEND"));
  return IntOf(reply, "lease_ms");
}

base::Status JobCommands::Complete(std::string_view lease, const std::vector<JobDone>& items,
                                   const CallOptions& call) {
  Value::Array list;
  for (const JobDone& done : items) {
    OptionMap item;
    item.Add("ticket", done.ticket);
    item.Add("result", done.result);
    AddIfGiven("usage", done.usage, item);
    if (done.cost_nano.has_value()) {
      item.Add("cost_nano", *done.cost_nano);
    }
    std::move(item).AppendTo(list);
  }
  OptionMap map;
  map.Add("items", std::move(list));
  Value::Array params{lease};
  std::move(map).AppendTo(params);
  RETURN_IF_ERROR(caller_.Call("BATCH.COMPLETE", params, call));
  return base::Ok{};
}

base::Status JobCommands::Fail(std::string_view lease, const JobFailure& failure,
                               const CallOptions& call) {
  OptionMap map;
  map.AddIfSet("error", failure.error);
  if (!failure.may_retry) {
    map.Add("retry", false);
  }
  Value::Array params{lease, failure.ticket.empty() ? Value() : Value(failure.ticket)};
  std::move(map).AppendTo(params);
  RETURN_IF_ERROR(caller_.Call("BATCH.FAIL", params, call));
  return base::Ok{};
}

}  // namespace reprise::client
