#include "client/cli/pipe.h"

#include <algorithm>
#include <istream>
#include <ostream>

#include "client/cli/numbers.h"
#include "client/cli/progress.h"
#include "client/cpp/async_client.h"
#include "protocol/base/limits.h"
#include "protocol/base/mutex.h"
#include "protocol/wire/json.h"

namespace reprise::client {
namespace {

using base::Value;

constexpr std::size_t kReportedMax = 20;  // lines that are named; more are only counted
constexpr std::int64_t kWaitMs = 100;     // between two looks at what came

base::Error Bad(std::string what) {
  return {base::Code::kBadRequest, std::move(what)};
}

// A map with two members that are arguments; the others are options.
base::Result<LineCall> FromMembers(const Value::Map& map, std::string_view method,
                                   std::string_view first, std::string_view second) {
  LineCall call{std::string(method), {Value(), Value()}, Retry::kAlways};
  Value::Map options;
  bool has_second = false;
  for (const auto& [name, value] : map) {
    if (name == Value(first)) {
      call.params[0] = value;
    } else if (name == Value(second)) {
      call.params[1] = value;
      has_second = true;
    } else {
      options.emplace_back(name, value);
    }
  }
  if (!has_second) {
    return Bad("a line with '" + std::string(first) + "' needs '" + std::string(second) + "'");
  }
  if (!call.params[0].AsText().has_value()) {
    return Bad("'" + std::string(first) + "' must be a string");
  }
  if (!options.empty()) {
    call.params.emplace_back(std::move(options));
  }
  return call;
}

base::Result<LineCall> FromArray(const Value::Array& items) {
  const bool fits = !items.empty() && items.size() <= 2 && items[0].AsText().has_value() &&
                    (items.size() == 1 || items[1].AsArray() != nullptr);
  if (!fits) {
    return Bad(R"(an array must be ["METHOD", [params]])");
  }
  return LineCall{std::string(*items[0].AsText()),
                  items.size() == 2 ? *items[1].AsArray() : Value::Array{}, Retry::kSafe};
}

// What replies say, gathered from the client's thread.
class Outcome {
 public:
  void Loaded() {
    const base::MutexLock lock(mutex_);
    ++summary_.loaded;
  }
  void Failed(std::uint64_t line, const base::Error& error) {
    const base::MutexLock lock(mutex_);
    ++summary_.failed;
    last_error_ = error;
    if (pending_.size() < kReportedMax) {
      pending_.push_back("line " + std::to_string(line) + ": " +
                         std::string(base::NameOf(error.code)) + ": " + error.detail);
    }
  }
  // Messages that have come since the last call.
  std::vector<std::string> TakeMessages() {
    const base::MutexLock lock(mutex_);
    return std::exchange(pending_, {});
  }
  PipeSummary summary() {
    const base::MutexLock lock(mutex_);
    return summary_;
  }
  base::Error last_error() {
    const base::MutexLock lock(mutex_);
    return last_error_;
  }

 private:
  base::Mutex mutex_;
  PipeSummary summary_ GUARDED_BY(mutex_);
  base::Error last_error_ GUARDED_BY(mutex_){base::Code::kInternal, ""};
  std::vector<std::string> pending_ GUARDED_BY(mutex_);
};

// One bulk load.
class Loader {
 public:
  Loader(const PipeOptions& options, std::ostream& report)
      : options_(options), report_(report), meter_(report, options.on_terminal, "lines") {}

  PipeSummary Run(std::istream& input, const Options& server);

 private:
  bool Submit(AsyncClient& client, std::string_view line);
  bool Send(AsyncClient& client, const LineCall& call);
  void Report(std::uint64_t line, const std::string& what);
  void ShowMessages();
  void Draw();
  Progress Done();
  bool Stopped();
  PipeSummary Finish();

  const PipeOptions options_;
  std::ostream& report_;
  Meter meter_;
  Outcome outcome_;
  std::uint64_t number_ = 0;  // of the line that is read now, from 1
  std::uint64_t lines_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t bad_ = 0;
  std::size_t shown_ = 0;
  bool lost_ = false;  // the server cannot be reached
};

bool Loader::Stopped() {
  const bool interrupted = options_.interrupted != nullptr && options_.interrupted->load();
  return interrupted || lost_ ||
         (options_.stop_on_error && (bad_ > 0 || outcome_.summary().failed > 0));
}

void Loader::Report(std::uint64_t line, const std::string& what) {
  ++bad_;
  if (shown_++ < kReportedMax) {
    meter_.Say("line " + std::to_string(line) + ": " + what);
  }
}

void Loader::ShowMessages() {
  for (const std::string& message : outcome_.TakeMessages()) {
    if (shown_++ < kReportedMax) {
      meter_.Say(message);
    }
  }
}

Progress Loader::Done() {
  const PipeSummary summary = outcome_.summary();
  Progress progress;
  progress.items = summary.loaded + summary.failed;
  progress.done = bytes_;
  progress.total = options_.bytes_total;
  progress.failed = summary.failed + bad_;
  return progress;
}

void Loader::Draw() {
  ShowMessages();
  meter_.Show(Done());
}

// Waits for room in the window; false when the load is to end.
bool Loader::Send(AsyncClient& client, const LineCall& call) {
  const std::uint64_t line = number_;
  while (!Stopped()) {
    while (!client.WaitBelow(options_.window, kWaitMs)) {
      Draw();
      if (Stopped()) {
        return false;
      }
    }
    CallOptions call_options;
    call_options.retry = call.retry;
    const auto status = client.Call(call.method, call.params, call_options,
                                    [this, line](const base::Result<Value>& reply) {
                                      if (reply.ok()) {
                                        outcome_.Loaded();
                                      } else {
                                        outcome_.Failed(line, reply.error());
                                      }
                                    });
    if (status.ok()) {
      return true;
    }
    if (status.error().code == base::Code::kBusy) {  // Bytes, not calls: large values.
      client.WaitBelow(std::max<std::size_t>(client.unanswered(), 1), kWaitMs);
      continue;
    }
    outcome_.Failed(line, status.error());
    lost_ = status.error().code == base::Code::kUnavailable;
    return !lost_;
  }
  return false;
}

bool Loader::Submit(AsyncClient& client, std::string_view line) {
  ++lines_;
  if (line.size() > static_cast<std::size_t>(base::limits::kFrameBytes.ceiling)) {
    Report(number_, "the line has more bytes than any request may have");
    return true;
  }
  const auto call = LineToCall(line);
  if (!call.ok()) {
    Report(number_, call.error().detail);
    return true;
  }
  return Send(client, call.value());
}

PipeSummary Loader::Run(std::istream& input, const Options& server) {
  AsyncOptions limits;
  limits.calls_max = options_.window + 1;
  auto client = AsyncClient::Create(server, limits);
  if (!client.ok()) {
    report_ << "error: " << client.error().detail << "\n";
    PipeSummary summary;
    summary.code = ExitCode::kUsage;
    return summary;
  }
  std::string line;
  while (!Stopped() && std::getline(input, line)) {
    ++number_;
    bytes_ += line.size() + 1;
    if (line.find_first_not_of(" \t\r") == std::string::npos) {
      continue;
    }
    if (!Submit(*client.value(), line)) {
      break;
    }
    Draw();
  }
  while (!client.value()->Drain(kWaitMs)) {  // Each call has a deadline, so this ends.
    Draw();
  }
  client.value().reset();
  ShowMessages();
  meter_.End(Done());
  return Finish();
}

PipeSummary Loader::Finish() {
  PipeSummary summary = outcome_.summary();
  summary.lines = lines_;
  summary.bad = bad_;
  summary.elapsed_ms = meter_.ElapsedMs();
  summary.interrupted = options_.interrupted != nullptr && options_.interrupted->load();
  if (summary.failed + summary.bad > 0 || summary.interrupted) {
    summary.code = ExitCode::kPartial;
  }
  const base::Error last = outcome_.last_error();
  const bool is_shut_out =
      last.code == base::Code::kUnavailable || last.code == base::Code::kUnauthenticated;
  if (summary.loaded == 0 && summary.failed > 0 && is_shut_out) {
    summary.code = CodeOfUnanswered(last);
  }
  return summary;
}

}  // namespace

base::Result<LineCall> LineToCall(std::string_view line) {
  const auto value = wire::FromJson(line);
  if (!value.ok()) {
    const bool is_json = value.error().code == base::Code::kTooLarge;
    return Bad((is_json ? "" : "not JSON: ") + value.error().detail);
  }
  if (const Value::Array* items = value.value().AsArray()) {
    return FromArray(*items);
  }
  const Value::Map* map = value.value().AsMap();
  if (map != nullptr && value.value().Find("key") != nullptr) {
    return FromMembers(*map, "SET", "key", "value");
  }
  if (map != nullptr && value.value().Find("prompt") != nullptr) {
    return FromMembers(*map, "CACHE.STORE", "prompt", "response");
  }
  return Bad("expected {\"key\", \"value\"}, {\"prompt\", \"response\"} or [\"METHOD\", [params]]");
}

PipeSummary Load(std::istream& input, const Options& server, const PipeOptions& options,
                 std::ostream& report) {
  return Loader(options, report).Run(input, server);
}

std::string SummaryLine(const PipeSummary& summary) {
  const auto elapsed = static_cast<double>(std::max<std::int64_t>(summary.elapsed_ms, 1));
  return std::string(summary.interrupted ? "interrupted: " : "") + "loaded " +
         WithCommas(summary.loaded) + " of " + WithCommas(summary.lines) + " lines in " +
         ShortTime(summary.elapsed_ms) + " (" +
         ShortCount(static_cast<double>(summary.loaded) * 1000 / elapsed) + "/s), " +
         WithCommas(summary.bad) + " bad lines, " + WithCommas(summary.failed) + " failed";
}

}  // namespace reprise::client
