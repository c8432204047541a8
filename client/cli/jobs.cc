#include "client/cli/jobs.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdio>
#include <ostream>
#include <poll.h>
#include <sstream>

#include "client/cli/format.h"
#include "client/cli/money.h"
#include "client/cli/numbers.h"
#include "protocol/base/clock.h"

namespace reprise::client {
namespace {

using base::Value;

constexpr std::int64_t kSliceMs = 100;  // between two looks at `interrupted`

Leave Mistake(const std::string& text) {
  return {ExitCode::kUsage, "error: " + text + "\nhint: reprise-cli jobs --help"};
}

const Value& At(const Value& map, std::string_view name) {
  static const Value none;
  const Value* found = map.Find(name);
  return found == nullptr ? none : *found;
}

const Value::Array& ListAt(const Value& map, std::string_view name) {
  static const Value::Array none;
  const Value::Array* list = At(map, name).AsArray();
  return list == nullptr ? none : *list;
}

std::string TextAt(const Value& map, std::string_view name) {
  // As on a terminal: stored names may hold anything.
  const std::string text(At(map, name).AsText().value_or(""));
  return text.empty() ? "-" : FormatReply(Value(text), Style::kReadable, true);
}

std::string CountAt(const Value& map, std::string_view name) {
  return WithCommas(
      static_cast<std::uint64_t>(std::max<std::int64_t>(At(map, name).AsInt().value_or(0), 0)));
}

std::string NumberAt(const Value& map, std::string_view name, const char* format, double factor) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), format, At(map, name).AsDouble().value_or(0) * factor);
  return text.data();
}

std::string QueueTable(const Value& stats) {
  std::vector<std::vector<std::string>> rows{
      {"category", "model", "state", "ready", "delayed", "blocked", "running", "dead", "oldest",
       "wait p95", "done", "batched", "calls saved", "tokens saved", "saved $"}};
  for (const Value& queue : ListAt(stats, "queues")) {
    rows.push_back({TextAt(queue, "category"), TextAt(queue, "model"),
                    At(queue, "paused").AsBool().value_or(false) ? "paused" : "open",
                    CountAt(queue, "ready"), CountAt(queue, "delayed"), CountAt(queue, "blocked"),
                    CountAt(queue, "leased"), CountAt(queue, "dead"),
                    Span(At(queue, "oldest_age_ms")), Span(At(queue, "wait_p95_ms")),
                    CountAt(queue, "succeeded"), NumberAt(queue, "batched_share", "%.0f %%", 100),
                    NumberAt(queue, "calls_saved", "%.1f", 1), CountAt(queue, "tokens_saved"),
                    Dollars(At(queue, "cost_saved_nano").AsInt().value_or(0))});
  }
  constexpr std::size_t kTextColumns = 3;
  return "tasks " + CountAt(stats, "tasks") + " of " + CountAt(stats, "tasks_max") +
         "   batches out " + CountAt(stats, "leases") + "   workers " +
         std::to_string(ListAt(stats, "workers").size()) + "   waiting takes " +
         CountAt(stats, "waiting_takers") + "   dead letters " + CountAt(stats, "dead") + "\n" +
         AlignedTable(rows, kTextColumns);
}

std::string DeadTable(const Value& reply) {
  std::vector<std::vector<std::string>> rows{
      {"ticket", "category", "model", "custom id", "error", "attempts", "age"}};
  for (const Value& task : ListAt(reply, "tasks")) {
    rows.push_back({TextAt(task, "ticket"), TextAt(task, "category"), TextAt(task, "model"),
                    TextAt(task, "custom_id"), TextAt(task, "error"), CountAt(task, "attempts"),
                    Span(At(task, "age_ms"))});
  }
  constexpr std::size_t kTextColumns = 5;
  const bool is_more = !At(reply, "next").IsNil();
  return AlignedTable(rows, kTextColumns) + (is_more ? "\n(more behind these)" : "");
}

Value::Map TicketsOf(const JobsFlags& flags) {
  Value::Map options;
  if (!flags.tickets.empty()) {
    options.emplace_back("tickets", Value::Array(flags.tickets.begin(), flags.tickets.end()));
  }
  return options;
}

base::Result<std::string> Answer(Caller& client, const JobsFlags& flags) {
  Value reply;
  if (flags.command == "show") {
    ASSIGN_OR_RETURN(reply, client.Call("BATCH.RESULT", {flags.tickets.front()}));
  } else if (flags.command.empty()) {
    ASSIGN_OR_RETURN(reply, client.Call("BATCH.STATS"));
  } else {
    Value::Array params{flags.command};
    if (Value::Map options = TicketsOf(flags); !options.empty()) {
      params.emplace_back(std::move(options));
    }
    ASSIGN_OR_RETURN(reply, client.Call("BATCH.DEAD", params));
  }
  if (flags.json) {
    return FormatReply(reply, Style::kJson, false);
  }
  if (flags.command.empty()) {
    return QueueTable(reply);
  }
  return flags.command == "list" ? DeadTable(reply) : FormatReply(reply, Style::kReadable, true);
}

// False when interrupted.
bool Pause(double seconds, const std::atomic<bool>* interrupted) {
  constexpr double kMsOfSecond = 1'000;
  const base::SystemClock clock;
  const base::Nanos end =
      clock.Elapsed() + static_cast<std::int64_t>(seconds * kMsOfSecond) * base::kNanosPerMilli;
  while (interrupted == nullptr || !interrupted->load()) {
    const std::int64_t left_ms = (end - clock.Elapsed()) / base::kNanosPerMilli;
    if (left_ms <= 0) {
      return true;
    }
    poll(nullptr, 0, static_cast<int>(std::min(left_ms, kSliceMs)));
  }
  return false;
}

}  // namespace

bool IsJobs(const std::string& word) {
  return word == "jobs";
}

std::string Span(const Value& ms) {
  constexpr double kMsOfSecond = 1'000;
  constexpr double kMsOfMinute = 60'000;
  constexpr double kMsOfHour = 3'600'000;
  if (!ms.AsInt().has_value()) {
    return "-";
  }
  const auto number = static_cast<double>(*ms.AsInt());
  std::array<char, 32> text{};
  if (number < kMsOfSecond) {
    std::snprintf(text.data(), text.size(), "%.0f ms", number);
  } else if (number < kMsOfMinute) {
    std::snprintf(text.data(), text.size(), "%.1f s", number / kMsOfSecond);
  } else if (number < kMsOfHour) {
    std::snprintf(text.data(), text.size(), "%.1f min", number / kMsOfMinute);
  } else {
    std::snprintf(text.data(), text.size(), "%.1f h", number / kMsOfHour);
  }
  return text.data();
}

JobsFlags ParseJobsFlags(const std::vector<std::string>& words) {
  JobsFlags flags;
  CLI::App app("Queues of tasks, live on a terminal; one task; the dead letters.",
               "reprise-cli jobs");
  app.add_option("--interval", flags.interval_seconds, "seconds between two tables (2)")
      ->check(CLI::Range(0.1, 3600.0));
  app.add_option("--count", flags.count, "so many tables; 0: until interrupted")
      ->check(CLI::Range(0, 1'000'000));
  app.add_flag("--json", flags.json, "JSON, as the server gives it");
  CLI::App* show = app.add_subcommand("show", "one task, or its result");
  show->add_option("ticket", flags.tickets, "as BATCH.SUBMIT gave it")->required()->expected(1);
  CLI::App* dead = app.add_subcommand("dead", "dead letters: list, replay, purge");
  std::string action = "list";
  dead->add_option("action", action, "list, replay or purge")
      ->check(CLI::IsMember({"list", "replay", "purge"}));
  dead->add_option("tickets", flags.tickets, "these; else the oldest 100");
  for (CLI::App* part : {show, dead}) {
    part->add_flag("--json", flags.json, "JSON, as the server gives it");
  }
  std::vector<std::string> rest(words.rbegin(),
                                words.rend() - 1);  // CLI11 takes them from the back.
  try {
    app.parse(rest);
  } catch (const CLI::Success& done) {
    std::ostringstream text;
    app.exit(done, text, text);
    flags.leave = Leave{ExitCode::kOk, text.str()};
  } catch (const CLI::ParseError& mistake) {
    flags.leave = Mistake(mistake.what());
  }
  flags.command = show->parsed() ? "show" : (dead->parsed() ? action : "");
  if (!flags.leave.has_value() && flags.command == "list" && !flags.tickets.empty()) {
    flags.leave = Mistake("list takes no tickets");
  }
  return flags;
}

ExitCode RunJobs(Caller& client, const JobsFlags& flags, const JobsScreen& screen,
                 std::ostream& out, std::ostream& report) {
  const bool is_table = flags.command.empty();
  std::int64_t left = flags.count >= 0 ? flags.count : (screen.is_terminal ? 0 : 1);
  if (!is_table) {
    left = 1;
  }
  for (bool is_first = true;; is_first = false) {
    if (!is_first && !Pause(flags.interval_seconds, screen.interrupted)) {
      return ExitCode::kOk;
    }
    const auto answer = Answer(client, flags);
    if (!answer.ok()) {
      report << FormatError(answer.error()) << std::endl;
      return CodeOfUnanswered(answer.error());
    }
    if (screen.is_terminal && is_table && left != 1) {
      out << "\x1b[H\x1b[2J";  // From the top of an empty screen.
    }
    std::string_view text = answer.value();
    while (text.ends_with('\n') || text.ends_with('\r')) {
      text.remove_suffix(1);
    }
    out << text << std::endl;
    if (left > 0 && --left == 0) {
      return ExitCode::kOk;
    }
  }
}

}  // namespace reprise::client
