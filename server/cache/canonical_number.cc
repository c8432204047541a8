#include "server/cache/canonical_number.h"

#include <array>
#include <charconv>
#include <cmath>
#include <string_view>

#include "protocol/base/ensure.h"

namespace reprise::cache {
namespace {

// A decimal number: digits d1 d2 ... dk stand for 0.d1d2...dk times ten to the power of `point`.
struct Decimal {
  std::string digits;
  int point = 0;
};

Decimal ShortestDigits(double number) {
  std::array<char, 32> text{};  // "1.2345678901234567e-308" has 23 letters
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), number, std::chars_format::scientific);
  ENSURE(end.ec == std::errc());
  const std::string_view spelled(text.data(), static_cast<std::size_t>(end.ptr - text.data()));
  const std::size_t exponent_at = spelled.find('e');
  Decimal decimal;
  for (const char letter : spelled.substr(0, exponent_at)) {
    if (letter != '.') {
      decimal.digits.push_back(letter);
    }
  }
  const std::size_t first = exponent_at + (spelled[exponent_at + 1] == '+' ? 2 : 1);
  std::from_chars(spelled.data() + first, spelled.data() + spelled.size(), decimal.point);
  ++decimal.point;
  return decimal;
}

void AppendWithExponent(const Decimal& decimal, std::string& out) {
  out.push_back(decimal.digits.front());
  if (decimal.digits.size() > 1) {
    out.push_back('.');
    out.append(decimal.digits, 1);
  }
  out.append(decimal.point > 0 ? "e+" : "e-").append(std::to_string(std::abs(decimal.point - 1)));
}

}  // namespace

// ECMA-262, Number::toString: plain digits from 1e-6 up to below 1e21, an exponent outside.
void AppendCanonicalNumber(double number, std::string& out) {
  constexpr int kPlainDigits = 21;
  constexpr int kLeadingZeros = 6;
  ENSURE(std::isfinite(number));
  if (number == 0) {  // -0 too
    out.push_back('0');
    return;
  }
  if (number < 0) {
    out.push_back('-');
  }
  const Decimal decimal = ShortestDigits(std::abs(number));
  const int count = static_cast<int>(decimal.digits.size());
  if (decimal.point > kPlainDigits || decimal.point <= -kLeadingZeros) {
    AppendWithExponent(decimal, out);
  } else if (decimal.point >= count) {
    out.append(decimal.digits).append(static_cast<std::size_t>(decimal.point - count), '0');
  } else if (decimal.point > 0) {
    const auto whole = static_cast<std::size_t>(decimal.point);
    out.append(decimal.digits, 0, whole).append(".").append(decimal.digits, whole);
  } else {
    out.append("0.").append(static_cast<std::size_t>(-decimal.point), '0').append(decimal.digits);
  }
}

}  // namespace reprise::cache
