#include "server/commands/args.h"

#include <catch2/catch.hpp>

#include "protocol/wire/decode.h"
#include "protocol/wire/json.h"
#include "server/commands/all.h"

namespace reprise::commands {
namespace {

base::Status Decode(std::string_view command, std::string_view params_json, Args& args,
                    std::string& bytes) {
  bytes = wire::Encode(wire::FromJson(params_json).value());
  return args.Decode(*FindCommand(command), bytes);
}

std::string Problem(std::string_view command, std::string_view params_json) {
  Args args;
  std::string bytes;
  const base::Status decoded = Decode(command, params_json, args, bytes);
  return decoded.ok() ? "" : decoded.error().detail;
}

TEST_CASE("positional arguments and options are told apart") {
  Args args;
  std::string bytes;
  REQUIRE(Decode("SET", R"(["k", {"ttl_ms": 5}, {"ttl_ms": 7, "nx": true}])", args, bytes).ok());
  CHECK(args.size() == 2);
  CHECK(args.Bytes(0) == "k");
  CHECK(wire::ToJson(wire::Decode(args.Bytes(1)).value()) == R"({"ttl_ms":5})");
  CHECK(args.IntOr(0, 0) == 7);
  CHECK(args.BoolOr(1, false));
  CHECK(!args.Has(2));
}

TEST_CASE("repeated arguments end where the options begin") {
  Args args;
  std::string bytes;
  REQUIRE(Decode("MSET", R"(["a", {"v": 1}, "b", {"v": 2}, {"ttl_ms": 9}])", args, bytes).ok());
  CHECK(args.size() == 4);
  CHECK(args.IntOr(0, 0) == 9);
  CHECK(Problem("MSET", R"(["a", 1, "b"])") == "MSET takes key, value, ...; 3 given");
  CHECK(Problem("DEL", "[]") == "DEL takes key, ...; 0 given");
}

TEST_CASE("every command takes a deadline, within its bounds") {
  Args args;
  std::string bytes;
  REQUIRE(Decode("GET", R"(["k", {"timeout_ms": 50}])", args, bytes).ok());
  CHECK(args.timeout_ms() == 50);
  CHECK(Problem("GET", R"(["k", {"timeout_ms": 0}])") ==
        "GET: 'timeout_ms' must be from 1 to 3600000, found 0");
  CHECK(Problem("GET", R"(["k", {"timeout_ms": 3600000}])").empty());
  CHECK(!Problem("GET", R"(["k", {"timeout_ms": 3600001}])").empty());
}

TEST_CASE("a mistake is answered with what was found and what is allowed") {
  CHECK(Problem("GET", "[]") == "GET takes key; 0 given");
  CHECK(Problem("GET", R"(["a", "b"])") == "GET takes key; 2 given");
  CHECK(Problem("GET", "[7]") == "GET: 'key' must be str or bin, found uint");
  CHECK(Problem("GET", R"([""])") == "GET: 'key' must have at least 1 byte");
  CHECK(Problem("EXPIRE", R"(["k", "soon"])") == "EXPIRE: 'ttl_ms' must be an integer, found str");
  CHECK(Problem("SET", R"(["k", 1, {"ttl": 5}])") ==
        "SET: unknown option ttl; allowed are ttl_ms, nx, xx, timeout_ms");
  CHECK(Problem("SET", R"(["k", 1, {"nx": 1}])") == "SET: 'nx' must be true or false, found uint");
  CHECK(Problem("CACHE.STORE", R"(["p", "r", {"tags": "x"}])") ==
        "CACHE.STORE: 'tags' must be an array of str, found str");
  CHECK(Problem("CACHE.STORE", R"(["p", "r", {"tags": ["x", 5]}])") ==
        "CACHE.STORE: 'tags' must be an array of str, found an array with uint");
  CHECK(Problem("EXPIRE", R"(["k", 18446744073709551615])") ==
        "EXPIRE: 'ttl_ms' must be from 1 to 315360000000, found 18446744073709551615");
}

TEST_CASE("a map that stands for a missing argument is named in the message about the count") {
  CHECK(Problem("EXPIRE", R"(["k", {"ttl_ms": 5}])") ==
        "EXPIRE takes key, ttl_ms; 1 given (the map at the end was taken for options)");
  CHECK(Problem("GET", R"([{"a": 1}])") ==
        "GET takes key; 0 given (the map at the end was taken for options)");
}

TEST_CASE("an option given twice is refused, nil means not given") {
  Args args;
  const std::string twice = "\x93\xa1k\x01\x82\xa2nx\xc3\xa2nx\xc2";
  CHECK(args.Decode(*FindCommand("SET"), twice).error().detail == "SET: 'nx' is given twice");
  std::string bytes;
  REQUIRE(Decode("SET", R"(["k", 1, {"ttl_ms": null}])", args, bytes).ok());
  CHECK(!args.Has(0));
}

TEST_CASE("numbers are bounded at both ends, keys by their bytes") {
  const std::string long_key(static_cast<std::size_t>(base::limits::kKeyBytes.value), 'k');
  CHECK(Problem("GET", R"([")" + long_key + R"("])").empty());
  CHECK(Problem("GET", R"([")" + long_key + R"(k"])") ==
        "GET: 'key' has 4097 bytes, the limit is 4096");
  CHECK(!Problem("EXPIRE", R"(["k", 0])").empty());
  CHECK(Problem("EXPIRE", R"(["k", 1])").empty());
  CHECK(Problem("EXPIRE", R"(["k", 315360000000])").empty());
  CHECK(!Problem("EXPIRE", R"(["k", 315360000001])").empty());
  CHECK(!Problem("EXPIRE", R"(["k", 18446744073709551615])").empty());
}

TEST_CASE("as many keys as the limit says, and not one more") {
  std::string params = "[";
  for (int i = 0; i < base::limits::kKeysPerCommand.value; ++i) {
    params += R"("k",)";
  }
  CHECK(Problem("DEL", params.substr(0, params.size() - 1) + "]").empty());
  CHECK(!Problem("DEL", params + R"("k"])").empty());
}

TEST_CASE("names are found in any case, and near misses are named") {
  CHECK(FindCommand("get") == FindCommand("GET"));
  CHECK(FindCommand("Cache.Lookup") != nullptr);
  CHECK(FindCommand("") == nullptr);
  CHECK(NearestCommand("GTE") == "GET");
  CHECK(NearestCommand("CACHE.LOKUP") == "CACHE.LOOKUP");
  CHECK(NearestCommand("zzzzzzzzzzzz").empty());
}

}  // namespace
}  // namespace reprise::commands
