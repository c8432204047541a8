// The tasks of BATCH.SUBMIT as bots write them: maps, checked field by field.
#include <algorithm>
#include <array>
#include <utility>

#include "protocol/wire/reader.h"
#include "server/commands/batch_common.h"
#include "server/commands/batch_fill.h"

namespace reprise::commands {
namespace {

namespace limits = base::limits;
using base::Code;
using base::Error;
using jobs::Submission;

// One task while it is read.
struct Draft {
  Submission task;
  std::int64_t now_ms = 0;
  std::size_t payload_bytes_max = 0;
  std::string_view text;  // what a category is found by
};

base::Result<std::string_view> TextField(wire::Reader& reader, std::int64_t bytes_max) {
  ASSIGN_OR_RETURN(const std::string_view text, reader.Text());
  if (text.size() > static_cast<std::size_t>(bytes_max)) {
    return Error{Code::kTooLarge, "has " + std::to_string(text.size()) + " bytes, the limit is " +
                                      std::to_string(bytes_max)};
  }
  return text;
}

base::Result<std::int64_t> NumberField(wire::Reader& reader, std::int64_t min, std::int64_t max) {
  ASSIGN_OR_RETURN(const std::int64_t number, reader.Int());
  if (number < min || number > max) {
    return Error{Code::kBadRequest, "must be from " + std::to_string(min) + " to " +
                                        std::to_string(max) + ", found " + std::to_string(number)};
  }
  return number;
}

base::Result<std::string_view> ValueField(wire::Reader& reader, std::size_t bytes_max) {
  ASSIGN_OR_RETURN(const std::string_view raw, reader.Raw());
  if (raw.size() > bytes_max) {
    return Error{Code::kTooLarge, "has " + std::to_string(raw.size()) + " bytes, the limit is " +
                                      std::to_string(bytes_max) + " (jobs.payload_bytes_max)"};
  }
  return raw;
}

// Writes a text of the row into a member.
template <std::string_view Submission::*Member, std::int64_t BytesMax>
base::Status ReadText(wire::Reader& reader, Draft& draft) {
  ASSIGN_OR_RETURN(draft.task.*Member, TextField(reader, BytesMax));
  return base::Ok{};
}
template <std::string_view Submission::*Member>
base::Status ReadValue(wire::Reader& reader, Draft& draft) {
  ASSIGN_OR_RETURN(draft.task.*Member, ValueField(reader, draft.payload_bytes_max));
  return base::Ok{};
}

base::Status ReadPriority(wire::Reader& reader, Draft& draft) {
  ASSIGN_OR_RETURN(const std::int64_t number,
                   NumberField(reader, limits::kJobPriority.floor, limits::kJobPriority.ceiling));
  draft.task.priority = static_cast<std::uint8_t>(number);
  return base::Ok{};
}

base::Status ReadMaxWait(wire::Reader& reader, Draft& draft) {
  ASSIGN_OR_RETURN(const std::int64_t number,
                   NumberField(reader, limits::kJobMaxWaitMs.floor, limits::kJobMaxWaitMs.ceiling));
  draft.task.max_wait_ms = static_cast<std::uint32_t>(number);
  return base::Ok{};
}

base::Status ReadAttempts(wire::Reader& reader, Draft& draft) {
  ASSIGN_OR_RETURN(const std::int64_t number,
                   NumberField(reader, limits::kJobAttempts.floor, limits::kJobAttempts.ceiling));
  draft.task.attempts_max = static_cast<std::uint8_t>(number);
  return base::Ok{};
}

base::Status ReadTokens(wire::Reader& reader, Draft& draft) {
  constexpr std::int64_t kTokensMost = 1'000'000'000;
  ASSIGN_OR_RETURN(const std::int64_t number, NumberField(reader, 0, kTokensMost));
  draft.task.tokens = static_cast<std::uint32_t>(number);
  return base::Ok{};
}

base::Status ReadDelay(wire::Reader& reader, Draft& draft) {
  ASSIGN_OR_RETURN(const std::int64_t delay_ms,
                   NumberField(reader, 0, limits::kJobDelayMs.ceiling));
  draft.task.not_before_ms = draft.now_ms + delay_ms;
  return base::Ok{};
}

base::Status ReadNotBefore(wire::Reader& reader, Draft& draft) {
  ASSIGN_OR_RETURN(draft.task.not_before_ms,
                   NumberField(reader, 0, draft.now_ms + limits::kJobDelayMs.ceiling));
  return base::Ok{};
}

base::Status ReadDeadline(wire::Reader& reader, Draft& draft) {
  ASSIGN_OR_RETURN(const std::int64_t deadline_ms, reader.Int());
  if (deadline_ms <= draft.now_ms) {
    return Error{Code::kBadRequest, "is in the past: it is " + std::to_string(deadline_ms) +
                                        ", and now is " + std::to_string(draft.now_ms) +
                                        " (milliseconds since 1970)"};
  }
  if (deadline_ms > draft.now_ms + limits::kJobDelayMs.ceiling) {
    return Error{Code::kBadRequest,
                 "lies more than " + std::to_string(limits::kJobDelayMs.ceiling) + " ms ahead"};
  }
  draft.task.deadline_ms = deadline_ms;
  return base::Ok{};
}

base::Status ReadDeadlineIn(wire::Reader& reader, Draft& draft) {
  ASSIGN_OR_RETURN(const std::int64_t in_ms, NumberField(reader, 1, limits::kJobDelayMs.ceiling));
  draft.task.deadline_ms = draft.now_ms + in_ms;
  return base::Ok{};
}

base::Status ReadDefer(wire::Reader& reader, Draft& draft) {
  ASSIGN_OR_RETURN(const std::string_view name, reader.Text());
  const auto defer = jobs::DeferNamed(name);
  if (!defer.has_value()) {
    return Error{Code::kBadRequest, "must be never, offpeak or any"};
  }
  draft.task.defer = *defer;
  return base::Ok{};
}

base::Status ReadReplyTo(wire::Reader& reader, Draft& draft) {
  ASSIGN_OR_RETURN(draft.task.reply_to, reader.Text());
  return CheckReplyTo(draft.task.reply_to);
}

base::Status ReadTextToClassify(wire::Reader& reader, Draft& draft) {
  ASSIGN_OR_RETURN(draft.text, TextField(reader, limits::kPromptBytes.ceiling));
  return base::Ok{};
}

base::Status ReadFill(wire::Reader& reader, Draft& draft) {
  ASSIGN_OR_RETURN(draft.task.fill, ValueField(reader, draft.payload_bytes_max));
  return CheckFill(draft.task.fill);
}

// Tickets, and numbers of tasks in the same call.
base::Status ReadAfter(wire::Reader& reader, Draft& draft) {
  ASSIGN_OR_RETURN(const std::uint32_t count, reader.Array());
  if (count > limits::kJobAfter.value) {
    return Error{Code::kTooLarge, "job_after: it names " + std::to_string(count) +
                                      " tasks, the limit is " +
                                      std::to_string(limits::kJobAfter.value)};
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    ASSIGN_OR_RETURN(const wire::Kind kind, reader.Peek());
    if (kind == wire::Kind::kUint) {
      ASSIGN_OR_RETURN(const std::uint64_t index, reader.Uint());
      draft.task.after.emplace_back(static_cast<std::size_t>(index));
      continue;
    }
    ASSIGN_OR_RETURN(const std::string_view text, reader.Text());
    const auto id = jobs::ParseTicket(text);
    if (!id.has_value()) {
      return Error{Code::kBadRequest,
                   "takes tickets, and numbers of tasks in the same call, from 0"};
    }
    draft.task.after.emplace_back(*id);
  }
  return base::Ok{};
}

struct FieldRow {
  std::string_view name;
  base::Status (*read)(wire::Reader& reader, Draft& draft);
};
constexpr std::array kFields{
    FieldRow{"payload", &ReadValue<&Submission::payload>},
    FieldRow{"category", &ReadText<&Submission::category, limits::kNameBytes.value>},
    FieldRow{"text", &ReadTextToClassify},
    FieldRow{"model", &ReadText<&Submission::model, limits::kTagBytes.value>},
    FieldRow{"context", &ReadValue<&Submission::context>},
    FieldRow{"context_key", &ReadText<&Submission::context_key, limits::kTagBytes.value>},
    FieldRow{"parameters", &ReadValue<&Submission::parameters>},
    FieldRow{"priority", &ReadPriority},
    FieldRow{"max_wait_ms", &ReadMaxWait},
    FieldRow{"delay_ms", &ReadDelay},
    FieldRow{"not_before_ms", &ReadNotBefore},
    FieldRow{"deadline_ms", &ReadDeadline},
    FieldRow{"deadline_in_ms", &ReadDeadlineIn},
    FieldRow{"defer", &ReadDefer},
    FieldRow{"dedup", &ReadText<&Submission::dedup, limits::kKeyBytes.value>},
    FieldRow{"custom_id", &ReadText<&Submission::custom_id, limits::kTagBytes.value>},
    FieldRow{"reply_to", &ReadReplyTo},
    FieldRow{"after", &ReadAfter},
    FieldRow{"tokens", &ReadTokens},
    FieldRow{"max_attempts", &ReadAttempts},
    FieldRow{"fill", &ReadFill},
};

Error UnknownField() {
  std::string allowed;
  for (const FieldRow& row : kFields) {
    allowed += (allowed.empty() ? "" : ", ") + std::string(row.name);
  }
  return {Code::kBadRequest, "has a field that is not known; allowed are " + allowed};
}

base::Status ReadTask(wire::Reader& reader, Draft& draft) {
  ASSIGN_OR_RETURN(const std::uint32_t pairs, reader.Map());
  std::array<bool, kFields.size()> seen{};
  for (std::uint32_t i = 0; i < pairs; ++i) {
    ASSIGN_OR_RETURN(const std::string_view name, reader.Text());
    const auto row = std::find_if(kFields.begin(), kFields.end(),
                                  [&](const FieldRow& known) { return known.name == name; });
    if (row == kFields.end()) {
      return UnknownField();
    }
    bool& is_seen = seen[static_cast<std::size_t>(row - kFields.begin())];
    if (std::exchange(is_seen, true)) {
      return Error{Code::kBadRequest, "has '" + std::string(name) + "' twice"};
    }
    ASSIGN_OR_RETURN(const wire::Kind kind, reader.Peek());
    if (kind == wire::Kind::kNil && name != "payload") {
      RETURN_IF_ERROR(reader.Raw());
      continue;
    }
    if (const base::Status read = row->read(reader, draft); !read.ok()) {
      return Error{read.error().code, "'" + std::string(name) + "' " + read.error().detail};
    }
  }
  if (!seen[0]) {
    return Error{Code::kBadRequest, "has no 'payload'"};
  }
  const Submission& task = draft.task;
  if (task.deadline_ms != 0 && task.deadline_ms <= task.not_before_ms) {
    return Error{Code::kBadRequest, "has a deadline that is not behind the time it may begin at"};
  }
  return base::Ok{};
}

std::string_view TextIn(std::string_view payload);

// Of an array of messages: what the last one with words says.
std::string_view TextOfMessages(std::string_view messages) {
  wire::Reader reader(messages);
  const auto count = reader.Array();
  std::string_view found;
  for (std::uint32_t i = 0; count.ok() && i < count.value(); ++i) {
    const auto message = reader.Raw();
    if (!message.ok()) {
      break;
    }
    const std::string_view said = TextIn(message.value());
    found = said.empty() ? found : said;
  }
  return found;
}

// The words of a member of a payload; empty: it has none.
std::string_view TextOfMember(std::string_view name, std::string_view value) {
  if (name == "messages") {
    return TextOfMessages(value);
  }
  if (name != "prompt" && name != "text" && name != "content" && name != "input") {
    return {};
  }
  const auto text = wire::Reader(value).Text();
  return text.ok() ? text.value() : std::string_view();
}

// The words of a payload: itself, or what the user said last in a chat request.
std::string_view TextIn(std::string_view payload) {
  if (const auto text = wire::Reader(payload).Text(); text.ok()) {
    return text.value();
  }
  wire::Reader map(payload);
  const auto pairs = map.Map();
  std::string_view found;
  for (std::uint32_t i = 0; pairs.ok() && i < pairs.value(); ++i) {
    const auto name = map.Text();
    const auto value = map.Raw();
    if (!name.ok() || !value.ok()) {
      break;
    }
    const std::string_view said = TextOfMember(name.value(), value.value());
    found = said.empty() ? found : said;
  }
  return found;
}

}  // namespace

base::Result<TasksAsked> TasksOf(const Context& context, std::string_view tasks) {
  wire::Reader reader(tasks);
  ASSIGN_OR_RETURN(const wire::Kind kind, reader.Peek());
  std::uint32_t count = 1;
  if (kind == wire::Kind::kArray) {
    ASSIGN_OR_RETURN(count, reader.Array());
  } else if (kind != wire::Kind::kMap) {
    return Error{Code::kBadRequest, "BATCH.SUBMIT takes one task, a map, or an array of tasks"};
  }
  if (count == 0 || count > limits::kJobsPerCall.value) {
    return Error{count == 0 ? Code::kBadRequest : Code::kTooLarge,
                 "BATCH.SUBMIT: jobs_per_call: " + std::to_string(count) +
                     " tasks, allowed are 1 to " + std::to_string(limits::kJobsPerCall.value)};
  }
  TasksAsked asked;
  asked.tasks.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    Draft draft;
    draft.now_ms = base::ToInt(context.now());
    draft.payload_bytes_max = static_cast<std::size_t>(context.config.jobs.payload_bytes_max);
    if (const base::Status read = ReadTask(reader, draft); !read.ok()) {
      return Error{read.error().code,
                   "BATCH.SUBMIT: task " + std::to_string(i) + ": " + read.error().detail};
    }
    if (draft.task.category.empty()) {
      asked.categories.push_back(
          context.instance.jobs()
              .Classify(context.principal.namespace_id,
                        draft.text.empty() ? TextIn(draft.task.payload) : draft.text)
              .category);
      draft.task.category = asked.categories.back();
    }
    asked.tasks.push_back(std::move(draft.task));
  }
  return asked;
}

}  // namespace reprise::commands
