#include "server/spend/price.h"

#include <cmath>
#include <limits>

#include <catch2/catch.hpp>

#include "server/spend/price_file.h"

namespace reprise::spend {
namespace {

using base::Code;
using base::Value;

std::string Exact(Wide cost) {
  return DecimalText(cost, kCostDigits);
}

TEST_CASE("prices are read as the decimals that they are") {
  const auto text_of = [](const Value& value) {
    return DecimalText(PriceFrom(value).value(), kPriceDigits);
  };
  CHECK(text_of("2.50") == "2.5");
  CHECK(text_of("0") == "0");
  CHECK(text_of("0.000") == "0");
  CHECK(text_of(15) == "15");
  CHECK(text_of("1000000") == "1000000");
  CHECK(text_of("0.000000000000000001") == "0.000000000000000001");
  CHECK(text_of("1e-7") == "0.0000001");
  CHECK(text_of("25E+1") == "250");
  CHECK(text_of(".5") == "0.5");
  // A float is the decimal that it was written as, not what it holds.
  CHECK(text_of(0.1) == "0.1");
  CHECK(text_of(0.18000000000000002) == "0.18000000000000002");
  CHECK(text_of(0.08333333333333334) == "0.08333333333333334");
  CHECK(text_of(1e-7) == "0.0000001");
}

TEST_CASE("what is no price is refused with what was found") {
  for (const Value& value : {Value("-1"),
                             Value(-1),
                             Value(-0.5),
                             Value(""),
                             Value("."),
                             Value("1."),
                             Value("abc"),
                             Value("1,5"),
                             Value("0x10"),
                             Value("1e"),
                             Value("1e99"),
                             Value(" 1"),
                             Value("1000000.01"),
                             Value(1'000'001),
                             Value(1e300),
                             Value("0.0000000000000000001"),
                             Value("nan"),
                             Value(std::nan("")),
                             Value(std::numeric_limits<double>::infinity()),
                             Value(true),
                             Value(),
                             Value(Value::Array{1}),
                             Value(std::string(65, '1'))}) {
    const auto price = PriceFrom(value);
    REQUIRE_FALSE(price.ok());
    CHECK(price.error().code == Code::kBadRequest);
  }
  CHECK(PriceFrom(std::nan("")).error().detail.find("NaN") != std::string::npos);
}

TEST_CASE("sums that do not fit are told, not made") {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  CHECK(CheckedAdd(kMost - 1, 1) == kMost);
  CHECK_FALSE(CheckedAdd(kMost, 1).has_value());
}

Price PriceOf(const char* input, const char* output) {
  return RatesFrom(Value::Map{{"input", input}, {"output", output}}).value();
}

TEST_CASE("a call costs the exact sum of its parts, rounded once and half to even") {
  const Price price = PriceOf("0.15", "0.6");
  Usage usage{.input_tokens = 1'234, .output_tokens = 567};
  Cost cost = CostOf(price, usage).value();
  CHECK(Exact(cost.input) == "0.0001851");
  CHECK(Exact(cost.output) == "0.0003402");
  CHECK(cost.nano == 525'300);
  // Half a nano-dollar each: together one whole, and not two halves that are rounded.
  const Price half = PriceOf("0.0005", "0.0005");
  usage = {.input_tokens = 1, .output_tokens = 1};
  CHECK(CostOf(half, usage).value().nano == 1);
  usage = {.input_tokens = 1};
  CHECK(CostOf(half, usage).value().nano == 0);  // 0.5 to 0
  usage = {.input_tokens = 3};
  CHECK(CostOf(half, usage).value().nano == 2);  // 1.5 to 2
  usage = {.input_tokens = 5};
  CHECK(CostOf(half, usage).value().nano == 2);  // 2.5 to 2
  CHECK(RoundToNano(PowerOfTen(15) / 2 + 1) == 1);
  CHECK(RoundToNano(PowerOfTen(15) / 2) == 0);
}

TEST_CASE("parts of the input and the output have their own price, or that of the whole") {
  Price price = PriceOf("3", "15");
  Usage usage{.input_tokens = 1'000,
              .output_tokens = 100,
              .cache_read_tokens = 400,
              .cache_write_tokens = 300,
              .cache_write_1h_tokens = 100};
  CHECK(CostOf(price, usage).value().nano == 1'000 * 3'000 + 100 * 15'000);
  price.at(Item::kCacheRead) = Rate{ParsePrice("0.3").value()};
  price.at(Item::kCacheWrite) = Rate{ParsePrice("3.75").value()};
  CHECK(CostOf(price, usage).value().nano == 300 * 3'000 + 400 * 300 + 300 * 3'750 + 100 * 15'000);
  price.at(Item::kCacheWrite1h) = Rate{ParsePrice("6").value()};
  CHECK(CostOf(price, usage).value().nano ==
        300 * 3'000 + 400 * 300 + 200 * 3'750 + 100 * 6'000 + 100 * 15'000);
  // Audio from the cache is in both, and counted once.
  usage = {.input_tokens = 1'000,
           .cache_read_tokens = 500,
           .input_audio_tokens = 300,
           .cache_audio_read_tokens = 200};
  price.at(Item::kInputAudio) = Rate{ParsePrice("40").value()};
  price.at(Item::kCacheAudioRead) = Rate{ParsePrice("2.5").value()};
  CHECK(CostOf(price, usage).value().nano == 400 * 3'000 + 300 * 300 + 100 * 40'000 + 200 * 2'500);
  usage = {.output_tokens = 1'000,
           .output_reasoning_tokens = 500,
           .output_audio_tokens = 100,
           .output_image_tokens = 50};
  price.at(Item::kOutputReasoning) = Rate{ParsePrice("20").value()};
  price.at(Item::kOutputImage) = Rate{ParsePrice("120").value()};
  CHECK(CostOf(price, usage).value().nano ==
        350 * 15'000 + 500 * 20'000 + 100 * 15'000 + 50 * 120'000);
  usage = {.requests = 2, .web_searches = 3};
  price.at(Item::kRequest) = Rate{ParsePrice("12").value()};
  price.at(Item::kWebSearch) = Rate{ParsePrice("10").value()};
  CHECK(CostOf(price, usage).value().nano == 2 * 12'000'000 + 3 * 10'000'000);
}

TEST_CASE("a long context has the price of its step, for all of its tokens") {
  const Price price =
      RatesFrom(
          Value::Map{{"input", Value::Array{"3", "above 200000: 6", "above 400000: 9"}},
                     {"output", Value::Map{{"base", 15},
                                           {"tiers", Value::Array{Value::Map{{"start", 200'000},
                                                                             {"price", 22.5}}}}}}})
          .value();
  const auto nano = [&](std::int64_t input, std::int64_t output) {
    return CostOf(price, {.input_tokens = input, .output_tokens = output}).value().nano;
  };
  CHECK(nano(200'000, 10) == 600'150'000);
  CHECK(nano(200'001, 10) == 1'200'231'000);
  CHECK(nano(400'001, 0) == 3'600'009'000);
}

TEST_CASE("usage that contradicts itself or is out of range is refused by name") {
  const auto refusal = [](const Value::Map& map) {
    const auto usage = UsageFrom(map);
    return usage.ok() ? std::string() : usage.error().detail;
  };
  CHECK(refusal({{"input_tokens", 5}, {"cache_read_tokens", 5}}).empty());
  CHECK(refusal({{"input_tokens", -1}}).find("input_tokens") != std::string::npos);
  CHECK(refusal({{"input_tokens", 5}, {"cache_read_tokens", 6}}).find("input_tokens (5)") !=
        std::string::npos);
  CHECK_FALSE(refusal({{"output_tokens", 5}, {"output_reasoning_tokens", 6}}).empty());
  CHECK_FALSE(refusal({{"cache_write_1h_tokens", 1}, {"input_tokens", 9}}).empty());
  CHECK_FALSE(refusal({{"input_tokens", kTokensMax + 1}}).empty());
  CHECK_FALSE(refusal({{"web_searches", kCountMax + 1}}).empty());
  CHECK_FALSE(refusal({{"input_tokens", 1.5}}).empty());
  CHECK_FALSE(refusal({{"input_tokens", std::nan("")}}).empty());
  CHECK(refusal({{"tokens", 1}}).find("allowed are input_tokens") != std::string::npos);
  CHECK_FALSE(UsageFrom(Value("x")).ok());
}

TEST_CASE("a cost beyond a million dollars is an error, whatever is multiplied") {
  const Price price = PriceOf("1000000", "1000000");
  CHECK(CostOf(price, {.input_tokens = 1'000'000}).value().nano == kAmountNanoMax);
  CHECK(CostOf(price, {.input_tokens = 1'000'001}).error().code == Code::kTooLarge);
  CHECK(CostOf(price, {.input_tokens = kTokensMax, .output_tokens = kTokensMax}).error().code ==
        Code::kTooLarge);
}

TEST_CASE("a price holds from its day on, until another one, and by the time of day") {
  Price price;
  price.from = MomentFrom("valid_from", "2026-03-13").value();
  CHECK_FALSE(price.HoldsAt(price.from + -1));
  CHECK(price.HoldsAt(price.from));
  price.until = price.from + 1'000;
  CHECK(price.HoldsAt(price.from + 999));
  CHECK_FALSE(price.HoldsAt(price.from + 1'000));
  Price daily;
  REQUIRE(SetDaily("00:30-16:30", daily).ok());
  const base::UnixMillis day = MomentFrom("day", "2026-03-13").value();
  CHECK_FALSE(daily.HoldsAt(day + 1'799'999));
  CHECK(daily.HoldsAt(day + 1'800'000));
  CHECK_FALSE(daily.HoldsAt(day + 59'400'000));
  REQUIRE(SetDaily("22:00-06:00", daily).ok());
  CHECK(daily.HoldsAt(day));
  CHECK_FALSE(daily.HoldsAt(day + 21'600'000));
  CHECK(daily.HoldsAt(day + 79'200'000));
  for (const char* text : {"", "00:30", "00:30-00:30", "25:00-26:00", "00:30-16:30-17:00"}) {
    CHECK_FALSE(SetDaily(text, daily).ok());
  }
}

}  // namespace
}  // namespace reprise::spend
