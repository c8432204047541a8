#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include <catch2/catch.hpp>

#include "server/commands/all.h"
#include "server/commands/describe.h"

namespace reprise::commands {
namespace {

TEST_CASE("rows are complete, sorted and consistent") {
  std::string_view before;
  for (const CommandSpec* spec : AllCommands()) {
    INFO(spec->name);
    CHECK(before < spec->name);
    before = spec->name;
    CHECK(!spec->summary.empty());
    CHECK(spec->summary.back() == '.');
    CHECK(!spec->result.empty());
    CHECK(!spec->complexity.empty());
    CHECK(spec->run != nullptr);
    // A command runs in one place.
    const auto places = {kWrite, kBlocking, kSession};
    CHECK(std::count_if(places.begin(), places.end(),
                        [&](Flag flag) { return (spec->flags & flag) != 0; }) <= 1);
    CHECK(((spec->flags & kDurable) == 0 || (spec->flags & kWrite) != 0));
    bool optional_seen = false;
    for (const ArgSpec& arg : spec->args) {
      CHECK(!(optional_seen && arg.required));
      optional_seen = optional_seen || !arg.required;
    }
    std::set<std::string_view> names;
    for (const ArgSpec& option : spec->options) {
      CHECK(names.insert(option.name).second);
      CHECK(option.name != kTimeoutOption.name);
    }
  }
}

TEST_CASE("the generated files are those of these rows") {
  const auto committed = [](const char* path) {
    std::ifstream in(std::filesystem::path(SOURCE_ROOT) / path);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  INFO("stale: run `reprise-server --dump .`");
  CHECK(committed("server/commands/COMMANDS.md") == RenderMarkdown());
  CHECK(committed("client/commands.json") == RenderJson());
  CHECK(committed("tests/fuzz/commands.dict") == RenderFuzzDictionary());
}

}  // namespace
}  // namespace reprise::commands
