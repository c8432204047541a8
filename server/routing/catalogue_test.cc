#include "server/routing/catalogue.h"

#include "server/routing/test_support.h"

namespace reprise::routing {
namespace {

using base::Code;

std::vector<std::string> NamesIn(const Bench& bench, storage::NamespaceId id) {
  std::vector<std::string> names;
  for (const ModelCard& card : *bench.routing->Models(id)) {
    names.push_back(card.name);
  }
  return names;
}

TEST_CASE("a namespace sees its own models and those of all, its own in front of a namesake") {
  Bench bench;
  bench.SetModel(CardOf("b", 5), std::nullopt);
  bench.SetModel(CardOf("c", 5), std::nullopt);
  bench.SetModel(CardOf("b", 1));
  bench.SetModel(CardOf("a", 1));
  CHECK(NamesIn(bench, kHome) == std::vector<std::string>{"a", "b", "c"});
  CHECK(NamesIn(bench, kOther) == std::vector<std::string>{"b", "c"});
  CHECK(FindCard(*bench.routing->Models(kHome), "b")->prices->input == 1'000'000);
  CHECK_FALSE(FindCard(*bench.routing->Models(kHome), "b")->shared);
  CHECK(FindCard(*bench.routing->Models(kOther), "b")->shared);
  bench.Open();
  CHECK(NamesIn(bench, kHome) == std::vector<std::string>{"a", "b", "c"});
  CHECK(FindCard(*bench.routing->Models(kHome), "b")->prices->input == 1'000'000);
}

TEST_CASE("a namespace deletes its own models only") {
  Bench bench;
  bench.SetModel(CardOf("all", 5), std::nullopt);
  bench.SetModel(CardOf("own", 5));
  const auto remove = [&](Catalogue::Owner owner, std::string_view name) {
    return bench.store->Run([&](storage::Transaction& transaction) {
      return bench.routing->DeleteModel(owner, name, transaction);
    });
  };
  CHECK(remove(kHome, "all").error().code == Code::kNotFound);
  CHECK(remove(kOther, "own").error().code == Code::kNotFound);
  CHECK(remove(kHome, "own").ok());
  CHECK(NamesIn(bench, kHome) == std::vector<std::string>{"all"});
  CHECK(remove(std::nullopt, "all").ok());
  CHECK(NamesIn(bench, kHome).empty());
}

TEST_CASE("the list of a namespace has a limit, and replacing one is no new one") {
  Bench bench;
  for (std::size_t i = 0; i < kModelsMax; ++i) {
    bench.SetModel(CardOf("m" + std::to_string(i), 1));
  }
  bench.SetModel(CardOf("m0", 2));
  const base::Status more =
      bench.store->Run([&](storage::Transaction& transaction) -> base::Status {
        RETURN_IF_ERROR(bench.routing->SetModel(kHome, CardOf("more", 1), transaction));
        return base::Ok{};
      });
  CHECK(more.error().code == Code::kTooLarge);
  bench.SetModel(CardOf("more", 1), kOther);
  bench.SetModel(CardOf("shared", 1), std::nullopt);
  CHECK(bench.routing->Models(kHome)->size() == kModelsMax);
}

TEST_CASE("models stand by what they cost, unless their card says where") {
  Cards cards{CardOf("a", 1), CardOf("b", 100), CardOf("c", 10)};
  const auto by_cost = StrengthsByCost(cards, {});
  CHECK(by_cost[0] == 0);
  CHECK(by_cost[1] == 1);
  CHECK(by_cost[2] == Approx(0.5).margin(0.01));
  cards[0].strength = 0.9;
  CHECK(StrengthsByCost(cards, {})[0] == 0.9);
  cards[2].prices.reset();
  CHECK(StrengthsByCost(cards, {})[2] == 0.5);
  const CostOfCall table = [](const ModelCard&, const CallTokens&) {
    return std::optional<std::int64_t>(1'000'000);
  };
  CHECK(StrengthsByCost(cards, table)[2] == 1);  // The price table knows it.
}

}  // namespace
}  // namespace reprise::routing
