#include "server/config/toml_file.h"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdlib.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "server/config/config.h"
#include "server/config/test_support.h"

namespace reprise::config {
namespace {

using Catch::Matchers::Contains;

Config Loaded(const std::string& content) {
  const TempDir dir;
  Config config;
  const base::Status status = LoadFile(dir.Write(content), config);
  INFO((status.ok() ? "" : status.error().detail));
  REQUIRE(status.ok());
  return config;
}

// The error without the folder in front, and the promise that nothing has changed.
base::Error LoadError(const std::string& content) {
  const TempDir dir;
  Config config;
  config.log.level = "warn";
  const base::Status status = LoadFile(dir.Write(content), config);
  REQUIRE_FALSE(status.ok());
  CHECK(config.log.level == "warn");
  CHECK(config.cache.types.size() == 6);
  std::string detail = status.error().detail;
  if (detail.starts_with(dir.path() + "/")) {
    detail.erase(0, dir.path().size() + 1);
  }
  return {status.error().code, detail};
}

std::string Detail(const std::string& content) {
  return LoadError(content).detail;
}

}  // namespace

TEST_CASE("a file sets what it names and leaves the rest") {
  const Config config = Loaded(R"(
# A comment
[store]
dir = "/data"                # text
durability = "always"        # choice
hot_table_bytes = "512MiB"   # with a unit
memtable_bytes = 33_554_432  # plain
accept_loss = true

[network]
idle_ms = "2h"
tls_port = -1

[http]
allowed_hosts = ["a.example", 'b.example']

[cache]
entries_max = 5

[cache.types.faq]
ttl_ms = 60000

[cache.types]
research.ttl_ms = "10s"

[log]
slow_micros = "1s"
)");
  CHECK(config.store.dir == "/data");
  CHECK(config.store.durability == storage::Durability::kAlways);
  CHECK(config.store.hot_table_bytes == 512 * base::kMiB);
  CHECK(config.store.memtable_bytes == 32 * base::kMiB);
  CHECK(config.store.accept_loss);
  CHECK(config.store.sync_interval_ms == 1'000);
  CHECK(config.network.idle_ms == 7'200'000);
  CHECK(config.http.allowed_hosts == std::vector<std::string>{"a.example", "b.example"});
  CHECK(config.cache.entries_max == 5);
  REQUIRE(config.cache.types.size() == 7);
  CHECK(config.cache.types[1].name == "research");
  CHECK(config.cache.types[1].ttl_ms == 10'000);
  CHECK(config.cache.types[6].name == "faq");
  CHECK(config.cache.types[6].ttl_ms == 60'000);
  CHECK(config.log.slow_micros == 1'000'000);
  CHECK(Loaded("").network.port == 7377);
  CHECK(Loaded("[store]\n[cache.types.general]\n").cache.types.size() == 6);
  CHECK(Loaded("store.sync_interval_ms = 5\r\n").store.sync_interval_ms == 5);
}

TEST_CASE("a value out of range names file, line, key, value and range") {
  const base::Error error = LoadError("[store]\n\nsync_interval_ms = 0\n");
  CHECK(error.code == base::Code::kBadRequest);
  CHECK(error.detail ==
        "c.toml:3:1: store.sync_interval_ms = 0: out of range; allowed: 1 to 60000 milliseconds "
        "(1ms to 1m)");
  CHECK_THAT(Detail("[network]\nport = 65536\n"), Contains("c.toml:2:1: network.port = 65536"));
  CHECK_THAT(Detail("[network]\nport = -1\n"), Contains("allowed: 0 to 65535"));
  CHECK_THAT(Detail("[cache]\nentries_max = -9223372036854775808\n"), Contains("out of range"));
  CHECK_THAT(Detail("[store]\nhot_table_bytes = \"2000000TiB\"\n"), Contains("out of range"));
  CHECK_THAT(Detail("[store]\nhot_table_bytes = \"20000000TiB\"\n"), Contains("20000000TiB"));
}

TEST_CASE("a value of the wrong type is refused with what was found") {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"[network]\nport = \"80\"", "network.port = \"80\""},
      {"[network]\nport = 80.5", "network.port = 80.5"},
      {"[network]\nport = nan", "network.port = nan"},
      {"[network]\nport = -inf", "network.port = -inf"},
      {"[network]\nport = true", "network.port = true"},
      {"[network]\nport = [80]", "a list with something else than texts"},
      {"[network]\nport = 1979-05-27", "a date or time"},
      {"[network]\nidle_ms = \"soon\"", "network.idle_ms = \"soon\""},
      {"[network]\nidle_ms = 1.5", "ms, s, m, h, d"},
      {"[network]\nbind = 127", "network.bind = 127"},
      {"[store]\naccept_loss = \"true\"", "allowed: true or false"},
      {"[store]\ndurability = 1", "allowed: always, interval or none"},
      {"[http]\nallowed_hosts = \"a\"", "http.allowed_hosts = \"a\""},
      {"[http]\nallowed_hosts = [1]", "something else than texts"},
      {"[cache.types.faq]\nttl_ms = []", "cache.types.faq.ttl_ms = a list"},
  };
  for (const auto& [content, part] : cases) {
    CAPTURE(content);
    const base::Error error = LoadError(content);
    CHECK(error.code == base::Code::kBadRequest);
    CHECK_THAT(error.detail, Contains("c.toml:2:1: "));
    CHECK_THAT(error.detail, Contains(part));
  }
}

TEST_CASE("an unknown key or section is refused with the nearest known one") {
  const base::Error key = LoadError("[store]\ndurabilty = \"always\"\n");
  CHECK(key.code == base::Code::kNotFound);
  CHECK(key.detail ==
        "c.toml:2:1: there is no setting \"store.durabilty\"; the nearest is store.durability");
  const base::Error section = LoadError("\n[netwrk]\nport = 1\n");
  CHECK(section.code == base::Code::kNotFound);
  CHECK_THAT(section.detail, Contains("c.toml:2:"));
  CHECK_THAT(section.detail, Contains("[netwrk]; the nearest name is network"));
  CHECK_THAT(Detail("port = 1\n"), Contains("the nearest is network.port"));
  CHECK_THAT(Detail("[store.deep]\na = 1\n"), Contains("[store.deep]"));
  CHECK_THAT(Detail("store = 1\n"), Contains("write [store] above its keys"));
  CHECK_THAT(Detail("[cache]\ntypes = 1\n"), Contains("write [cache.types]"));
  CHECK_THAT(Detail("[[store]]\ndir = \"x\"\n"), Contains("is a section"));
  CHECK_THAT(Detail("\"store.sync_interval_ms\" = 5\n"), Contains("there is no setting"));
  CHECK_THAT(Detail("[cache.types.faq]\nttl = 5\n"), Contains("cache.types.<name>.ttl_ms"));
  CHECK_THAT(Detail("[cache.types.\"9 lives\"]\nttl_ms = 5\n"), Contains("\"9 lives\""));
  CHECK_THAT(Detail("[cache.types.\"a.b\"]\nttl_ms = 5\n"),
             Contains("c.toml:1:14: there is no section"));
}

TEST_CASE("the first mistake of the file is the one that is told") {
  CHECK_THAT(Detail("[network]\nport = -5\n[cache]\nentries_max = 0\n"),
             Contains("c.toml:2:1: network.port"));
}

TEST_CASE("wrong syntax is told with line and column") {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"[store\n", "c.toml:1:"},
      {"[store]\ndir = \n", "c.toml:2:"},
      {"[store]\ndir = \"open\n", "c.toml:2:"},
      {"[store]\ndir = \"a\"\ndir = \"b\"\n", "c.toml:3:"},
      {"[store]\n[http]\n[store]\n", "c.toml:3:"},
      {"[network]\nport = 99999999999999999999\n", "c.toml:2:"},
      {"[network]\nport = 0x\n", "c.toml:2:"},
      {"[store]\ndir = \"\xFF\"\n", "c.toml:2:"},
      {std::string("[store]\n\0", 9), "c.toml:2:"},
      {"\x7F"
       "ELF\x02",
       "c.toml:1:"},
  };
  for (const auto& [content, place] : cases) {
    CAPTURE(content);
    const base::Error error = LoadError(content);
    CHECK(error.code == base::Code::kBadRequest);
    CHECK_THAT(error.detail, Contains(place));
    CHECK(error.detail.size() > place.size() + 10);
  }
}

TEST_CASE("rules over several keys hold for a file too") {
  const base::Error error = LoadError("[network]\ntls_port = 0\n");
  CHECK(error.code == base::Code::kBadRequest);
  CHECK(error.detail == "c.toml: network.tls_port needs network.tls_certificate");
}

TEST_CASE("a file that is none is refused") {
  const TempDir dir;
  Config config;
  const auto error_of = [&config](const std::string& path) {
    const base::Status status = LoadFile(path, config);
    REQUIRE_FALSE(status.ok());
    CHECK_THAT(status.error().detail, Contains(path));
    return status.error();
  };
  CHECK(error_of(dir.path() + "/absent.toml").code == base::Code::kIo);
  CHECK_THAT(error_of(dir.path() + "/absent.toml").detail, Contains("No such file"));
  CHECK_THAT(error_of(dir.path()).detail, Contains("it is a directory"));
  REQUIRE(mkfifo((dir.path() + "/pipe").c_str(), 0600) == 0);
  CHECK_THAT(error_of(dir.path() + "/pipe").detail, Contains("not a regular file"));
  CHECK_FALSE(LoadFile("", config).ok());

  const std::string secret = dir.Write("[store]\n");
  REQUIRE(chmod(secret.c_str(), 0) == 0);
  if (geteuid() != 0) {  // root reads everything
    CHECK_THAT(error_of(secret).detail, Contains("Permission denied"));
  }
}

TEST_CASE("a file may have 1 MiB and a line 16 KiB, and not a byte more") {
  const std::string line(1'023, '#');
  std::string content;
  while (content.size() < kFileBytesMax) {
    content += line + "\n";
  }
  REQUIRE(content.size() == kFileBytesMax);
  CHECK(Loaded(content).network.port == 7377);
  const base::Error error = LoadError(content + "#");
  CHECK(error.code == base::Code::kTooLarge);
  CHECK_THAT(error.detail, Contains("larger than 1 MiB"));

  CHECK(Loaded("\n" + std::string(kLineBytesMax, '#')).network.port == 7377);
  const base::Error long_line = LoadError("\n" + std::string(kLineBytesMax + 1, '#'));
  CHECK(long_line.code == base::Code::kTooLarge);
  CHECK_THAT(long_line.detail, Contains("c.toml:2: the line is longer"));
}

TEST_CASE("endless nesting is refused and overflows nothing") {
  std::string dots = "a";
  while (dots.size() + 10 < kLineBytesMax) {
    dots += ".a";
  }
  CHECK_THAT(Detail(dots + " = 1\n"), Contains("c.toml:1:"));
  CHECK_THAT(Detail("[" + dots + "]\n"), Contains("c.toml:1:"));
  CHECK_THAT(Detail("a = " + std::string(kLineBytesMax - 10, '[') + "\n"), Contains("c.toml:1:"));
  std::string tables = "a = ";
  for (int i = 0; i < 3'000; ++i) {
    tables += "{a=";
  }
  CHECK_THAT(Detail(tables + "\n"), Contains("c.toml:1:"));
}

TEST_CASE("letters other than ASCII stand in quotes or comments") {
  CHECK(Loaded("[cache]\nrules = [\"general: gr\u00fc\u00dfe\"] # \u00fc\n").cache.rules ==
        std::vector<std::string>{"general: gr\u00fc\u00dfe"});
  for (const char* line :
       {"\u0499ilele = 1", "a = \u0499", "a = \"\"\"x\n\"\"\" \u0499", "a = '''x'''", "a = [}"}) {
    INFO(line);
    CHECK(LoadError(line).detail.find("ASCII") != std::string::npos);
  }
}

TEST_CASE("the default file loads as it is and when every comment is taken off") {
  const std::string file = RenderDefaultFile();
  const Config as_it_is = Loaded(file);
  std::istringstream lines(file);
  std::string open;
  for (std::string line; std::getline(lines, line);) {
    const bool is_value = line.size() > 1 && line[0] == '#' && line[1] != ' ';
    open += (is_value ? line.substr(1) : line) + "\n";
  }
  const Config opened = Loaded(open);
  const std::vector<Setting> defaults = Describe(Config{});
  for (const Setting& setting : defaults) {
    CAPTURE(setting.name);
    CHECK(Describe(as_it_is, setting.name).at(0).value == setting.value);
    CHECK(Describe(opened, setting.name).at(0).value == setting.value);
  }
  CHECK(opened.cache.types.size() == 7);  // the example of one's own type
  lines = std::istringstream(file);
  for (std::string line; std::getline(lines, line);) {
    CHECK(line.size() <= 100);
  }
}

TEST_CASE("a section or key that begins with no name is refused before the parser sees it") {
  const TempDir dir;
  for (const std::string bad : {"[\\etwork]", "[]", "[ ]", "[[", "[cache.\\x]", "[cache.",
                                "cache.\\x = 1", "a. = 1", "."}) {
    INFO(bad);
    Config config;
    const base::Status loaded = LoadFile(dir.Write(bad), config);
    REQUIRE(!loaded.ok());
    CHECK(loaded.error().code == base::Code::kBadRequest);
  }
}

}  // namespace reprise::config
