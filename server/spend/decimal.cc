#include "server/spend/decimal.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace reprise::spend {
namespace {

using base::Code;
using base::Error;

constexpr std::size_t kPriceBytesMax = 64;
constexpr Wide kPriceMax = static_cast<Wide>(kPriceDollarsMax) * PowerOfTen(kPriceDigits);

Error BadPrice(std::string_view found) {
  std::string shown;
  for (const char c : found.substr(0, kPriceBytesMax)) {
    shown.push_back(c >= ' ' && c < 127 ? c : '?');
  }
  return {Code::kBadRequest, "a price is a decimal from 0 to " + std::to_string(kPriceDollarsMax) +
                                 " dollars with at most 18 digits behind the point, found '" +
                                 shown + "'"};
}

// The exponent behind an 'e'; absent when there is something else.
std::optional<int> ParseExponent(std::string_view text) {
  if (text.starts_with('+')) {
    text.remove_prefix(1);
  }
  int exponent = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, exponent);
  if (parsed.ec != std::errc() || parsed.ptr != end || exponent < -40 || exponent > 40) {
    return std::nullopt;
  }
  return exponent;
}

bool AllDigits(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// A decimal taken apart: its digits, and how many of them stand behind the point (may be negative).
struct Parts {
  std::string digits;
  int places = 0;
};

std::optional<Parts> SplitDecimal(std::string_view text) {
  if (text.size() > kPriceBytesMax) {
    return std::nullopt;
  }
  std::optional<int> exponent = 0;
  if (const std::size_t mark = text.find_first_of("eE"); mark != std::string_view::npos) {
    exponent = ParseExponent(text.substr(mark + 1));
    text = text.substr(0, mark);
  }
  const std::size_t point = std::min(text.find('.'), text.size());
  const std::string_view whole = text.substr(0, point);
  const std::string_view fraction = point < text.size() ? text.substr(point + 1) : "";
  const bool ends_with_point = point < text.size() && fraction.empty();
  if (!exponent.has_value() || ends_with_point || whole.size() + fraction.size() == 0 ||
      !AllDigits(whole) || !AllDigits(fraction)) {
    return std::nullopt;
  }
  return Parts{std::string(whole).append(fraction), static_cast<int>(fraction.size()) - *exponent};
}

}  // namespace

base::Result<Wide> ParsePrice(std::string_view text) {
  const auto parts = SplitDecimal(text);
  if (!parts.has_value()) {
    return BadPrice(text);
  }
  std::string digits = parts->digits;
  int places = parts->places;
  while (!digits.empty() && places > 0 && digits.ends_with('0')) {
    digits.pop_back();
    --places;
  }
  digits.erase(0, digits.find_first_not_of('0'));
  if (digits.empty()) {
    return Wide{0};
  }
  if (places > kPriceDigits) {
    return BadPrice(text);
  }
  digits.append(static_cast<std::size_t>(kPriceDigits - places), '0');
  Wide price = 0;
  for (const char digit : digits) {
    if (price > kPriceMax) {
      return BadPrice(text);
    }
    price = price * 10 + static_cast<unsigned>(digit - '0');
  }
  return price <= kPriceMax ? base::Result<Wide>(price) : base::Result<Wide>(BadPrice(text));
}

base::Result<Wide> PriceFrom(const base::Value& value) {
  if (const auto text = value.AsText(); text.has_value()) {
    return ParsePrice(*text);
  }
  if (const auto number = value.AsInt(); number.has_value()) {
    return ParsePrice(std::to_string(*number));
  }
  const auto* real = std::get_if<double>(&value.state());
  if (real == nullptr) {
    return BadPrice("something that is neither a text nor a number");
  }
  if (!std::isfinite(*real)) {
    return BadPrice(std::isnan(*real) ? "NaN" : "infinity");
  }
  std::array<char, 32> shortest{};
  const auto written = std::to_chars(shortest.data(), shortest.data() + shortest.size(), *real);
  return ParsePrice({shortest.data(), static_cast<std::size_t>(written.ptr - shortest.data())});
}

std::string DecimalText(Wide value, int digits) {
  std::string reversed;
  int place = 0;
  bool is_behind_point = digits > 0;
  while (value > 0 || place <= digits) {
    const char digit = static_cast<char>('0' + static_cast<int>(value % 10));
    value /= 10;
    if (place == digits && is_behind_point) {
      if (!reversed.empty()) {
        reversed.push_back('.');
      }
      is_behind_point = false;
    }
    // No zeros at the end of the fraction.
    if (!is_behind_point || digit != '0' || !reversed.empty()) {
      reversed.push_back(digit);
    }
    ++place;
  }
  std::reverse(reversed.begin(), reversed.end());
  return reversed;
}

std::optional<std::int64_t> CheckedAdd(std::int64_t a, std::int64_t b) {
  std::int64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? std::nullopt : std::optional(sum);
}

}  // namespace reprise::spend
