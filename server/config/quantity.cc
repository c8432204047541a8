#include "server/config/quantity.h"

#include <array>
#include <charconv>
#include <span>

namespace reprise::config {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t factor;
};

constexpr std::array kByteUnits{
    Unit{"B", 1},
    Unit{"KiB", std::int64_t{1} << 10},
    Unit{"MiB", std::int64_t{1} << 20},
    Unit{"GiB", std::int64_t{1} << 30},
    Unit{"TiB", std::int64_t{1} << 40},
};
constexpr std::array kMilliUnits{
    Unit{"ms", 1}, Unit{"s", 1'000}, Unit{"m", 60'000}, Unit{"h", 3'600'000}, Unit{"d", 86'400'000},
};
constexpr std::array kMicroUnits{
    Unit{"us", 1},         Unit{"ms", 1'000},        Unit{"s", 1'000'000},
    Unit{"m", 60'000'000}, Unit{"h", 3'600'000'000},
};

std::span<const Unit> Units(Kind kind) {
  if (kind == Kind::kBytes) {
    return kByteUnits;
  }
  if (kind == Kind::kMilliseconds) {
    return kMilliUnits;
  }
  if (kind == Kind::kMicroseconds) {
    return kMicroUnits;
  }
  return {};
}

}  // namespace

std::string_view NameOf(Kind kind) {
  constexpr std::array<std::string_view, 8> kNames{
      "integer", "bytes", "milliseconds", "microseconds", "boolean", "text", "list", "choice"};
  return kNames.at(static_cast<std::size_t>(kind));
}

bool IsNumber(Kind kind) {
  return kind == Kind::kInteger || !Units(kind).empty();
}

std::string UnitsOf(Kind kind) {
  std::string names;
  for (const Unit& unit : Units(kind)) {
    names += names.empty() ? "" : ", ";
    names += unit.name;
  }
  return names;
}

std::optional<std::int64_t> ParseQuantity(Kind kind, std::string_view text) {
  std::int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, problem] = std::from_chars(text.data(), end, number);
  if (problem != std::errc{}) {
    return std::nullopt;
  }
  std::string_view suffix(rest, static_cast<std::size_t>(end - rest));
  if (suffix.empty()) {
    return number;
  }
  if (suffix.front() == ' ') {
    suffix.remove_prefix(1);
  }
  for (const Unit& unit : Units(kind)) {
    std::int64_t value = 0;
    if (unit.name == suffix && !__builtin_mul_overflow(number, unit.factor, &value)) {
      return value;
    }
  }
  return std::nullopt;
}

std::string RenderQuantity(Kind kind, std::int64_t value) {
  const std::span<const Unit> units = Units(kind);
  if (value > 0) {
    for (auto unit = units.rbegin(); unit != units.rend(); ++unit) {
      if (value % unit->factor == 0) {
        return std::to_string(value / unit->factor) + std::string(unit->name);
      }
    }
  }
  return std::to_string(value);
}

}  // namespace reprise::config
