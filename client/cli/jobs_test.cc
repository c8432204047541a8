#include "client/cli/jobs.h"

#include <sstream>

#include <catch2/catch.hpp>

#include "protocol/wire/decode.h"
#include "protocol/wire/json.h"

namespace reprise::client {
namespace {

using base::Value;

class Canned final : public Caller {
 public:
  explicit Canned(const char* reply) : reply_(wire::FromJson(reply).value()) {}

  using Caller::CallRaw;
  base::Result<std::string> CallRaw(std::string_view method, std::string_view params,
                                    const CallOptions& /*options*/) override {
    request += std::string(method) + " " + wire::ToJson(wire::Decode(params).value()) + "\n";
    return wire::Encode(reply_);
  }

  std::string request;

 private:
  Value reply_;
};

std::string Shown(Canned& server, const std::vector<std::string>& words) {
  const JobsFlags flags = ParseJobsFlags(words);
  REQUIRE_FALSE(flags.leave.has_value());
  std::ostringstream out;
  std::ostringstream report;
  const ExitCode code = RunJobs(server, flags, {}, out, report);
  return code == ExitCode::kOk ? out.str() : "failed: " + report.str();
}

TEST_CASE("spans of time are shown by their size") {
  CHECK(Span(Value(0)) == "0 ms");
  CHECK(Span(Value(1'500)) == "1.5 s");
  CHECK(Span(Value(90'000)) == "1.5 min");
  CHECK(Span(Value(5'400'000)) == "1.5 h");
  CHECK(Span(Value()) == "-");
}

TEST_CASE("the queues are a table, once where nobody watches, or as often as asked") {
  Canned server(
      R"({"tasks": 1200, "tasks_max": 5000, "leases": 2, "waiting_takers": 3, "dead": 1,
          "workers": [{"worker": "w"}], "queues": [{"category": "translate", "model": "",
          "paused": true, "ready": 7, "leased": 4, "oldest_age_ms": 2500, "wait_p95_ms": null,
          "succeeded": 1000, "batched_share": 0.5, "calls_saved": 12.5, "tokens_saved": 3000,
          "cost_saved_nano": 1500000000}]})");
  const std::string text = Shown(server, {"jobs"});
  CHECK(server.request == "BATCH.STATS []\n");
  CHECK(text.find("tasks 1,200 of 5,000") != std::string::npos);
  CHECK(text.find("\ntranslate  -      paused      7") != std::string::npos);
  CHECK(text.find("2.5 s") != std::string::npos);
  CHECK(text.find("50 %         12.5         3,000     1.50\n") != std::string::npos);
  server.request.clear();
  (void)Shown(server, {"jobs", "--count", "2", "--interval", "0.1"});
  CHECK(server.request == "BATCH.STATS []\nBATCH.STATS []\n");
}

TEST_CASE("one task is shown, and dead letters are listed, replayed and purged") {
  Canned task(R"({"status": "queued", "phase": "deferred"})");
  CHECK(Shown(task, {"jobs", "show", "00ff"}).find("deferred") != std::string::npos);
  CHECK(task.request == "BATCH.RESULT [\"00ff\"]\n");
  Canned dead(R"({"tasks": [{"ticket": "00ff", "error": "no JSON", "attempts": 5,
                             "age_ms": 61000}], "next": null})");
  CHECK(Shown(dead, {"jobs", "dead"}).find("no JSON         5  1.0 min") != std::string::npos);
  CHECK(dead.request == "BATCH.DEAD [\"list\"]\n");
  Canned changed(R"({"changed": 2})");
  CHECK(Shown(changed, {"jobs", "dead", "replay", "a", "b"}).find('2') != std::string::npos);
  CHECK(changed.request == "BATCH.DEAD [\"replay\",{\"tickets\":[\"a\",\"b\"]}]\n");
  changed.request.clear();
  (void)Shown(changed, {"jobs", "dead", "purge", "--json"});
  CHECK(changed.request == "BATCH.DEAD [\"purge\"]\n");
}

TEST_CASE("what cannot be is refused before anything is sent") {
  CHECK(ParseJobsFlags({"jobs", "show"}).leave->code == ExitCode::kUsage);
  CHECK(ParseJobsFlags({"jobs", "dead", "bury"}).leave->code == ExitCode::kUsage);
  CHECK(ParseJobsFlags({"jobs", "dead", "list", "a"}).leave->code == ExitCode::kUsage);
  CHECK(ParseJobsFlags({"jobs", "--interval", "0"}).leave->code == ExitCode::kUsage);
}

}  // namespace
}  // namespace reprise::client
