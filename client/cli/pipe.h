// Bulk load: JSON lines in, pipelined calls out.
//
// Each line is one request (see LineToCall); up to `window` are under way. A bad line is reported
// with its number and counted, and the load goes on unless stop_on_error. Progress goes to
// `report`: a bar that redraws itself on a terminal, else a line every few seconds.
//
// Threads: Load runs on the caller's thread; replies are counted on the client's. Errors: in the
// summary. Memory: the window, whatever the size of the input. Limits: a line has at most the bytes
// of the largest frame.
#pragma once

#include <atomic>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>

#include "client/cli/exit_code.h"
#include "client/cpp/options.h"
#include "protocol/base/result.h"
#include "protocol/base/value.h"

namespace reprise::client {

struct LineCall {
  std::string method;
  base::Value::Array params;
  Retry retry = Retry::kSafe;
};

// {"key", "value", ...} is SET, {"prompt", "response", ...} is CACHE.STORE, other members are
// options; ["METHOD", [params]] is itself. Loading the same line twice leaves the same data, so the
// first two are repeated when a connection is lost.
base::Result<LineCall> LineToCall(std::string_view line);

struct PipeOptions {
  std::size_t window = 1'000;
  bool stop_on_error = false;
  bool on_terminal = false;       // of `report`
  std::uint64_t bytes_total = 0;  // of the input; 0: not known
  const std::atomic<bool>* interrupted = nullptr;
};

struct PipeSummary {
  std::uint64_t lines = 0;   // read, without empty ones
  std::uint64_t loaded = 0;  // answered without an error
  std::uint64_t failed = 0;  // answered with an error, or not answered
  std::uint64_t bad = 0;     // not understood, so not sent
  std::int64_t elapsed_ms = 0;
  bool interrupted = false;
  ExitCode code = ExitCode::kOk;
};

PipeSummary Load(std::istream& input, const Options& server, const PipeOptions& options,
                 std::ostream& report);

std::string SummaryLine(const PipeSummary& summary);

}  // namespace reprise::client
