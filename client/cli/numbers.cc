#include "client/cli/numbers.h"

#include <array>
#include <cstdio>

namespace reprise::client {
namespace {

std::string Scaled(double number, double step, const std::array<const char*, 5>& units) {
  std::size_t unit = 0;
  while (number >= step && unit + 1 < units.size()) {
    number /= step;
    ++unit;
  }
  constexpr double kThreeDigits = 99.95;
  std::array<char, 32> text{};
  const int decimals = unit == 0 || number >= kThreeDigits ? 0 : 1;
  std::snprintf(text.data(), text.size(), "%.*f%s", decimals, number, units[unit]);
  return text.data();
}

}  // namespace

std::string WithCommas(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t end = text.size(); end > 3; end -= 3) {
    text.insert(end - 3, ",");
  }
  return text;
}

std::string ShortCount(double number) {
  return Scaled(number, 1000, {"", "k", "M", "G", "T"});
}

std::string ShortBytes(std::uint64_t bytes) {
  return Scaled(static_cast<double>(bytes), 1024, {" B", " KiB", " MiB", " GiB", " TiB"});
}

std::string ShortTime(std::int64_t ms) {
  constexpr std::int64_t kSecond = 1000;
  constexpr std::int64_t kMinute = 60 * kSecond;
  if (ms < 10 * kSecond) {
    const std::int64_t tenths = ms / 100;
    return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " s";
  }
  if (ms < kMinute) {
    return std::to_string(ms / kSecond) + " s";
  }
  const std::int64_t minutes = ms / kMinute;
  if (minutes < 60) {
    return std::to_string(minutes) + " min " + std::to_string(ms % kMinute / kSecond) + " s";
  }
  return std::to_string(minutes / 60) + " h " + std::to_string(minutes % 60) + " min";
}

}  // namespace reprise::client
