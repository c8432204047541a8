// The typed commands: what each sends, and what it makes of the reply.
#include <catch2/catch.hpp>

#include "client/cpp/access.h"
#include "client/cpp/cache.h"
#include "client/cpp/control.h"
#include "client/cpp/keys.h"
#include "client/cpp/limits.h"
#include "client/cpp/routing.h"
#include "client/cpp/server.h"
#include "client/cpp/session.h"
#include "client/cpp/spend.h"
#include "protocol/wire/decode.h"
#include "protocol/wire/json.h"

namespace reprise::client {
namespace {

using base::Code;
using base::Value;

// Answers every call with one reply and remembers the request as JSON.
class Canned final : public Caller {
 public:
  explicit Canned(const char* reply) : reply_(wire::FromJson(reply).value()) {}

  using Caller::CallRaw;
  base::Result<std::string> CallRaw(std::string_view method, std::string_view params,
                                    const CallOptions& /*options*/) override {
    request = std::string(method) + " " + wire::ToJson(wire::Decode(params).value());
    return wire::Encode(reply_);
  }

  std::string request;

 private:
  Value reply_;
};

TEST_CASE("Set sends its options by name and answers whether it stored") {
  Canned server("true");
  CHECK(server.Keys().Set("k", 5).value());
  CHECK(server.request == R"(SET ["k",5])");
  CHECK(server.Keys().Set("k", Value::Map{{"a", 1}}).value());
  CHECK(server.request == R"(SET ["k",{"a":1}])");
  CHECK(server.Keys().Set("k", 5, {.ttl_ms = 10, .only_if_absent = true}).value());
  CHECK(server.request == R"(SET ["k",5,{"ttl_ms":10,"nx":true}])");
  Canned refusing("false");
  CHECK_FALSE(refusing.Keys().Set("k", 5, {.only_if_present = true}).value());
  CHECK(refusing.request == R"(SET ["k",5,{"xx":true}])");
}

TEST_CASE("Get and MGet tell an absent key from a value") {
  CHECK_FALSE(Canned("null").Keys().Get("k").value().has_value());
  CHECK(Canned("0").Keys().Get("k").value() == Value(0));
  Canned server(R"([1,null,"c"])");
  const auto values = server.Keys().MGet({"a", "b", "c"});
  REQUIRE(values.ok());
  CHECK(server.request == R"(MGET ["a","b","c"])");
  CHECK_FALSE(values.value()[1].has_value());
  CHECK(*values.value()[2] == Value("c"));
  CHECK(Canned("[1]").Keys().MGet({"a", "b"}).error().code == Code::kCorrupt);
}

TEST_CASE("The other key commands send their arguments in order") {
  Canned truth("true");
  CHECK(truth.Keys().MSet({{"a", 1}, {"b", "x"}}, 9).ok());
  CHECK(truth.request == R"(MSET ["a",1,"b","x",{"ttl_ms":9}])");
  CHECK(truth.Keys().Expire("k", 7).value());
  CHECK(truth.request == R"(EXPIRE ["k",7])");
  CHECK(truth.Keys().Persist("k").value());
  CHECK(truth.request == R"(PERSIST ["k"])");
  Canned two("2");
  CHECK(two.Keys().Del({"a", "b"}).value() == 2);
  CHECK(two.Keys().Exists({"a", "b"}).value() == 2);
  CHECK(two.request == R"(EXISTS ["a","b"])");
  Canned negative("-5");
  CHECK(negative.Keys().IncrBy("n", -5, 100).value() == -5);
  CHECK(negative.request == R"(INCRBY ["n",-5,{"ttl_ms":100}])");
}

TEST_CASE("Ttl tells absent, everlasting and expiring keys apart") {
  CHECK_FALSE(Canned("null").Keys().Ttl("k").value().exists);
  const auto everlasting = Canned("-1").Keys().Ttl("k").value();
  CHECK(everlasting.exists);
  CHECK_FALSE(everlasting.left_ms.has_value());
  CHECK(Canned("0").Keys().Ttl("k").value().left_ms == 0);
}

TEST_CASE("Scan pages through keys") {
  Canned server(R"({"keys":["a","b"],"next":"b"})");
  const auto page = server.Keys().Scan({.prefix = "p", .after = "x", .limit = 2});
  CHECK(server.request == R"(SCAN [{"prefix":"p","after":"x","limit":2}])");
  CHECK(page.value().keys == std::vector<std::string>{"a", "b"});
  CHECK(page.value().next == "b");
  CHECK_FALSE(Canned(R"({"keys":[],"next":null})").Keys().Scan().value().next.has_value());
}

TEST_CASE("Store and Lookup carry identity, tokens and cost") {
  Canned store(R"({"id":"e1","tier_keys":2,"expires_at_ms":99})");
  const auto stored = store.Cache().Store("p", "answer",
                                          {.identity = Value::Map{{"model", "m"}},
                                           .type = "research",
                                           .tags = {"t"},
                                           .ttl_ms = 5,
                                           .tokens_in = 1,
                                           .tokens_out = 2,
                                           .cost_nano = 3,
                                           .model = "m"});
  CHECK(store.request == R"(CACHE.STORE ["p","answer",{"identity":{"model":"m"},"type":"research",)"
                         R"("tags":["t"],"ttl_ms":5,"tokens_in":1,"tokens_out":2,"cost_nano":3,)"
                         R"("model":"m"}])");
  CHECK(stored.value().id == "e1");
  CHECK(stored.value().expires_at_ms == 99);

  Canned hit(R"({"status":"hit","tier":"normalized","id":"e1","response":{"a":1},"type":"general",)"
             R"("age_ms":4,"expires_at_ms":5,"tokens_in":6,"tokens_out":7,"cost_nano":8,)"
             R"("reason":"r"})");
  const auto found =
      hit.Cache().Lookup("p", {.type = "general", .max_age_ms = 10, .tier = "exact"});
  CHECK(hit.request == R"(CACHE.LOOKUP ["p",{"type":"general","max_age_ms":10,"tier":"exact"}])");
  CHECK(found.value().hit);
  CHECK(found.value().tier == "normalized");
  CHECK(found.value().response == Value(Value::Map{{"a", 1}}));
  CHECK(found.value().tokens_out == 7);
  CHECK(found.value().cost_nano == 8);
  const auto missed = Canned(R"({"status":"miss","reason":"absent"})").Cache().Lookup("p");
  CHECK_FALSE(missed.value().hit);
  CHECK(missed.value().reason == "absent");
}

TEST_CASE("A chat request takes the place of the prompt") {
  const Value chat = Value::Map{{"model", "m"}, {"input", "q"}};
  Canned miss(R"({"status":"miss","reason":"absent"})");
  CHECK(miss.Cache().Lookup("", {.request = chat, .identity_mode = "prompt_only"}).ok());
  CHECK(miss.request == R"(CACHE.LOOKUP [null,{"request":{"model":"m","input":"q"},)"
                        R"("identity_mode":"prompt_only"}])");
  Canned stored(R"({"stored":false,"reason":"an action"})");
  const auto refused = stored.Cache().Store("", "a", {.request = chat});
  CHECK(stored.request == R"(CACHE.STORE [null,"a",{"request":{"model":"m","input":"q"}}])");
  CHECK_FALSE(refused.value().stored);
  CHECK(refused.value().reason == "an action");
  Canned count(R"({"entries":1})");
  CHECK(count.Cache().Invalidate("entry", "", {.request = chat}).value() == 1);
  CHECK(count.request == R"(CACHE.INVALIDATE ["entry",{"request":{"model":"m","input":"q"}}])");
  CHECK(count.Cache().Invalidate("tag", "t", {.dry_run = true}).value() == 1);
  CHECK(count.request == R"(CACHE.INVALIDATE ["tag","t",{"dry_run":true}])");
}

TEST_CASE("Fetch tells each status apart and sends what was asked") {
  Canned lease(R"({"status":"lease","lease":"t0","lease_ms":900,"type":"general","reason":"r"})");
  const auto leased = lease.Cache().Fetch("p", {.identity = Value::Map{{"model", "m"}},
                                                .type = "general",
                                                .stale_ok_ms = 0,
                                                .wait = false,
                                                .wait_ms = 5,
                                                .lease_ms = 900,
                                                .no_cache = true});
  CHECK(lease.request == R"(CACHE.FETCH ["p",{"identity":{"model":"m"},"type":"general",)"
                         R"("stale_ok_ms":0,"wait":false,"wait_ms":5,"lease_ms":900,)"
                         R"("no_cache":true}])");
  CHECK(leased.value().status == FetchStatus::kLease);
  CHECK(leased.value().lease == "t0");
  CHECK(leased.value().lease_ms == 900);
  CHECK_FALSE(leased.value().found.hit);
  const auto status = [](const char* reply) {
    return Canned(reply).Cache().Fetch("p").value().status;
  };
  CHECK(status(R"({"status":"hit","response":1})") == FetchStatus::kHit);
  CHECK(status(R"({"status":"stale","response":1})") == FetchStatus::kStale);
  CHECK(status(R"({"status":"bypass","reason":""})") == FetchStatus::kBypass);
  CHECK(status(R"({"status":"timeout","reason":""})") == FetchStatus::kTimeout);
  const auto failed =
      Canned(R"({"status":"error","error":"503","retry_after_ms":7})").Cache().Fetch("p").value();
  CHECK(failed.status == FetchStatus::kError);
  CHECK(failed.error == "503");
  CHECK(failed.retry_after_ms == 7);
  for (const char* reply : {R"({"status":"news"})", R"({"status":"lease"})", R"({})"}) {
    CHECK(Canned(reply).Cache().Fetch("p").error().code == Code::kCorrupt);
  }
  CHECK(NameOf(FetchStatus::kTimeout) == "timeout");
}

TEST_CASE("A lease is filled, renewed, appended to and abandoned") {
  Canned filled(R"({"stored":true,"id":7,"expires_at_ms":9})");
  const auto stored =
      filled.Cache().Fill("t0", "a", {.tags = {"x"}, .tokens_out = 2, .model = "m"});
  CHECK(filled.request == R"(CACHE.FILL ["t0","a",{"tags":["x"],"tokens_out":2,"model":"m"}])");
  CHECK(stored.value().stored);
  CHECK(stored.value().id == "7");
  Canned renewed(R"({"lease_ms":60000})");
  CHECK(renewed.Cache().Renew("t0").value() == 60'000);
  CHECK(renewed.request == R"(CACHE.RENEW ["t0"])");
  Canned appended(R"({"chunks":3})");
  CHECK(appended.Cache().Append("t0", "piece").value() == 3);
  CHECK(appended.request == R"(CACHE.APPEND ["t0","piece"])");
  Canned abandoned("{}");
  CHECK(abandoned.Cache().Abandon("t0").ok());
  CHECK(abandoned.request == R"(CACHE.ABANDON ["t0"])");
  CHECK(abandoned.Cache().Abandon("t0", {.error = "503", .ttl_ms = 5}).ok());
  CHECK(abandoned.request == R"(CACHE.ABANDON ["t0",{"error":"503","ttl_ms":5}])");
}

TEST_CASE("Cache types and statistics are maps by type") {
  Canned types(R"({"general":{"ttl_ms":3600000}})");
  CHECK(types.Cache().Types().value().at("general") == 3'600'000);
  Canned stats(R"({"entries":3,"entries_max":10,"bytes":7,"bytes_max":8,"eviction":"cost",)"
               R"("types":{"general":{"lookups":3,"hits_exact":1,"hits_normalized":1,"misses":2,)"
               R"("followers":1,"stores":3,"hit_ages":[1,2,3,4]}},"total":{"evictions":9,)"
               R"("cost_saved_nano":12,"misses_unknown":5,"lookup_times":[6]},)"
               R"("log":{"sample_ppm":1,"dropped_cost_nano":2}})");
  const auto counted = stats.Cache().Stats().value();
  CHECK(counted.entries == 3);
  CHECK(counted.types.at("general").hits_normalized == 1);
  CHECK(counted.types.at("general").lookups == 3);  // A follower is no lookup more.
  CHECK(counted.types.at("general").followers == 1);
  CHECK(counted.types.at("general").hit_ages == std::vector<std::uint64_t>{1, 2, 3, 4});
  CHECK(counted.accounts.at("general").stores == 3);
  CHECK(counted.bytes == 7);
  CHECK(counted.bytes_max == 8);
  CHECK(counted.eviction == "cost");
  CHECK(counted.total.misses_unknown == 5);
  CHECK(counted.total.lookup_times == std::vector<std::uint64_t>{6});
  CHECK(counted.log.sample_ppm == 1);
  CHECK(counted.log.dropped_cost_nano == 2);
  Canned bots(R"({"bots":{"b":{"bypasses":4}},"total":{}})");
  const auto by_bot = bots.Cache().Stats({}, "bot").value();
  CHECK(bots.request == R"(CACHE.STATS [{"by":"bot"}])");
  CHECK(by_bot.accounts.at("b").bypasses == 4);
  CHECK(by_bot.types.empty());
  CHECK(counted.total.evictions == 9);
  CHECK(counted.total.cost_saved_nano == 12);
}

TEST_CASE("Session commands read the connection's identity") {
  Canned hello(R"({"server":"reprise","version":"0.1.0","protocol":1,"namespace":"default",)"
               R"("authenticated":true,"id":7})");
  const auto greeted = hello.Session().Hello({.client = "bot"});
  CHECK(hello.request == R"(HELLO [{"client":"bot"}])");
  CHECK(greeted.value().authenticated);
  CHECK(greeted.value().name_space == "default");
  const auto auth = Canned(R"({"namespace":"n","permissions":["read"]})").Session().Auth("key");
  CHECK(auth.value().permissions == std::vector<std::string>{"read"});
  CHECK(Canned(R"("PONG")").Session().Ping().ok());
  CHECK(Canned("1").Session().Ping().error().code == Code::kCorrupt);
  CHECK(Canned("[1]").Session().Echo(Value::Array{1}).value() == Value(Value::Array{1}));
  CHECK(Canned("true").Session().Quit().ok());
  CHECK(Canned("false").Session().Kill(3).value() == false);
  const auto list =
      Canned(R"([{"id":1,"peer":"p","transport":"tcp","age_ms":5}])").Session().List();
  CHECK(list.value().front().peer == "p");
  CHECK(list.value().front().age_ms == 5);
}

TEST_CASE("Limit commands name or give limits and read what they say") {
  Canned one(
      R"({"allowed":true,"limit":5,"remaining":4,"retry_after_ms":0,"reset_ms":9,"lease":"ab","lease_ms":7})");
  const auto taken = one.Limits().Take("u", Limit{.limit = 5, .period_ms = 60'000}).value();
  CHECK(one.request == R"(LIMIT.TAKE ["u",{"limit":5,"period_ms":60000}])");
  CHECK(taken.allowed);
  CHECK(taken.remaining == 4);
  CHECK(taken.lease == "ab");
  CHECK_FALSE(taken.blocked_by.has_value());
  CHECK(one.Limits().Take("chat", Limit{}).ok());
  CHECK(one.request == R"(LIMIT.TAKE ["chat"])");
  CHECK(one.Limits().Acquire("m", {.limit = 2, .period_ms = 1, .quantity = 2}, 500).ok());
  CHECK(one.request == R"(LIMIT.ACQUIRE ["m",{"limit":2,"quantity":2,"lease_ms":500}])");
  CHECK(one.Limits().Peek("u", Limit{.rule = "r", .quantity = 0}).ok());
  CHECK(one.request == R"(LIMIT.PEEK ["u",{"rule":"r","quantity":0}])");
  Canned several(
      R"({"allowed":false,"remaining":0,"retry_after_ms":5,"blocked_by":1,"limits":[{"allowed":true},{"retry_after_ms":5}]})");
  const auto blocked =
      several.Limits().Take("u", {{.rule = "a"}, {.rule = "b", .quantity = 9, .key = "o"}}, 1'000);
  CHECK(
      several.request ==
      R"(LIMIT.TAKE ["u",{"lease_ms":1000,"limits":[{"rule":"a"},{"rule":"b","quantity":9,"key":"o"}]}])");
  CHECK(blocked.value().blocked_by == 1);
  REQUIRE(blocked.value().limits.size() == 2);
  CHECK(blocked.value().limits[0].allowed);
  CHECK(blocked.value().limits[1].retry_after_ms == 5);
}

TEST_CASE("Leases of limits are renewed and released, and rules set and listed") {
  Canned lease(R"({"lease_ms":9})");
  CHECK(lease.Limits().Renew("ab").value() == 9);
  CHECK(lease.request == R"(LIMIT.RENEW ["ab"])");
  Canned corrected(R"({"given_back":3,"charged":0})");
  CHECK(corrected.Limits().Release("ab", 0).value().given_back == 3);
  CHECK(corrected.request == R"(LIMIT.RELEASE ["ab",{"quantity":0}])");
  CHECK(corrected.Limits().Release("ab").ok());
  CHECK(corrected.request == R"(LIMIT.RELEASE ["ab"])");
  Canned adjusted(R"({"limit":5,"remaining":0,"retry_after_ms":8,"reset_ms":9})");
  CHECK(adjusted.Limits().Adjust("u", 4, {.rule = "r"}).value().retry_after_ms == 8);
  CHECK(adjusted.request == R"(LIMIT.ADJUST ["u",4,{"rule":"r"}])");
  Canned rule(R"({"algorithm":"gcra","limit":5,"period_ms":6,"burst":5,"lease_ms":null})");
  CHECK(rule.Limits().Set("r", {.limit = 5, .period_ms = 6}).value().burst == 5);
  CHECK(rule.request == R"(LIMIT.SET ["r",{"limit":5,"period_ms":6}])");
  Canned list(R"([{"name":"r","from":"namespace","algorithm":"window","limit":5}])");
  CHECK(list.Limits().List().value().at(0).from == "namespace");
  CHECK(Canned("true").Limits().Delete("r").value());
}

TEST_CASE("Server commands leave out what was not given") {
  Canned map("{}");
  CHECK(map.Server().Info().ok());
  CHECK(map.request == "INFO []");
  CHECK(map.Server().Info("store").ok());
  CHECK(map.request == R"(INFO ["store"])");
  CHECK(
      Canned(R"({"network.port":7377})").Server().ConfigGet("network").value().at("network.port") ==
      Value(7377));
  Canned truth("true");
  CHECK(truth.Server().ConfigSet("cache.entries_max", 5).ok());
  CHECK(truth.request == R"(CONFIG.SET ["cache.entries_max",5])");
  CHECK(truth.Server().Shutdown().ok());
  CHECK(truth.Server().SlowLog(3).ok());
  CHECK(truth.request == R"(SLOWLOG [{"limit":3}])");
  CHECK(truth.Server().Stats().ok());
  CHECK(truth.Server().Flush().ok());
  CHECK(truth.Server().CommandDocs("GET").ok());
  CHECK(truth.request == R"(COMMAND.DOCS ["GET"])");
  CHECK(Canned(R"(["GET","SET"])").Server().CommandList().value().size() == 2);
  CHECK(Canned(R"({"sequence":8})").Server().Save().value() == 8);
  const auto backup =
      Canned(R"({"path":"/b","sequence":1,"rows":2,"bytes":3})").Server().Backup("b");
  CHECK(backup.value().path == "/b");
  CHECK(backup.value().bytes == 3);
  const auto verified =
      Canned(R"({"rows":2,"bytes":3,"bad_rows":1,"problems":["p"]})").Server().Verify();
  CHECK(verified.value().bad_rows == 1);
  CHECK(verified.value().problems == std::vector<std::string>{"p"});
}

TEST_CASE("Access commands show a new key once") {
  Canned created(R"({"id":"i","key":"secret","namespace":"n","permissions":["read"]})");
  const auto key = created.Access().CreateKey("n", {.permissions = {"read"}, .label = "bot"});
  CHECK(created.request == R"(KEY.CREATE ["n",{"permissions":["read"],"label":"bot"}])");
  CHECK(key.value().key == "secret");
  CHECK(Canned(R"([{"id":"i","label":"bot"}])").Access().ListKeys().value().front().label == "bot");
  CHECK(Canned("true").Access().DeleteKey("i").value());
  CHECK(Canned("true").Access().CreateNamespace("n").ok());
  CHECK(Canned(R"(["a","b"])").Access().ListNamespaces().value().back() == "b");
  CHECK(Canned(R"([{"name":"a"}])").Access().ListNamespaces().value().back() == "a");
  CHECK(Canned("true").Access().DeleteNamespace("n").ok());
}

TEST_CASE("Control commands send what was given and tell what is decided") {
  Canned set(
      R"({"strategy": "tools", "mode": "on", "source": "namespace", "rollout_percent": 12.5,
          "hold_out_percent": 5.0, "unit": "bot", "tripped_by": null,
          "overrides": [{"scope": "bot", "name": "b", "mode": "off", "set_at_ms": 7,
                         "expires_at_ms": 0}],
          "decision": {"mode": "off", "group": "none", "reason": "an override"}})");
  const auto state = set.Control().SetStrategy("tools", {.rollout_percent = 12.5, .unit = "bot"});
  CHECK(set.request == R"(STRATEGY.SET ["tools",{"rollout_percent":12.5,"unit":"bot"}])");
  REQUIRE(state.ok());
  CHECK(state.value().rollout_percent == 12.5);
  CHECK(state.value().in_force == "off");
  CHECK(state.value().tripped_by.empty());
  REQUIRE(state.value().overrides.size() == 1);
  CHECK(state.value().overrides[0].set_at_ms == 7);
  CHECK(set.Control().SetStrategy("tools", {.override_to = "off", .bot = "b", .ttl_ms = 9}).ok());
  CHECK(set.request == R"(STRATEGY.SET ["tools",{"override":"off","bot":"b","ttl_ms":9}])");

  Canned record(R"({"tripped": ["quality"]})");
  const auto tripped = record.Control().RecordQuality({.quality = 0.5,
                                                       .response_ms = 80,
                                                       .failed = true,
                                                       .strategies = std::vector<std::string>{}});
  CHECK(record.request ==
        R"(QUALITY.RECORD [{"quality":0.5,"error":true,"response_ms":80,"strategies":[]}])");
  CHECK(tripped.value() == std::vector<std::string>{"quality"});

  Canned status(
      R"({"slice_ms": 1, "needed": 2.0, "guardrails": [
          {"name": "q", "metric": "quality", "limit": 0.92, "strategies": ["tools"],
           "source": "configuration", "off": false, "cool_down_ms": 5, "trip": {"at_ms": 1},
           "watched": []}]})");
  const auto guardrails = status.Control().Guardrails();
  CHECK(status.request == "GUARDRAIL.STATUS []");
  REQUIRE(guardrails.value().size() == 1);
  CHECK(guardrails.value()[0].tripped);
  CHECK(guardrails.value()[0].limit == 0.92);
  CHECK(status.Control().SetGuardrail("q", {.limit = 0.9, .strategies = {"tools"}}).ok());
  CHECK(status.request == R"(GUARDRAIL.SET ["q",{"limit":0.9,"strategies":["tools"]}])");

  Canned rearmed(R"({"rearmed": ["q"]})");
  CHECK(rearmed.Control().Rearm("q").value() == std::vector<std::string>{"q"});
  CHECK(rearmed.request == R"(GUARDRAIL.REARM ["q"])");
  Canned list("[]");
  CHECK(list.Control().Strategies({.conversation = "c"}).value().empty());
  CHECK(list.request == R"(STRATEGY.LIST [{"conversation":"c"}])");
  Canned miss(R"({"status": "miss", "reason": "r"})");
  CHECK(miss.Cache().Lookup("q", {.conversation = "c"}).ok());
  CHECK(miss.request == R"(CACHE.LOOKUP ["q",{"conversation":"c"}])");
}

TEST_CASE("A reply of another kind is an error, not a zero") {
  CHECK(Canned("5").Keys().Set("k", 1).error().code == Code::kCorrupt);
  CHECK(Canned("null").Keys().IncrBy("k", 1).error().code == Code::kCorrupt);
  CHECK(Canned("-1").Keys().Del({"k"}).error().code == Code::kCorrupt);
  CHECK(Canned("[]").Cache().Lookup("p").error().code == Code::kCorrupt);
  CHECK(Canned("{}").Session().List().error().code == Code::kCorrupt);
  CHECK(Canned("[1]").Server().CommandList().error().code == Code::kCorrupt);
}

TEST_CASE("Reserve, Commit, Release and Record send money and usage, and read what came of it") {
  Canned granted(
      R"({"granted":true,"reservation":7,"amount_nano":50,"blocked_by":null,"blocked":[],)"
      R"("retry_after_ms":null,"exceeded":["bot:a/day"]})");
  auto held = granted.Spend().Reserve({"bot:a"}, 50, {.lease_ms = 100});
  CHECK(granted.request == R"(BUDGET.RESERVE [["bot:a"],50,{"lease_ms":100}])");
  CHECK(held.value().granted);
  CHECK(held.value().reservation == 7);
  CHECK(held.value().exceeded == std::vector<std::string>{"bot:a/day"});
  Canned refused(R"({"granted":false,"reservation":null,"amount_nano":9,"blocked_by":"bot:a/day",)"
                 R"("retry_after_ms":30,"blocked":[{"budget":"bot:a/day","retry_after_ms":30}]})");
  held = refused.Spend().Reserve({}, std::nullopt,
                                 {.usage = TokenUsage{.input_tokens = 3}, .price = {.model = "m"}});
  CHECK(refused.request == R"(BUDGET.RESERVE [[],null,{"usage":{"input_tokens":3},"model":"m"}])");
  CHECK_FALSE(held.value().granted);
  CHECK(held.value().blocked_by == "bot:a/day");
  CHECK(held.value().blocked.at(0).retry_after_ms == 30);

  Canned charged(R"({"charged_nano":5,"reserved_nano":9,"over_nano":0,"duplicate":true,)"
                 R"("late":false,"sequence":3,"exceeded":[]})");
  const auto done = charged.Spend().Commit(7, 5, {.charge_id = "c"});
  CHECK(charged.request == R"(BUDGET.COMMIT [7,5,{"charge_id":"c"}])");
  CHECK(done.value().duplicate);
  CHECK(done.value().sequence == 3);
  CHECK(charged.Spend().Record(5, {.scopes = {"bot:a"}, .strategy = "routing"}).ok());
  CHECK(charged.request == R"(SPEND.RECORD [5,{"scopes":["bot:a"],"strategy":"routing"}])");
  Canned freed(R"({"freed_nano":9})");
  CHECK(freed.Spend().Release(7).value() == 9);
}

TEST_CASE("Budgets are set, listed and removed, and a call is priced") {
  Canned truth("true");
  CHECK(truth.Spend()
            .SetBudget("bot:a", 9, {.period = "day", .timezone = "Europe/Berlin", .soft = true})
            .ok());
  CHECK(truth.request ==
        R"(BUDGET.SET ["bot:a",9,{"period":"day","timezone":"Europe/Berlin","soft":true}])");
  CHECK(truth.Spend().DeleteBudget("bot:a/day").ok());
  Canned status(R"({"pressure":{},"budgets":[{"budget":"bot:a/day","scope":"bot:a","hard":true,)"
                R"("limit_nano":9,"spent_nano":4,"reserved_nano":1,"left_nano":4,)"
                R"("used_ppm":555555,"ends_at_ms":null}]})");
  const auto budgets = status.Spend().Budgets().value();
  REQUIRE(budgets.size() == 1);
  CHECK(budgets[0].left_nano == 4);
  CHECK(budgets[0].ends_at_ms == 0);
  Canned quote(R"({"cost_nano":1050,"exact":"0.00000105"})");
  CHECK(quote.Spend().Quote({.input_tokens = 7}, {.model = "m", .tier = "batch"}).value() == 1050);
  CHECK(quote.request == R"(PRICE.QUOTE ["m",{"input_tokens":7},{"tier":"batch"}])");
  Canned report(R"({"rows":[]})");
  CHECK(report.Spend().Report({.from = "2026-11-01", .by = {"bot"}}).ok());
  CHECK(report.request == R"(SPEND.REPORT [{"from":"2026-11-01","by":["bot"]}])");
}

TEST_CASE("Select sends what it was given and reads the choice") {
  Canned server(
      R"({"decision": 7, "model": "m", "score": 30.5, "level": "straightforward", "confidence": 0.5,
          "quality": 0.8, "gain": 0.1, "cost_nano": 9, "propensity": 0.99, "reason": "r",
          "fallbacks": ["n"], "would": null})");
  const auto choice = server.Routing().Select(
      "p", {.models = {"m", "n"}, .critical = true, .importance = 0.25, .scopes = {"bot:a"}});
  CHECK(
      server.request ==
      R"(ROUTE.SELECT ["p",{"models":["m","n"],"critical":true,"importance":0.25,"scopes":["bot:a"]}])");
  CHECK(choice.value().decision == 7);
  CHECK(choice.value().score == 30.5);
  CHECK(choice.value().fallbacks == std::vector<std::string>{"n"});
  CHECK(choice.value().would.empty());
}

TEST_CASE("Feedback and the catalogue send only what was given") {
  Canned server(R"({"model": "m", "learned": true, "outcome": 3, "added": true})");
  CHECK(server.Routing().Feedback(7, {.quality = 0.5, .latency_ms = 9}).value());
  CHECK(server.request == R"(ROUTE.FEEDBACK [7,{"quality":0.5,"latency_ms":9}])");
  CHECK(server.Routing().Feedback(7, {.model = "n", .failed = true}).value());
  CHECK(server.request == R"(ROUTE.FEEDBACK [7,{"model":"n","error":true}])");
  CHECK(server.Routing().SetModel("m", {.input_nano = 0, .output_nano = 5}).value());
  CHECK(server.request == R"(ROUTE.MODEL.SET ["m",{"input_nano":0,"output_nano":5}])");
  CHECK(server.Routing().DeleteModel("m", true).ok());
  CHECK(server.request == R"(ROUTE.MODEL.DEL ["m",{"shared":true}])");
}

}  // namespace
}  // namespace reprise::client
