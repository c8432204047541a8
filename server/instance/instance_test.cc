#include "server/instance/instance.h"

#include <filesystem>
#include <fstream>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): mkdtemp is POSIX

#include <catch2/catch.hpp>

#include "protocol/wire/decode.h"

namespace reprise::instance {
namespace {

struct Folder {
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "reprise-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~Folder() { std::filesystem::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  Folder(Folder&&) = delete;
  Folder& operator=(Folder&&) = delete;
  std::filesystem::path path;
};

TEST_CASE("entries and counters are there again when the directory is opened again") {
  const Folder folder;
  base::FakeClock clock;
  config::Config config;
  config.store.dir = (folder.path / "data").string();
  const std::string response = wire::Encode(base::Value("an idiom"));
  const cache::Question question{storage::kDefaultNamespace, "What is RAII?", "", "research"};
  {
    const auto instance = Instance::OpenWithClock(config, clock).value();
    const auto put = [&](storage::Transaction& transaction) -> base::Status {
      cache::Answer answer;
      answer.response = response;
      RETURN_IF_ERROR(instance->cache().Store(question, answer, config.cache, transaction));
      return base::Ok{};
    };
    REQUIRE(instance->store().Run(put).ok());
    const storage::View view(instance->store(), clock.Now(), storage::ReadMode::kDisk);
    REQUIRE(instance->cache().Lookup(question, {}, config.cache, view).value().found.has_value());
  }
  clock.Advance(1000);
  const auto instance = Instance::OpenWithClock(config, clock).value();
  const auto stats = instance->cache().Stats(storage::kDefaultNamespace);
  CHECK(stats.entries == 1);
  REQUIRE(stats.types.size() == 1);
  CHECK(stats.types[0].counters.hits_exact == 1);
  const storage::View view(instance->store(), clock.Now(), storage::ReadMode::kDisk);
  const auto outcome = instance->cache().Lookup(question, {}, config.cache, view);
  REQUIRE(outcome.value().found.has_value());
  CHECK(outcome.value().found->body.response == response);
}

TEST_CASE("what hits saved is in the ledger of money once, even after a crash") {
  const Folder folder;
  base::FakeClock clock;
  config::Config config;
  config.store.dir = (folder.path / "data").string();
  config.store.backup_dir = (folder.path / "backups").string();
  const cache::Question question{
      storage::kDefaultNamespace, "What is RAII?", "", "research", {"coder", base::Nanos{0}}};
  const auto saved = [&](Instance& instance) {
    spend::ReportAsk ask;
    ask.id = storage::kDefaultNamespace;
    ask.to_day = base::ToInt(clock.Now()) / 86'400'000;
    ask.from_day = ask.to_day;
    ask.by = {spend::ReportField::kBot, spend::ReportField::kModel, spend::ReportField::kType,
              spend::ReportField::kStrategy};
    return spend::MakeReport(instance.store(), ask, clock.Now()).value();
  };
  const auto hit = [&](Instance& instance) {
    const storage::View view(instance.store(), clock.Now(), storage::ReadMode::kDisk);
    REQUIRE(instance.cache().Lookup(question, {}, config.cache, view).value().found.has_value());
  };
  std::string copy;
  {
    const auto instance = Instance::OpenWithClock(config, clock).value();
    REQUIRE(instance->store()
                .Run([&](storage::Transaction& transaction) -> base::Status {
                  cache::Answer answer;
                  answer.response = wire::Encode(base::Value("an idiom"));
                  answer.model = "m";
                  answer.worth = {10, 20, 300};
                  RETURN_IF_ERROR(
                      instance->cache().Store(question, answer, config.cache, transaction));
                  return base::Ok{};
                })
                .ok());
    hit(*instance);
    hit(*instance);
    instance->Tick(config);
    CHECK(saved(*instance).rows.empty());  // It stands with the counters for a minute.
    copy = instance->store().Backup("copy").value().path;
  }
  config.store.dir = copy;  // as a crash would have left it
  const auto instance = Instance::OpenWithClock(config, clock).value();
  clock.Advance(cache::kSavingsKeptMs);
  instance->Tick(config);
  hit(*instance);
  instance->PostSavings();
  instance->PostSavings();
  const spend::Report report = saved(*instance);
  REQUIRE(report.rows.size() == 1);
  CHECK(report.rows[0].key.bot == "coder");
  CHECK(report.rows[0].key.model == "m");
  CHECK(report.rows[0].key.type == "research");
  CHECK(report.rows[0].key.strategy == "cache.exact");
  CHECK(report.totals.savings.count == 3);
  CHECK(report.totals.savings.cost_nano == 900);
  CHECK(report.totals.savings.tokens_out == 60);
  CHECK(instance->spend().ledger().HeadOf(storage::kDefaultNamespace).sequence == 2);
}

TEST_CASE("the starter prices of the installation can be read, and price its models") {
  base::FakeClock clock;
  config::Config config;
  config.store.engine = storage::EngineKind::kMemory;
  const auto instance = Instance::OpenWithClock(config, clock).value();
  const std::string file = std::string(SOURCE_ROOT) + "/conf/prices.toml";
  CHECK(instance->UsePriceFile(file).value() >= 10);
  const spend::Usage usage{.input_tokens = 1'000'000, .output_tokens = 1'000'000};
  const auto nano = [&](const spend::PriceAsk& ask) {
    return instance->spend()
        .prices()
        .QuoteFor(storage::kDefaultNamespace, ask, usage, clock.Now())
        .value()
        .cost.nano;
  };
  CHECK(nano({"openai", "gpt-4o-mini-2024-07-18", ""}) == 750'000'000);
  CHECK(nano({"openai", "gpt-5", "flex"}) == 5'625'000'000);
  CHECK(nano({"", "claude-sonnet-4-5-20250929", ""}) == 28'500'000'000);
  CHECK(instance->spend().prices().models() == 0);  // They are not the directory's own.
}

TEST_CASE("a price file that cannot be used is named with what is wrong") {
  const Folder folder;
  base::FakeClock clock;
  config::Config config;
  config.store.engine = storage::EngineKind::kMemory;
  const auto instance = Instance::OpenWithClock(config, clock).value();
  const auto refusal = [&](const char* name, const char* text) {
    const std::string file = (folder.path / name).string();
    std::ofstream(file) << text;
    const auto used = instance->UsePriceFile(file);
    return used.ok() ? std::string() : used.error().detail;
  };
  CHECK(refusal("good.json", R"({"models": []})").empty());
  CHECK(refusal("good.toml", "[[models]]\nprovider = \"p\"\nmodel = \"m\"\nprices.input = 1.5\n")
            .empty());
  CHECK(refusal("bad.json", "{").find("bad.json") != std::string::npos);
  CHECK(refusal("bad.toml", "[[models]").find("bad.toml") != std::string::npos);
  CHECK(refusal("braces.toml", "models = [{provider = \"p\"}]").find("braces") !=
        std::string::npos);
  CHECK(refusal("row.toml", "[[models]]\nprovider = \"p\"\n").find("'model' is missing") !=
        std::string::npos);
  CHECK(instance->UsePriceFile((folder.path / "none.toml").string()).error().code ==
        base::Code::kIo);
  CHECK(instance->UsePriceFile((folder.path / "none.json").string()).error().code ==
        base::Code::kIo);
}

}  // namespace
}  // namespace reprise::instance
