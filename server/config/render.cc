// Owns the text of conf/reprise.toml.
#include <array>
#include <cstddef>
#include <vector>

#include "server/config/config.h"
#include "server/config/settings.h"
#include "server/config/table.h"

namespace reprise::config {
namespace {

constexpr std::size_t kLineWidth = 100;

constexpr std::string_view kHead =
    "Reprise: the configuration file.\n"
    "\n"
    "Generated from the table of keys (server/config/table.cc). Every key stands here with its "
    "default, commented out: remove the # to change it. The server reads this file at the start "
    "(--config); --set name=value on the command line comes after it and wins. Keys marked "
    "\"live\" can also be changed with CONFIG.SET, and are read again from here on SIGHUP; the "
    "others need a restart.\n"
    "\n"
    "Sizes and times are whole numbers in the unit that ends the name, or texts with a unit: "
    "\"256MiB\" (B, KiB, MiB, GiB, TiB), \"30s\" (us, ms, s, m, h, d). An unknown key or a value "
    "out of range stops the server with the line at fault.";

void AppendComment(std::string_view text, std::string& out) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view paragraph = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    std::string line = "#";
    while (!paragraph.empty()) {
      const std::size_t space = std::min(paragraph.find(' '), paragraph.size());
      const std::string_view word = paragraph.substr(0, space);
      if (line.size() + 1 + word.size() > kLineWidth) {
        out.append(line).append("\n");
        line = "#";
      }
      line.append(" ").append(word);
      paragraph.remove_prefix(std::min(space + 1, paragraph.size()));
    }
    out.append(line).append("\n");
  }
}

std::string TomlText(std::string_view text) {
  std::string quoted = "\"";
  for (const char byte : text) {
    if (byte == '"' || byte == '\\') {
      quoted += '\\';
    }
    quoted += byte;
  }
  return quoted + "\"";
}

std::string TomlNumber(Kind kind, std::int64_t value) {
  const std::string text = RenderQuantity(kind, value);
  const bool has_unit = text.find_first_not_of("-0123456789") != std::string::npos;
  return has_unit ? TomlText(text) : text;
}

// On lines of their own when they do not fit on one; each commented out.
std::string TomlList(const std::vector<std::string>& items, std::size_t width) {
  std::string line;
  std::string lines;
  for (const std::string& item : items) {
    line += (line.empty() ? "" : ", ") + TomlText(item);
    lines += "#" + TomlText(item) + ",\n";
  }
  return line.size() + 2 <= width ? "[" + line + "]" : "[\n" + lines + "#]";
}

std::string TomlValue(const Row& row, Config& config) {
  if (const auto* number = std::get_if<NumberField>(&row.field)) {
    return TomlNumber(row.kind, (*number)(config));
  }
  if (row.kind == Kind::kBoolean) {
    return ValueText(row, config);
  }
  if (const auto* list = std::get_if<ListField>(&row.field)) {
    const std::size_t taken = row.name.size() + std::string_view("# = ").size();
    return TomlList((*list)(config), kLineWidth - taken);
  }
  return TomlText(ValueText(row, config));
}

std::string Facts(const Row& row) {
  return "Allowed: " + AllowedText(row) + ". " +
         (row.change == Change::kLive ? "Live." : "Needs a restart.");
}

void AppendTypeField(const Row& row, const QueryType& type, std::string& out) {
  const TypeField& field = std::get<TypeField>(row.field);
  const auto* number = std::get_if<std::int64_t QueryType::*>(&field);
  out.append("#").append(row.name.substr(row.name.rfind('.') + 1)).append(" = ");
  out += number == nullptr ? ValueText(field, type) : TomlNumber(row.kind, type.**number);
  out += "\n";
}

// What the fields mean, each known type with its ttl and what else is not the default of new types,
// and one of the operator's own with all fields.
void AppendTypes(std::string& out) {
  out += "\n";
  AppendComment(
      "Query types: the kinds of questions, each with the policy for its answers. A section "
      "[cache.types.<name>] makes your own type; a name is a letter and up to 63 letters, digits, "
      "'_' or '-', and there are at most 64 types.",
      out);
  const QueryType fresh;
  for (const Row& row : Rows()) {
    if (std::holds_alternative<TypeField>(row.field)) {
      const std::string_view key = row.name.substr(row.name.rfind('.') + 1);
      AppendComment(std::string(key).append(": ").append(row.doc).append(" ") + Facts(row), out);
    }
  }
  QueryType own;
  own.name = "faq";
  own.ttl_ms = 604'800'000;
  std::vector<QueryType> types = Config().cache.types;
  types.push_back(own);
  for (const QueryType& type : types) {
    const bool is_own = type.name == own.name;
    out.append(is_own ? "#" : "").append("[cache.types.").append(type.name).append("]\n");
    for (const Row& row : Rows()) {
      const auto* field = std::get_if<TypeField>(&row.field);
      if (field != nullptr && (is_own || row.name.ends_with(".ttl_ms") ||
                               ValueText(*field, type) != ValueText(*field, fresh))) {
        AppendTypeField(row, type, out);
      }
    }
  }
}

}  // namespace

std::string RenderDefaultFile() {
  Config defaults;
  std::string out;
  AppendComment(kHead, out);
  for (const Section& section : Sections()) {
    out += "\n";
    AppendComment(section.doc, out);
    out.append("[").append(section.name).append("]\n");
    const std::string prefix = std::string(section.name) + ".";
    bool has_types = false;
    for (const Row& row : Rows()) {
      if (!row.name.starts_with(prefix)) {
        continue;
      }
      if (std::holds_alternative<TypeField>(row.field)) {
        has_types = true;
        continue;
      }
      out += "\n";
      AppendComment(std::string(row.doc) + "\n" + Facts(row), out);
      out.append("#").append(row.name.substr(prefix.size())).append(" = ");
      out.append(TomlValue(row, defaults)).append("\n");
    }
    if (has_types) {
      AppendTypes(out);
    }
  }
  return out;
}

}  // namespace reprise::config
