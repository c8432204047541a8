#include "server/spend/price_rows.h"

#include <utility>

#include "protocol/wire/decode.h"
#include "server/spend/price_file.h"

namespace reprise::spend {
namespace {

using base::Value;

constexpr int kVersion = 1;

base::Error Unreadable() {
  return {base::Code::kCorrupt, "a row of the price table cannot be read"};
}

Value PriceValue(const Price& price) {
  Value::Map rates;
  for (std::size_t i = 0; i < price.rates.size(); ++i) {
    if (price.rates[i].has_value()) {
      rates.emplace_back(kItemNames[i], ToValue(*price.rates[i]));
    }
  }
  return Value::Map{{"tier", price.tier},
                    {"from", base::ToInt(price.from)},
                    {"until", base::ToInt(price.until)},
                    {"daily", DailyText(price)},
                    {"rates", std::move(rates)}};
}

// The members of a row, with a note whether one was missing.
class Members {
 public:
  explicit Members(const Value& row) : row_(row) {}

  const Value& At(std::string_view name) {
    const Value* found = row_.Find(name);
    failed_ = failed_ || found == nullptr;
    return found == nullptr ? nothing_ : *found;
  }
  std::string Text(std::string_view name) {
    const auto text = At(name).AsText();
    failed_ = failed_ || !text.has_value();
    return std::string(text.value_or(""));
  }
  std::int64_t Int(std::string_view name) {
    const auto number = At(name).AsInt();
    failed_ = failed_ || !number.has_value();
    return number.value_or(0);
  }
  Value::Array List(std::string_view name) {
    const Value::Array* list = At(name).AsArray();
    failed_ = failed_ || list == nullptr;
    return list == nullptr ? Value::Array() : *list;
  }
  bool failed() const { return failed_; }

 private:
  const Value& row_;
  const Value nothing_;
  bool failed_ = false;
};

base::Result<Price> PriceFromRow(const Value& row) {
  Members members(row);
  ASSIGN_OR_RETURN(Price price, RatesFrom(members.At("rates")));
  price.tier = members.Text("tier");
  price.from = base::UnixMillis{members.Int("from")};
  price.until = base::UnixMillis{members.Int("until")};
  if (const std::string daily = members.Text("daily"); !daily.empty()) {
    RETURN_IF_ERROR(SetDaily(daily, price));
  }
  if (members.failed()) {
    return Unreadable();
  }
  return price;
}

}  // namespace

std::string ModelKey(NamespaceId id, std::string_view provider, std::string_view model) {
  return TextKey(id, RowKind::kModel, ToLower(provider) + '\0' + ToLower(model));
}

std::string ProviderKey(NamespaceId id, std::string_view provider) {
  return TextKey(id, RowKind::kProvider, ToLower(provider));
}

std::string FormatModel(const PricedModel& model) {
  Value::Array prices;
  for (const Price& price : model.prices) {
    prices.push_back(PriceValue(price));
  }
  return wire::Encode(Value::Map{{"v", kVersion},
                                 {"provider", model.provider},
                                 {"model", model.model},
                                 {"match", ToValue(model.match)},
                                 {"imported", model.is_imported},
                                 {"order", model.order},
                                 {"prices", std::move(prices)}});
}

base::Result<PricedModel> ParseModel(std::string_view value) {
  const auto row = wire::Decode(value);
  if (!row.ok()) {
    return Unreadable();
  }
  Members members(row.value());
  auto match = MatchRuleFrom(members.At("match"));
  const std::int64_t version = members.Int("v");
  const auto imported = members.At("imported").AsBool();
  PricedModel model{members.Text("provider"),
                    members.Text("model"),
                    {},
                    imported.value_or(false),
                    static_cast<std::uint64_t>(members.Int("order")),
                    {}};
  for (const Value& each : members.List("prices")) {
    auto price = PriceFromRow(each);
    if (!price.ok()) {
      return Unreadable();
    }
    model.prices.push_back(std::move(price).value());
  }
  if (members.failed() || !match.ok() || !imported.has_value() || version != kVersion) {
    return Unreadable();
  }
  model.match = std::move(match).value();
  return model;
}

std::string FormatProvider(const PriceProvider& provider) {
  Value::Array fallbacks;
  for (const std::string& other : provider.fallbacks) {
    fallbacks.emplace_back(other);
  }
  return wire::Encode(
      Value::Map{{"v", kVersion},
                 {"id", provider.id},
                 {"models", provider.models.has_value() ? ToValue(*provider.models) : Value()},
                 {"fallbacks", std::move(fallbacks)},
                 {"order", provider.order}});
}

base::Result<PriceProvider> ParseProvider(std::string_view value) {
  const auto row = wire::Decode(value);
  if (!row.ok()) {
    return Unreadable();
  }
  Members members(row.value());
  PriceProvider provider;
  const std::int64_t version = members.Int("v");
  provider.id = members.Text("id");
  provider.order = static_cast<std::uint64_t>(members.Int("order"));
  for (const Value& other : members.List("fallbacks")) {
    provider.fallbacks.emplace_back(other.AsText().value_or(""));
  }
  const Value& models = members.At("models");
  if (members.failed() || version != kVersion) {
    return Unreadable();
  }
  if (!models.IsNil()) {
    auto rule = MatchRuleFrom(models);
    if (!rule.ok()) {
      return Unreadable();
    }
    provider.models = std::move(rule).value();
  }
  return provider;
}

}  // namespace reprise::spend
