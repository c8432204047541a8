#include "client/cli/pipe.h"

#include <algorithm>
#include <istream>
#include <ostream>

#include "client/cli/numbers.h"
#include "client/cpp/async_client.h"
#include "protocol/base/clock.h"
#include "protocol/base/limits.h"
#include "protocol/base/mutex.h"
#include "protocol/wire/json.h"

namespace reprise::client {
namespace {

using base::Value;

constexpr std::size_t kReportedMax = 20;  // lines that are named; more are only counted
constexpr std::int64_t kRedrawMs = 100;
constexpr std::int64_t kPlainMs = 5'000;

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
      : options_(options), report_(report), started_(clock_.Elapsed()), drawn_(started_) {}

  PipeSummary Run(std::istream& input, const Options& server);

 private:
  bool Submit(AsyncClient& client, std::string_view line);
  bool Send(AsyncClient& client, const LineCall& call);
  void Report(std::uint64_t line, const std::string& what);
  void ShowMessages();
  void Draw(bool is_last);
  bool Stopped();
  std::int64_t ElapsedMs() const { return (clock_.Elapsed() - started_) / base::kNanosPerMilli; }
  PipeSummary Finish();

  const PipeOptions options_;
  std::ostream& report_;
  const base::SystemClock clock_;
  const base::Nanos started_;
  base::Nanos drawn_;
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
    report_ << (options_.on_terminal ? "\r\x1b[K" : "") << "line " << line << ": " << what << "\n";
  }
}

void Loader::ShowMessages() {
  for (const std::string& message : outcome_.TakeMessages()) {
    if (shown_++ < kReportedMax) {
      report_ << (options_.on_terminal ? "\r\x1b[K" : "") << message << "\n";
    }
  }
}

void Loader::Draw(bool is_last) {
  ShowMessages();
  const base::Nanos now = clock_.Elapsed();
  const std::int64_t every = options_.on_terminal ? kRedrawMs : kPlainMs;
  if (!is_last && now - drawn_ < every * base::kNanosPerMilli) {
    return;
  }
  drawn_ = now;
  const PipeSummary summary = outcome_.summary();
  const Progress progress{summary.loaded + summary.failed, bytes_, options_.bytes_total,
                          summary.failed + bad_, ElapsedMs()};
  if (options_.on_terminal) {
    report_ << "\r\x1b[K" << ProgressLine(progress, true) << (is_last ? "\n" : "") << std::flush;
  } else if (!is_last) {
    report_ << ProgressLine(progress, false) << std::endl;
  }
}

// Waits for room in the window; false when the load is to end.
bool Loader::Send(AsyncClient& client, const LineCall& call) {
  const std::uint64_t line = number_;
  while (!Stopped()) {
    while (!client.WaitBelow(options_.window, kRedrawMs)) {
      Draw(false);
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
      client.WaitBelow(std::max<std::size_t>(client.unanswered(), 1), kRedrawMs);
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
    Draw(false);
  }
  while (!client.value()->Drain(kRedrawMs)) {  // Each call has a deadline, so this ends.
    Draw(false);
  }
  client.value().reset();
  Draw(true);
  return Finish();
}

PipeSummary Loader::Finish() {
  PipeSummary summary = outcome_.summary();
  summary.lines = lines_;
  summary.bad = bad_;
  summary.elapsed_ms = ElapsedMs();
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

std::string ProgressLine(const Progress& progress, bool with_bar) {
  const auto elapsed = static_cast<double>(std::max<std::int64_t>(progress.elapsed_ms, 1));
  std::string line;
  std::string left;
  if (progress.bytes_total > 0) {
    const double done = std::min(
        1.0, static_cast<double>(progress.bytes) / static_cast<double>(progress.bytes_total));
    constexpr std::size_t kBarWidth = 24;
    const auto filled = static_cast<std::size_t>(done * kBarWidth);
    if (with_bar) {
      line = "[" + std::string(filled, '#') + std::string(kBarWidth - filled, '.') + "] ";
    }
    line += std::to_string(static_cast<int>(done * 100)) + " %  ";
    if (done > 0 && done < 1) {
      left = "  " + ShortTime(static_cast<std::int64_t>(elapsed * (1 - done) / done)) + " left";
    }
  }
  line += WithCommas(progress.lines) + " lines  " +
          ShortCount(static_cast<double>(progress.lines) * 1000 / elapsed) + "/s" + left;
  if (progress.failed > 0) {
    line += "  " + WithCommas(progress.failed) + " failed";
  }
  return line;
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
