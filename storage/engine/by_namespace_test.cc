#include "storage/engine/by_namespace.h"

#include <atomic>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

namespace reprise::storage {
namespace {

constexpr std::uint32_t kLow = 7;
constexpr std::uint32_t kHigh = 70'000;  // not among those that are found without a lock

TEST_CASE("a namespace has one part, however many threads need it first") {
  for (const std::uint32_t number : {kLow, kHigh}) {
    ByNamespace<int> parts;
    const NamespaceId id{number};
    CHECK(parts.Find(id) == nullptr);
    std::atomic<int> made{0};
    std::vector<int*> seen(4);
    std::vector<std::thread> threads;
    for (int*& each : seen) {
      threads.emplace_back([&] {
        const auto [part, is_new] = parts.FindOrMake(id, [] { return std::make_unique<int>(1); });
        each = part;
        made.fetch_add(is_new ? 1 : 0);
      });
    }
    for (std::thread& thread : threads) {
      thread.join();
    }
    CHECK(made.load() == 1);
    CHECK(seen == std::vector<int*>(4, parts.Find(id)));
    CHECK(parts.Find(NamespaceId{number + 1}) == nullptr);
  }
}

TEST_CASE("all parts are found, each once") {
  ByNamespace<int> parts;
  for (const std::uint32_t number : {kLow, kHigh, kLow}) {
    parts.FindOrMake(NamespaceId{number}, [&] { return std::make_unique<int>(number); });
  }
  int sum = 0;
  for (const auto& [id, part] : parts.All()) {
    CHECK(*part == static_cast<int>(id));
    sum += *part;
  }
  CHECK(sum == static_cast<int>(kLow + kHigh));
}

}  // namespace
}  // namespace reprise::storage
