#include "server/spend/price_table.h"

#include <catch2/catch.hpp>

#include "protocol/wire/json.h"
#include "server/spend/price_rows.h"
#include "server/spend/test_transaction.h"
#include "storage/engine/test_support.h"

namespace reprise::spend {
namespace {

using base::Code;
using base::Value;
using storage::kDefaultNamespace;

PriceFile FileOf(const char* json) {
  return ReadPriceFile(wire::FromJson(json).value()).value();
}

PricedModel ModelOf(const char* provider, const char* model, const char* input) {
  Price price = RatesFrom(Value::Map{{"input", input}}).value();
  return {provider, model, MatchRule::Equals(model), false, 0, {price}};
}

base::Result<Quote> QuoteAt(const PriceTable& table, const PriceAsk& ask, const char* day,
                            NamespaceId id = kDefaultNamespace) {
  return table.QuoteFor(id, ask, {.input_tokens = 1'000'000}, MomentFrom("day", day).value());
}

TEST_CASE("the price that holds at the time is taken, and a gap is an error") {
  PriceTable table;
  TestTransaction transaction;
  const PriceFile file = FileOf(R"({"models": [
    {"provider": "p", "model": "m", "prices": {"input": 1}, "valid_from": "2025-01-01"},
    {"provider": "p", "model": "m", "prices": {"input": 2}, "valid_from": "2025-06-01",
     "valid_until": "2025-07-01"},
    {"provider": "p", "model": "m", "prices": {"input": 3}, "valid_from": "2025-09-01"},
    {"provider": "p", "model": "m", "prices": {"input": "0.5"}, "tier": "batch"},
    {"provider": "p", "model": "gap", "prices": {"input": 2}, "valid_from": "2025-06-01",
     "valid_until": "2025-07-01"}]})");
  REQUIRE(table.Import(file, false, transaction).ok());
  const auto nano = [&](const char* day) {
    return QuoteAt(table, {"p", "m", ""}, day).value().cost.nano;
  };
  CHECK(nano("2025-05-31") == 1'000'000'000);
  CHECK(nano("2025-06-01") == 2'000'000'000);
  CHECK(nano("2025-07-01") == 1'000'000'000);
  CHECK(nano("2026-01-01") == 3'000'000'000);
  CHECK(QuoteAt(table, {"p", "m", "batch"}, "2020-01-01").value().cost.nano == 500'000'000);
  const auto early = QuoteAt(table, {"p", "m", ""}, "2024-12-31");
  CHECK(early.error().code == Code::kNotFound);
  CHECK(early.error().detail.find("2025-01-01") != std::string::npos);
  CHECK(QuoteAt(table, {"p", "gap", ""}, "2025-08-01").error().detail.find("gap between") !=
        std::string::npos);
  const auto flex = QuoteAt(table, {"p", "m", "flex"}, "2026-01-01");
  CHECK(flex.error().code == Code::kNotFound);
  CHECK(flex.error().detail.find("batch, standard") != std::string::npos);
  CHECK(QuoteAt(table, {"q", "m", ""}, "2026-01-01").error().detail.find("provider 'q'") !=
        std::string::npos);
  CHECK(QuoteAt(table, {"p", "x", ""}, "2026-01-01").error().code == Code::kNotFound);
}

TEST_CASE("a namespace's own price comes before the server's, and that before the starter's") {
  PriceTable table;
  TestTransaction transaction;
  table.SetStarter(FileOf(R"({"models": [
    {"provider": "p", "model": "m", "prices": {"input": 1}},
    {"provider": "p", "model": "only-starter", "prices": {"input": 9}}]})"));
  const auto nano = [&](NamespaceId id, const char* model) {
    return QuoteAt(table, {"p", model, ""}, "2026-01-01", id).value().cost.nano / 1'000'000'000;
  };
  CHECK(nano(kDefaultNamespace, "m") == 1);
  REQUIRE(table.Set(kServerWide, ModelOf("p", "m", "2"), transaction).ok());
  CHECK(nano(kDefaultNamespace, "m") == 2);
  REQUIRE(table.Set(kDefaultNamespace, ModelOf("p", "m", "3"), transaction).ok());
  CHECK(nano(kDefaultNamespace, "m") == 3);
  CHECK(nano(NamespaceId{2}, "m") == 2);
  CHECK(nano(NamespaceId{2}, "only-starter") == 9);
  // A batch that fails leaves the table as it was.
  transaction.Commit();
  REQUIRE(table.Set(kDefaultNamespace, ModelOf("p", "m", "4"), transaction).ok());
  table.Drop(kDefaultNamespace, transaction);
  CHECK(nano(kDefaultNamespace, "m") == 2);
  transaction.Abort();
  CHECK(nano(kDefaultNamespace, "m") == 3);
  const auto removed =
      table.Remove(kDefaultNamespace, {"P", "M", std::nullopt, std::nullopt}, transaction);
  CHECK(removed.value() == 1);
  CHECK(nano(kDefaultNamespace, "m") == 2);
  CHECK(table.Remove(kDefaultNamespace, {"p", "m", std::nullopt, std::nullopt}, transaction)
            .error()
            .code == Code::kNotFound);
}

TEST_CASE("an import replaces what an import brought, and leaves what was set by hand") {
  PriceTable table;
  TestTransaction transaction;
  const char* both = R"({"models": [{"provider": "p", "model": "a", "prices": {"input": 1}},
                                    {"provider": "p", "model": "b", "prices": {"input": 1}}]})";
  CHECK(table.Import(FileOf(both), false, transaction).value().models == 2);
  REQUIRE(table.Set(kServerWide, ModelOf("p", "a", "7"), transaction).ok());
  const char* one = R"({"models": [{"provider": "p", "model": "a", "prices": {"input": 2}},
                                   {"provider": "p", "model": "c", "prices": {"input": 2}}]})";
  const ImportReport report = table.Import(FileOf(one), true, transaction).value();
  CHECK(report.models == 1);
  CHECK(report.kept == 1);
  CHECK(report.removed == 1);
  CHECK(QuoteAt(table, {"p", "a", ""}, "2026-01-01").value().cost.nano == 7'000'000'000);
  CHECK(QuoteAt(table, {"p", "b", ""}, "2026-01-01").error().code == Code::kNotFound);
  CHECK(table.models() == 2);
}

TEST_CASE("without a provider a model is found where only one has it") {
  PriceTable table;
  TestTransaction transaction;
  const char* json = R"([
    {"id": "one", "model_match": {"contains": "uno"},
     "models": [{"id": "uno-1", "match": {"starts_with": "uno-1"}, "prices": {"input_mtok": 1}},
                {"id": "shared", "match": {"equals": "shared"}, "prices": {"input_mtok": 1}}]},
    {"id": "two", "fallback_model_providers": ["one"],
     "models": [{"id": "shared", "match": {"equals": "shared"}, "prices": {"input_mtok": 2}},
                {"id": "uno-9", "match": {"equals": "uno-9"}, "prices": {"input_mtok": 3}}]}])";
  REQUIRE(table.Import(FileOf(json), false, transaction).ok());
  CHECK(QuoteAt(table, {"", "uno-1-2026", ""}, "2026-01-01").value().provider == "one");
  CHECK(QuoteAt(table, {"", "UNO-9", ""}, "2026-01-01").value().provider == "two");
  CHECK(QuoteAt(table, {"two", "uno-1-2026", ""}, "2026-01-01").value().provider == "one");
  const auto several = QuoteAt(table, {"", "shared", ""}, "2026-01-01");
  CHECK(several.error().code == Code::kBadRequest);
  CHECK(several.error().detail.find("one, two") != std::string::npos);
  CHECK(QuoteAt(table, {"", "nothing", ""}, "2026-01-01").error().code == Code::kNotFound);
  CHECK(QuoteAt(table, {"", "", ""}, "2026-01-01").error().code == Code::kBadRequest);
}

TEST_CASE("prices are there again when the directory is opened again") {
  storage::MovableClock clock;
  const storage::TempDir folder;
  const storage::StoreOptions options =
      storage::SmallOptions(storage::EngineKind::kRocksDb, folder / "data");
  const auto run = [](storage::Store& store, const auto& body) {
    REQUIRE(store
                .Run([&](storage::Transaction& transaction) -> base::Status {
                  RETURN_IF_ERROR(body(transaction));
                  return base::Ok{};
                })
                .ok());
  };
  const char* json = R"([{"id": "one", "model_match": {"contains": "uno"},
    "fallback_model_providers": ["two"],
    "models": [{"id": "uno", "match": {"or": [{"regex": "^uno-\\d{4}$"}, {"equals": "uno"}]},
      "prices": [{"prices": {"input_mtok": {"base": 1, "tiers": [{"start": 10, "price": 2}]}}},
                 {"constraint": {"start_time": "00:30:00Z", "end_time": "16:30:00Z"},
                  "prices": {"input_mtok": 0.135}}]}]}])";
  {
    const auto store = storage::MustOpen(options, clock);
    PriceTable table;
    run(*store, [&](auto& tx) { return table.Import(FileOf(json), false, tx); });
    run(*store, [&](auto& tx) { return table.Set(kDefaultNamespace, ModelOf("p", "m", "3"), tx); });
  }
  const auto store = storage::MustOpen(options, clock);
  PriceTable table;
  REQUIRE(table.Load(*store, {kDefaultNamespace}).ok());
  const base::UnixMillis night = MomentFrom("day", "2026-01-01").value();
  const Usage usage{.input_tokens = 1'000};
  CHECK(table.QuoteFor(kDefaultNamespace, {"", "uno-2026", ""}, usage, night).value().cost.nano ==
        2'000'000);
  CHECK(table.QuoteFor(kDefaultNamespace, {"", "uno", ""}, usage, night + 3'600'000)
            .value()
            .cost.nano == 135'000);
  CHECK(table.QuoteFor(kDefaultNamespace, {"p", "m", ""}, usage, night).value().cost.nano ==
        3'000'000);
  CHECK(ParseModel("\x91").error().code == Code::kCorrupt);
  CHECK(ParseProvider("").error().code == Code::kCorrupt);
}

TEST_CASE("the table is listed page by page, each layer of a model beside the other") {
  PriceTable table;
  TestTransaction transaction;
  table.SetStarter(FileOf(R"({"models": [{"provider": "p", "model": "a", "prices": {"input": 1}},
                                         {"provider": "p", "model": "b", "prices": {"input": 1}},
                                         {"provider": "q", "model": "c", "prices": {"input": 1}}]})"));
  REQUIRE(table.Set(kServerWide, ModelOf("p", "b", "2"), transaction).ok());
  PriceListPage page = table.List(kDefaultNamespace, {.limit = 2});
  REQUIRE(page.models.size() == 3);
  CHECK(page.models[1].layer == "server");
  CHECK(page.models[2].layer == "starter");
  CHECK(page.next == "p/b");
  page = table.List(kDefaultNamespace, {.after = page.next, .limit = 2});
  REQUIRE(page.models.size() == 1);
  CHECK(page.models[0].model->model == "c");
  CHECK(page.next.empty());
  CHECK(table.List(kDefaultNamespace, {.provider = "Q"}).models.size() == 1);
  CHECK(table.List(kDefaultNamespace, {.model = "b"}).models.size() == 2);
}

TEST_CASE("price files that are wrong are refused with the place") {
  const auto refusal = [](const char* json) {
    const auto file = ReadPriceFile(wire::FromJson(json).value());
    return file.ok() ? std::string() : file.error().detail;
  };
  CHECK_FALSE(refusal("5").empty());
  CHECK(refusal(R"({"models": []})").empty());
  CHECK(refusal(R"({"currency": "EUR", "models": []})").find("USD") != std::string::npos);
  CHECK(refusal(R"({"models": [{"provider": "p", "model": "m", "prices": {"input": -1}}]})")
            .find("p/m: input") != std::string::npos);
  for (
      const char* json :
      {R"({"models": [{"model": "m", "prices": {}}]})",
       R"({"models": [{"provider": "p", "model": "m"}]})",
       R"({"models": [{"provider": "p", "model": "m", "prices": {"gold": 1}}]})",
       R"({"models": [{"provider": "p", "model": "m", "prices": {"input": ["1", "above x: 2"]}}]})",
       R"({"models": [{"provider": "p", "model": "m", "prices": {"input": ["1", "above 5: 2", "above 5: 3"]}}]})",
       R"({"models": [{"provider": "p", "model": "m", "prices": {"input": []}}]})",
       R"({"models": [{"provider": "p", "model": "m", "prices": {"input": {"base": 1, "tiers": [{"start": 0, "price": 1}]}}}]})",
       R"({"models": [{"provider": "p", "model": "m", "prices": {"input": 1}, "valid_from": "soon"}]})",
       R"({"models": [{"provider": "p", "model": "m", "prices": {"input": 1}, "valid_from": "2026-01-01", "valid_until": "2026-01-01"}]})",
       R"({"models": [{"provider": "p", "model": "m", "prices": {"input": 1}, "tier": ""}]})",
       R"({"models": [{"provider": "p", "model": "m", "aliases": ["*"], "prices": {"input": 1}}]})",
       R"([{"id": "p"}])", R"([{"id": "p", "models": [{"id": "m"}]}])",
       R"([{"id": "p", "models": [{"id": "m", "match": {"is": 1}, "prices": {}}]}])"}) {
    INFO(json);
    CHECK_FALSE(refusal(json).empty());
  }
}

}  // namespace
}  // namespace reprise::spend
