#include <algorithm>
#include <fstream>
#include <sstream>

#include <catch2/catch.hpp>

#include "client/cli/completion.h"
#include "client/cli/flags.h"
#include "client/cli/format.h"
#include "client/cli/numbers.h"
#include "client/cli/prompt.h"
#include "client/cli/request.h"
#include "client/cli/shell.h"
#include "client/cli/stat.h"
#include "client/cli/strategies.h"
#include "client/cpp/fake_server.h"
#include "protocol/wire/json.h"

namespace reprise::client {
namespace {

using base::Code;
using base::Value;

Value Json(std::string_view text) {
  return wire::FromJson(text).value();
}

const Rows& SampleRows() {
  static const Rows rows(Json(R"({"commands": [
    {"name": "SET", "summary": "Stores a value.", "family": "keys", "flags": ["write"],
     "args": [{"name": "key", "kind": "key", "required": true, "variadic": false, "doc": "the key"},
              {"name": "value", "kind": "value", "required": true, "variadic": false, "doc": ""}],
     "options": [{"name": "ttl_ms", "kind": "milliseconds", "doc": "time to live"},
                 {"name": "nx", "kind": "bool", "doc": ""}], "result": "bool", "errors": [],
     "examples": [{"request": "[\"SET\", [\"k\", 1]]", "reply": "true"}]},
    {"name": "MSET", "summary": "", "family": "keys",
     "args": [{"name": "key", "kind": "key", "required": true, "variadic": true},
              {"name": "value", "kind": "value", "required": true, "variadic": true}],
     "options": [{"name": "ttl_ms", "kind": "milliseconds"}]},
    {"name": "INCRBY", "summary": "", "family": "keys",
     "args": [{"name": "key", "kind": "key"}, {"name": "delta", "kind": "integer"}]},
    {"name": "KEY.CREATE", "summary": "", "family": "server",
     "args": [{"name": "namespace", "kind": "text"}],
     "options": [{"name": "permissions", "kind": "texts"}]},
    {"name": "ASK", "summary": "", "family": "cache",
     "args": [{"name": "prompt", "kind": "text", "nullable": true}],
     "options": [{"name": "request", "kind": "value"}]},
    {"name": "INFO", "summary": "The state.", "family": "server",
     "args": [{"name": "section", "kind": "text", "required": false}]}]})"));
  return rows;
}

// The request as JSON, or its error.
std::string Requested(std::string_view line, bool json_args = false) {
  const auto words = SplitWords(line);
  if (!words.ok()) {
    return words.error().detail;
  }
  const auto request = MakeRequest(words.value(), SampleRows(), json_args);
  return request.ok() ? request.value().method + " " + wire::ToJson(request.value().params)
                      : request.error().detail;
}

std::vector<std::string> Texts(std::string_view line) {
  std::vector<std::string> texts;
  const auto words = SplitWords(line);
  for (const Word& word : words.value()) {
    texts.push_back(word.text);
  }
  return texts;
}

TEST_CASE("A line splits at white space outside of quotes and brackets") {
  using List = std::vector<std::string>;
  CHECK(Texts("  SET  a\tb ") == List{"SET", "a", "b"});
  CHECK(Texts(R"(SET 'a b' "c \"d\" \n")") == List{"SET", "a b", "c \"d\" \n"});
  CHECK(Texts(R"(SET k {"a": [1, "x } y"]} z)") == List{"SET", "k", R"({"a": [1, "x } y"]})", "z"});
  CHECK(Texts("SET k ''") == List{"SET", "k", ""});
  CHECK(Texts("type='a b'") == List{"type=a b"});
  CHECK(Texts("").empty());
  CHECK_FALSE(SplitWords("SET 'a").ok());
}

TEST_CASE("A quote or bracket that is open continues on the next line") {
  CHECK(IsOpen("SET k {\"a\":"));
  CHECK(IsOpen("SET k 'a"));
  CHECK(IsOpen("SET k \"a"));
  CHECK(IsOpen("SET k [\"]\""));
  CHECK_FALSE(IsOpen("SET k {\"a\":\n1}"));
  CHECK_FALSE(IsOpen("SET k a{b"));
  CHECK_FALSE(IsOpen(""));
}

TEST_CASE("Keys stay text, values are JSON where they read as JSON") {
  CHECK(Requested("set 1 2") == R"(SET ["1",2])");
  CHECK(Requested("SET k hello") == R"(SET ["k","hello"])");
  CHECK(Requested("SET k true") == R"(SET ["k",true])");
  CHECK(Requested("SET k null") == R"(SET ["k",null])");
  CHECK(Requested("SET k '5'") == R"(SET ["k","5"])");
  CHECK(Requested(R"(SET k {"a": [1, 2.5]})") == R"(SET ["k",{"a":[1,2.5]}])");
  CHECK(Requested("SET k {broken}") == R"(SET ["k","{broken}"])");
  CHECK(Requested("INCRBY n -5") == R"(INCRBY ["n",-5])");
}

TEST_CASE("An integer beyond 64 bits is refused where it would be rounded") {
  const auto is_refused = [](std::string_view line, bool json_args = false) {
    return Requested(line, json_args).find("is beyond 64 bits") != std::string::npos;
  };
  CHECK(Requested("SET k 18446744073709551615") == R"(SET ["k",18446744073709551615])");
  CHECK(is_refused("SET k 18446744073709551616"));
  CHECK(Requested("SET k -9223372036854775808") == R"(SET ["k",-9223372036854775808])");
  CHECK(is_refused("SET k -9223372036854775809"));
  CHECK(is_refused(R"(SET k {"a\"": [1, "x", 99999999999999999999]})"));
  CHECK(is_refused("NEW.COMMAND 99999999999999999999"));
  CHECK(is_refused(R"(SET k v {"ttl_ms": 99999999999999999999})"));
  CHECK(is_refused("SET '\"k\"' 99999999999999999999", true));
  CHECK(Requested("INCRBY n 9223372036854775808").find("delta must be an integer of 64 bits") == 0);
  CHECK(Requested(R"(SET k ["99999999999999999999", 1e30])") ==
        R"(SET ["k",["99999999999999999999",1e+30]])");
  CHECK(Requested("SET k '99999999999999999999'") == R"(SET ["k","99999999999999999999"])");
  CHECK(Requested("SET 99999999999999999999 v") == R"(SET ["99999999999999999999","v"])");
}

TEST_CASE("Options follow the required arguments, by name or as an object") {
  CHECK(Requested("SET k v ttl_ms=60000 nx=true") == R"(SET ["k","v",{"ttl_ms":60000,"nx":true}])");
  CHECK(Requested(R"(SET k v {"ttl_ms": 5})") == R"(SET ["k","v",{"ttl_ms":5}])");
  CHECK(Requested("SET k ttl_ms=5") == R"(SET ["k","ttl_ms=5"])");
  CHECK(Requested("SET ttl_ms=5 v") == R"(SET ["ttl_ms=5","v"])");
  CHECK(Requested("SET k v timeout_ms=9") == R"(SET ["k","v",{"timeout_ms":9}])");
  CHECK(Requested("MSET a 1 b 2 ttl_ms=5") == R"(MSET ["a",1,"b",2,{"ttl_ms":5}])");
  CHECK(Requested("KEY.CREATE n permissions=read,write") ==
        R"(KEY.CREATE ["n",{"permissions":["read","write"]}])");
  CHECK(Requested(R"(KEY.CREATE n permissions=["read"])") ==
        R"(KEY.CREATE ["n",{"permissions":["read"]}])");
}

TEST_CASE("Null is nil where a row says that it may be, and a word elsewhere") {
  CHECK(Requested(R"(ASK null {"request": {"model": "m"}})") ==
        R"(ASK [null,{"request":{"model":"m"}}])");
  CHECK(Requested(R"(ASK null request={"model":"m"})") ==
        R"(ASK [null,{"request":{"model":"m"}}])");
  CHECK(Requested(R"(ASK "null")") == R"(ASK ["null"])");
  CHECK(Requested("KEY.CREATE null") == R"(KEY.CREATE ["null"])");
}

TEST_CASE("A command may be typed as two words") {
  CHECK(Requested("key create n") == R"(KEY.CREATE ["n"])");
  CHECK(Requested("info store") == R"(INFO ["store"])");
}

TEST_CASE("A wrong call shows the argument line and is not sent") {
  CHECK(Requested("SET k") ==
        "SET needs 2 arguments, 1 given\nusage: SET key value [ttl_ms=milliseconds] [nx=bool]");
  CHECK(Requested("SET k v w").find("'w' is one argument too many") == 0);
  CHECK(Requested("INCRBY n x").find("delta must be an integer, found 'x'") == 0);
  CHECK(Requested("INCRBY n 1.5").find("delta must be an integer") == 0);
  CHECK(Requested("SET k v nx=yes").find("nx must be true or false") == 0);
  CHECK(Requested("") == "no command is given");
}

TEST_CASE("Without a row each word is a value, and with --json-args each word is JSON") {
  CHECK(Requested(R"(NEW.COMMAND a 1 {"b": 2})") == R"(NEW.COMMAND ["a",1,{"b":2}])");
  CHECK(Requested(R"(SET '"k"' '{"a":1}' '{"ttl_ms":1}')", true) ==
        R"(SET ["k",{"a":1},{"ttl_ms":1}])");
  CHECK(Requested("SET k 1", true).find("'k' must be JSON") != std::string::npos);
}

TEST_CASE("Rows give usage, help, an index and the nearest name") {
  const CommandRow* set = SampleRows().Find("set");
  REQUIRE(set != nullptr);
  CHECK(UsageLine(*set) == "SET key value [ttl_ms=milliseconds] [nx=bool]");
  CHECK(UsageLine(*SampleRows().Find("MSET")) == "MSET key value ... [ttl_ms=milliseconds]");
  CHECK(UsageLine(*SampleRows().Find("INFO")) == "INFO [section]");
  const std::string help = HelpText(*set);
  CHECK(help.find("Stores a value.") != std::string::npos);
  CHECK(help.find("time to live") != std::string::npos);
  CHECK(help.find("example: [\"SET\", [\"k\", 1]]") != std::string::npos);
  CHECK(HelpIndex(SampleRows()).find("INFO        The state.") != std::string::npos);
  CHECK(SampleRows().Nearest("SETT") == "SET");
  CHECK(SampleRows().Nearest("INCRYB") == "INCRBY");
  CHECK(SampleRows().Nearest("COMPLETELY").empty());
  CHECK(Rows(Json("7")).empty());
  CHECK(Rows(Json(R"([{"summary": "no name"}])")).empty());
}

TEST_CASE("Replies are readable text") {
  const auto readable = [](std::string_view json) {
    return FormatReply(Json(json), Style::kReadable, false);
  };
  CHECK(readable(R"("plain")") == "plain");
  CHECK(readable("null") == "(nil)");
  CHECK(readable("true") == "true");
  CHECK(readable("-5") == "-5");
  CHECK(readable("[]") == "(empty list)");
  CHECK(readable("{}") == "(empty map)");
  CHECK(readable(R"(["a", null, 3])") == "1) a\n2) (nil)\n3) 3");
  CHECK(readable(R"({"a": 1, "long": "x", "in": {"b": 2}})") == "a     1\nlong  x\nin:\n  b  2");
  CHECK(readable(R"([{"id": 1, "name": "x"}, {"id": 22, "name": "yy"}])") ==
        "id  name\n1   x\n22  yy");
  CHECK(readable(R"({"GET": {"calls": 1, "p50": 2}, "SET": {"calls": 10, "p50": 3}})") ==
        "name  calls  p50\nGET   1      2\nSET   10     3");
}

TEST_CASE("A table with too many columns stands on its side") {
  std::string wide = R"("id": 1)";
  for (int i = 0; i < 14; ++i) {
    wide += R"(, "c)" + std::to_string(i) + R"(": [1, 2])";
  }
  const auto shown = [](const std::string& fields) {
    return FormatReply(Json(R"({"a": {)" + fields + R"(}, "b": {)" + fields + "}}"),
                       Style::kReadable, false);
  };
  CHECK(shown(wide).starts_with("name  a      b\nid    1      1\nc0    [1,2]  [1,2]\n"));
  CHECK(shown(R"("id": 1)") == "name  id\na     1\nb     1");
}

TEST_CASE("Replies are JSON on request") {
  const Value reply = Json(R"({"a": [1, null]})");
  CHECK(FormatReply(reply, Style::kJson, false) == R"({"a":[1,null]})");
  CHECK(FormatReply(reply, Style::kPretty, false).find("\n  \"a\"") != std::string::npos);
}

TEST_CASE("A stored value cannot steer the terminal") {
  const Value evil("a\x1b[2Jb\nc");
  CHECK(FormatReply(evil, Style::kReadable, true) == "a\\x1b[2Jb\nc");
  CHECK(FormatReply(evil, Style::kReadable, false) == "a\x1b[2Jb\nc");
  CHECK(FormatError({Code::kBusy, "\x1b[1m"}).find('\x1b') == std::string::npos);
}

TEST_CASE("An error says its code, its reason and what to do") {
  CHECK(FormatError({Code::kBusy, "queue full"}) ==
        "error: busy: queue full\nhint: try again in a moment");
  CHECK(FormatError({Code::kNotFound, "no"}) == "error: not_found: no");
}

TEST_CASE("TAB completes commands and the options that are not there yet") {
  using List = std::vector<std::string>;
  CHECK(Complete("m", SampleRows()).candidates == List{"MSET"});
  CHECK(Complete("", SampleRows()).candidates.size() == 6);
  CHECK(Complete("  IN", SampleRows()).candidates == List{"INCRBY", "INFO"});
  CHECK(Complete("he", SampleRows()).candidates == List{"help"});
  CHECK(Complete("help S", SampleRows()).candidates == List{"SET"});
  const Completion option = Complete("SET k v t", SampleRows());
  CHECK(option.candidates == List{"ttl_ms="});
  CHECK(option.start == 8);
  CHECK(Complete("SET k v ttl_ms=5 t", SampleRows()).candidates.empty());
  const Completion usage = Complete("set ", SampleRows());
  CHECK(usage.candidates.empty());
  CHECK(usage.usage == UsageLine(*SampleRows().Find("SET")));
  CHECK(CommonPrefix({"INCRBY", "INFO"}) == "IN");
  CHECK(CommonPrefix({}).empty());
}

TEST_CASE("An access key never reaches the history") {
  CHECK(MayRemember("GET k\n"));
  CHECK_FALSE(MayRemember("AUTH secret"));
  CHECK_FALSE(MayRemember("  auth secret"));
  CHECK_FALSE(MayRemember("x Auth secret"));
  CHECK_FALSE(MayRemember(" \n"));
  CHECK(PromptText("h:1", "team") == "h:1 team> ");
  CHECK(PromptText("h:1", "") == "h:1> ");
}

TEST_CASE("Numbers read well") {
  CHECK(WithCommas(999) == "999");
  CHECK(WithCommas(1'234'567) == "1,234,567");
  CHECK(ShortCount(999) == "999");
  CHECK(ShortCount(12'345) == "12.3k");
  CHECK(ShortCount(4'500'000) == "4.5M");
  CHECK(ShortBytes(1'572'864) == "1.5 MiB");
  CHECK(ShortTime(1'250) == "1.2 s");
  CHECK(ShortTime(59'000) == "59 s");
  CHECK(ShortTime(200'000) == "3 min 20 s");
  CHECK(ShortTime(7'260'000) == "2 h 1 min");
}

TEST_CASE("The live view shows rates between two readings and leaves its own calls out") {
  const Value info = Json(R"({"process": {"resident_bytes": 104857600, "cpu_user_seconds": 1.0,
      "cpu_system_seconds": 0.5}, "clients": {"connected": 7},
      "store": {"keys_estimate": 1500, "write_queue_items": 3}})");
  const auto stats = [](const char* gets) {
    return Json(std::string(R"({"STATS": {"calls": 99, "p50_micros": 9000, "p99_micros": 9000},
        "GET": {"calls": )") +
                gets + R"(, "p50_micros": 12, "p99_micros": 90}})");
  };
  Reading before = ReadingOf(stats("1000"), info, Json(R"({"entries": 5, "total": {}})"), 0);
  Reading after =
      ReadingOf(stats("3000"), info,
                Json(R"({"entries": 5, "total": {"hits_exact": 3, "misses": 1}})"), 2000);
  after.cpu_seconds += 1;
  const std::string line = StatLine(before, after);
  INFO(line);
  CHECK(line.find("1.0k") != std::string::npos);
  CHECK(line.find(" 12 ") != std::string::npos);
  CHECK(line.find(" 90 ") != std::string::npos);
  CHECK(line.find("75 %") != std::string::npos);
  CHECK(line.find("50%") != std::string::npos);
  CHECK(line.find("100 MiB") != std::string::npos);
  CHECK(line.find("9000") == std::string::npos);
  CHECK(line.size() == StatHeader().size());
  // A server that started anew counts from zero.
  const Reading anew = ReadingOf(stats("1000"), info, Json("{}"), 4000);
  CHECK(StatLine(after, anew).find(" 500 ") != std::string::npos);
}

Flags Parsed(std::vector<const char*> words, const std::string& key = "") {
  words.insert(words.begin(), "reprise-cli");
  auto parsed = ParseFlags(static_cast<int>(words.size()), words.data(), key);
  INFO((parsed.leave.has_value() ? parsed.leave->text : ""));
  REQUIRE_FALSE(parsed.leave.has_value());
  return parsed.flags;
}

Leave Left(std::vector<const char*> words) {
  words.insert(words.begin(), "reprise-cli");
  auto parsed = ParseFlags(static_cast<int>(words.size()), words.data(), "");
  REQUIRE(parsed.leave.has_value());
  return *parsed.leave;
}

bool Holds(const std::string& text, std::initializer_list<const char*> parts) {
  return std::all_of(parts.begin(), parts.end(),
                     [&text](const char* part) { return text.find(part) != std::string::npos; });
}

TEST_CASE("Strategies and guardrails are tables") {
  const Value list = Json(R"([
      {"strategy": "compression", "mode": "on", "source": "namespace", "rollout_percent": 12.5,
       "hold_out_percent": 5.0, "unit": "bot", "tripped_by": "quality",
       "overrides": [{"scope": "bot", "name": "x", "mode": "on", "set_at_ms": 1,
                      "expires_at_ms": 0}],
       "decision": {"mode": "off", "group": "none", "reason": "turned off by a guardrail"}}])");
  const std::string strategies = FormatReply(StrategyTable(list), Style::kReadable, false);
  CHECK(Holds(strategies, {"12.5 %", "off: turned off by a guardrail"}));

  const Value status = Json(R"({"slice_ms": 60000, "needed": 14400000.0, "guardrails": [
      {"name": "quality", "metric": "quality", "limit": 0.92, "strategies": ["context", "tools"],
       "off": false, "trip": null, "watched": [
         {"strategy": "context", "samples": 10, "estimate": 0.95, "evidence": 1.0, "lacks": ""},
         {"strategy": "tools", "samples": 12345, "estimate": 0.91, "evidence": 37.5,
          "lacks": ""}]},
      {"name": "slow", "metric": "response_time", "limit": 1.5, "strategies": ["deferral"],
       "off": false, "trip": {"strategy": "deferral", "samples": 900, "estimate": 2.5,
                              "evidence": 2e7}, "watched": []},
      {"name": "errors", "metric": "error_rate", "limit": 0.03, "strategies": ["tools"],
       "off": true, "trip": null, "watched": []}]})");
  const std::string guardrails = FormatReply(GuardrailTable(status), Style::kReadable, false);
  CHECK(Holds(guardrails, {"quality < 0.92", "12.3k", "37.5 of"}));
  CHECK(Holds(guardrails, {"response_time > 1.5", "tripped"}));
  CHECK(Holds(guardrails, {"error_rate > 0.03", "off"}));
}

TEST_CASE("Flags say where the server is") {
  CHECK(Parsed({}).options.address == "127.0.0.1:7377");
  CHECK(Parsed({"-p", "9"}).options.address == "127.0.0.1:9");
  CHECK(Parsed({"-a", "host:8"}).options.address == "host:8");
  CHECK(Parsed({"-s", "/run/r"}).options.address == "unix:/run/r");
  CHECK(Parsed({"--tls", "-a", "host:8"}).options.address == "tls://host:8");
  CHECK(Left({"-a", "h", "-s", "/x"}).code == ExitCode::kUsage);
  CHECK(Left({"-a", "host:x"}).code == ExitCode::kUsage);
  CHECK(Left({"-p", "70000"}).code == ExitCode::kUsage);
}

TEST_CASE("What follows the command belongs to the command") {
  const Flags flags = Parsed({"--json", "INCRBY", "n", "-5", "--json-args"});
  CHECK(flags.style == Style::kJson);
  CHECK(flags.command == std::vector<std::string>{"INCRBY", "n", "-5", "--json-args"});
  CHECK_FALSE(flags.json_args);
  const Flags stat = Parsed({"stat", "--count", "3", "--interval", "0.5"});
  CHECK(stat.stat);
  CHECK(stat.count == 3);
  CHECK(stat.interval_seconds == 0.5);
  CHECK(Parsed({"GET", "stat"}).command.size() == 2);
  CHECK(Left({"stat", "--interval", "0"}).code == ExitCode::kUsage);
  const Flags strategies = Parsed({"strategies", "--bot", "b", "--namespace", "n"});
  REQUIRE(strategies.strategies.has_value());
  CHECK(strategies.strategies->bot == "b");
  CHECK(strategies.strategies->name_space == "n");
  CHECK_FALSE(strategies.stat);
  CHECK(Left({"strategies", "now"}).code == ExitCode::kUsage);
  CHECK(Left({"--pipe", "f", "strategies"}).code == ExitCode::kUsage);
  CHECK(Left({"--pipe", "f", "GET", "k"}).code == ExitCode::kUsage);
}

TEST_CASE("The access key comes from a file before the environment") {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/key";
  std::ofstream(path) << "from-file\n";
  CHECK(Parsed({}, "from-environment").options.access_key == "from-environment");
  CHECK(Parsed({"--key-file", path.c_str()}, "x").options.access_key == "from-file");
  CHECK(Left({"--key-file", "/nonexistent"}).code == ExitCode::kUsage);
}

TEST_CASE("Help and version leave with success, a wrong flag with usage") {
  const Leave help = Left({"--help"});
  CHECK(help.code == ExitCode::kOk);
  CHECK(help.text.find("Exit codes") != std::string::npos);
  CHECK(Left({"--version"}).text.find("reprise-cli 0.1") == 0);
  CHECK(Left({"--nonsense"}).code == ExitCode::kUsage);
}

// A shell on a small server, and what it printed.
struct Fixture {
  TinyStore store;
  FakeServer server{store.script()};
  std::unique_ptr<Client> client;
  std::ostringstream out;
  std::ostringstream errors;
  std::unique_ptr<Shell> shell;

  Fixture() {
    Options options;
    options.address = server.address();
    client = std::move(Client::Create(options)).value();
    shell = std::make_unique<Shell>(*client, ShellOptions{}, out, errors);
  }
};

TEST_CASE("A shell runs commands, prints replies and keeps the code of failures") {
  Fixture fixture;
  CHECK(fixture.shell->RunLine("SET k {\"a\": 1}") == ExitCode::kOk);
  CHECK(fixture.shell->RunLine("GET k") == ExitCode::kOk);
  CHECK(fixture.out.str() == "true\na  1\n");
  CHECK(fixture.shell->RunLine("") == ExitCode::kOk);
  CHECK(fixture.shell->RunLine("NOPE") == ExitCode::kServerError);
  CHECK(fixture.errors.str().find("error: unknown_command: ") == 0);
  CHECK(fixture.shell->RunLine("SET 'open") == ExitCode::kUsage);
}

TEST_CASE("Help of a family lists its commands, of anything else it is an error") {
  Fixture fixture;
  CHECK(fixture.shell->RunLine("help Keys") == ExitCode::kOk);
  const std::string text = fixture.out.str();
  CHECK(text.find("keys\n") == 0);
  CHECK(text.find("\n  INCRBY") != std::string::npos);
  CHECK(text.find("CACHE.STORE") == std::string::npos);
  CHECK(fixture.shell->RunLine("help set") == ExitCode::kOk);
  CHECK(fixture.out.str().find("SET key value") != std::string::npos);
  CHECK(fixture.shell->RunLine("help nothing") == ExitCode::kUsage);
  CHECK(fixture.errors.str() == "error: no command or family is called 'nothing'\n");
}

TEST_CASE("A shell reads piped commands, also over several lines") {
  Fixture fixture;
  std::istringstream input("SET a {\n\"x\": 2}\n:json\nGET a\nNOPE\nGET missing\n:quit\nGET a\n");
  CHECK(fixture.shell->RunAll(input) == ExitCode::kServerError);
  CHECK(fixture.out.str() == "true\nreplies are JSON\n{\"x\":2}\nnull\n");
  CHECK(fixture.shell->quit());
  std::istringstream open("GET {\n");
  Fixture other;
  CHECK(other.shell->RunAll(open) == ExitCode::kUsage);
}

TEST_CASE("A shell that cannot connect says so with its own code") {
  Options options;
  options.address = "127.0.0.1:1";
  options.attempts_max = 1;
  const auto client = std::move(Client::Create(options)).value();
  std::ostringstream out;
  std::ostringstream errors;
  Shell shell(*client, {}, out, errors);
  CHECK(shell.RunLine("PING") == ExitCode::kNoConnection);
  CHECK(errors.str().find("error: unavailable: cannot connect to 127.0.0.1:1") == 0);
}

TEST_CASE("A refused access key is the server's error, an untrusted certificate no connection") {
  FakeServer server([](Peer& peer) {
    if (const auto request = peer.Read()) {
      peer.ReplyError(request->msgid, {Code::kUnauthenticated, "the access key is not valid"});
    }
  });
  Options options;
  options.address = server.address();
  options.access_key = "wrong";
  const auto client = std::move(Client::Create(options)).value();
  std::ostringstream out;
  std::ostringstream errors;
  Shell shell(*client, {}, out, errors);
  CHECK(shell.RunLine("PING") == ExitCode::kServerError);
  CHECK(errors.str().find("error: unauthenticated: the access key is not valid") == 0);
  std::istringstream lines("PING\nPING\n");
  CHECK(shell.RunAll(lines) == ExitCode::kServerError);
  CHECK(CodeOfUnanswered(
            {Code::kUnauthenticated, "the server's certificate is not the pinned one"}) ==
        ExitCode::kNoConnection);
}

TEST_CASE("A shell whose server is silent says that it timed out") {
  FakeServer server([](Peer& peer) {
    while (const auto request = peer.Read()) {
      if (request->method == "COMMAND.DOCS") {
        peer.Reply(request->msgid, Value::Array{});
      }
    }
  });
  Options options;
  options.address = server.address();
  options.request_timeout_ms = 200;
  const auto client = std::move(Client::Create(options)).value();
  std::ostringstream out;
  std::ostringstream errors;
  Shell shell(*client, {}, out, errors);
  CHECK(shell.RunLine("INCRBY n 1") == ExitCode::kTimeout);
  CHECK(errors.str().find("error: unknown_outcome") == 0);
}

}  // namespace
}  // namespace reprise::client
