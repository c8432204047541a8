// BATCH.WINDOWS: the hours in which calls cost less.
#include <cmath>

#include "protocol/wire/reader.h"
#include "protocol/wire/writer.h"
#include "server/calendar/civil.h"
#include "server/commands/args.h"
#include "server/commands/batch_common.h"
#include "server/commands/context.h"
#include "server/commands/server_common.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

using base::Code;
using base::Error;

constexpr std::array kOptions{ArgSpec{
    .name = "set",
    .kind = ArgKind::kValue,
    .doc =
        "an array of windows that takes the place of those in force; a window is a map: from and "
        "to (\"22:00\", up to \"24:00\"; over midnight when `to` is before `from`), days "
        "([\"mon\", ...] on which it begins; all), zone (\"UTC\", \"+02:00\", "
        "\"Europe/Berlin\"; UTC), factor (the part of the price that is paid, 0 to below 1; 0.5), "
        "model (of this one only)",
    .max = 65'536}};
constexpr std::array kErrors{Code::kBadRequest, Code::kNotFound, Code::kTooLarge, Code::kReadOnly};
constexpr std::array kExamples{
    Example{
        R"(["BATCH.WINDOWS", []])",
        R"([{"from": "00:00", "to": "06:00", "days": ["sun", "mon", "tue", "wed", "thu", "fri", "sat"], "zone": "UTC", "factor": 0.5, "model": ""}])"},
    Example{
        R"(["BATCH.WINDOWS", [{"set": [{"from": "22:00", "to": "04:00", "days": ["sat", "sun"], "zone": "+01:00", "factor": 0.25, "model": "m"}]}]])",
        R"([{"from": "22:00", "to": "04:00", "days": ["sun", "sat"], "zone": "+01:00", "factor": 0.25, "model": "m"}])"},
    Example{R"(["BATCH.WINDOWS", [{"set": [{"from": "06:00", "to": "06:00"}]}]])",
            R"({"error": "bad_request"})"},
    Example{R"(["BATCH.WINDOWS", [{"set": []}]])", R"([])"},
};

base::Result<std::int64_t> TimeOfDay(std::string_view name, std::string_view text) {
  const auto seconds = calendar::ParseTimeOfDay(text);
  if (!seconds.has_value()) {
    return Error{Code::kBadRequest, "'" + std::string(name) + "' must read as 22:00"};
  }
  return *seconds;
}

base::Result<std::uint8_t> DaysOf(wire::Reader& reader) {
  ASSIGN_OR_RETURN(const std::uint32_t count, reader.Array());
  std::uint8_t days = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    ASSIGN_OR_RETURN(const std::string_view name, reader.Text());
    const auto day = jobs::DayBit(name);
    if (!day.has_value()) {
      return Error{Code::kBadRequest, "'days' are sun, mon, tue, wed, thu, fri, sat"};
    }
    days = static_cast<std::uint8_t>(days | *day);
  }
  return days;
}

base::Status ReadField(std::string_view name, wire::Reader& reader, jobs::PriceWindow& window) {
  constexpr double kMillion = 1e6;
  if (name == "factor") {
    ASSIGN_OR_RETURN(const double factor, reader.Double());
    if (!(factor >= 0 && factor < 1)) {
      return Error{Code::kBadRequest, "'factor' must be from 0 to below 1"};
    }
    window.factor_ppm = std::llround(factor * kMillion);
    return base::Ok{};
  }
  if (name == "days") {
    ASSIGN_OR_RETURN(window.days, DaysOf(reader));
    return base::Ok{};
  }
  ASSIGN_OR_RETURN(const std::string_view text, reader.Text());
  if (text.size() > static_cast<std::size_t>(base::limits::kTagBytes.value)) {
    return Error{Code::kTooLarge, "'" + std::string(name) + "' has more than 128 bytes"};
  }
  if (name == "from") {
    ASSIGN_OR_RETURN(window.from_s, TimeOfDay(name, text));
  } else if (name == "to") {
    ASSIGN_OR_RETURN(window.to_s, TimeOfDay(name, text));
  } else if (name == "zone") {
    window.zone = text;
  } else if (name == "model") {
    window.model = text;
  } else {
    return Error{Code::kBadRequest, "a window has from, to, days, zone, factor and model"};
  }
  return base::Ok{};
}

base::Result<std::vector<jobs::PriceWindow>> WindowsOf(std::string_view bytes) {
  wire::Reader reader(bytes);
  ASSIGN_OR_RETURN(const std::uint32_t count, reader.Array());
  if (count > base::limits::kPriceWindows.value) {
    return Error{Code::kTooLarge, "BATCH.WINDOWS: price_windows: " + std::to_string(count) +
                                      " windows, the limit is " +
                                      std::to_string(base::limits::kPriceWindows.value)};
  }
  std::vector<jobs::PriceWindow> windows(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    ASSIGN_OR_RETURN(const std::uint32_t pairs, reader.Map());
    for (std::uint32_t pair = 0; pair < pairs; ++pair) {
      ASSIGN_OR_RETURN(const std::string_view name, reader.Text());
      if (const base::Status read = ReadField(name, reader, windows[i]); !read.ok()) {
        return Error{read.error().code,
                     "BATCH.WINDOWS: window " + std::to_string(i) + ": " + read.error().detail};
      }
    }
  }
  return windows;
}

void WriteWindows(const std::vector<jobs::PriceWindow>& windows, wire::Writer& reply) {
  constexpr double kMillion = 1e6;
  reply.Array(windows.size());
  for (const jobs::PriceWindow& window : windows) {
    reply.Map(6);
    reply.Field("from", calendar::TimeOfDayText(window.from_s));
    reply.Field("to", calendar::TimeOfDayText(window.to_s));
    reply.Str("days");
    WriteTexts(jobs::DayNames(window.days), reply);
    reply.Field("zone", window.zone);
    reply.Field("factor", static_cast<double>(window.factor_ppm) / kMillion);
    reply.Field("model", window.model);
  }
}

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  jobs::Jobs& queue = context.instance.jobs();
  const storage::NamespaceId home = context.principal.namespace_id;
  if (!args.Has(0)) {
    WriteWindows(queue.WindowsOf(home), reply);
    return base::Ok{};
  }
  ASSIGN_OR_RETURN(std::vector<jobs::PriceWindow> windows, WindowsOf(args.BytesOr(0, "")));
  WriteWindows(windows, reply);
  const base::Status set = queue.SetWindows(home, std::move(windows), context.view.transaction());
  return set.ok() ? set
                  : base::Status(Error{set.error().code, "BATCH.WINDOWS: " + set.error().detail});
}

}  // namespace

extern const CommandSpec kBatchWindows;
constexpr CommandSpec kBatchWindows{
    .name = "BATCH.WINDOWS",
    .family = Family::kJobs,
    .summary =
        "The hours in which calls of this namespace cost less, shown or set. Tasks with defer = "
        "offpeak "
        "or any wait for the cheapest window that their deadline allows, or for at most "
        "jobs.defer_max_ms. A window follows the clocks of its zone, daylight saving included. "
        "Tasks that "
        "wait already are looked at again when their time comes.",
    .complexity = "O(windows)",
    .since = "0.2",
    .flags = kWrite | kDurable | kIdempotent,
    .args = {},
    .repeat_from = kNoRepeat,
    .options = kOptions,
    .result = "[{from, to, days, zone, factor, model}, ...]",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
