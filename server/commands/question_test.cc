// How a command is asked: by a prompt or by a whole chat request, and never by something between.
#include "server/commands/question.h"

#include <catch2/catch.hpp>

#include "protocol/wire/decode.h"
#include "protocol/wire/json.h"
#include "server/commands/all.h"
#include "server/commands/execute.h"

namespace reprise::commands {
namespace {

using base::Value;
using Catch::Contains;
using Catch::StartsWith;

struct Bench {
  Bench() {
    config.store.engine = storage::EngineKind::kMemory;
    instance = instance::Instance::OpenWithClock(config, clock).value();
  }
  base::Result<Value> TryBytes(std::string_view method, std::string_view params) const {
    const auto reply = Execute(*instance, config, access::Principal(), method, params);
    if (!reply.ok()) {
      return reply.error();
    }
    return wire::Decode(reply.value().view());
  }
  base::Result<Value> Try(std::string_view method, std::string_view params_json) const {
    const auto params = wire::FromJson(params_json);
    INFO(params_json);
    REQUIRE(params.ok());
    return TryBytes(method, wire::Encode(params.value()));
  }
  Value Run(std::string_view method, std::string_view params_json) const {
    auto reply = Try(method, params_json);
    INFO((reply.ok() ? "" : reply.error().detail));
    REQUIRE(reply.ok());
    return std::move(reply).value();
  }
  std::string Problem(std::string_view method, std::string_view params_json) const {
    const auto reply = Try(method, params_json);
    return reply.ok() ? "" : reply.error().detail;
  }
  std::string Status(std::string_view params_json) const {
    return std::string(*Run("CACHE.LOOKUP", params_json).Find("status")->AsText());
  }
  std::uint64_t Entries() const {
    return Run("CACHE.STATS", "[]").Find("entries")->AsUint().value();
  }

  base::FakeClock clock;
  config::Config config;
  std::unique_ptr<instance::Instance> instance;
};

std::string Asking(std::string_view request, std::string_view more = "") {
  return R"([null, {"request": )" + std::string(request) + std::string(more) + "}]";
}

constexpr std::string_view kRequest =
    R"({"model": "m", "messages": [{"role": "user", "content": "What is RAII?"}]})";

TEST_CASE("what one request stored another spelling of it finds, in each shape") {
  struct Row {
    std::string_view stored;
    std::string_view asked;
  };
  for (const auto& [stored, asked] : {
           Row{R"({"model": "m", "temperature": 0, "messages":
                   [{"role": "system", "content": "caf\u00e9"}, {"role": "user", "content": "q"}]})",
               R"({"user": "u", "messages": [{"content": "cafe\u0301", "role": "system"},
                   {"content": [{"text": "Q?", "type": "text"}], "role": "user"}],
                   "temperature": 0.0, "stream": true, "model": "m"})"},
           Row{R"({"model": "m", "input": "q", "instructions": "be brief"})",
               R"({"metadata": {"a": "b"}, "instructions": "be brief", "store": false,
                   "input": [{"role": "user", "content": "q"}], "model": "m"})"},
           Row{R"({"model": "claude-x", "max_tokens": 9, "system": "be brief",
                   "messages": [{"role": "user", "content": "q"}]})",
               R"({"messages": [{"role": "user", "content": "q"}], "max_tokens": 9,
                   "system": [{"type": "text", "text": "be brief"}], "model": "claude-x"})"},
       }) {
    const Bench bench;
    INFO(stored);
    bench.Run("CACHE.STORE", R"([null, "a", {"request": )" + std::string(stored) + "}]");
    CHECK(bench.Status(Asking(stored)) == "hit");
    CHECK(bench.Status(Asking(asked)) == "hit");
    CHECK(bench.Status(Asking(stored, R"(, "identity_mode": "conversation")")) == "miss");
    CHECK(bench.Status(R"(["q"])") == "miss");
    CHECK(bench.Run("CACHE.FETCH", Asking(asked)).Find("status")->AsText() == "hit");
    CHECK(bench.Run("CACHE.EXPIRE", R"([null, 5000, {"request": )" + std::string(stored) + "}]") ==
          Value(true));
    CHECK(bench.Run("CACHE.INVALIDATE", R"(["entry", {"request": )" + std::string(stored) + "}]")
              .Find("entries")
              ->AsUint() == 1);
    CHECK(bench.Status(Asking(stored)) == "miss");
  }
}

TEST_CASE("the model of the request is that of the entry, unless the caller says who answered") {
  const Bench bench;
  const auto model = [&] {
    const Value found = bench.Run("CACHE.LOOKUP", Asking(kRequest));
    return std::string(found.Find("model")->AsText().value());
  };
  bench.Run("CACHE.STORE", R"([null, "a", {"request": )" + std::string(kRequest) + "}]");
  CHECK(model() == "m");
  bench.Run("CACHE.STORE",
            R"([null, "a", {"model": "m-2025", "request": )" + std::string(kRequest) + "}]");
  CHECK(model() == "m-2025");
  CHECK(bench.Run("CACHE.INVALIDATE", R"(["model", "m-2025"])").Find("entries")->AsUint() == 1);

  const auto fill = [&](std::string_view options) {
    const Value lease = bench.Run("CACHE.FETCH", Asking(kRequest));
    REQUIRE(lease.Find("lease") != nullptr);
    bench.Run("CACHE.FILL", R"([")" + std::string(*lease.Find("lease")->AsText()) + R"(", "b", )" +
                                std::string(options) + "]");
    std::string found = model();
    bench.Run("CACHE.INVALIDATE", R"(["all"])");
    return found;
  };
  CHECK(fill("{}") == "m");
  CHECK(fill(R"({"model": "m-2026"})") == "m-2026");
}

TEST_CASE("all that was asked in the way of one request can be voided together") {
  const Bench bench;
  const auto request = [](std::string_view model, std::string_view prompt) {
    return R"({"request": {"model": ")" + std::string(model) + R"(", "input": ")" +
           std::string(prompt) + R"("}})";
  };
  for (const std::string_view prompt : {"one", "two"}) {
    bench.Run("CACHE.STORE", R"([null, "a", )" + request("m", prompt) + "]");
    bench.Run("CACHE.STORE", R"([null, "a", )" + request("n", prompt) + "]");
  }
  CHECK(bench.Run("CACHE.INVALIDATE", R"(["identity", )" + request("m", "whatever") + "]")
            .Find("entries")
            ->AsUint() == 2);
  CHECK(bench.Status("[null, " + request("m", "one") + "]") == "miss");
  CHECK(bench.Status("[null, " + request("n", "one") + "]") == "hit");
}

TEST_CASE("each mode compares what it says") {
  const Bench bench;
  const auto request = [](std::string_view model, std::string_view earlier) {
    return R"({"model": ")" + std::string(model) + R"(", "messages": [)" + std::string(earlier) +
           R"({"role": "user", "content": "q"}]})";
  };
  const auto store = [&](std::string_view mode) {
    bench.Run("CACHE.STORE", R"([null, "a", {"identity_mode": ")" + std::string(mode) +
                                 R"(", "request": )" + request("m", "") + "}]");
  };
  const auto status = [&](const std::string& asked, std::string_view mode) {
    return bench.Status(Asking(asked, R"(, "identity_mode": ")" + std::string(mode) + R"(")"));
  };
  const std::string longer = request("m", R"({"role": "user", "content": "x"},)");
  store("strict");
  CHECK(status(request("m", ""), "strict") == "hit");
  CHECK(status(longer, "strict") == "miss");
  store("conversation");
  CHECK(status(longer, "conversation") == "hit");
  CHECK(status(request("n", ""), "conversation") == "miss");
  store("prompt_only");
  CHECK(status(request("n", ""), "prompt_only") == "hit");
}

TEST_CASE("the operator's volatile fields are left out") {
  Bench bench;
  bench.config.cache.volatile_fields = {"langfuse.session"};
  bench.Run("CACHE.STORE", R"([null, "a", {"request": )" + std::string(kRequest) + "}]");
  const std::string marked =
      R"({"langfuse.session": 7, "model": "m", "messages": [{"role": "user", "content": "What is RAII?"}]})";
  CHECK(bench.Status(Asking(marked)) == "hit");
  bench.config.cache.volatile_fields.clear();
  CHECK(bench.Status(Asking(marked)) == "miss");
}

TEST_CASE("a question is given in one way, and a mistake is told") {
  const Bench bench;
  const std::string request(kRequest);
  for (const std::string_view method : {"CACHE.LOOKUP", "CACHE.FETCH"}) {
    CHECK(bench.Problem(method, R"(["q", {"request": )" + request + "}]") ==
          "a prompt and 'request' are given; give one of them");
    CHECK(bench.Problem(method, "[null]") == "neither a prompt nor 'request' is given");
    CHECK(bench.Problem(method, R"([null, {"request": null}])") ==
          "neither a prompt nor 'request' is given");
    CHECK_THAT(bench.Problem(method, Asking(request, R"(, "identity": {})")),
               StartsWith("'identity' and 'request' are given"));
    CHECK_THAT(bench.Problem(method, R"(["q", {"identity_mode": "strict"}])"),
               StartsWith("'identity_mode' says how a 'request' is read"));
    CHECK(bench.Problem(method, Asking(request, R"(, "identity_mode": "loose")")) ==
          R"('identity_mode' must be strict, conversation or prompt_only, found loose)");
    CHECK(bench.Problem(method, Asking(request, R"(, "identity": null)")).empty());
  }
  CHECK_THAT(bench.Problem("CACHE.INVALIDATE", R"(["tag", "t", {"request": )" + request + "}]"),
             Contains("'request' names an entry"));
  CHECK_THAT(bench.Problem("CACHE.INVALIDATE", R"(["entry"])"), Contains("needs the prompt"));
  CHECK_THAT(bench.Problem("CACHE.INVALIDATE", R"(["identity"])"), Contains("takes no 'value'"));
  CHECK_THAT(
      bench.Problem("CACHE.INVALIDATE",
                    R"(["identity", null, {"identity": {"a": 1}, "request": )" + request + "}]"),
      Contains("takes no 'value'"));
  CHECK_THAT(bench.Problem("CACHE.INVALIDATE", R"(["tag", null])"), Contains("'value' is missing"));
  CHECK_THAT(bench.Problem("GET", "[null]"), Contains("found nil"));
  CHECK_THAT(bench.Problem("CACHE.STORE", R"([null, null, {"request": )" + request + "}]"),
             Contains("must not be nil"));
}

TEST_CASE("a bad request is refused with the path, by every command, and leaves nothing") {
  const Bench bench;
  struct Row {
    std::string_view request;
    std::string_view problem;
  };
  const std::string many_items = [] {
    std::string json = R"({"model": "m", "messages": [{"role": "user", "content": "x"}], "x": [)";
    for (std::int64_t i = 0; i <= base::limits::kContainerItems.value; ++i) {
      json += "0,";
    }
    json.back() = ']';
    return json + "}";
  }();
  const auto arguments = [](std::string_view json) {
    return R"({"model": "m", "messages": [{"role": "user", "content": "q"}, {"role": "assistant",
        "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": ")" +
           std::string(json) + R"("}}]}]})";
  };
  const std::string twice = arguments(R"({\"a\": 1, \"a\": 2})");
  const std::string beyond = arguments(R"({\"a\": 1e999})");
  const std::string lone = arguments(R"({\"a\": \"\\ud800\"})");
  const std::string_view in_arguments = "request.messages[1].tool_calls[0].function.arguments: ";
  for (const auto& [request, problem] : {
           Row{"7", "request: "},
           Row{"[]", "request: "},
           Row{"{}", "request: neither messages"},
           Row{R"({"messages": [{"role": "user", "content": "q"}]})", "request.model: missing"},
           Row{R"({"model": "m", "messages": 7})", "request.messages: "},
           Row{R"({"model": "m", "messages": []})", "request.messages: no user message"},
           Row{R"({"model": "m", "messages": [{"role": "robot", "content": "q"}]})",
               "request.messages[0].role: 'robot' is not one of"},
           Row{R"({"model": "m", "messages": [{"role": "user", "content": 7}]})",
               "request.messages[0].content: "},
           Row{many_items, "request.x: "},
           Row{twice, in_arguments},
           Row{beyond, in_arguments},
           Row{lone, in_arguments},
       }) {
    INFO(request.substr(0, 200));
    const std::string asked(request);
    for (const std::string_view method : {"CACHE.LOOKUP", "CACHE.FETCH"}) {
      CHECK_THAT(bench.Problem(method, Asking(asked)), StartsWith(std::string(problem)));
    }
    CHECK_THAT(bench.Problem("CACHE.STORE", R"([null, "a", {"request": )" + asked + "}]"),
               StartsWith(std::string(problem)));
    CHECK_THAT(bench.Problem("CACHE.EXPIRE", R"([null, 9, {"request": )" + asked + "}]"),
               StartsWith(std::string(problem)));
    CHECK_THAT(bench.Problem("CACHE.INVALIDATE", R"(["entry", null, {"request": )" + asked + "}]"),
               StartsWith(std::string(problem)));
  }
  CHECK(bench.Entries() == 0);
  CHECK(bench.instance->cache().flights().Stats().flights == 0);
}

TEST_CASE("bytes that JSON cannot spell are refused with the path, too") {
  const Bench bench;
  const auto with = [&](std::string_view key, std::string_view value) {
    // [nil, {"request": {"model": "m", "input": "q", key: value}}]
    std::string bytes("\x92\xc0\x81\xa7request\x83\xa5model\xa1m\xa5input\xa1q", 28);
    bytes += static_cast<char>(0xa0U + key.size());
    bytes.append(key).append(value);
    const auto reply = bench.TryBytes("CACHE.FETCH", bytes);
    return reply.ok() ? std::string() : reply.error().detail;
  };
  CHECK_THAT(with("x", "\xa2g\xff"), StartsWith("request.x: "));
  CHECK_THAT(with("\xff", "\x01"), StartsWith("request: a key is not valid UTF-8"));
  CHECK_THAT(with("model", "\xa1n"), StartsWith("request.model: the key stands twice"));
  CHECK_THAT(with("x", std::string("\xcb\x7f\xf0\0\0\0\0\0\0", 9)), StartsWith("request.x: not a"));
  CHECK_THAT(with("x", "\xa3\xed\xa0\x80"), StartsWith("request.x: "));  // a surrogate
  CHECK(bench.instance->cache().flights().Stats().flights == 0);
}

}  // namespace
}  // namespace reprise::commands
