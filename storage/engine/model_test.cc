// Random transactions against a std::map, with reopening in between. Prints its seed.
#include <cstdio>
#include <map>

#include <catch2/catch.hpp>

#include "storage/engine/test_support.h"

namespace reprise::storage {
namespace {

// SplitMix64: small, and the same everywhere.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t Below(std::uint64_t bound) {
    state_ += 0x9E3779B97F4A7C15ULL;
    std::uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9ULL;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBULL;
    return (mixed ^ (mixed >> 31)) % bound;
  }

 private:
  std::uint64_t state_;
};

struct Row {
  std::string value;
  base::UnixMillis expires_at{0};
};
using Model = std::map<std::string, Row>;

std::string RandomKey(Random& random) {
  return std::string(1, static_cast<char>('a' + random.Below(3))) + ":" +
         std::to_string(random.Below(40));
}

// The same steps on the store and on the model; a third of the transactions fails.
void RunTransaction(Random& random, Store& store, Model& model, base::UnixMillis now) {
  Model changed = model;
  const bool fails = random.Below(3) == 0;
  const std::uint64_t steps = 1 + random.Below(6);
  bool agreed = true;
  const base::Status outcome = store.Run([&](Transaction& transaction) -> base::Status {
    for (std::uint64_t step = 0; step < steps; ++step) {
      const std::string key = RandomKey(random);
      const std::uint64_t kind = random.Below(20);
      if (kind < 10) {
        const std::string value(random.Below(2000), static_cast<char>('a' + random.Below(26)));
        const base::UnixMillis expires_at =
            random.Below(3) == 0 ? now + static_cast<std::int64_t>(1 + random.Below(500)) : kNever;
        transaction.Put(Family::kKeys, key, value, expires_at);
        changed[key] = {value, expires_at};
      } else if (kind < 14) {
        transaction.Delete(Family::kKeys, key);
        changed.erase(key);
      } else if (kind < 15) {
        transaction.DeletePrefix(Family::kKeys, key.substr(0, 2));
        std::erase_if(changed, [&](const auto& row) { return row.first[0] == key[0]; });
      } else {
        const auto found = transaction.Get(Family::kKeys, key);
        const auto wanted = changed.find(key);
        const bool there = wanted != changed.end() &&
                           (wanted->second.expires_at == kNever || now < wanted->second.expires_at);
        agreed = agreed && found.ok() && found.value().has_value() == there &&
                 (!there || found.value()->value() == wanted->second.value);
      }
    }
    if (fails) {
      return base::Error{base::Code::kWrongType, ""};
    }
    return base::Ok{};
  });
  REQUIRE(outcome.ok() == !fails);
  REQUIRE(agreed);
  if (!fails) {
    model = std::move(changed);
  }
}

void Compare(const Store& store, const Model& model, base::UnixMillis now) {
  std::vector<std::string> wanted;
  for (const auto& [key, row] : model) {
    if (row.expires_at == kNever || now < row.expires_at) {
      wanted.push_back(key);
      REQUIRE(ValueOf(store, key, now) == row.value);
    } else {
      REQUIRE(ValueOf(store, key, now) == "(absent)");
    }
  }
  REQUIRE(KeysOf(store, {Family::kKeys, {}, {}}, now) == wanted);
}

}  // namespace

TEST_CASE("random transactions leave the store as a map would be, through restarts") {
  const char* given = std::getenv("REPRISE_SEED");
  const std::uint64_t seed = given == nullptr ? 20'240'601 : std::strtoull(given, nullptr, 10);
  std::printf("store_model seed=%llu\n", static_cast<unsigned long long>(seed));
  for (const EngineKind engine : {EngineKind::kRocksDb, EngineKind::kMemory}) {
    Random random(seed);
    const TempDir dir;
    MovableClock clock;
    StoreOptions options = SmallOptions(engine, dir.path());
    options.memtable_bytes = 256 * base::kKiB;
    options.hot_table_bytes = 64 * base::kKiB;
    options.sweep_rows_per_second = 10'000;
    Model model;
    auto store = MustOpen(options, clock);
    for (int step = 0; step < 1500; ++step) {
      RunTransaction(random, *store, model, clock.Now());
      clock.Advance(static_cast<std::int64_t>(random.Below(20)));
      if (step % 100 == 99) {
        Compare(*store, model, clock.Now());
      }
      if (step % 250 == 249 && engine == EngineKind::kRocksDb) {
        store.reset();
        store = MustOpen(options, clock);
        Compare(*store, model, clock.Now());
      }
    }
  }
}

}  // namespace reprise::storage
