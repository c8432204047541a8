// The table of configuration keys: one row says all there is to know about a key.
//
// Parsing, ranges, CONFIG.GET and CONFIG.SET, help and conf/reprise.toml come from the rows. To add
// a key: a field in its owner's Options, a row in table.cc, and run the tests with
// REPRISE_REGENERATE=1. Private to server/config. Threads: constants. Errors: none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "server/config/options.h"
#include "server/config/quantity.h"

namespace reprise::config {

enum class Change : std::uint8_t {
  kLive,     // CONFIG.SET and SIGHUP take it over
  kRestart,  // read once at the start
};

// Where the value lives. An enumeration is reached by the index of its name in Row::choices.
using NumberField = std::int64_t& (*)(Config&);
using FlagField = bool& (*)(Config&);
using TextField = std::string& (*)(Config&);
using ListField = std::vector<std::string>& (*)(Config&);
// Of the query type in the middle of the name.
using TypeField = std::variant<std::int64_t QueryType::*, bool QueryType::*>;
struct ChoiceField {
  std::size_t (*get)(const Config&);
  void (*set)(Config&, std::size_t);
};
using Field = std::variant<NumberField, FlagField, TextField, ListField, ChoiceField, TypeField>;

struct Row {
  std::string_view name;  // "<name>" in it stands for a query type
  Kind kind;
  Change change;
  // Numbers: smallest and largest. Text: `max` bytes. List: `max` items.
  std::int64_t min;
  std::int64_t max;
  Field field;
  std::string_view doc;  // one or two sentences
  std::span<const std::string_view> choices{};
  // Text and items of lists: what is wrong, or empty.
  std::string_view (*problem)(std::string_view) = nullptr;
};

struct Section {
  std::string_view name;
  std::string_view doc;
};

std::span<const Row> Rows();          // in file order
std::span<const Section> Sections();  // in file order

struct Match {
  const Row* row;
  std::string_view type_name;  // a view into the name that was asked for; empty for plain rows
};
std::optional<Match> FindRow(std::string_view name);
// Whether rows begin with `name` and a dot: "store", "cache.types", "cache.types.faq".
bool IsSection(std::string_view name);
// The known name that is nearest to a mistyped one.
std::string NearestName(std::string_view name);

// "1 to 65535", "always, interval or none".
std::string AllowedText(const Row& row);
// What is wrong with the name of a query type, or empty.
std::string_view TypeNameProblem(std::string_view name);
// The query type of this name, or null.
QueryType* FindType(Config& config, std::string_view name);

}  // namespace reprise::config
