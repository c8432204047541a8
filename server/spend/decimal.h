// Exact decimals of money: prices as they are published, and nano-dollars.
//
// A price is held in atto-dollars (1e-18 dollars), as a 128-bit integer; an amount of money in
// nano-dollars, as a 64-bit one. Nothing here is a float: a price that comes as one is taken as the
// shortest decimal that gives that float, which is the text it was written as. Threads: any.
// Errors: kBadRequest (no decimal, negative, NaN, infinite, more than 18 digits behind the point,
// above kPriceMax), saying what was found. Complexity: O(digits). Limits: below.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/base/result.h"
#include "protocol/base/value.h"

namespace reprise::spend {

// NOLINTNEXTLINE(modernize-use-using): an alias with `using` cannot be marked as an extension.
__extension__ typedef unsigned __int128 Wide;

inline constexpr int kPriceDigits = 18;
inline constexpr std::int64_t kPriceDollarsMax = 1'000'000;  // for a million tokens
inline constexpr std::int64_t kNanoPerDollar = 1'000'000'000;

// The largest amount of one call, reservation or saving: a million dollars.
inline constexpr std::int64_t kAmountNanoMax = 1'000'000 * kNanoPerDollar;
// The largest limit of a budget. Sums stay below 2^63: they are checked before they are made.
inline constexpr std::int64_t kLimitNanoMax = 1'000'000'000 * kNanoPerDollar;

constexpr Wide PowerOfTen(int exponent) {
  Wide power = 1;
  for (int i = 0; i < exponent; ++i) {
    power *= 10;
  }
  return power;
}

// "2.50", "0.003625", "1e-7" in atto-dollars.
base::Result<Wide> ParsePrice(std::string_view text);
// A text, an integer or a float.
base::Result<Wide> PriceFrom(const base::Value& value);
// The shortest decimal of `value` / 10^`digits`: "2.5".
std::string DecimalText(Wide value, int digits);

// a + b, or nothing when that is beyond 64 bits.
std::optional<std::int64_t> CheckedAdd(std::int64_t a, std::int64_t b);

}  // namespace reprise::spend
