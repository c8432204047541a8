#include "bench/load/keys.h"

#include <algorithm>
#include <map>
#include <set>

#include <catch2/catch.hpp>

namespace reprise::bench {

TEST_CASE("Digits are always twelve and keep their order") {
  CHECK(Digits(0) == "000000000000");
  CHECK(Digits(1'234) == "000000001234");
  CHECK(Digits(999'999'999'999) == "999999999999");
}

TEST_CASE("A value matches its own key and no other") {
  const Content content(1024);
  const std::string value = content.ValueOf(41);
  REQUIRE(value.size() == 1024);
  CHECK(content.Matches(41, value));
  CHECK_FALSE(content.Matches(42, value));
  for (const std::size_t place : {0U, 11U, 12U, 500U, 1023U}) {
    std::string spoilt = value;
    spoilt[place] = static_cast<char>(spoilt[place] ^ 1);
    CHECK_FALSE(content.Matches(41, spoilt));
  }
  CHECK_FALSE(content.Matches(41, value.substr(0, 1023)));
  CHECK(Content(12).Matches(7, Digits(7)));
}

TEST_CASE("Uniform keys stay in range and reach all of it") {
  KeyStream::Settings settings;
  settings.keys = 100;
  KeyStream keys(settings);
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 5'000; ++i) {
    seen.insert(keys.Next());
  }
  CHECK(seen.size() == 100);
  CHECK(*seen.rbegin() == 99);
}

TEST_CASE("Sequential keys start where told and wrap") {
  KeyStream::Settings settings;
  settings.distribution = Distribution::kSequential;
  settings.first = 8;
  settings.keys = 10;
  KeyStream keys(settings);
  CHECK(keys.Next() == 8);
  CHECK(keys.Next() == 9);
  CHECK(keys.Next() == 0);
}

TEST_CASE("The same seed gives the same keys and another seed gives others") {
  KeyStream::Settings settings;
  settings.keys = 1'000'000;
  KeyStream first(settings);
  KeyStream again(settings);
  settings.seed = 2;
  KeyStream other(settings);
  bool differs = false;
  for (int i = 0; i < 100; ++i) {
    const std::uint64_t key = first.Next();
    REQUIRE(key == again.Next());
    differs = differs || key != other.Next();
  }
  CHECK(differs);
}

TEST_CASE("The most popular Zipf key gets the share that theory gives it") {
  constexpr std::uint64_t kKeys = 1'000;
  KeyStream::Settings settings;
  settings.distribution = Distribution::kZipf;
  settings.keys = kKeys;
  settings.zipf = DrawZipf(kKeys, 0.99, 3);
  KeyStream keys(settings);
  std::map<std::uint64_t, int> counts;
  constexpr int kDraws = 500'000;
  for (int i = 0; i < kDraws; ++i) {
    ++counts[keys.Next()];
  }
  double weights = 0.0;
  for (std::uint64_t rank = 1; rank <= kKeys; ++rank) {
    weights += 1.0 / std::pow(static_cast<double>(rank), 0.99);
  }
  const auto top = std::max_element(counts.begin(), counts.end(), [](const auto& a, const auto& b) {
    return a.second < b.second;
  });
  CHECK(static_cast<double>(top->second) / kDraws == Approx(1.0 / weights).epsilon(0.02));
  CHECK(counts.rbegin()->first < kKeys);
  CHECK(counts.size() > kKeys * 95 / 100);
}

}  // namespace reprise::bench
