// Owns looking things up in the table, and its rows in words. The rows stand in table.cc.
#include <algorithm>
#include <limits>
#include <numeric>

#include "server/config/table.h"

namespace reprise::config {
namespace {

namespace limits = base::limits;

constexpr std::string_view kTypePlace = "<name>";

std::size_t EditDistance(std::string_view from, std::string_view to) {
  std::vector<std::size_t> row(to.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= from.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= to.size(); ++j) {
      const std::size_t replaced = diagonal + (from[i - 1] == to[j - 1] ? 0U : 1U);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row.back();
}

std::string_view LastPart(std::string_view name) {
  return name.substr(name.rfind('.') + 1);  // npos + 1 is 0: the whole name
}

// A key that only stands in the wrong section is nearest.
std::size_t Distance(std::string_view name, std::string_view known) {
  return LastPart(name) == LastPart(known) ? 1 : EditDistance(name, known);
}

// The query type in the middle of `name` when the rest is that of `pattern`.
std::optional<std::string_view> TypeNameIn(std::string_view name, std::string_view pattern) {
  const std::size_t place = pattern.find(kTypePlace);
  if (place == std::string_view::npos) {
    return std::nullopt;
  }
  const std::string_view before = pattern.substr(0, place);
  const std::string_view behind = pattern.substr(place + kTypePlace.size());
  if (!name.starts_with(before) || !name.ends_with(behind) ||
      name.size() <= before.size() + behind.size()) {
    return std::nullopt;
  }
  return name.substr(before.size(), name.size() - before.size() - behind.size());
}

std::string JoinChoices(std::span<const std::string_view> choices) {
  std::string text;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    if (i > 0) {
      text += i + 1 == choices.size() ? " or " : ", ";
    }
    text += choices[i];
  }
  return text;
}

std::string RangeText(const Row& row) {
  std::string range = std::to_string(row.min) + " to " + std::to_string(row.max);
  if (row.kind == Kind::kInteger) {
    return range;
  }
  return range + " " + std::string(NameOf(row.kind)) + " (" + RenderQuantity(row.kind, row.min) +
         " to " + RenderQuantity(row.kind, row.max) + ")";
}

}  // namespace

std::optional<Match> FindRow(std::string_view name) {
  for (const Row& row : Rows()) {
    if (row.name == name && !std::holds_alternative<TypeField>(row.field)) {
      return Match{&row, {}};
    }
    if (const auto type_name = TypeNameIn(name, row.name)) {
      return Match{&row, *type_name};
    }
  }
  return std::nullopt;
}

bool IsSection(std::string_view name) {
  const std::string prefix = std::string(name) + ".";
  return std::any_of(Rows().begin(), Rows().end(), [&prefix](const Row& row) {
    if (row.name.starts_with(prefix)) {
      return true;
    }
    const std::size_t place = row.name.find(kTypePlace);
    if (place == std::string_view::npos || !prefix.starts_with(row.name.substr(0, place))) {
      return false;
    }
    return std::count(prefix.begin(), prefix.end(), '.') ==
           std::count(row.name.begin(), row.name.begin() + static_cast<std::ptrdiff_t>(place),
                      '.') +
               1;
  });
}

std::string NearestName(std::string_view name) {
  constexpr std::size_t kNameBytesMax = 128;  // bounds the work; no known name is as long
  name = name.substr(0, kNameBytesMax);
  std::string_view nearest = Sections().front().name;
  std::size_t least = std::numeric_limits<std::size_t>::max();
  const auto offer = [&](std::string_view known, std::size_t distance) {
    if (distance < least) {
      least = distance;
      nearest = known;
    }
  };
  const bool has_dot = name.find('.') != std::string_view::npos;
  for (const Section& section : Sections()) {
    if (!has_dot) {
      offer(section.name, EditDistance(name, section.name));
    }
  }
  for (const Row& row : Rows()) {
    offer(row.name, Distance(name, row.name));
  }
  return std::string(nearest);
}

std::string AllowedText(const Row& row) {
  switch (row.kind) {
    case Kind::kInteger:
    case Kind::kBytes:
    case Kind::kMilliseconds:
    case Kind::kMicroseconds:
      return RangeText(row);
    case Kind::kBoolean:
      return "true or false";
    case Kind::kText:
      return "text of at most " + std::to_string(row.max) + " bytes";
    case Kind::kList:
      return "at most " + std::to_string(row.max) + " texts";
    case Kind::kChoice:
      return JoinChoices(row.choices);
  }
  return {};
}

std::string_view TypeNameProblem(std::string_view name) {
  constexpr std::string_view kRule =
      "the name of a query type is a letter and up to 63 letters, digits, '_' or '-'";
  const auto is_letter = [](char byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
  };
  if (name.empty() || name.size() > static_cast<std::size_t>(limits::kNameBytes.value) ||
      !is_letter(name.front())) {
    return kRule;
  }
  const bool is_valid = std::all_of(name.begin(), name.end(), [&is_letter](char byte) {
    return is_letter(byte) || (byte >= '0' && byte <= '9') || byte == '_' || byte == '-';
  });
  return is_valid ? "" : kRule;
}

QueryType* FindType(Config& config, std::string_view name) {
  for (QueryType& type : config.cache.types) {
    if (type.name == name) {
      return &type;
    }
  }
  return nullptr;
}

}  // namespace reprise::config
