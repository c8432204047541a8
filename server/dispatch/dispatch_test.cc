
#include <catch2/catch.hpp>

#include "protocol/wire/decode.h"
#include "protocol/wire/json.h"
#include "server/commands/all.h"
#include "server/dispatch/dispatcher.h"
#include "server/dispatch/test_mailbox.h"

namespace reprise::dispatch {
namespace {

using base::Value;

config::Config MemoryConfig() {
  config::Config config;
  config.store.engine = storage::EngineKind::kMemory;
  return config;
}

struct Bench {
  Bench() : holder(MemoryConfig()), telemetry(1, commands::AllCommands().size()), slow_log(8) {
    base::kLoop.Adopt();
    instance = instance::Instance::OpenWithClock(*holder.Get(), clock).value();
    state = std::make_unique<commands::ServerState>(commands::ServerState{
        holder, telemetry, slow_log, events, clients, clock.Now(), [] {}, [] {}});
    dispatcher = std::make_unique<Dispatcher>(
        Dispatcher::Parts{*instance, *state, mailbox, telemetry.shard(0),
                          [this](const ReplyTo& to, base::Buffer reply) {
                            delivered.emplace_back(to.ticket, Text(reply));
                          },
                          [](const SessionRef&, std::string_view, std::string_view) {}});
    session.principal = std::make_shared<const access::Principal>();
    session.peer = std::make_shared<const std::string>("test");
  }
  static std::string Text(const base::Buffer& buffer) {
    if (buffer.empty()) {
      return "";
    }
    const auto response = wire::ParseResponse(buffer.view());
    const Value error = wire::Decode(response.value().error).value();
    if (!error.IsNil()) {
      return "error " + std::string(*(*error.AsArray())[0].AsText());
    }
    return wire::ToJson(wire::Decode(response.value().result).value());
  }
  // Runs one request as a session would; an inline reply as text, or "offloaded".
  std::string Send(std::string_view method, std::string_view params_json,
                   std::uint64_t ticket = 0) {
    base::kLoop.AssertHeld();
    base::Buffer frame;
    wire::BeginRequest(1, method, frame);
    frame.Append(wire::Encode(wire::FromJson(params_json).value()));
    const Incoming incoming{wire::ParseRequest(frame.view()).value(), frame.view(),
                            clock.Elapsed()};
    auto plan = dispatcher->Admit(incoming.request, session);
    if (!plan.ok()) {
      return "error " + std::string(base::NameOf(plan.error().code));
    }
    base::Buffer out;
    if (plan.value().lane == Lane::kInline &&
        dispatcher->RunInline(plan.value(), incoming, session, out)) {
      return Text(out);
    }
    if (plan.value().lane == Lane::kInline) {
      plan.value().lane = Lane::kStorage;
    }
    const ReplyTo to{{}, ticket, plan.value().lane, false};
    return dispatcher->Offload(plan.value(), incoming, session, to, out) ? "offloaded" : Text(out);
  }
  void EndTurn() const {
    base::kLoop.AssertHeld();
    dispatcher->EndTurn();
  }

  base::FakeClock clock;
  config::ConfigHolder holder;
  telemetry::Telemetry telemetry;
  telemetry::SlowLog slow_log;
  telemetry::EventHub events;
  commands::ClientRegistry clients;
  dispatch::TestMailbox mailbox;
  std::vector<std::pair<std::uint64_t, std::string>> delivered;
  commands::Session session;
  std::unique_ptr<commands::ServerState> state;
  std::unique_ptr<Dispatcher> dispatcher;
  std::unique_ptr<instance::Instance> instance;  // goes first: its writer still posts replies
};

TEST_CASE("what cannot block is answered at once, a write after its commit") {
  Bench bench;
  CHECK(bench.Send("ping", "[]") == "\"PONG\"");
  CHECK(bench.Send("SET", R"(["k", 1])", 5) == "offloaded");
  CHECK(bench.delivered.empty());
  bench.EndTurn();
  REQUIRE(bench.mailbox.RunOne());
  REQUIRE(bench.delivered.size() == 1);
  CHECK(bench.delivered[0] == std::make_pair(std::uint64_t{5}, std::string("true")));
  CHECK(bench.Send("GET", R"(["k"])") == "1");
}

TEST_CASE("writes of one turn are answered in their order") {
  Bench bench;
  for (std::uint64_t i = 0; i < 50; ++i) {
    CHECK(bench.Send("INCRBY", R"(["n", 1])", i) == "offloaded");
  }
  bench.EndTurn();
  while (bench.delivered.size() < 50) {
    REQUIRE(bench.mailbox.RunOne());
  }
  for (std::uint64_t i = 0; i < 50; ++i) {
    CHECK(bench.delivered[i] == std::make_pair(i, std::to_string(i + 1)));
  }
}

TEST_CASE("a bad argument of a write is answered without queueing it") {
  Bench bench;
  CHECK(bench.Send("SET", R"(["k"])") == "error bad_request");
  CHECK(bench.Send("SET", R"(["k", 1, {"ttl_ms": -1}])") == "error bad_request");
  CHECK(bench.Send("NOSUCH", "[]") == "error unknown_command");
}

TEST_CASE("a write whose deadline passed before it began does nothing") {
  Bench bench;
  CHECK(bench.Send("SET", R"(["k", 1, {"timeout_ms": 100}])") == "offloaded");
  bench.clock.Advance(101);
  bench.EndTurn();
  REQUIRE(bench.mailbox.RunOne());
  CHECK(bench.delivered[0].second == "error timeout");
  CHECK(bench.Send("GET", R"(["k"])") == "null");
}

TEST_CASE("a failed write is an error and leaves nothing of what it did") {
  Bench bench;
  CHECK(bench.Send("SET", R"(["k", "text"])") == "offloaded");
  CHECK(bench.Send("INCRBY", R"(["k", 1])") == "offloaded");
  CHECK(bench.Send("SET", R"(["after", 1])") == "offloaded");
  bench.EndTurn();
  for (int i = 0; i < 3; ++i) {
    REQUIRE(bench.mailbox.RunOne());
  }
  CHECK(bench.delivered[1].second == "error wrong_type");
  CHECK(bench.Send("GET", R"(["k"])") == "\"text\"");
  CHECK(bench.Send("GET", R"(["after"])") == "1");
}

TEST_CASE("without a needed access key, only what is allowed before AUTH runs") {
  Bench bench;
  CHECK(bench.Send("KEY.CREATE", R"(["default", {"permissions": ["admin"]}])") == "offloaded");
  bench.EndTurn();
  REQUIRE(bench.mailbox.RunOne());
  const auto key_in = [&](std::size_t reply) {
    const Value made = wire::FromJson(bench.delivered[reply].second).value();
    return std::string(*made.Find("key")->AsText());
  };
  CHECK(bench.Send("AUTH", R"([")" + key_in(0) + R"("])") ==
        R"({"namespace":"default","permissions":["admin"]})");
  CHECK(bench.Send("KEY.CREATE", R"(["default", {"permissions": ["read"]}])") == "offloaded");
  bench.EndTurn();
  REQUIRE(bench.mailbox.RunOne());
  const std::string key = key_in(1);
  bench.session.authenticated = false;
  for (const commands::CommandSpec* spec : commands::AllCommands()) {
    if ((spec->flags & commands::kNoAuth) == 0) {
      CHECK(bench.Send(spec->name, "[]") == "error unauthenticated");
    }
  }
  CHECK(bench.Send("NOSUCH", "[]") == "error unauthenticated");
  CHECK(bench.Send("AUTH", R"(["rk_wrong"])") == "error unauthenticated");
  CHECK(bench.Send("AUTH", R"([")" + key + R"("])") ==
        R"({"namespace":"default","permissions":["read"]})");
  CHECK(bench.Send("GET", R"(["k"])") == "null");
  CHECK(bench.Send("SET", R"(["k", 1])") == "error forbidden");
  CHECK(bench.Send("INFO", "[]") == "error forbidden");
}

TEST_CASE("calls, errors and slow commands are counted") {
  Bench bench;
  REQUIRE(bench.holder.SetLive("log.slow_micros", "0").ok());
  (void)bench.Send("GET", R"(["k"])");
  (void)bench.Send("GET", "[]");
  const auto reading = bench.telemetry.Collect(*commands::IndexOf("GET"));
  CHECK(reading.calls == 2);
  CHECK(reading.errors == 1);
  CHECK(bench.slow_log.size() == 2);
}

}  // namespace
}  // namespace reprise::dispatch
