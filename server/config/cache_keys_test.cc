// The keys of the cache's policy: query types, rules and fields that do not count.
#include <filesystem>
#include <fstream>
#include <stdlib.h>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "server/config/config.h"
#include "server/config/rule.h"
#include "server/config/test_support.h"

namespace reprise::config {
namespace {

using Catch::Matchers::Contains;

std::string SetError(std::string_view name, std::string_view value) {
  Config config;
  const base::Status status = Set(name, value, config);
  return status.ok() ? "" : status.error().detail;
}

const QueryType& TypeOf(const Config& config, std::string_view name) {
  for (const QueryType& type : config.cache.types) {
    if (type.name == name) {
      return type;
    }
  }
  FAIL("no such type: " << name);
  return config.cache.types.front();
}

std::string ValueOf(const Config& config, std::string_view name) {
  return Describe(config, name).at(0).value;
}

std::string Joined(int count) {
  std::string text = "general: a";
  for (int i = 1; i < count; ++i) {
    text += ",general: a";
  }
  return text;
}

constexpr std::string_view kPolicyFile = R"(
[cache]
negative_ttl_ms = "2s"
rules = ["faq: opening hours", "live:deploy*"]
bypass_rules = ["my password"]
volatile_fields = ["trace_id"]
[cache.types.faq]
ttl_ms = "1d"
stale_ms = "1h"
jitter_percent = 10
sliding = true
store = false
response_bytes_max = "4KiB"
semantic = false
error_budget_ppm = 5000
)";

bool IsPolicyOfFile(const Config& config) {
  const QueryType& faq = TypeOf(config, "faq");
  return faq.ttl_ms == 86'400'000 && faq.stale_ms == 3'600'000 && faq.jitter_percent == 10 &&
         faq.sliding && !faq.store && faq.response_bytes_max == 4'096 && !faq.semantic &&
         faq.error_budget_ppm == 5'000 && config.cache.negative_ttl_ms == 2'000 &&
         config.cache.rules == std::vector<std::string>{"faq: opening hours", "live:deploy*"} &&
         config.cache.bypass_rules == std::vector<std::string>{"my password"} &&
         config.cache.volatile_fields == std::vector<std::string>{"trace_id"};
}

}  // namespace

TEST_CASE("what changes by the minute is not stored by default, all else is") {
  const Config config;
  for (const QueryType& type : config.cache.types) {
    CAPTURE(type.name);
    CHECK(type.store == (type.name != "live"));
    CHECK(type.semantic == (type.name != "live"));
    CHECK(type.stale_ms == 0);
    CHECK_FALSE(type.sliding);
    CHECK(type.response_bytes_max == base::limits::kValueBytes.value);
  }
  CHECK(config.cache.negative_ttl_ms == 5'000);
  CHECK(TypeOf(config, "live").ttl_ms == 60'000);
}

TEST_CASE("every field of a query type is reached by file and by text") {
  const TempDir file;
  Config from_file;
  REQUIRE(LoadFile(file.Write(std::string(kPolicyFile)), from_file).ok());
  CHECK(IsPolicyOfFile(from_file));
  // What CONFIG.GET tells is what CONFIG.SET takes.
  Config from_text;
  for (const Setting& setting : Describe(from_file, "cache.")) {
    CAPTURE(setting.name, setting.value);
    CHECK(setting.live);
    REQUIRE(Set(setting.name, setting.value, from_text).ok());
  }
  CHECK(IsPolicyOfFile(from_text));
  CHECK(ValueOf(from_text, "cache.types.faq.sliding") == "true");
  CHECK(ValueOf(from_text, "cache.rules") == "faq: opening hours,live:deploy*");
}

TEST_CASE("any field of an unknown query type makes the type with the defaults for the rest") {
  Config config;
  REQUIRE(Set("cache.types.faq.sliding", "true", config).ok());
  CHECK(TypeOf(config, "faq").sliding);
  CHECK(TypeOf(config, "faq").ttl_ms == 3'600'000);
  CHECK(TypeOf(config, "faq").store);
  const std::size_t count = config.cache.types.size();
  CHECK_FALSE(Set("cache.types.new.sliding", "perhaps", config).ok());
  CHECK_FALSE(Set("cache.types.new.jitter_percent", "51", config).ok());
  CHECK(config.cache.types.size() == count);
}

TEST_CASE("a field out of range or of the wrong type says what is allowed") {
  CHECK(SetError("cache.types.faq.jitter_percent", "51") ==
        "cache.types.faq.jitter_percent = \"51\": out of range; allowed: 0 to 50");
  CHECK_THAT(SetError("cache.types.faq.store", "no"), Contains("allowed: true or false"));
  CHECK_THAT(SetError("cache.types.faq.stale_ms", "-1"), Contains("out of range"));
  CHECK_THAT(SetError("cache.types.faq.error_budget_ppm", "1000001"), Contains("0 to 1000000"));
  CHECK_THAT(SetError("cache.types.faq.response_bytes_max", "1023"), Contains("1KiB to 32MiB"));
  CHECK_THAT(SetError("cache.types.faq.slidng", "true"), Contains("cache.types.<name>.sliding"));
  CHECK_THAT(SetError("cache.negative_ttl_ms", "2h"), Contains("0 to 3600000"));
  const TempDir file;
  Config config;
  const base::Status wrong = LoadFile(file.Write("[cache.types.faq]\nsliding = 1\n"), config);
  REQUIRE_FALSE(wrong.ok());
  CHECK_THAT(wrong.error().detail, Contains("c.toml:2:1: cache.types.faq.sliding = 1"));
}

TEST_CASE("a rule is a type and a pattern of words") {
  for (const char* right :
       {"faq: how do i *", "faq:opening hours", "  faq :  a  b ", "faq: *", "faq: deploy*",
        "faq: *ing", "faq: *pass*", "faq: c++", "faq: what's up", "faq: \u00FCber *"}) {
    CAPTURE(right);
    CHECK(RuleProblem(right).empty());
  }
  const std::vector<std::pair<std::string, std::string>> wrongs{
      {"", "type: pattern"},
      {"how do i *", "type: pattern"},
      {": hours", "type: pattern"},
      {"9a: hours", "a letter and up to 63"},
      {"two words: hours", "a letter and up to 63"},
      {"faq:", "1 to 256 bytes"},
      {"faq: a*b", "a * stands alone"},
      {"faq: **", "a letter or digit"},
      {"faq: *'*", "a letter or digit"},
      {"faq: - a", "a letter or digit"},
      {"faq: hours?", "punctuation"},
      {"faq: a, b", "punctuation"},
      {"faq: a: b", "punctuation"},
      {"faq: a\tb", "punctuation"},
      {"faq: a\x01", "punctuation"},
  };
  for (const auto& [wrong, part] : wrongs) {
    CAPTURE(wrong);
    CHECK_THAT(std::string(RuleProblem(wrong)), Contains(part));
  }
  CHECK(SplitRule(" faq :  a  b ").type == "faq");
  CHECK(SplitRule(" faq :  a  b ").pattern == "a  b");
}

TEST_CASE("a bad rule is told by its text, and nothing changes") {
  const std::string error = SetError("cache.rules", "general: fine,general: a*b");
  CHECK_THAT(error, Contains("cache.rules = \"general: a*b\""));
  CHECK_THAT(SetError("cache.bypass_rules", "ok,not? ok"), Contains("\"not? ok\""));
  const TempDir file;
  Config config;
  const base::Status wrong =
      LoadFile(file.Write("[cache]\nrules = [\"general: a\", \"nothing\"]\n"), config);
  REQUIRE_FALSE(wrong.ok());
  CHECK_THAT(wrong.error().detail, Contains("c.toml:2:1: cache.rules = \"nothing\""));
  CHECK(config.cache.rules.empty());
}

TEST_CASE("there are at most 64 rules of at most 256 bytes") {
  CHECK(SetError("cache.rules", Joined(64)).empty());
  CHECK_THAT(SetError("cache.rules", Joined(65)), Contains("65 items"));
  CHECK(SetError("cache.rules", "general: " + std::string(247, 'a')).empty());
  CHECK_THAT(SetError("cache.rules", "general: " + std::string(248, 'a')), Contains("256 bytes"));
  CHECK(SetError("cache.bypass_rules", std::string(256, 'a')).empty());
  CHECK_THAT(SetError("cache.bypass_rules", std::string(257, 'a')), Contains("256 bytes"));
}

TEST_CASE("a rule names a query type that is configured") {
  Config config;
  REQUIRE(Set("cache.rules", "faq: hours", config).ok());
  const base::Status checked = Check(config);
  REQUIRE_FALSE(checked.ok());
  CHECK(checked.error().detail == "cache.rules: \"faq: hours\" needs a section [cache.types.faq]");
  REQUIRE(Set("cache.types.faq.ttl_ms", "1h", config).ok());
  CHECK(Check(config).ok());
}

TEST_CASE("fields that carry the question are never volatile") {
  CHECK(SetError("cache.volatile_fields", "trace_id, x-request-id, langfuse.session").empty());
  for (const char* wrong : {"messages", "model", "tools", "system", "input", "prompt"}) {
    CAPTURE(wrong);
    CHECK_THAT(SetError("cache.volatile_fields", wrong), Contains("share an answer"));
  }
  CHECK(SetError("cache.volatile_fields", std::string(64, 'a')).empty());
  CHECK_THAT(SetError("cache.volatile_fields", std::string(65, 'a')), Contains("1 to 64 bytes"));
  CHECK_THAT(SetError("cache.volatile_fields", "a,,b"), Contains("1 to 64 bytes"));
}

TEST_CASE("policies change while running and follow the file at reload") {
  const TempDir file;
  ConfigHolder holder{Config{}};
  REQUIRE(holder.SetLive("cache.types.general.stale_ms", "1m").ok());
  REQUIRE(holder.SetLive("cache.types.live.store", "true").ok());
  CHECK(TypeOf(*holder.Get(), "general").stale_ms == 60'000);
  CHECK(TypeOf(*holder.Get(), "live").store);
  CHECK_FALSE(holder.SetLive("cache.rules", "faq: hours").ok());  // no such type yet
  CHECK(holder.version() == 3);

  const auto lines = holder.Reload(file.Write(std::string(kPolicyFile)));
  REQUIRE(lines.ok());
  CHECK(IsPolicyOfFile(*holder.Get()));
  CHECK(TypeOf(*holder.Get(), "general").stale_ms == 0);
  CHECK_FALSE(TypeOf(*holder.Get(), "live").store);
  const std::string all = [&] {
    std::string joined;
    for (const std::string& line : lines.value()) {
      joined += line + "\n";
    }
    return joined;
  }();
  CHECK_THAT(all, Contains("cache.types.live.store: true -> false\n"));
  CHECK_THAT(all, Contains("cache.rules:  -> faq: opening hours,live:deploy*\n"));
  CHECK(all.find("restart") == std::string::npos);

  // A file that drops the type but keeps its rule is refused as a whole.
  const auto refused = holder.Reload(file.Write("[cache]\nrules = [\"faq: hours\"]\n"));
  REQUIRE_FALSE(refused.ok());
  CHECK_THAT(refused.error().detail, Contains("[cache.types.faq]"));
  CHECK(IsPolicyOfFile(*holder.Get()));
}

}  // namespace reprise::config
