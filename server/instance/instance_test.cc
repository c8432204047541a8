#include "server/instance/instance.h"

#include <filesystem>
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

}  // namespace
}  // namespace reprise::instance
