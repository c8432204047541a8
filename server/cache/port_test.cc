// Pages over a namespace whose entries change meanwhile.
#include "server/cache/port.h"

#include <map>
#include <set>

#include <catch2/catch.hpp>

#include "protocol/wire/decode.h"
#include "server/cache/cache.h"

namespace reprise::cache {
namespace {

using storage::NamespaceId;

struct Bench {
  Bench() {
    storage::StoreOptions store_options;
    store_options.engine = storage::EngineKind::kMemory;
    store = storage::Store::OpenWithClock(store_options, clock).value();
    Reload();
  }
  void Reload() { cache = Cache::Load(*store, {NamespaceId{1}, NamespaceId{2}}, clock).value(); }

  void Put(const std::string& prompt, NamespaceId home = NamespaceId{1},
           std::optional<std::int64_t> ttl_ms = {}, std::string_view type = "general") const {
    const std::string response = wire::Encode(base::Value("answer to " + prompt));
    const std::string tags = wire::Encode(base::Value(base::Value::Array{prompt.substr(0, 1)}));
    const auto done = store->Run([&](storage::Transaction& transaction) -> base::Status {
      Answer answer;
      answer.response = response;
      answer.tags = tags;
      answer.ttl_ms = ttl_ms;
      RETURN_IF_ERROR(cache->Store({home, prompt, "", type}, answer, options, transaction));
      return base::Ok{};
    });
    REQUIRE(done.ok());
  }
  void Invalidate(const Label& label) const {
    REQUIRE(store
                ->Run([&](storage::Transaction& transaction) -> base::Status {
                  cache->Invalidate(NamespaceId{1}, label, transaction);
                  return base::Ok{};
                })
                .ok());
  }

  struct Page {
    std::vector<std::string> prompts;
    std::string next;
  };
  base::Result<Page> TryRead(const PageRequest& request, std::size_t limit) const {
    Page page;
    const storage::View view(*store, clock.Now(), storage::ReadMode::kDisk);
    ASSIGN_OR_RETURN(page.next, cache->ReadPage(request, view, [&](const Portable& entry) {
      if (page.prompts.size() == limit) {
        return false;
      }
      page.prompts.emplace_back(entry.body.prompt);
      return true;
    }));
    return page;
  }
  Page Read(std::string_view after, std::size_t limit, NamespaceId home = NamespaceId{1}) const {
    return TryRead({home, after, "", ""}, limit).value();
  }
  // All pages; `between` runs after each.
  template <typename Between>
  std::map<std::string, int> ReadAll(std::size_t limit, const Between& between) const {
    std::map<std::string, int> seen;
    std::string after;
    do {
      const Page page = Read(after, limit);
      for (const std::string& prompt : page.prompts) {
        ++seen[prompt];
      }
      after = page.next;
      between();
    } while (!after.empty());
    return seen;
  }
  std::map<std::string, int> ReadAll(std::size_t limit = 1000) const {
    return ReadAll(limit, [] {});
  }

  base::FakeClock clock;
  config::CacheOptions options;
  std::unique_ptr<storage::Store> store;
  std::unique_ptr<Cache> cache;
};

TEST_CASE("the pages of a namespace give each of its entries once, and no other's") {
  Bench bench;
  std::set<std::string> stored;
  for (int i = 0; i < 57; ++i) {
    bench.Put("question " + std::to_string(i));
    bench.Put("foreign " + std::to_string(i), NamespaceId{2});
    stored.insert("question " + std::to_string(i));
  }
  for (const std::size_t limit : {1U, 10U, 56U, 57U, 58U}) {
    const auto seen = bench.ReadAll(limit);
    CHECK(seen.size() == 57);
    for (const auto& [prompt, times] : seen) {
      CHECK(times == 1);
      CHECK(stored.count(prompt) == 1);
    }
  }
  CHECK(bench.Read("", 57).next.empty());
  CHECK(Bench().Read("", 1).next.empty());
}

TEST_CASE("a cursor goes on where it was across writes, removals and a restart") {
  Bench bench;
  for (int i = 0; i < 60; ++i) {
    bench.Put("old " + std::to_string(i));
  }
  int round = 0;
  const auto seen = bench.ReadAll(7, [&] {
    bench.Put("new " + std::to_string(round));
    bench.Put("short " + std::to_string(round), NamespaceId{1}, 1);
    bench.clock.Advance(1);
    bench.Reload();
    ++round;
  });
  for (int i = 0; i < 60; ++i) {
    CHECK(seen.at("old " + std::to_string(i)) == 1);
  }
  for (const auto& [prompt, times] : seen) {
    CHECK(times == 1);
    CHECK(prompt.find("short") == std::string::npos);
  }
}

TEST_CASE(
    "a page gives neither expired nor invalidated entries, also before their rows have gone") {
  Bench bench;
  bench.Put("a stays");
  bench.Put("b goes");
  bench.Put("c goes", NamespaceId{1}, 10);
  bench.Put("d goes", NamespaceId{1}, {}, "research");
  bench.Invalidate({LabelKind::kTag, "b"});
  bench.Invalidate({LabelKind::kType, "research"});
  bench.clock.Advance(10);
  CHECK(bench.ReadAll() == std::map<std::string, int>{{"a stays", 1}});
  bench.Reload();
  CHECK(bench.ReadAll() == std::map<std::string, int>{{"a stays", 1}});
  bench.Put("b goes");
  CHECK(bench.ReadAll().size() == 2);
}

TEST_CASE("a page gives no stale entries") {
  Bench bench;
  for (config::QueryType& type : bench.options.types) {
    type.stale_ms = 1000;
  }
  bench.Put("a", NamespaceId{1}, 10);
  bench.Put("b", NamespaceId{1}, 20);
  bench.clock.Advance(10);
  CHECK(bench.ReadAll() == std::map<std::string, int>{{"b", 1}});
}

TEST_CASE("a page has only entries of the type and the tag that were asked for") {
  Bench bench;
  for (int i = 0; i < 20; ++i) {
    bench.Put("a" + std::to_string(i));
    bench.Put("b" + std::to_string(i), NamespaceId{1}, {}, "research");
  }
  const NamespaceId home{1};
  CHECK(bench.TryRead({home, "", "research", ""}, 1000).value().prompts.size() == 20);
  CHECK(bench.TryRead({home, "", "", "a"}, 1000).value().prompts.size() == 20);
  CHECK(bench.TryRead({home, "", "research", "a"}, 1000).value().prompts.empty());
}

TEST_CASE("a cursor of another namespace, another directory or of nowhere is refused") {
  Bench bench;
  Bench other;
  for (int i = 0; i < 3; ++i) {
    bench.Put("question " + std::to_string(i));
    bench.Put("question " + std::to_string(i), NamespaceId{2});
    other.Put("question " + std::to_string(i));
  }
  const std::string cursor = bench.Read("", 1).next;
  REQUIRE(!cursor.empty());
  const auto refused = [&](std::string_view after) {
    const auto page = bench.TryRead({NamespaceId{1}, after, "", ""}, 1);
    return !page.ok() && page.error().code == base::Code::kBadRequest;
  };
  CHECK(!refused(cursor));
  CHECK(refused(bench.Read("", 1, NamespaceId{2}).next));
  CHECK(refused(other.Read("", 1).next));
  CHECK(refused(cursor.substr(1)));
  CHECK(refused(cursor.substr(0, cursor.size() - 1) + "g"));
  CHECK(refused("question 1"));
}

TEST_CASE("reading pages neither counts nor makes an entry more recently used") {
  Bench bench;
  bench.options.entries_max = 2;
  bench.Put("first");
  bench.Put("second");
  CHECK(bench.ReadAll().size() == 2);
  bench.Put("third");
  CHECK(bench.ReadAll() == std::map<std::string, int>{{"second", 1}, {"third", 1}});
  for (const AccountStats& type : bench.cache->Stats(NamespaceId{1}).types) {
    CHECK(type.counters.hits_exact + type.counters.hits_normalized + type.counters.misses == 0);
  }
}

}  // namespace
}  // namespace reprise::cache
