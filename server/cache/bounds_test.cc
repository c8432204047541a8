// The bounds of a namespace and of the server, through the cache and its store.
#include "server/cache/bounds.h"

#include <catch2/catch.hpp>

#include "protocol/wire/decode.h"
#include "server/cache/cache.h"

namespace reprise::cache {
namespace {

using storage::NamespaceId;

constexpr NamespaceId kOne{1};
constexpr NamespaceId kTwo{2};
constexpr NamespaceId kThree{3};

TEST_CASE("a bound is exceeded by one more, by entries before bytes, and 0 is no bound") {
  CHECK(!Excess({10, 1000}, {10, 1000}).has_value());
  CHECK(Excess({11, 1000}, {10, 1000}) == Short::kEntries);
  CHECK(Excess({10, 1001}, {10, 1000}) == Short::kBytes);
  CHECK(Excess({11, 1001}, {10, 1000}) == Short::kEntries);
  CHECK(!Excess({11, 1001}, {0, 0}).has_value());
}

struct Bench {
  Bench() {
    storage::StoreOptions store_options;
    store_options.engine = storage::EngineKind::kMemory;
    store = storage::Store::OpenWithClock(store_options, clock).value();
    options.entries_max = 1'000'000;
    Reload();
  }
  void Reload() { cache = Cache::Load(*store, {kOne, kTwo, kThree}, clock).value(); }

  base::Status TryPut(const std::string& prompt, std::size_t bytes, NamespaceId home) const {
    const std::string response = wire::Encode(base::Value(std::string(bytes, 'r')));
    return store->Run([&](storage::Transaction& transaction) -> base::Status {
      Answer answer;
      answer.response = response;
      ASSIGN_OR_RETURN(const Stored stored,
                       cache->Store({home, prompt, "", ""}, answer, options, transaction));
      (void)stored;
      return base::Ok{};
    });
  }
  // Questions named from `first` to `last`.
  void Put(int first, int last, NamespaceId home, std::size_t bytes = 100) const {
    for (int i = first; i <= last; ++i) {
      REQUIRE(TryPut("question " + std::to_string(i), bytes, home).ok());
    }
  }
  bool Has(int question, NamespaceId home) const {
    const storage::View view(*store, clock.Now(), storage::ReadMode::kDisk);
    return cache->Lookup({home, "question " + std::to_string(question), "", ""}, {}, options, view)
        .value()
        .found.has_value();
  }
  void Trim(std::size_t entries_max) const {
    REQUIRE(store
                ->Run([&](storage::Transaction& transaction) -> base::Status {
                  cache->Trim(options, entries_max, transaction);
                  return base::Ok{};
                })
                .ok());
  }
  // Rows of a namespace in the store, two an entry.
  std::size_t Rows(NamespaceId home) const {
    const auto prefix = storage::PrefixOf(home);
    std::size_t rows = 0;
    const storage::ScanRequest all{
        .family = storage::Family::kEntries, .prefix = {prefix.data(), prefix.size()}, .after = ""};
    REQUIRE(store
                ->Scan(all, clock.Now(),
                       [&](const storage::ScanRow&) {
                         ++rows;
                         return true;
                       })
                .ok());
    return rows;
  }
  std::uint64_t Entries(NamespaceId home) const { return cache->Stats(home).entries; }
  std::uint64_t Bytes(NamespaceId home) const { return cache->Stats(home).bytes; }

  base::FakeClock clock;
  std::unique_ptr<storage::Store> store;
  std::unique_ptr<Cache> cache;
  config::CacheOptions options;
};

TEST_CASE("an entry's bytes are its rows and its place in memory, also after a restart") {
  Bench bench;
  bench.Put(1, 1, kOne, 1000);
  const std::uint64_t one = bench.Bytes(kOne);
  CHECK(one > 1000 + kEntryMemoryBytes);
  CHECK(one < 1000 + kEntryMemoryBytes + 400);
  bench.Put(2, 2, kOne, 2000);
  CHECK(bench.Bytes(kOne) == 2 * one + 1000);
  bench.Put(2, 2, kOne, 1000);  // replaces
  CHECK(bench.Bytes(kOne) == 2 * one);
  bench.Reload();
  CHECK(bench.Bytes(kOne) == 2 * one);
  CHECK(bench.Entries(kOne) == 2);
}

TEST_CASE("a namespace stays within its bytes at every store, and evicted rows are deleted") {
  Bench bench;
  bench.options.eviction = GENERATE(config::EvictionPolicy::kLru, config::EvictionPolicy::kLfu,
                                    config::EvictionPolicy::kCost);
  bench.options.bytes_max = 50'000;
  for (int i = 0; i < 300; ++i) {
    bench.Put(i, i, kOne, static_cast<std::size_t>(i * 37 % 900));
    REQUIRE(bench.Bytes(kOne) <= 50'000);
    REQUIRE(bench.Has(i, kOne));
  }
  CHECK(bench.Bytes(kOne) > 48'000);
  CHECK(bench.Rows(kOne) == 2 * bench.Entries(kOne));
}

TEST_CASE("an entry as large as the bound is stored, one that is larger is refused") {
  Bench bench;
  bench.Put(1, 1, kOne, 1000);
  const auto bytes = static_cast<std::int64_t>(bench.Bytes(kOne));
  bench.options.bytes_max = bytes;
  bench.Put(2, 2, kOne, 1000);
  CHECK(bench.Has(2, kOne));
  CHECK(bench.Entries(kOne) == 1);
  const base::Status larger = bench.TryPut("question 3", 1001, kOne);
  REQUIRE(!larger.ok());
  CHECK(larger.error().code == base::Code::kTooLarge);
  CHECK(bench.Has(2, kOne));  // nothing had to make room for it
  bench.options.bytes_max = 0;
  bench.options.total_bytes_max = bytes;
  CHECK(bench.TryPut("question 3", 1001, kOne).error().code == base::Code::kTooLarge);
}

TEST_CASE("when the server is full, the namespace that holds most gives") {
  Bench bench;
  bench.options.total_entries_max = 100;
  bench.Put(1, 80, kOne);
  bench.Put(1, 15, kTwo);
  bench.Put(1, 5, kThree);
  CHECK(bench.cache->Total().entries == 100);
  bench.Put(16, 25, kTwo);
  CHECK(bench.Entries(kOne) == 70);
  CHECK(bench.Entries(kTwo) == 25);
  CHECK(bench.Entries(kThree) == 5);
  bench.Put(81, 400, kOne);  // pays for itself
  CHECK(bench.Entries(kOne) == 70);
  CHECK(bench.Entries(kTwo) == 25);
  CHECK(bench.Entries(kThree) == 5);
  bench.Put(26, 500, kTwo);  // never takes what is below an equal share
  CHECK(bench.Entries(kThree) == 5);
  CHECK(bench.Entries(kOne) >= 33);
  CHECK(bench.cache->Total().entries == 100);
  CHECK(bench.Rows(kOne) == 2 * bench.Entries(kOne));
  CHECK(bench.Rows(kTwo) == 2 * bench.Entries(kTwo));
}

TEST_CASE("the server stays within its bytes, and the namespace that holds most bytes gives") {
  Bench bench;
  bench.options.total_bytes_max = 100'000;
  bench.Put(1, 100, kOne);          // many small ones
  bench.Put(1, 100, kTwo, 10'000);  // each as large as twenty of them
  CHECK(bench.cache->Total().bytes <= 100'000);
  CHECK(bench.Bytes(kOne) > 30'000);
  CHECK(bench.Has(100, kTwo));
}

TEST_CASE("a lower bound is reached in the background, a piece at a time") {
  Bench bench;
  bench.options.eviction = GENERATE(config::EvictionPolicy::kLru, config::EvictionPolicy::kCost);
  bench.Put(1, 300, kOne);
  bench.Put(1, 200, kTwo);
  CHECK(!bench.cache->NeedsTrim(bench.options));
  bench.options.entries_max = 100;
  CHECK(bench.cache->NeedsTrim(bench.options));
  bench.Trim(150);
  CHECK(bench.Entries(kOne) == 150);
  CHECK(bench.Entries(kTwo) == 100);
  CHECK(bench.cache->NeedsTrim(bench.options));
  bench.Trim(150);
  CHECK(bench.Entries(kOne) == 100);
  CHECK(!bench.cache->NeedsTrim(bench.options));
  CHECK(bench.Rows(kOne) == 200);

  bench.options.total_entries_max = 60;
  bench.Trim(1000);
  CHECK(bench.cache->Total().entries == 60);
  CHECK(bench.Entries(kOne) == 30);
  bench.Reload();
  CHECK(bench.cache->Total().entries == 60);
}

TEST_CASE("a bound that was lowered while the server was down is reached too") {
  Bench bench;
  bench.Put(1, 300, kOne);
  bench.Reload();
  bench.options.entries_max = 10;
  CHECK(bench.cache->NeedsTrim(bench.options));
  bench.Trim(1000);
  CHECK(bench.Entries(kOne) == 10);
  for (int question = 291; question <= 300; ++question) {
    CHECK(bench.Has(question, kOne));  // the order of creation
  }
}

TEST_CASE("a namespace that is dropped gives its room back to the server") {
  Bench bench;
  bench.options.total_entries_max = 100;
  bench.Put(1, 100, kOne);
  REQUIRE(bench.store
              ->Run([&](storage::Transaction& transaction) -> base::Status {
                bench.cache->Drop(kOne, false, transaction);
                return base::Ok{};
              })
              .ok());
  bench.Put(1, 100, kTwo);
  CHECK(bench.Entries(kTwo) == 100);
}

}  // namespace
}  // namespace reprise::cache
