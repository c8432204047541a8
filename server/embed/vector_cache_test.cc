#include "server/embed/vector_cache.h"

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

namespace reprise::embed {
namespace {

std::shared_ptr<const Vector> VectorOf(float value) {
  return std::make_shared<const Vector>(Vector(8, value));
}

VectorCache::Known TokensOf(float value) {
  TokenVectors tokens;
  tokens.tokens.resize(4);
  tokens.context.assign(32, value);
  return {VectorOf(value), std::make_shared<const PackedTokens>(PackedTokens::Of(tokens))};
}

// What one entry without tokens takes.
std::size_t EntryBytes() {
  VectorCache cache({});
  cache.Keep("0", VectorOf(0));
  return cache.Read().bytes;
}

TEST_CASE("a prompt that came before has its vector") {
  VectorCache cache({});
  CHECK(cache.Find("a") == nullptr);
  cache.Keep("a", VectorOf(1));
  cache.Keep("b", VectorOf(2));
  CHECK(cache.Find("a")->front() == 1);
  CHECK(cache.Find("b")->front() == 2);
  cache.Keep("a", VectorOf(3));
  CHECK(cache.Find("a")->front() == 3);
  const auto stats = cache.Read();
  CHECK(stats.hits == 3);
  CHECK(stats.misses == 1);
  CHECK(stats.entries == 2);
}

TEST_CASE("the least recently used go when the bytes do not suffice") {
  const std::size_t bytes = EntryBytes();
  VectorCache cache({3 * bytes, 64, 7});
  for (const char* prompt : {"1", "2", "3"}) {
    cache.Keep(prompt, VectorOf(1));
  }
  CHECK(cache.Read().entries == 3);
  CHECK(cache.Find("1") != nullptr);
  cache.Keep("4", VectorOf(1));
  CHECK(cache.Find("2") == nullptr);
  CHECK(cache.Find("1") != nullptr);
  CHECK(cache.Find("3") != nullptr);
  CHECK(cache.Find("4") != nullptr);
  CHECK(cache.Read().bytes <= 3 * bytes);
}

TEST_CASE("what is larger than the cache is not kept, and drops what it replaces") {
  VectorCache cache({EntryBytes() + 100, 64, 0});
  cache.Keep("a", VectorOf(1));
  cache.Keep(std::string(1000, 'x'), VectorOf(1));
  CHECK(cache.Read().entries == 1);
  cache.Keep("a", std::make_shared<const Vector>(Vector(1000, 1.0F)));
  CHECK(cache.Find("a") == nullptr);
  CHECK(cache.Read().bytes == 0);
}

TEST_CASE("tokens of only the most recent are kept, the vectors of all") {
  VectorCache cache({1 << 20U, 2, 0});
  cache.KeepTokens("1", TokensOf(1));
  cache.KeepTokens("2", TokensOf(2));
  CHECK(cache.FindTokens("1").tokens->context.size() == 32);
  cache.KeepTokens("3", TokensOf(3));
  CHECK(cache.FindTokens("2").tokens == nullptr);
  CHECK(cache.Find("2")->front() == 2);
  CHECK(cache.FindTokens("1").vector->front() == 1);
  CHECK(cache.FindTokens("3").tokens != nullptr);
  cache.Keep("3", VectorOf(4));
  CHECK(cache.FindTokens("3").tokens == nullptr);
}

TEST_CASE("an emptied cache has nothing, and what was found before stays") {
  VectorCache cache({});
  cache.KeepTokens("a", TokensOf(1));
  const auto found = cache.Find("a");
  cache.Clear();
  CHECK(found->front() == 1);
  CHECK(cache.Find("a") == nullptr);
  CHECK(cache.Read().bytes == 0);
  cache.Keep("a", VectorOf(2));
  CHECK(cache.Find("a")->front() == 2);
}

TEST_CASE("threads share one vector cache") {
  VectorCache cache({20 * EntryBytes(), 4, 0});
  std::vector<std::size_t> wrong(3);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < wrong.size(); ++i) {
    threads.emplace_back([&, i] {
      for (int turn = 0; turn < 300; ++turn) {
        const int number = (turn * 7 + static_cast<int>(i)) % 40;
        const auto value = static_cast<float>(number);
        const auto found = cache.Find(std::to_string(number));
        wrong[i] += found != nullptr && found->front() != value ? 1 : 0;
        if (turn % 3 == 0) {
          cache.KeepTokens(std::to_string(number), TokensOf(value));
        } else {
          cache.Keep(std::to_string(number), VectorOf(value));
        }
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  CHECK(wrong == std::vector<std::size_t>(wrong.size()));
  CHECK(cache.Read().hits + cache.Read().misses == 900);
}

}  // namespace
}  // namespace reprise::embed
