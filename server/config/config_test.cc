#include "server/config/config.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "server/config/quantity.h"
#include "server/config/settings.h"
#include "server/config/table.h"

namespace reprise::config {
namespace {

using Catch::Matchers::Contains;

// How many fields an aggregate has: as many as initialisers fit between its braces.
struct Anything {
  template <typename T>
  operator T() const;  // NOLINT(google-explicit-constructor): stands for a value of any type
};
template <typename T, typename... Initialisers>
constexpr std::size_t FieldCount() {
  if constexpr (requires { T{Initialisers{}..., Anything{}}; }) {
    return FieldCount<T, Initialisers..., Anything>();
  } else {
    return sizeof...(Initialisers);
  }
}

// Fields that are code and no settings: the store's sink for messages.
template <typename Options>
constexpr std::size_t HookCount() {
  if constexpr (requires(Options options) { options.log; }) {
    return 1;
  } else {
    return 0;
  }
}

std::size_t RowsIn(std::string_view section) {
  const std::string prefix = std::string(section) + ".";
  return static_cast<std::size_t>(std::count_if(
      Rows().begin(), Rows().end(), [&](const Row& row) { return row.name.starts_with(prefix); }));
}

std::string SetError(std::string_view name, std::string_view value) {
  Config config;
  const base::Status status = Set(name, value, config);
  return status.ok() ? "" : status.error().detail;
}

std::string CheckError(const std::vector<std::pair<std::string, std::string>>& settings) {
  Config config;
  for (const auto& [name, value] : settings) {
    const base::Status set = Set(name, value, config);
    INFO(name);
    REQUIRE(set.ok());
  }
  const base::Status checked = Check(config);
  return checked.ok() ? "" : checked.error().detail;
}

std::string ValueOf(const Config& config, const std::string& name) {
  for (const Setting& setting : Describe(config, name)) {
    if (setting.name == name) {
      return setting.value;
    }
  }
  return "(absent)";
}

// Whether the error says all that it should about a number out of range.
bool IsToldWell(const base::Error& error, const std::string& name, std::int64_t value,
                const Row& row) {
  const auto has = [&error](const std::string& part) {
    return error.detail.find(part) != std::string::npos;
  };
  return error.code == base::Code::kBadRequest && has(name) && has(std::to_string(value)) &&
         has(std::to_string(row.min) + " to " + std::to_string(row.max));
}

// What is wrong with the bounds of a number, or empty.
std::string BoundsProblem(const Row& row) {
  std::string name(row.name);
  if (const std::size_t place = name.find("<name>"); place != std::string::npos) {
    name.replace(place, 6, "faq");
  }
  Config config;
  for (const std::int64_t value : {row.min, row.max}) {
    const std::string text = std::to_string(value);
    if (!Set(name, text, config).ok() || ValueOf(config, name) != text) {
      return name.append(" refuses its bound ").append(text);
    }
  }
  for (const std::int64_t wrong : {row.min - 1, row.max + 1}) {
    const base::Status refused = Set(name, std::to_string(wrong), config);
    if (refused.ok() || !IsToldWell(refused.error(), name, wrong, row)) {
      return name.append(" does not refuse ").append(std::to_string(wrong));
    }
  }
  return ValueOf(config, name) == std::to_string(row.max) ? "" : name + " changed on an error";
}

}  // namespace

TEST_CASE("every field of the options has a row") {
  CHECK(RowsIn("store") + HookCount<storage::StoreOptions>() ==
        FieldCount<storage::StoreOptions>());
  CHECK(RowsIn("network") == FieldCount<NetworkOptions>());
  CHECK(RowsIn("http") == FieldCount<HttpOptions>());
  CHECK(RowsIn("cache") - RowsIn("cache.types") + 1 == FieldCount<CacheOptions>());
  CHECK(RowsIn("control") == FieldCount<ControlOptions>());
  CHECK(RowsIn("jobs") == FieldCount<JobsOptions>());
  CHECK(RowsIn("log") == FieldCount<LogOptions>());
  CHECK(FieldCount<Config>() == Sections().size());
  CHECK(RowsIn("cache.types") + 1 == FieldCount<QueryType>());  // the name has no row
}

TEST_CASE("shares are a name and a number from 1 to 1000") {
  CHECK(SetError("jobs.weights", "team-a: 3, b:1000").empty());
  for (const std::string_view bad :
       {"a", "a:", ":3", "a: 0", "a: 1001", "a: x", "a: 3x", "a: -1"}) {
    INFO(bad);
    CHECK_FALSE(SetError("jobs.weights", bad).empty());
  }
}

TEST_CASE("no two rows share a name or a field") {
  Config config;
  std::set<const void*> fields;
  std::set<std::string_view> names;
  std::size_t plain = 0;
  for (const Row& row : Rows()) {
    names.insert(row.name);
    if (const auto* number = std::get_if<NumberField>(&row.field)) {
      fields.insert(&(*number)(config));
    } else if (const auto* flag = std::get_if<FlagField>(&row.field)) {
      fields.insert(&(*flag)(config));
    } else if (const auto* text = std::get_if<TextField>(&row.field)) {
      fields.insert(&(*text)(config));
    } else if (const auto* list = std::get_if<ListField>(&row.field)) {
      fields.insert(&(*list)(config));
    } else {
      continue;
    }
    ++plain;
  }
  CHECK(names.size() == Rows().size());
  CHECK(fields.size() == plain);
}

TEST_CASE("the names of the units and of the keys agree") {
  for (const Row& row : Rows()) {
    CAPTURE(row.name);
    CHECK(row.name.ends_with("_ms") == (row.kind == Kind::kMilliseconds));
    CHECK(row.name.ends_with("_micros") == (row.kind == Kind::kMicroseconds));
    const bool is_bytes =
        row.name.find("_bytes") != std::string_view::npos || row.name.ends_with(".bytes_max");
    CHECK(is_bytes == (row.kind == Kind::kBytes));
    CHECK_FALSE(row.doc.empty());
    CHECK((row.kind == Kind::kChoice) == !row.choices.empty());
    CHECK((row.kind == Kind::kList) <= (row.problem != nullptr));
  }
}

TEST_CASE("the defaults obey the table and the rules") {
  const Config defaults;
  CHECK(Check(defaults).ok());
  for (const Setting& setting : Describe(defaults)) {
    CAPTURE(setting.name, setting.value);
    Config config;
    CHECK(Set(setting.name, setting.value, config).ok());
    CHECK(setting.value == setting.default_value);
    CHECK(ValueOf(config, setting.name) == setting.value);
  }
}

TEST_CASE("every number is taken at its bounds and refused one beyond") {
  for (const Row& row : Rows()) {
    if (IsNumber(row.kind)) {
      CHECK(BoundsProblem(row).empty());
    }
  }
}

TEST_CASE("quantities are whole numbers with the units of their kind") {
  struct Case {
    Kind kind;
    std::string_view text;
    std::optional<std::int64_t> value;
  };
  const std::vector<Case> cases{{Kind::kBytes, "256MiB", 256 * base::kMiB},
                                {Kind::kBytes, "256 MiB", 256 * base::kMiB},
                                {Kind::kBytes, "0B", 0},
                                {Kind::kBytes, "17", 17},
                                {Kind::kBytes, "1kb", std::nullopt},
                                {Kind::kBytes, "1MB", std::nullopt},
                                {Kind::kBytes, "8388608TiB", std::nullopt},
                                {Kind::kMilliseconds, "30s", 30'000},
                                {Kind::kMilliseconds, "2h", 7'200'000},
                                {Kind::kMilliseconds, "7d", 604'800'000},
                                {Kind::kMilliseconds, "5m", 300'000},
                                {Kind::kMicroseconds, "5ms", 5'000},
                                {Kind::kInteger, "-1", -1},
                                {Kind::kInteger, "1s", std::nullopt}};
  for (const Case& each : cases) {
    CAPTURE(each.text);
    CHECK(ParseQuantity(each.kind, each.text) == each.value);
  }
  for (const char* wrong :
       {"", " 1s", "s", "1.5s", "1S", "1 second", "1  s", "1s ", "--1", "+1", "0x10", "1e3", "nan",
        "9223372036854775807s", "9223372036854775808", "-9223372036854775809"}) {
    CAPTURE(wrong);
    CHECK_FALSE(ParseQuantity(Kind::kMilliseconds, wrong).has_value());
  }
}

TEST_CASE("a quantity is written in its largest unit and read back the same") {
  CHECK(RenderQuantity(Kind::kBytes, 256 * base::kMiB) == "256MiB");
  CHECK(RenderQuantity(Kind::kBytes, 1'025) == "1025B");
  CHECK(RenderQuantity(Kind::kMilliseconds, 1'500) == "1500ms");
  CHECK(RenderQuantity(Kind::kMilliseconds, 0) == "0");
  CHECK(RenderQuantity(Kind::kInteger, 1'024) == "1024");
  for (const std::int64_t value : {std::int64_t{1}, std::int64_t{999}, std::int64_t{86'400'000},
                                   std::numeric_limits<std::int64_t>::max()}) {
    CHECK(ParseQuantity(Kind::kMilliseconds, RenderQuantity(Kind::kMilliseconds, value)) == value);
    CHECK(ParseQuantity(Kind::kBytes, RenderQuantity(Kind::kBytes, value)) == value);
  }
}

TEST_CASE("a setting in text form reaches its field") {
  Config config;
  REQUIRE(Set("store.durability", "always", config).ok());
  CHECK(config.store.durability == storage::Durability::kAlways);
  REQUIRE(Set("store.durability", "none", config).ok());
  CHECK(config.store.durability == storage::Durability::kNone);
  REQUIRE(Set("store.engine", "memory", config).ok());
  CHECK(config.store.engine == storage::EngineKind::kMemory);
  REQUIRE(Set("store.accept_loss", "true", config).ok());
  CHECK(config.store.accept_loss);
  REQUIRE(Set("store.hot_table_bytes", "1GiB", config).ok());
  CHECK(config.store.hot_table_bytes == base::kGiB);
  REQUIRE(Set("network.tls_port", "-1", config).ok());
  CHECK(config.network.tls_port == -1);
}

TEST_CASE("lists, choices and times in text form reach their fields") {
  Config config;
  REQUIRE(Set("http.allowed_hosts", "a.example, b.example:7378", config).ok());
  CHECK(config.http.allowed_hosts == std::vector<std::string>{"a.example", "b.example:7378"});
  CHECK(ValueOf(config, "http.allowed_hosts") == "a.example,b.example:7378");
  REQUIRE(Set("http.allowed_hosts", "", config).ok());
  CHECK(config.http.allowed_hosts.empty());
  REQUIRE(Set("log.level", "debug", config).ok());
  CHECK(config.log.level == "debug");
  REQUIRE(Set("log.slow_micros", "20ms", config).ok());
  CHECK(config.log.slow_micros == 20'000);
}

TEST_CASE("an error names the setting, the value found and what is allowed") {
  CHECK(SetError("store.sync_interval_ms", "0") ==
        "store.sync_interval_ms = \"0\": out of range; allowed: 1 to 60000 milliseconds (1ms to "
        "1m)");
  CHECK(SetError("store.durability", "sometimes") ==
        "store.durability = \"sometimes\": not one of the choices; allowed: always, interval or "
        "none");
  CHECK_THAT(SetError("store.hot_table_bytes", "lots"), Contains("\"lots\""));
  CHECK_THAT(SetError("store.hot_table_bytes", "lots"), Contains("B, KiB, MiB, GiB, TiB"));
  CHECK_THAT(SetError("store.accept_loss", "yes"), Contains("allowed: true or false"));
  CHECK_THAT(SetError("network.port", "http"), Contains("allowed: 0 to 65535"));
}

TEST_CASE("texts and lists are checked for what they may hold") {
  CHECK_THAT(SetError("network.bind", "example.org"), Contains("IPv4 or IPv6"));
  CHECK(SetError("network.bind", "::1").empty());
  CHECK(SetError("network.bind", "localhost").empty());
  CHECK_THAT(SetError("log.file", "a\nb"), Contains("control bytes"));
  CHECK_THAT(SetError("http.allowed_hosts", "a,b c"), Contains("\"b c\""));
  CHECK_THAT(SetError("http.allowed_hosts", std::string(300, 'a')), Contains("253"));
  std::string many = "a";
  for (int i = 0; i < 63; ++i) {
    many += ",a";
  }
  CHECK(SetError("http.allowed_hosts", many).empty());
  CHECK_THAT(SetError("http.allowed_hosts", many + ",a"), Contains("65 items"));
  CHECK(SetError("network.unix_socket", std::string(107, 'x')).empty());
  CHECK_THAT(SetError("network.unix_socket", std::string(108, 'x')), Contains("107 bytes"));
  CHECK(SetError("log.file", std::string(9'999, '\x01')).size() < 500);
}

TEST_CASE("an unknown name is answered with the nearest known one") {
  Config config;
  const base::Status unknown = Set("store.durabilty", "always", config);
  REQUIRE_FALSE(unknown.ok());
  CHECK(unknown.error().code == base::Code::kNotFound);
  CHECK(unknown.error().detail ==
        "there is no setting \"store.durabilty\"; the nearest is store.durability");
  CHECK_THAT(SetError("network.durability", "x"), Contains("store.durability"));
  CHECK_THAT(SetError("port", "1"), Contains("the nearest is network.port"));
  CHECK_THAT(SetError("networks", "1"), Contains("the nearest is network"));
  CHECK_THAT(SetError("", "1"), Contains("\"\""));
  CHECK(SetError(std::string(100'000, 'x'), "1").size() < 200);
  CHECK_THAT(SetError("cache.types.<name>.ttl_ms", "1"), Contains("a letter and up to 63"));
}

TEST_CASE("a query type is made by naming it") {
  Config config;
  REQUIRE(Set("cache.types.research.ttl_ms", "5s", config).ok());
  CHECK(config.cache.types.size() == 6);
  CHECK(ValueOf(config, "cache.types.research.ttl_ms") == "5000");
  REQUIRE(Set("cache.types.faq.ttl_ms", "7d", config).ok());
  REQUIRE(config.cache.types.size() == 7);
  CHECK(config.cache.types.back().name == "faq");
  CHECK(config.cache.types.back().ttl_ms == 604'800'000);
  CHECK(Describe(config, "cache.types.").size() == 7 * RowsIn("cache.types"));
  CHECK(IsLive("cache.types.anything.ttl_ms"));
}

TEST_CASE("the name of a query type has a shape and a length") {
  const std::string longest(64, 'x');
  CHECK(SetError("cache.types." + longest + ".ttl_ms", "1").empty());
  for (const std::string& wrong :
       {longest + "x", std::string("9a"), std::string("-a"), std::string("a.b"), std::string("a b"),
        std::string("\u00E9"), std::string("a\n")}) {
    CAPTURE(wrong);
    CHECK_THAT(SetError("cache.types." + wrong + ".ttl_ms", "1"),
               Contains("a letter and up to 63 letters"));
  }
  CHECK_THAT(SetError("cache.types..ttl_ms", "1"), Contains("there is no setting"));
  CHECK_THAT(SetError("cache.types.faq.ttl", "1"), Contains("cache.types.<name>.ttl_ms"));
}

TEST_CASE("there are at most 64 query types") {
  Config config;
  for (int i = 6; i < 64; ++i) {
    REQUIRE(Set("cache.types.t" + std::to_string(i) + ".ttl_ms", "1s", config).ok());
  }
  const base::Status one_more = Set("cache.types.more.ttl_ms", "1s", config);
  REQUIRE_FALSE(one_more.ok());
  CHECK_THAT(one_more.error().detail, Contains("64 query types"));
  CHECK(Set("cache.types.t63.ttl_ms", "2s", config).ok());
  const base::Status refused = Set("cache.types.t63.ttl_ms", "0", config);
  CHECK_FALSE(refused.ok());
  CHECK(config.cache.types.size() == 64);
}

TEST_CASE("settings are described in file order and found by prefix") {
  const Config config;
  const std::vector<Setting> all = Describe(config);
  const std::size_t of_types = RowsIn("cache.types");
  CHECK(all.size() == Rows().size() - of_types + of_types * config.cache.types.size());
  CHECK(all.front().name == "store.dir");
  CHECK(all.back().name == "log.slow_items");
  const std::vector<Setting> one = Describe(config, "store.sync");
  REQUIRE(one.size() == 1);
  CHECK(one[0].kind == "milliseconds");
  CHECK(one[0].value == "1000");
  CHECK(one[0].live);
  CHECK(Describe(config, "nothing").empty());
  CHECK(Describe(config, "cache.types.*").size() == of_types * config.cache.types.size());
  CHECK(Describe(config, "cache.types.*.ttl_ms").size() == config.cache.types.size());
  CHECK(Describe(config, "*").size() == all.size());
  CHECK(Describe(config, "*.slow_items").back().name == "log.slow_items");
  CHECK(Describe(config, "cache.types.*.ttl*ms*").size() == config.cache.types.size());
  CHECK(Describe(config, "cache.*.nothing").empty());
  CHECK(Describe(config, "cache.ttl*types").empty());
}

TEST_CASE("keys that are read once at the start are not live") {
  const std::set<std::string> restart{"log.file",
                                      "network.tls_certificate",
                                      "network.tls_key",
                                      "store.dir",
                                      "store.backup_dir",
                                      "store.engine",
                                      "store.accept_loss",
                                      "store.block_cache_bytes",
                                      "store.memtable_bytes",
                                      "store.open_files_max",
                                      "store.storage_threads",
                                      "store.write_queue_items",
                                      "store.write_queue_bytes",
                                      "store.storage_queue_items",
                                      "store.sweep_rows_per_second",
                                      "network.bind",
                                      "network.port",
                                      "network.unix_socket",
                                      "network.tls_port",
                                      "network.loops",
                                      "http.bind",
                                      "http.port",
                                      "semantic.embedder",
                                      "semantic.models_dir",
                                      "semantic.client_width",
                                      "semantic.vector_cache_bytes",
                                      "semantic.snapshot_ms",
                                      "semantic.http_url",
                                      "semantic.http_model",
                                      "semantic.http_key_env",
                                      "semantic.http_width",
                                      "semantic.http_deadline_ms",
                                      "routing.total_outcomes_max",
                                      "routing.good_enough_ppm",
                                      "spend.prices_file"};
  for (const Setting& setting : Describe(Config{})) {
    CAPTURE(setting.name);
    CHECK(setting.live == !restart.contains(setting.name));
    CHECK(IsLive(setting.name) == setting.live);
  }
  CHECK_FALSE(IsLive("no.such.key"));
}

TEST_CASE("keys that depend on each other are checked together") {
  CHECK_THAT(CheckError({{"network.tls_port", "0"}}), Contains("network.tls_certificate"));
  CHECK_THAT(CheckError({{"network.tls_port", "7379"}, {"network.tls_certificate", "c"}}),
             Contains("network.tls_key"));
  CHECK_THAT(CheckError({{"network.tls_key", "k"}}), Contains("together"));
  const std::vector<std::pair<std::string, std::string>> tls{
      {"network.tls_port", "0"}, {"network.tls_certificate", "c"}, {"network.tls_key", "k"}};
  CHECK(CheckError(tls).empty());
  auto same = tls;
  same[0].second = "7377";
  CHECK_THAT(CheckError(same), Contains("both 7377"));
  CHECK_THAT(CheckError({{"http.port", "7377"}}), Contains("http.port = 7377"));
  CHECK(CheckError({{"http.port", "0"}, {"network.port", "0"}}).empty());
}

TEST_CASE("an address beyond loopback needs protection") {
  const std::vector<std::pair<std::string, std::string>> tls{
      {"network.tls_port", "0"}, {"network.tls_certificate", "c"}, {"network.tls_key", "k"}};
  for (const char* bind : {"0.0.0.0", "::", "192.168.1.1", "128.0.0.1", "::ffff:10.0.0.1"}) {
    CAPTURE(bind);
    CHECK_THAT(CheckError({{"network.bind", bind}}), Contains("not a loopback address"));
    auto with_tls = tls;
    with_tls.emplace_back("network.bind", bind);
    CHECK(CheckError(with_tls).empty());
    CHECK_THAT(CheckError({{"http.bind", bind}}), Contains("http.allowed_hosts"));
    CHECK(CheckError({{"http.bind", bind}, {"http.allowed_hosts", "x"}}).empty());
    CHECK(CheckError({{"http.bind", bind}, {"http.port", "-1"}}).empty());
  }
  for (const char* bind : {"127.0.0.1", "127.9.9.9", "::1", "localhost", "::ffff:127.0.0.1"}) {
    CAPTURE(bind);
    CHECK(CheckError({{"network.bind", bind}, {"http.bind", bind}}).empty());
  }
}

TEST_CASE("sizes must fit into each other") {
  CHECK(CheckError({{"network.output_soft_bytes", "32MiB"}}).empty());
  CHECK_THAT(CheckError({{"network.output_soft_bytes", "33MiB"}}),
             Contains("must be at most network.output_hard_bytes (32MiB)"));

  const std::int64_t frame = base::kMiB + 256 * base::kKiB + 64 * base::kKiB;
  CHECK(CheckError({{"network.frame_bytes_max", std::to_string(frame)}}).empty());
  const std::string small = CheckError({{"network.frame_bytes_max", std::to_string(frame - 1)}});
  CHECK_THAT(small, Contains("at least 1344KiB"));
  CHECK_THAT(small, Contains("cache.value_bytes_max (1MiB)"));
  CHECK_THAT(CheckError({{"cache.value_bytes_max", "32MiB"}}), Contains("frame_bytes_max"));
  CHECK_THAT(CheckError({{"cache.value_bytes_max", "32MiB"}, {"network.frame_bytes_max", "64MiB"}}),
             Contains("network.output_hard_bytes"));
  CHECK_THAT(CheckError({{"store.write_queue_bytes", "1MiB"}}),
             Contains("store.write_queue_bytes"));
  CHECK_THAT(CheckError({{"cache.value_bytes_max", "2MiB"}, {"store.memtable_bytes", "1MiB"}}),
             Contains("store.memtable_bytes"));
  CHECK_THAT(CheckError({{"cache.value_bytes_max", "2MiB"}, {"store.hot_table_bytes", "1MiB"}}),
             Contains("store.hot_table_bytes"));
}

TEST_CASE("conf/reprise.toml is what the table says") {
  const std::string expected = RenderDefaultFile();
  if (std::getenv("REPRISE_REGENERATE") != nullptr) {
    std::ofstream(DEFAULT_FILE, std::ios::binary) << expected;
  }
  std::ifstream stream(DEFAULT_FILE, std::ios::binary);
  std::ostringstream found;
  found << stream.rdbuf();
  INFO("to write it anew: REPRISE_REGENERATE=1 server_config_test");
  CHECK(found.str() == expected);
}

}  // namespace reprise::config
