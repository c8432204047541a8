// Prices against somebody else's figures: the table, the payloads and the expected prices of the
// project genai-prices (../shared/data; skipped where that is not).
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <catch2/catch.hpp>

#include "protocol/wire/plain_json.h"
#include "server/spend/price_table.h"
#include "server/spend/test_transaction.h"

namespace reprise::spend {
namespace {

using base::Value;
using storage::kDefaultNamespace;

// What the published table lacks of what its authors price: images that are answers, and web
// searches. These are the prices behind their expected figures.
struct Addition {
  std::string_view provider;
  std::string_view model;
  Item item;
  std::string_view price;
  std::string_view output;  // empty: as it was
};
constexpr std::array kAdditions{
    Addition{"google", "gemini-2.5-flash-image", Item::kOutputImage, "30", "2.5"},
    Addition{"google", "gemini-3-pro-image-preview", Item::kOutputImage, "120", "12"},
    Addition{"anthropic", "claude-sonnet-4-5", Item::kWebSearch, "10", ""},
    Addition{"anthropic", "claude-sonnet-4-0", Item::kWebSearch, "10", ""}};

PricedModel ModelIn(const PriceTable& table, const Addition& addition) {
  const auto page = table.List(kDefaultNamespace, {.provider = addition.provider, .limit = 1'000});
  for (const ListedPrice& row : page.models) {
    if (row.model->model == addition.model) {
      return *row.model;
    }
  }
  FAIL("no model " << addition.model);
  return {};
}

void Add(const Addition& addition, PriceTable& table, TestTransaction& transaction) {
  PricedModel model = ModelIn(table, addition);
  for (Price& price : model.prices) {
    price.at(addition.item) = Rate{ParsePrice(addition.price).value()};
    if (!addition.output.empty()) {
      price.at(Item::kOutput) = Rate{ParsePrice(addition.output).value()};
    }
  }
  REQUIRE(table.Set(kServerWide, model, transaction).ok());
}

// As a cost: 1e-24 dollars.
Wide CostFrom(const Value& row, std::string_view name) {
  return ParsePrice(*row.Find(name)->AsText()).value() * PowerOfTen(kCostDigits - kPriceDigits);
}

bool IsKnown(const Value& name) {
  return std::any_of(kUsageFields.begin(), kUsageFields.end(),
                     [&name](const UsageField& field) { return name.AsText() == field.name; });
}

Usage KnownUsage(const Value& map) {
  Value::Map known;
  for (const auto& field : *map.AsMap()) {
    if (IsKnown(field.first)) {
      known.push_back(field);
    }
  }
  return UsageFrom(known).value();
}

// Counts the payloads, and compares each of their prices.
class Comparison {
 public:
  explicit Comparison(const PriceTable& table) : table_(table) {}

  void Take(const Value& payload) {
    ++payloads;
    const Value* model = payload.Find("model");
    for (const Value& extracted : *payload.Find("extracted")->AsArray()) {
      const Usage usage = KnownUsage(*extracted.Find("usage"));
      for (const Value& expected : *extracted.Find("extractors")->AsArray()) {
        if (expected.Find("input_price") != nullptr) {
          Compare(*model->AsText(), usage, expected);
        }
      }
    }
  }

  int payloads = 0;
  int priced = 0;
  int wrong = 0;

 private:
  void Compare(std::string_view model, const Usage& usage, const Value& expected) {
    const std::string_view provider = *expected.Find("provider_id")->AsText();
    const auto quote = table_.QuoteFor(kDefaultNamespace, {provider, model, ""}, usage, at_);
    const Wide input = CostFrom(expected, "input_price");
    const Wide output = CostFrom(expected, "output_price");
    const Wide total = expected.Find("total_price") == nullptr ? input + output
                                                               : CostFrom(expected, "total_price");
    ++priced;
    const bool is_right =
        quote.ok() && quote.value().cost.input == input && quote.value().cost.output == output &&
        quote.value().cost.exact() == total && quote.value().cost.nano == RoundToNano(total);
    if (!is_right && ++wrong < 5) {
      UNSCOPED_INFO(model << " of " << provider << ": "
                          << (quote.ok() ? DecimalText(quote.value().cost.exact(), kCostDigits)
                                         : quote.error().detail));
    }
  }

  const PriceTable& table_;
  // The day for which the expected prices were worked out, at noon.
  const base::UnixMillis at_ = MomentFrom("day", "2026-08-15").value() + 43'200'000;
};

TEST_CASE("all payloads of genai-prices have their exact price") {
  const std::filesystem::path folder = std::filesystem::path(SHARED_DATA) / "genai-prices";
  if (!std::filesystem::exists(folder / "usages.jsonl")) {
    std::puts("SKIPPED: shared/data/genai-prices is not here");
    return;
  }
  std::ifstream prices(folder / "data.json");
  const std::string text(std::istreambuf_iterator<char>(prices), {});
  const PriceFile file = ReadPriceFile(wire::FromPlainJson(text, 16).value()).value();
  CHECK(file.skipped_patterns == 2);  // which provider a bare name belongs to
  PriceTable table;
  TestTransaction transaction;
  REQUIRE(table.Import(file, false, transaction).value().models > 1'400);
  for (const Addition& addition : kAdditions) {
    Add(addition, table, transaction);
  }
  Comparison comparison(table);
  std::ifstream lines(folder / "usages.jsonl");
  for (std::string line; std::getline(lines, line);) {
    comparison.Take(wire::FromPlainJson(line, 32).value());
  }
  std::printf("prices payloads=%d priced=%d wrong=%d\n", comparison.payloads, comparison.priced,
              comparison.wrong);
  CHECK(comparison.payloads == 771);
  CHECK(comparison.priced == 1'727);
  CHECK(comparison.wrong == 0);
}

}  // namespace
}  // namespace reprise::spend
