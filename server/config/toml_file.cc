// Owns reading the configuration file. The only home of toml++.
#include "server/config/toml_file.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/base/read_file.h"
#include "server/config/config.h"
#include "server/config/settings.h"
#include "server/config/table.h"
#include "server/config/toml_value.h"

#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#define TOML_UNDEF_MACROS 1
#include <toml++/toml.h>

namespace reprise::config {
namespace {

bool BeginsKey(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
         (letter >= '0' && letter <= '9') || letter == '_' || letter == '-' || letter == '"' ||
         letter == '\'';
}

// The place behind the quoted text that begins at `begin`.
std::size_t SkipQuoted(std::string_view line, std::size_t begin) {
  const char quote = line[begin];
  std::size_t place = begin + 1;
  while (place < line.size() && line[place] != quote) {
    place += quote == '"' && line[place] == '\\' ? 2 : 1;
  }
  return place + 1;
}

// Whether each '[' of a section and each '.' of a key is followed by what can begin a key:
// toml++ 3.3 takes that for granted, in release builds as undefined behaviour.
bool KeysBegin(std::string_view line) {
  const std::size_t first = line.find_first_not_of(" \t");
  const bool is_section = first != std::string_view::npos && line[first] == '[';
  const char last = is_section ? ']' : '=';
  std::size_t place = std::min(first, line.size());
  while (place < line.size() && line[place] != last && line[place] != '#') {
    if (line[place] == '"' || line[place] == '\'') {
      place = SkipQuoted(line, place);
      continue;
    }
    const bool opens = is_section && line[place] == '[';
    if (opens || line[place] == '.') {
      const std::size_t next = line.find_first_not_of(" \t", place + 1);
      const bool again = opens && next != std::string_view::npos && line[next] == '[';
      if (!again && (next == std::string_view::npos || !BeginsKey(line[next]))) {
        return false;
      }
    }
    ++place;
  }
  return true;
}

// Whether all but ASCII stands in quotes or behind a '#', braces too, and no text goes over several
// lines. Elsewhere toml++ 3.3 looks at other characters as white space, and does not expect the end
// of an inline table where no value began: undefined behaviour in release builds. No setting is a
// table.
bool IsPlain(std::string_view line) {
  std::size_t place = 0;
  while (place < line.size() && line[place] != '#') {
    const std::string_view rest = line.substr(place);
    const bool is_brace = line[place] == '{' || line[place] == '}';
    if (static_cast<unsigned char>(line[place]) >= 0x80 || is_brace || rest.starts_with("\"\"\"") ||
        rest.starts_with("'''")) {
      return false;
    }
    const bool opens = line[place] == '"' || line[place] == '\'';
    place = opens ? SkipQuoted(line, place) : place + 1;
  }
  return true;
}

// One key makes one level of tables for each dot, and these are torn down one inside the other: a
// line without a bound could overflow the stack.
base::Status CheckLines(const std::string& path, std::string_view content) {
  std::size_t number = 1;
  while (!content.empty()) {
    const std::size_t end = std::min(content.find('\n'), content.size());
    if (end > kLineBytesMax) {
      return base::Error{base::Code::kTooLarge,
                         path + ":" + std::to_string(number) + ": the line is longer than 16 KiB"};
    }
    if (!KeysBegin(content.substr(0, end))) {
      return base::Error{
          base::Code::kBadRequest,
          path + ":" + std::to_string(number) +
              ": a name is expected behind '[' and '.': letters, digits, '_' or '-'"};
    }
    if (!IsPlain(content.substr(0, end))) {
      return base::Error{
          base::Code::kBadRequest,
          path + ":" + std::to_string(number) +
              ": letters other than ASCII, and braces, stand in quotes, on one line, or "
              "in a comment"};
    }
    content.remove_prefix(std::min(end + 1, content.size()));
    ++number;
  }
  return base::Ok{};
}

// A key of the file with its whole name, or a section that no row knows.
struct Leaf {
  std::string name;
  const toml::node* node;
  toml::source_position place;
};

void CollectLeaves(const toml::table& table, const std::string& prefix, std::vector<Leaf>& out) {
  for (const auto& [key, node] : table) {
    // A dot inside a quoted key is no path; the quotes make it a name that no row has.
    const bool has_dot = key.str().find('.') != std::string_view::npos;
    const std::string part = has_dot ? Quoted(key.str()) : std::string(key.str());
    std::string name = prefix;
    name.append(prefix.empty() ? "" : ".").append(part);
    const toml::table* inner = node.as_table();
    if (inner != nullptr && IsSection(name) && !inner->empty()) {
      CollectLeaves(*inner, name, out);
    } else if (inner == nullptr || !IsSection(name)) {
      out.push_back({std::move(name), &node, key.source().begin});
    }
  }
}

std::string ShownInteger(const toml::node& node) {
  return std::to_string(node.as_integer()->get());
}

std::string ShownReal(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%g", value);
  return text.data();
}

Given GivenArray(const toml::array& array) {
  std::vector<std::string> items;
  for (const toml::node& item : array) {
    const auto* text = item.as_string();
    if (text == nullptr) {
      return {Given::Unusable{}, "a list with something else than texts"};
    }
    items.push_back(text->get());
  }
  return {std::move(items), "a list"};
}

Given GivenNode(const toml::node& node) {
  if (const auto* text = node.as_string()) {
    return {text->get(), Quoted(text->get())};
  }
  if (node.is_integer()) {
    return {node.as_integer()->get(), ShownInteger(node)};
  }
  if (const auto* flag = node.as_boolean()) {
    return {flag->get(), flag->get() ? "true" : "false"};
  }
  if (const auto* array = node.as_array()) {
    return GivenArray(*array);
  }
  if (const auto* real = node.as_floating_point()) {
    return {Given::Unusable{}, ShownReal(real->get())};
  }
  return {Given::Unusable{}, node.is_table() ? "a table" : "a date or time"};
}

base::Status AssignLeaf(const Leaf& leaf, Config& config) {
  const auto match = FindRow(leaf.name);
  if (match.has_value()) {
    return Assign(*match, GivenNode(*leaf.node), config);
  }
  if (IsSection(leaf.name)) {
    return base::Error{base::Code::kBadRequest, Quoted(leaf.name) + " is a section: write [" +
                                                    leaf.name + "] above its keys"};
  }
  if (leaf.node->is_table()) {
    return base::Error{
        base::Code::kNotFound,
        "there is no section [" + leaf.name + "]; the nearest name is " + NearestName(leaf.name)};
  }
  return UnknownName(leaf.name);
}

std::string PlaceText(const std::string& path, const toml::source_position& place) {
  return path + ":" + std::to_string(place.line) + ":" + std::to_string(place.column) + ": ";
}

// The tables point into `content` and `path`.
base::Result<toml::table> Parse(const std::string& path, const std::string& content) {
  RETURN_IF_ERROR(CheckLines(path, content));
  toml::parse_result parsed = toml::parse(std::string_view(content), std::string_view(path));
  if (parsed.failed()) {
    const toml::parse_error& problem = parsed.error();
    return base::Error{base::Code::kBadRequest, PlaceText(path, problem.source().begin) +
                                                    std::string(problem.description())};
  }
  return std::move(parsed).table();
}

base::Value ValueOf(const toml::node& node) {
  if (const toml::table* table = node.as_table()) {
    base::Value::Map map;
    for (const auto& [key, inner] : *table) {
      map.emplace_back(std::string(key.str()), ValueOf(inner));
    }
    return map;
  }
  if (const toml::array* array = node.as_array()) {
    base::Value::Array items;
    for (const toml::node& item : *array) {
      items.push_back(ValueOf(item));
    }
    return items;
  }
  if (const auto* text = node.as_string()) {
    return text->get();
  }
  if (node.is_integer()) {
    return node.as_integer()->get();
  }
  if (const auto* flag = node.as_boolean()) {
    return flag->get();
  }
  if (const auto* real = node.as_floating_point()) {
    return real->get();
  }
  return base::Value();  // a date or time: nobody asks for one
}

}  // namespace

base::Status ReadTomlFile(const std::string& path, Config& config) {
  ASSIGN_OR_RETURN(const std::string content, base::ReadRegularFile(path, kFileBytesMax));
  ASSIGN_OR_RETURN(const toml::table parsed, Parse(path, content));
  std::vector<Leaf> leaves;
  CollectLeaves(parsed, "", leaves);
  // The first mistake of the file is reported, so in the order of the file.
  std::sort(leaves.begin(), leaves.end(), [](const Leaf& a, const Leaf& b) {
    return std::pair(a.place.line, a.place.column) < std::pair(b.place.line, b.place.column);
  });
  Config next = config;
  for (const Leaf& leaf : leaves) {
    base::Status assigned = AssignLeaf(leaf, next);
    if (!assigned.ok()) {
      return base::Error{assigned.error().code,
                         PlaceText(path, leaf.place) + assigned.error().detail};
    }
  }
  config = std::move(next);
  return base::Ok{};
}

base::Result<base::Value> ReadToml(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string content, base::ReadRegularFile(path, kFileBytesMax));
  ASSIGN_OR_RETURN(const toml::table parsed, Parse(path, content));
  return ValueOf(parsed);
}

base::Status LoadFile(const std::string& path, Config& config) {
  Config next = config;
  RETURN_IF_ERROR(ReadTomlFile(path, next));
  const base::Status checked = Check(next);
  if (!checked.ok()) {
    return base::Error{checked.error().code, path + ": " + checked.error().detail};
  }
  config = std::move(next);
  return base::Ok{};
}

}  // namespace reprise::config
