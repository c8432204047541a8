#include <catch2/catch.hpp>

#include "server/access/registry.h"

namespace reprise::access {
namespace {

struct Bench {
  Bench() {
    storage::StoreOptions options;
    options.engine = storage::EngineKind::kMemory;
    store = storage::Store::OpenWithClock(options, clock).value();
    Reload();
  }
  void Reload() { registry = Registry::Load(*store).value(); }
  base::Status Change(const std::function<base::Status(storage::Transaction&)>& body) const {
    return store->Run(body);
  }
  void Create(std::string_view name) const {
    REQUIRE(Change([&](storage::Transaction& transaction) -> base::Status {
              RETURN_IF_ERROR(registry->CreateNamespace(name, transaction));
              return base::Ok{};
            }).ok());
  }
  NewKey MakeKey(std::string_view home, std::uint8_t permissions) const {
    NewKey made;
    REQUIRE(Change([&](storage::Transaction& transaction) -> base::Status {
              ASSIGN_OR_RETURN(made, registry->CreateKey(home, permissions, "bot", transaction));
              return base::Ok{};
            }).ok());
    return made;
  }

  base::FakeClock clock;
  std::unique_ptr<storage::Store> store;
  std::unique_ptr<Registry> registry;
};

TEST_CASE("a new directory has the namespace default and needs no key") {
  Bench bench;
  CHECK(!bench.registry->RequiresKey());
  CHECK(bench.registry->Find("default").value() == kDefaultNamespace);
  CHECK(bench.registry->Revalidate(Principal()).has_value());
}

TEST_CASE("with the first key everyone has to authenticate") {
  Bench bench;
  bench.Create("team");
  bench.MakeKey("default", kMayAdminister);
  const NewKey made = bench.MakeKey("team", kMayRead);
  CHECK(bench.registry->RequiresKey());
  CHECK(!bench.registry->Revalidate(Principal()).has_value());
  const Principal who = bench.registry->Authenticate(made.text).value();
  CHECK(who.namespace_name == "team");
  CHECK(who.permissions == kMayRead);
}

TEST_CASE("a key that is wrong in any place is refused") {
  Bench bench;
  const NewKey made = bench.MakeKey("default", kAllPermissions);
  for (std::size_t i = 0; i < made.text.size(); ++i) {
    std::string wrong = made.text;
    wrong[i] = wrong[i] == '0' ? '1' : '0';
    CHECK(bench.registry->Authenticate(wrong).error().code == base::Code::kUnauthenticated);
  }
  CHECK(!bench.registry->Authenticate("").ok());
  CHECK(!bench.registry->Authenticate(made.text + "0").ok());
  CHECK(bench.registry->Authenticate(made.text).ok());
}

TEST_CASE("namespaces and keys survive a restart, only the digest of a key is stored") {
  Bench bench;
  bench.Create("team");
  bench.MakeKey("default", kMayAdminister);
  const NewKey made = bench.MakeKey("team", kMayRead | kMayWrite);
  bench.Reload();
  CHECK(bench.registry->Authenticate(made.text).value().namespace_name == "team");
  bool found = false;
  const storage::ScanRequest all{.family = storage::Family::kMeta, .prefix = "", .after = ""};
  REQUIRE(bench.store
              ->Scan(all, storage::kNever,
                     [&](const storage::ScanRow& row) {
                       found = found || row.value.find(made.text.substr(20)) != row.value.npos;
                       return true;
                     })
              .ok());
  CHECK(!found);
}

TEST_CASE("a revoked key is refused, and so are its connections") {
  Bench bench;
  const NewKey made = bench.MakeKey("default", kAllPermissions);
  const NewKey other = bench.MakeKey("default", kAllPermissions);
  const Principal who = bench.registry->Authenticate(made.text).value();
  const std::uint64_t version = bench.registry->version();
  REQUIRE(
      bench.Change([&](storage::Transaction& t) { return bench.registry->DeleteKey(made.id, t); })
          .ok());
  CHECK(bench.registry->version() > version);
  CHECK(!bench.registry->Revalidate(who).has_value());
  CHECK(!bench.registry->Authenticate(made.text).ok());
  CHECK(bench.registry->Authenticate(other.text).ok());
  CHECK(bench.Change([&](storage::Transaction& t) { return bench.registry->DeleteKey(made.id, t); })
            .error()
            .code == base::Code::kNotFound);
}

TEST_CASE("a removed namespace takes its keys and data along, and its id is not used again") {
  Bench bench;
  bench.Create("gone");
  const NewKey made = bench.MakeKey("gone", kAllPermissions);
  const NamespaceId id = bench.registry->Find("gone").value();
  const auto prefix = PrefixOf(id);
  const std::string key = std::string(prefix.data(), prefix.size()) + "k";
  REQUIRE(bench
              .Change([&](storage::Transaction& transaction) -> base::Status {
                transaction.Put(storage::Family::kKeys, key, "v", storage::kNever);
                return base::Ok{};
              })
              .ok());
  REQUIRE(bench
              .Change([&](storage::Transaction& transaction) -> base::Status {
                RETURN_IF_ERROR(bench.registry->DeleteNamespace("gone", transaction));
                return base::Ok{};
              })
              .ok());
  CHECK(!bench.registry->Authenticate(made.text).ok());
  CHECK(!bench.store->Get(storage::Family::kKeys, key, bench.clock.Now(), storage::ReadMode::kDisk)
             .value()
             .has_value());
  bench.Create("gone");
  CHECK(bench.registry->Find("gone").value() != id);
}

TEST_CASE("there is always a key that may administer, or no key at all") {
  Bench bench;
  const auto create = [&](std::uint8_t permissions) {
    return bench.Change([&](storage::Transaction& t) -> base::Status {
      RETURN_IF_ERROR(bench.registry->CreateKey("default", permissions, "", t));
      return base::Ok{};
    });
  };
  CHECK(create(kMayRead | kMayWrite).error().code == base::Code::kBadRequest);
  CHECK(!bench.registry->RequiresKey());
  bench.Create("team");
  const NewKey admin = bench.MakeKey("team", kMayAdminister);
  const NewKey bot = bench.MakeKey("default", kMayRead);
  const auto remove = [&](std::uint64_t id) {
    return bench.Change([&](storage::Transaction& t) { return bench.registry->DeleteKey(id, t); });
  };
  CHECK(!remove(admin.id).ok());
  CHECK(!bench
             .Change([&](storage::Transaction& t) -> base::Status {
               RETURN_IF_ERROR(bench.registry->DeleteNamespace("team", t));
               return base::Ok{};
             })
             .ok());
  CHECK(bench.registry->Authenticate(admin.text).ok());
  CHECK(remove(bot.id).ok());
  CHECK(remove(admin.id).ok());
  CHECK(!bench.registry->RequiresKey());
}

TEST_CASE("names outside the alphabet are refused") {
  CHECK(CheckName("x", "a").ok());
  CHECK(CheckName("x", std::string(64, 'a')).ok());
  CHECK(!CheckName("x", std::string(65, 'a')).ok());
  for (const std::string_view bad : {"", ".a", "-a", "a b", "a/b", "a\n", "\xc3\xa4"}) {
    CHECK(!CheckName("x", bad).ok());
  }
}

TEST_CASE("key ids are shown and read as sixteen digits") {
  CHECK(KeyIdText(255) == "00000000000000ff");
  CHECK(KeyIdFrom("00000000000000ff").value() == 255);
  CHECK(!KeyIdFrom("ff").ok());
  CHECK(!KeyIdFrom("00000000000000fg").ok());
}

}  // namespace
}  // namespace reprise::access
