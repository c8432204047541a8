// The examples of every row, run against a fresh instance: they must reply as written. "*" stands
// for any value.
#include <catch2/catch.hpp>

#include "protocol/wire/decode.h"
#include "protocol/wire/json.h"
#include "server/commands/all.h"
#include "server/commands/execute.h"

namespace reprise::commands {
namespace {

using base::Value;

bool Same(const Value& expected, const Value& found) {
  if (expected == Value("*")) {
    return true;
  }
  if (const Value::Map* map = expected.AsMap()) {
    if (found.AsMap() == nullptr || found.AsMap()->size() != map->size()) {
      return false;
    }
    return std::all_of(map->begin(), map->end(), [&](const auto& field) {
      const Value* value = found.Find(*field.first.AsText());
      return value != nullptr && Same(field.second, *value);
    });
  }
  if (const Value::Array* items = expected.AsArray()) {
    return found.AsArray() != nullptr && found.AsArray()->size() == items->size() &&
           std::equal(items->begin(), items->end(), found.AsArray()->begin(), Same);
  }
  return expected == found;
}

struct Bench {
  Bench() {
    config.store.engine = storage::EngineKind::kMemory;
    instance = instance::Instance::OpenWithClock(config, clock).value();
  }
  // The result, or {"error": code name}.
  Value Run(std::string_view request_json) const {
    const Value request = wire::FromJson(request_json).value();
    const Value::Array& parts = *request.AsArray();
    const std::string params = wire::Encode(parts[1]);
    const auto reply = Execute(*instance, config, access::Principal(), *parts[0].AsText(), params);
    if (!reply.ok()) {
      return Value(Value::Map{{"error", base::NameOf(reply.error().code)}});
    }
    return wire::Decode(reply.value().view()).value();
  }

  base::FakeClock clock;
  config::Config config;
  std::unique_ptr<instance::Instance> instance;
};

TEST_CASE("the examples of every command reply as written") {
  int run = 0;
  for (const CommandSpec* spec : AllCommands()) {
    Bench bench;
    for (const Example& example : spec->examples) {
      INFO(spec->name << ": " << example.request);
      const Value reply = bench.Run(example.request);
      INFO("replied " << wire::ToJson(reply));
      CHECK(Same(wire::FromJson(example.reply).value(), reply));
      ++run;
    }
  }
  CHECK(run > 60);
}

// Commands about connections and the running process are shown by tests/integration instead.
TEST_CASE("every command that runs without a server has an example") {
  for (const CommandSpec* spec : AllCommands()) {
    Bench bench;
    const auto reply = bench.Run(R"([")" + std::string(spec->name) + R"(", []])");
    const bool needs_server = reply == Value(Value::Map{{"error", "unavailable"}});
    const bool about_process = (spec->flags & (kAdmin | kSession)) != 0;
    INFO(spec->name);
    CHECK((!spec->examples.empty() || needs_server || about_process ||
           spec == FindCommand("COMMAND.LIST")));
  }
}

TEST_CASE("times to live run by the clock, to the millisecond") {
  Bench bench;
  CHECK(bench.Run(R"(["SET", ["k", "v", {"ttl_ms": 1000}]])") == Value(true));
  bench.clock.Advance(400);
  CHECK(bench.Run(R"(["TTL", ["k"]])") == Value(600));
  bench.clock.Advance(599);
  CHECK(bench.Run(R"(["GET", ["k"]])") == Value("v"));
  bench.clock.Advance(1);
  CHECK(bench.Run(R"(["GET", ["k"]])").IsNil());
  CHECK(bench.Run(R"(["EXPIRE", ["k", 1000]])") == Value(false));
  CHECK(bench.Run(R"(["SET", ["k", "w", {"nx": true}]])") == Value(true));
}

TEST_CASE("INCRBY keeps the expiry, and refuses what does not fit") {
  Bench bench;
  CHECK(bench.Run(R"(["SET", ["n", 9223372036854775806, {"ttl_ms": 1000}]])") == Value(true));
  CHECK(bench.Run(R"(["INCRBY", ["n", 1]])") == Value(9223372036854775807LL));
  CHECK(bench.Run(R"(["INCRBY", ["n", 1]])") == Value(Value::Map{{"error", "bad_request"}}));
  CHECK(bench.Run(R"(["TTL", ["n"]])") == Value(1000));
  CHECK(bench.Run(R"(["SET", ["n", -9223372036854775807]])") == Value(true));
  CHECK(bench.Run(R"(["INCRBY", ["n", -1]])") == Value(std::numeric_limits<std::int64_t>::min()));
  CHECK(bench.Run(R"(["INCRBY", ["n", -1]])") == Value(Value::Map{{"error", "bad_request"}}));
}

TEST_CASE("values of every kind are given back as they came") {
  Bench bench;
  for (const std::string_view value :
       {R"(null)", R"(true)", R"(-1)", R"(18446744073709551615)", R"(1.5)", R"("text")",
        R"({"$bin": "AP8="})", R"({"$ext": [5, "AAEC"]})", R"([1, [2, {"a": null}]])"}) {
    const std::string set = R"(["SET", ["k", )" + std::string(value) + "]]";
    CHECK(bench.Run(set) == Value(true));
    CHECK(bench.Run(R"(["GET", ["k"]])") == wire::FromJson(value).value());
  }
}

TEST_CASE("a value may be as large as the limit and not one byte larger") {
  Bench bench;
  bench.config.cache.value_bytes_max = 2048;
  const auto set = [&](std::size_t text_bytes) {  // three bytes of header
    return bench.Run(R"(["SET", ["k", ")" + std::string(text_bytes, 'x') + R"("]])");
  };
  CHECK(set(2044) == Value(true));
  CHECK(set(2045) == Value(true));
  CHECK(set(2046) == Value(Value::Map{{"error", "too_large"}}));
}

TEST_CASE("paging through all keys gives each once, in order") {
  Bench bench;
  for (int i = 0; i < 57; ++i) {
    const std::string key = std::to_string(1000 + i);
    CHECK(bench.Run(R"(["SET", [")" + key + R"(", 1]])") == Value(true));
  }
  std::vector<std::string> seen;
  std::string after;
  while (true) {
    const Value page =
        bench.Run(R"(["SCAN", [{"limit": 10, "prefix": "10", "after": ")" + after + R"("}]])");
    for (const Value& key : *page.Find("keys")->AsArray()) {
      seen.emplace_back(*key.AsText());
    }
    if (page.Find("next")->IsNil()) {
      break;
    }
    after = std::string(*page.Find("next")->AsText());
  }
  CHECK(seen.size() == 57);
  CHECK(std::is_sorted(seen.begin(), seen.end()));
}

}  // namespace
}  // namespace reprise::commands
