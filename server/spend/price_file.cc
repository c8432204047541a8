#include "server/spend/price_file.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "server/calendar/civil.h"
#include "server/spend/text_check.h"

namespace reprise::spend {
namespace {

using base::Code;
using base::Error;
using base::Value;

// What the other form calls the items.
struct ForeignName {
  std::string_view name;
  Item item;
};
constexpr std::array kForeignNames{
    ForeignName{"input_mtok", Item::kInput},
    ForeignName{"output_mtok", Item::kOutput},
    ForeignName{"cache_read_mtok", Item::kCacheRead},
    ForeignName{"cache_write_mtok", Item::kCacheWrite},
    ForeignName{"input_audio_mtok", Item::kInputAudio},
    ForeignName{"cache_audio_read_mtok", Item::kCacheAudioRead},
    ForeignName{"output_audio_mtok", Item::kOutputAudio},
    ForeignName{"requests_kcount", Item::kRequest},
};

Error Bad(std::string_view what) {
  return {Code::kBadRequest, std::string(what)};
}

Error Within(std::string_view where, const Error& error) {
  return {error.code, std::string(where) + ": " + error.detail};
}

std::optional<Item> ItemCalled(std::string_view name) {
  if (const auto item = ItemNamed(name); item.has_value()) {
    return item;
  }
  const auto foreign = std::find_if(kForeignNames.begin(), kForeignNames.end(),
                                    [&](const ForeignName& row) { return row.name == name; });
  return foreign == kForeignNames.end() ? std::nullopt : std::optional(foreign->item);
}

base::Status AddStep(std::int64_t above_tokens, Wide atto, Rate& rate) {
  if (above_tokens < 1 || above_tokens > kTokensMax) {
    return Bad("a step begins above 1 to " + std::to_string(kTokensMax) + " input tokens");
  }
  if (!rate.steps.empty() && rate.steps.back().above_tokens >= above_tokens) {
    return Bad("steps stand in the order of their sizes, each once");
  }
  if (rate.steps.size() >= kStepsMax) {
    return Error{Code::kTooLarge, "a rate has at most 8 steps"};
  }
  rate.steps.push_back({above_tokens, atto});
  return base::Ok{};
}

// "above 200000: 2.50".
base::Status AddStepText(std::string_view text, Rate& rate) {
  constexpr std::string_view kAbove = "above ";
  const std::size_t colon = text.find(": ");
  std::int64_t above_tokens = 0;
  if (!text.starts_with(kAbove) || colon == std::string_view::npos) {
    return Bad("a step reads \"above 200000: 2.50\"");
  }
  const std::string_view size = text.substr(kAbove.size(), colon - kAbove.size());
  const auto parsed = std::from_chars(size.data(), size.data() + size.size(), above_tokens);
  if (parsed.ec != std::errc() || parsed.ptr != size.data() + size.size()) {
    return Bad("a step reads \"above 200000: 2.50\"");
  }
  ASSIGN_OR_RETURN(const Wide atto, ParsePrice(text.substr(colon + 2)));
  return AddStep(above_tokens, atto, rate);
}

// {"base": 3, "tiers": [{"start": 200000, "price": 6}]}
base::Result<Rate> RateFromMap(const Value& map) {
  const Value* first = map.Find("base");
  const Value* steps = map.Find("tiers");
  if (first == nullptr || (steps != nullptr && steps->AsArray() == nullptr)) {
    return Bad("a price with steps is {base, tiers: [{start, price}, ...]}");
  }
  Rate rate;
  ASSIGN_OR_RETURN(rate.atto, PriceFrom(*first));
  for (const Value& step : steps == nullptr ? Value::Array() : *steps->AsArray()) {
    const Value* start = step.Find("start");
    const Value* price = step.Find("price");
    if (start == nullptr || !start->AsInt().has_value() || price == nullptr) {
      return Bad("a step is {start: tokens, price}");
    }
    ASSIGN_OR_RETURN(const Wide atto, PriceFrom(*price));
    RETURN_IF_ERROR(AddStep(*start->AsInt(), atto, rate));
  }
  return rate;
}

base::Result<Rate> RateFrom(const Value& value) {
  if (value.AsMap() != nullptr) {
    return RateFromMap(value);
  }
  Rate rate;
  const Value::Array* list = value.AsArray();
  if (list == nullptr) {
    ASSIGN_OR_RETURN(rate.atto, PriceFrom(value));
    return rate;
  }
  if (list->empty()) {
    return Bad("a list of steps begins with the price of short calls");
  }
  ASSIGN_OR_RETURN(rate.atto, PriceFrom(list->front()));
  for (std::size_t i = 1; i < list->size(); ++i) {
    const auto text = (*list)[i].AsText();
    RETURN_IF_ERROR(AddStepText(text.value_or(""), rate));
  }
  return rate;
}

// A text member, or nothing when it is not there or nil.
base::Result<std::optional<std::string>> TextIn(const Value& map, std::string_view name) {
  const Value* found = map.Find(name);
  if (found == nullptr || found->IsNil()) {
    return std::optional<std::string>();
  }
  if (!found->AsText().has_value()) {
    return Bad("'" + std::string(name) + "' must be a text");
  }
  return std::optional(std::string(*found->AsText()));
}

base::Result<std::string> RequiredText(const Value& map, std::string_view name) {
  ASSIGN_OR_RETURN(const auto text, TextIn(map, name));
  if (!text.has_value()) {
    return Bad("'" + std::string(name) + "' is missing");
  }
  RETURN_IF_ERROR(CheckPriceName(name, *text));
  return *text;
}

base::Result<MatchRule> RuleWithAliases(const Value& row, const std::string& model) {
  if (const Value* match = row.Find("match"); match != nullptr) {
    return MatchRuleFrom(*match);
  }
  MatchRule rule{MatchRule::Kind::kOr};
  rule.parts.push_back(MatchRule::Equals(model));
  const Value* aliases = row.Find("aliases");
  if (aliases != nullptr &&
      (aliases->AsArray() == nullptr || aliases->AsArray()->size() > kRulePartsMax / 2)) {
    return Bad("'aliases' must be a list of at most 64 texts");
  }
  for (const Value& alias : aliases == nullptr ? Value::Array() : *aliases->AsArray()) {
    MatchRule part = AliasRule(alias.AsText().value_or(""));
    RETURN_IF_ERROR(CheckPriceName("aliases", part.text));
    rule.parts.push_back(std::move(part));
  }
  return rule;
}

// Our own form. Rows of one model are one after another or apart: tiers and days of it.
class OwnFile {
 public:
  base::Result<PriceFile> Read(const Value& file) {
    ASSIGN_OR_RETURN(const auto currency, TextIn(file, "currency"));
    RETURN_IF_ERROR(CheckCurrency(currency.value_or("USD")));
    ASSIGN_OR_RETURN(const auto as_of, TextIn(file, "as_of"));
    if (as_of.has_value()) {
      RETURN_IF_ERROR(MomentFrom("as_of", *as_of));
      file_.as_of = *as_of;
    }
    const Value* models = file.Find("models");
    if (models == nullptr || models->AsArray() == nullptr) {
      return Bad("a price file is a list of providers (genai-prices), or a map with 'models'");
    }
    for (const Value& row : *models->AsArray()) {
      if (auto read = ReadRow(row); !read.ok()) {
        return Within("row " + std::to_string(rows_), read.error());
      }
      ++rows_;
    }
    for (PricedModel& model : file_.models) {
      SortPrices(model.prices);
    }
    return std::move(file_);
  }

 private:
  base::Status ReadRow(const Value& row) {
    ASSIGN_OR_RETURN(const std::string provider, RequiredText(row, "provider"));
    ASSIGN_OR_RETURN(const std::string name, RequiredText(row, "model"));
    const Value* prices = row.Find("prices");
    if (prices == nullptr) {
      return Bad(provider + "/" + name + ": 'prices' is missing");
    }
    auto price = PriceOf(row, *prices);
    if (!price.ok()) {
      return Within(provider + "/" + name, price.error());
    }
    PricedModel& model = ModelOf(provider, name);
    if (row.Find("aliases") != nullptr || row.Find("match") != nullptr || model.prices.empty()) {
      ASSIGN_OR_RETURN(model.match, RuleWithAliases(row, name));
    }
    if (model.prices.size() >= kPricesOfModelMax) {
      return Error{Code::kTooLarge, provider + "/" + name + ": a model has at most 64 prices"};
    }
    model.prices.push_back(std::move(price).value());
    return base::Ok{};
  }

  static base::Result<Price> PriceOf(const Value& row, const Value& prices) {
    ASSIGN_OR_RETURN(Price price, RatesFrom(prices));
    ASSIGN_OR_RETURN(const auto tier, TextIn(row, "tier"));
    ASSIGN_OR_RETURN(const auto from, TextIn(row, "valid_from"));
    ASSIGN_OR_RETURN(const auto until, TextIn(row, "valid_until"));
    ASSIGN_OR_RETURN(const auto daily, TextIn(row, "daily"));
    if (tier.has_value()) {
      RETURN_IF_ERROR(CheckPriceName("tier", *tier));
      price.tier = *tier;
    }
    if (from.has_value()) {
      ASSIGN_OR_RETURN(price.from, MomentFrom("valid_from", *from));
    }
    if (until.has_value()) {
      ASSIGN_OR_RETURN(price.until, MomentFrom("valid_until", *until));
      if (price.until <= price.from) {
        return Bad("'valid_until' must be later than 'valid_from'");
      }
    }
    if (daily.has_value()) {
      RETURN_IF_ERROR(SetDaily(*daily, price));
    }
    return price;
  }

  PricedModel& ModelOf(const std::string& provider, const std::string& name) {
    const auto [place, is_new] =
        places_.try_emplace(ToLower(provider) + '\0' + ToLower(name), file_.models.size());
    if (is_new) {
      file_.models.push_back({provider, name, {}, true, file_.models.size(), {}});
    }
    return file_.models[place->second];
  }

  PriceFile file_;
  std::map<std::string, std::size_t> places_;
  std::size_t rows_ = 0;
};

// "00:30:00Z"
base::Result<std::int64_t> TimeOfDayFrom(const Value* value) {
  std::string_view text = value == nullptr ? "" : value->AsText().value_or("");
  if (text.ends_with('Z')) {
    text.remove_suffix(1);
  }
  const auto seconds = calendar::ParseTimeOfDay(text);
  if (!seconds.has_value()) {
    return Bad("a time of day reads 16:30:00Z (UTC)");
  }
  return *seconds;
}

class ForeignFile {
 public:
  base::Result<PriceFile> Read(const Value::Array& providers) {
    for (const Value& provider : providers) {
      ASSIGN_OR_RETURN(const std::string id, RequiredText(provider, "id"));
      if (auto read = ReadProvider(id, provider); !read.ok()) {
        return Within(id, read.error());
      }
    }
    return std::move(file_);
  }

 private:
  base::Status ReadProvider(const std::string& id, const Value& row) {
    PriceProvider provider{id, std::nullopt, {}, file_.providers.size()};
    if (const Value* rule = row.Find("model_match"); rule != nullptr && !rule->IsNil()) {
      ASSIGN_OR_RETURN(provider.models, MatchRuleFrom(*rule, &file_.skipped_patterns));
    }
    if (const Value* others = row.Find("fallback_model_providers");
        others != nullptr && others->AsArray() != nullptr) {
      if (others->AsArray()->size() > kFallbacksMax) {
        return Error{Code::kTooLarge, "a provider has at most 8 fallbacks"};
      }
      for (const Value& other : *others->AsArray()) {
        provider.fallbacks.emplace_back(other.AsText().value_or(""));
      }
    }
    file_.providers.push_back(std::move(provider));
    const Value* models = row.Find("models");
    if (models == nullptr || models->AsArray() == nullptr) {
      return Bad("'models' must be a list");
    }
    for (const Value& model : *models->AsArray()) {
      ASSIGN_OR_RETURN(const std::string name, RequiredText(model, "id"));
      if (auto read = ReadModel(id, name, model); !read.ok()) {
        return Within(name, read.error());
      }
    }
    return base::Ok{};
  }

  base::Status ReadModel(const std::string& provider, const std::string& name, const Value& row) {
    PricedModel model{provider, name, MatchRule::Equals(name), true, file_.models.size(), {}};
    if (const Value* rule = row.Find("match"); rule != nullptr) {
      ASSIGN_OR_RETURN(model.match, MatchRuleFrom(*rule, &file_.skipped_patterns));
    }
    const Value* prices = row.Find("prices");
    if (prices == nullptr) {
      return Bad("'prices' is missing");
    }
    if (prices->AsArray() == nullptr) {
      ASSIGN_OR_RETURN(Price price, RatesFrom(*prices));
      model.prices.push_back(std::move(price));
    } else {
      if (prices->AsArray()->size() > kPricesOfModelMax) {
        return Error{Code::kTooLarge, "a model has at most 64 prices"};
      }
      for (const Value& each : *prices->AsArray()) {
        ASSIGN_OR_RETURN(Price price, ConditionalPrice(each));
        model.prices.push_back(std::move(price));
      }
      SortPrices(model.prices);
    }
    file_.models.push_back(std::move(model));
    return base::Ok{};
  }

  static base::Result<Price> ConditionalPrice(const Value& row) {
    const Value* prices = row.Find("prices");
    if (prices == nullptr) {
      return Bad("'prices' is missing");
    }
    ASSIGN_OR_RETURN(Price price, RatesFrom(*prices));
    const Value* condition = row.Find("constraint");
    if (condition == nullptr || condition->IsNil()) {
      return price;
    }
    if (const Value* day = condition->Find("start_date"); day != nullptr) {
      ASSIGN_OR_RETURN(price.from, MomentFrom("start_date", day->AsText().value_or("")));
      return price;
    }
    ASSIGN_OR_RETURN(price.daily_from_s, TimeOfDayFrom(condition->Find("start_time")));
    ASSIGN_OR_RETURN(price.daily_until_s, TimeOfDayFrom(condition->Find("end_time")));
    return price;
  }

  PriceFile file_;
};

}  // namespace

base::Status CheckPriceName(std::string_view what, std::string_view name) {
  return CheckText(what, name, kModelNameBytesMax);
}

base::Status CheckCurrency(std::string_view currency) {
  if (currency != "USD") {
    return Error{Code::kBadRequest,
                 "'currency' must be USD: all amounts are nano-dollars; convert others before"};
  }
  return base::Ok{};
}

base::Result<base::UnixMillis> MomentFrom(std::string_view name, std::string_view day) {
  const auto days = calendar::ParseDay(day);
  if (!days.has_value() || *days < 0) {
    return Error{Code::kBadRequest, "'" + std::string(name) +
                                        "' must be a day from 1970-01-01 on, such as 2026-11-30"};
  }
  return base::UnixMillis{*days * calendar::kMillisPerDay};
}

base::Status SetDaily(std::string_view text, Price& price) {
  const std::size_t dash = text.find('-');
  const auto from = calendar::ParseTimeOfDay(text.substr(0, dash));
  const auto until = dash == std::string_view::npos
                         ? std::nullopt
                         : calendar::ParseTimeOfDay(text.substr(dash + 1));
  if (!from.has_value() || !until.has_value() || *from == *until) {
    return Error{Code::kBadRequest,
                 "'daily' must be two different times of day in UTC, such as 00:30-16:30"};
  }
  price.daily_from_s = *from;
  price.daily_until_s = *until;
  return base::Ok{};
}

std::string DailyText(const Price& price) {
  return price.is_daily() ? calendar::TimeOfDayText(price.daily_from_s) + "-" +
                                calendar::TimeOfDayText(price.daily_until_s)
                          : std::string();
}

base::Result<Price> RatesFrom(const Value& prices) {
  if (prices.AsMap() == nullptr) {
    return Bad("'prices' must be a map of items to prices");
  }
  Price price;
  for (const auto& [name, value] : *prices.AsMap()) {
    const auto item = ItemCalled(name.AsText().value_or(""));
    if (!item.has_value()) {
      std::string allowed;
      for (const std::string_view each : kItemNames) {
        allowed.append(allowed.empty() ? "" : ", ").append(each);
      }
      return Bad("prices: unknown item; allowed are " + allowed);
    }
    auto rate = RateFrom(value);
    if (!rate.ok()) {
      return Within(*name.AsText(), rate.error());
    }
    price.at(*item) = std::move(rate).value();
  }
  return price;
}

Value ToValue(const Rate& rate) {
  if (rate.steps.empty()) {
    return DecimalText(rate.atto, kPriceDigits);
  }
  Value::Array list{DecimalText(rate.atto, kPriceDigits)};
  for (const Step& step : rate.steps) {
    list.emplace_back("above " + std::to_string(step.above_tokens) + ": " +
                      DecimalText(step.atto, kPriceDigits));
  }
  return list;
}

base::Result<PriceFile> ReadPriceFile(const Value& file) {
  ASSIGN_OR_RETURN(PriceFile read, file.AsArray() != nullptr ? ForeignFile().Read(*file.AsArray())
                                                             : OwnFile().Read(file));
  if (read.models.size() > kPricedModelsMax || read.providers.size() > kProvidersMax) {
    return Error{Code::kTooLarge, "a price file has at most " + std::to_string(kPricedModelsMax) +
                                      " models of " + std::to_string(kProvidersMax) + " providers"};
  }
  return read;
}

}  // namespace reprise::spend
