#include "server/rate/key_table.h"

#include <map>
#include <random>
#include <set>
#include <string>

#include <catch2/catch.hpp>

namespace reprise::rate {
namespace {

// Few different ones, so that runs of the index are long and parts are few.
std::uint64_t BadHash(const std::string& key) {
  return (std::hash<std::string>()(key) & 0x0400'0000'0000'001fU) * 3;
}

std::set<std::string> KeysIn(KeyTable& table) {
  std::set<std::string> keys;
  KeyTable::Cursor cursor;
  Entry* entry = nullptr;
  while (table.Next(cursor, entry)) {
    if (entry != nullptr) {
      CHECK(keys.insert(std::string(entry->key.view())).second);
      CHECK(table.At(entry->place) == entry);
    }
  }
  return keys;
}

TEST_CASE("a table finds what was put in and nothing else, whatever the hashes") {
  const std::uint64_t seed = 7;
  INFO("seed " << seed);
  std::mt19937_64 chance(seed);
  KeyTable table;
  std::map<std::string, std::uint32_t> model;  // what `born` was set to
  for (std::uint32_t step = 1; step < 6'000; ++step) {
    const std::string key = "key" + std::to_string(chance() % 300);
    const std::uint64_t hash = BadHash(key);
    Entry* found = table.Find(hash, key);
    REQUIRE((found != nullptr) == model.contains(key));
    if (found != nullptr) {
      REQUIRE(found->born == model[key]);
    }
    if (found == nullptr) {
      table.Insert(hash, key).born = step;
      model[key] = step;
    } else if (chance() % 2 == 0) {
      table.Erase(*found);
      model.erase(key);
    }
    REQUIRE(table.size() == model.size());
  }
  std::set<std::string> expected;
  for (const auto& [key, born] : model) {
    expected.insert(key);
  }
  CHECK(KeysIn(table) == expected);
  table.Clear();
  CHECK(table.size() == 0);
  CHECK(KeysIn(table).empty());
}

TEST_CASE("entries stay where they are while others come") {
  KeyTable table;
  Entry& first = table.Insert(1, "first");
  for (std::uint64_t i = 0; i < 2'000; ++i) {
    table.Insert(i * 0x9E3779B97F4A7C15U, std::to_string(i));
  }
  CHECK(table.Find(1, "first") == &first);
  CHECK(table.At(first.place) == &first);
  CHECK(table.size() == 2'001);
}

}  // namespace
}  // namespace reprise::rate
