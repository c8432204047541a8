#include <atomic>
#include <filesystem>
#include <fstream>
#include <stdlib.h>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include "server/config/config.h"
#include "server/config/test_support.h"

namespace reprise::config {
namespace {

using Catch::Matchers::Contains;

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("a live setting is published and old snapshots stay as they were") {
  ConfigHolder holder{Config{}};
  const auto before = holder.Get();
  const std::uint64_t version = holder.version();
  REQUIRE(holder.SetLive("log.level", "debug").ok());
  CHECK(before->log.level == "info");
  CHECK(holder.Get()->log.level == "debug");
  CHECK(holder.version() == version + 1);
}

TEST_CASE("a setting that needs a restart, is wrong or breaks a rule is not published") {
  ConfigHolder holder{Config{}};
  const auto before = holder.Get();
  const base::Status restart = holder.SetLive("network.port", "7400");
  REQUIRE_FALSE(restart.ok());
  CHECK(restart.error().code == base::Code::kBadRequest);
  CHECK_THAT(restart.error().detail, Contains("network.port needs a restart"));
  CHECK_FALSE(holder.SetLive("log.level", "loud").ok());
  const base::Status unknown = holder.SetLive("log.levle", "info");
  REQUIRE_FALSE(unknown.ok());
  CHECK(unknown.error().code == base::Code::kNotFound);
  const base::Status rule = holder.SetLive("network.output_soft_bytes", "1GiB");
  REQUIRE_FALSE(rule.ok());
  CHECK_THAT(rule.error().detail, Contains("network.output_hard_bytes"));
  CHECK(holder.Get() == before);
  CHECK(holder.version() == 1);
}

TEST_CASE("reload takes over live keys and tells which others differ") {
  const TempDir file;
  ConfigHolder holder{Config{}};
  const auto lines =
      holder.Reload(file.Write("[log]\nlevel = \"debug\"\n"
                               "[network]\nport = 7400\n"
                               "[cache.types.faq]\nttl_ms = \"1s\"\n"));
  REQUIRE(lines.ok());
  Lines expected{"log.level: info -> debug"};
  for (const char* field : {"error_budget_ppm: (new) -> 20000", "jitter_percent: (new) -> 0",
                            "response_bytes_max: (new) -> 1048576", "semantic: (new) -> true",
                            "sliding: (new) -> false", "stale_ms: (new) -> 0",
                            "store: (new) -> true", "ttl_ms: (new) -> 1000"}) {
    expected.push_back(std::string("cache.types.faq.") + field);
  }
  expected.emplace_back("network.port: 7377 -> 7400 (needs a restart)");
  CHECK(lines.value() == expected);
  CHECK(holder.Get()->log.level == "debug");
  CHECK(holder.Get()->network.port == 7377);
  CHECK(holder.Get()->cache.types.size() == 7);
  CHECK(holder.version() == 2);

  // What the file no longer names goes back to its default, as after a restart.
  REQUIRE(holder.SetLive("cache.entries_max", "5").ok());
  const auto back = holder.Reload(file.Write(""));
  REQUIRE(back.ok());
  REQUIRE(back.value().size() == 10);  // eight fields of the type that is gone
  CHECK(back.value().front() == "cache.entries_max: 5 -> 10000");
  CHECK(back.value()[8] == "cache.types.faq.ttl_ms: 1000 -> (gone)");
  CHECK(back.value().back() == "log.level: debug -> info");
  CHECK(holder.version() == 4);

  const auto nothing = holder.Reload(file.Write("# nothing new\n"));
  REQUIRE(nothing.ok());
  CHECK(nothing.value().empty());
  CHECK(holder.version() == 4);
}

TEST_CASE("settings of the command line win over the file at reload as well") {
  const TempDir file;
  Config config;
  REQUIRE(Set("log.level", "warn", config).ok());
  REQUIRE(Set("network.port", "0", config).ok());
  ConfigHolder holder{config, {{"log.level", "warn"}, {"network.port", "0"}}};
  const auto lines = holder.Reload(
      file.Write("[log]\nlevel = \"debug\"\nformat = \"json\"\n[network]\nport = 7400\n"));
  REQUIRE(lines.ok());
  CHECK(lines.value() == Lines{"log.format: text -> json"});
  CHECK(holder.Get()->log.level == "warn");
}

TEST_CASE("a file with a mistake changes nothing at reload") {
  const TempDir file;
  ConfigHolder holder{Config{}};
  const auto before = holder.Get();
  const auto range = holder.Reload(file.Write("[log]\nlevel = \"debug\"\nslow_items = 0\n"));
  REQUIRE_FALSE(range.ok());
  CHECK_THAT(range.error().detail, Contains("c.toml:3:1: log.slow_items = 0"));
  const auto rule = holder.Reload(file.Write("[network]\noutput_soft_bytes = \"1GiB\"\n"));
  REQUIRE_FALSE(rule.ok());
  CHECK_THAT(rule.error().detail, Contains("c.toml: network.output_soft_bytes"));
  CHECK_FALSE(holder.Reload("/no/such/file").ok());
  CHECK(holder.Get() == before);
  CHECK(holder.version() == 1);
}

TEST_CASE("settings from several threads are all kept") {
  ConfigHolder holder{Config{}};
  std::atomic<int> failures{0};
  const auto set_many = [&](const std::string& name) {
    for (int i = 1; i <= 100; ++i) {
      failures += static_cast<int>(!holder.SetLive(name, std::to_string(i + 1'000)).ok());
    }
  };
  std::thread first(set_many, "network.idle_ms");
  std::thread second(set_many, "cache.entries_max");
  bool is_ordered = true;
  std::int64_t last = 0;
  while (holder.version() < 201 && failures == 0) {
    const std::int64_t now = holder.Get()->cache.entries_max;
    is_ordered = is_ordered && (now == 10'000 || now >= last);
    last = now == 10'000 ? 0 : now;
  }
  first.join();
  second.join();
  CHECK((failures == 0 && is_ordered));
  CHECK(holder.Get()->network.idle_ms == 1'100);
  CHECK(holder.Get()->cache.entries_max == 1'100);
  CHECK(holder.version() == 201);
}

}  // namespace reprise::config
