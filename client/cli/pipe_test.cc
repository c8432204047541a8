#include "client/cli/pipe.h"

#include <sstream>

#include <catch2/catch.hpp>

#include "client/cli/progress.h"
#include "client/cpp/fake_server.h"
#include "protocol/wire/json.h"

namespace reprise::client {
namespace {

using base::Value;

std::string Called(std::string_view line) {
  const auto call = LineToCall(line);
  return call.ok() ? call.value().method + " " + wire::ToJson(call.value().params)
                   : "bad: " + call.error().detail;
}

Options OptionsFor(const std::string& address) {
  Options options;
  options.address = address;
  options.request_timeout_ms = 30'000;
  options.reconnect = {
      .first_delay_ms = 1, .max_delay_ms = 4, .failures_to_open = 3, .jitter_seed = 5};
  return options;
}

struct Loaded {
  PipeSummary summary;
  std::string report;
};

Loaded LoadText(const std::string& text, const std::string& address, const PipeOptions& options) {
  std::istringstream input(text);
  std::ostringstream report;
  const PipeSummary summary = Load(input, OptionsFor(address), options, report);
  return {summary, report.str()};
}

TEST_CASE("A line is a SET, a CACHE.STORE or a method with its parameters") {
  CHECK(Called(R"({"key": "k", "value": {"a": 1}, "ttl_ms": 5})") ==
        R"(SET ["k",{"a":1},{"ttl_ms":5}])");
  CHECK(Called(R"({"value": null, "key": "k"})") == R"(SET ["k",null])");
  CHECK(Called(R"({"prompt": "p", "response": "r", "type": "general", "identity": {"m": 1}})") ==
        R"(CACHE.STORE ["p","r",{"type":"general","identity":{"m":1}}])");
  CHECK(Called(R"(["DEL", ["a", "b"]])") == R"(DEL ["a","b"])");
  CHECK(Called(R"(["PING"])") == "PING []");
}

TEST_CASE("A line that is none of these says what it lacks") {
  CHECK(Called(R"({"key": "k"})") == "bad: a line with 'key' needs 'value'");
  CHECK(Called(R"({"prompt": 5, "response": 1})") == "bad: 'prompt' must be a string");
  CHECK(Called("{}").find("bad: expected") == 0);
  CHECK(Called("5").find("bad: expected") == 0);
  CHECK(Called("[]").find("bad: an array must be") == 0);
  CHECK(Called(R"(["SET", 5])").find("bad: an array must be") == 0);
  CHECK(Called("{\"key\"").find("bad: not JSON") == 0);
  CHECK(Called(R"({"key": "k", "value": 18446744073709551616})").find("bad: the integer") == 0);
}

TEST_CASE("A bulk load stores every line through a small window") {
  TinyStore store;
  FakeServer server(store.script());
  std::string text;
  for (int i = 0; i < 5000; ++i) {
    text += R"({"key": "k)" + std::to_string(i) + R"(", "value": )" + std::to_string(i) + "}\n";
  }
  PipeOptions options;
  options.window = 16;
  const Loaded loaded = LoadText(text, server.address(), options);
  CHECK(loaded.summary.code == ExitCode::kOk);
  CHECK(loaded.summary.lines == 5000);
  CHECK(loaded.summary.loaded == 5000);
  CHECK(store.size() == 5000);
  CHECK(store.Get("k4999") == Value(4999));
  CHECK(server.connections() == 1);
}

TEST_CASE("Bad and failed lines are named by number and the rest is loaded") {
  TinyStore store;
  FakeServer server(store.script());
  const Loaded loaded = LoadText(
      "{\"key\": \"a\", \"value\": 1}\n\nnonsense\n[\"NOPE\"]\n{\"key\": \"b\", \"value\": 2}",
      server.address(), {});
  CHECK(loaded.summary.code == ExitCode::kPartial);
  CHECK(loaded.summary.lines == 4);
  CHECK(loaded.summary.loaded == 2);
  CHECK(loaded.summary.bad == 1);
  CHECK(loaded.summary.failed == 1);
  INFO(loaded.report);
  CHECK(loaded.report.find("line 3: not JSON") != std::string::npos);
  CHECK(loaded.report.find("line 4: unknown_command") != std::string::npos);
  CHECK(store.Get("b") == Value(2));
}

TEST_CASE("A load that stops on errors ends at the first bad line") {
  TinyStore store;
  FakeServer server(store.script());
  PipeOptions options;
  options.stop_on_error = true;
  const Loaded loaded =
      LoadText("{\"key\": \"a\", \"value\": 1}\nbad\n{\"key\": \"b\", \"value\": 2}\n",
               server.address(), options);
  CHECK(loaded.summary.code == ExitCode::kPartial);
  CHECK(loaded.summary.loaded == 1);
  CHECK_FALSE(store.Get("b").has_value());
}

TEST_CASE("A load without a server ends with its own code") {
  const Loaded loaded = LoadText("{\"key\": \"a\", \"value\": 1}\n{\"key\": \"b\", \"value\": 2}\n",
                                 "127.0.0.1:1", {});
  CHECK(loaded.summary.code == ExitCode::kNoConnection);
  CHECK(loaded.summary.loaded == 0);
}

TEST_CASE("A load with a refused access key ends with the code of a server's error") {
  FakeServer server([](Peer& peer) {
    if (const auto request = peer.Read()) {
      peer.ReplyError(request->msgid,
                      {base::Code::kUnauthenticated, "the access key is not valid"});
    }
  });
  Options refused;
  refused.address = server.address();
  refused.access_key = "wrong";
  std::istringstream input("{\"key\": \"a\", \"value\": 1}\n");
  std::ostringstream report;
  CHECK(Load(input, refused, {}, report).code == ExitCode::kServerError);
}

TEST_CASE("Stores are loaded again when the connection is lost on the way") {
  TinyStore store;
  FakeServer server([script = store.script()](Peer& peer) {
    if (peer.index() > 0) {
      script(peer);
      return;
    }
    peer.Read();
    peer.Read();
  });
  const Loaded loaded = LoadText("{\"key\": \"a\", \"value\": 1}\n{\"key\": \"b\", \"value\": 2}\n",
                                 server.address(), {});
  CHECK(loaded.summary.code == ExitCode::kOk);
  CHECK(store.size() == 2);
}

TEST_CASE("Progress shows share, rate and time left") {
  CHECK(ProgressLine({6000, 500, 1000, 0, 1000}, "lines", true) ==
        "[############............] 50 %  6,000 lines  6.0k/s  1.0 s left");
  CHECK(ProgressLine({6000, 500, 0, 2, 1000}, "lines", false) == "6,000 lines  6.0k/s  2 failed");
  CHECK(ProgressLine({10, 1000, 1000, 0, 1000}, "lines", false) == "100 %  10 lines  10/s");
  PipeSummary summary;
  summary.lines = 1200;
  summary.loaded = 1000;
  summary.bad = 200;
  summary.elapsed_ms = 2000;
  CHECK(SummaryLine(summary) ==
        "loaded 1,000 of 1,200 lines in 2.0 s (500/s), 200 bad lines, 0 failed");
}

}  // namespace
}  // namespace reprise::client
