#include "client/cli/rows.h"

#include <algorithm>
#include <map>

#include "client/cli/built_in_rows.h"
#include "protocol/wire/json.h"

namespace reprise::client {
namespace {

using base::Value;

std::string TextOf(const Value& map, std::string_view name) {
  const Value* found = map.Find(name);
  return std::string(found == nullptr ? "" : found->AsText().value_or(""));
}

bool BoolOf(const Value& map, std::string_view name, bool otherwise) {
  const Value* found = map.Find(name);
  return found == nullptr ? otherwise : found->AsBool().value_or(otherwise);
}

const Value::Array& ItemsOf(const Value& map, std::string_view name) {
  static const Value::Array none;
  const Value* found = map.Find(name);
  return found == nullptr || found->AsArray() == nullptr ? none : *found->AsArray();
}

std::vector<std::string> TextsOf(const Value& map, std::string_view name) {
  std::vector<std::string> texts;
  for (const Value& item : ItemsOf(map, name)) {
    texts.emplace_back(item.AsText().value_or(""));
  }
  return texts;
}

ArgumentKind KindOf(std::string_view name) {
  if (name == "key") {
    return ArgumentKind::kKey;
  }
  if (name == "text") {
    return ArgumentKind::kText;
  }
  if (name == "integer" || name == "milliseconds") {
    return ArgumentKind::kInteger;
  }
  if (name == "bool") {
    return ArgumentKind::kBool;
  }
  return name == "texts" ? ArgumentKind::kTexts : ArgumentKind::kValue;
}

ArgumentRow ArgumentOf(const Value& map, bool required) {
  ArgumentRow row;
  row.name = TextOf(map, "name");
  row.kind_name = TextOf(map, "kind");
  row.kind = KindOf(row.kind_name);
  row.required = BoolOf(map, "required", required);
  row.nullable = BoolOf(map, "nullable", false);
  row.variadic = BoolOf(map, "variadic", false);
  row.doc = TextOf(map, "doc");
  return row;
}

// JSON text that is a str, or the JSON of anything else.
std::string ExampleText(const Value& example, std::string_view name) {
  const Value* found = example.Find(name);
  if (found == nullptr) {
    return "";
  }
  const auto text = found->AsText();
  return text.has_value() ? std::string(*text) : wire::ToJson(*found);
}

CommandRow RowOf(const Value& map) {
  CommandRow row;
  row.name = TextOf(map, "name");
  row.summary = TextOf(map, "summary");
  row.family = TextOf(map, "family");
  row.complexity = TextOf(map, "complexity");
  row.since = TextOf(map, "since");
  row.flags = TextsOf(map, "flags");
  row.result = TextOf(map, "result");
  row.errors = TextsOf(map, "errors");
  for (const Value& argument : ItemsOf(map, "args")) {
    row.arguments.push_back(ArgumentOf(argument, true));
  }
  for (const Value& option : ItemsOf(map, "options")) {
    row.options.push_back(ArgumentOf(option, false));
  }
  for (const Value& example : ItemsOf(map, "examples")) {
    row.examples.push_back({ExampleText(example, "request"), ExampleText(example, "reply")});
  }
  return row;
}

// Levenshtein distance, one row at a time.
std::size_t Distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> line(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) {
    line[j] = j;
  }
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = line[0];
    line[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = line[j];
      line[j] = std::min({replaced, line[j] + 1, line[j - 1] + 1});
    }
  }
  return line[b.size()];
}

void AppendArguments(std::string_view title, const std::vector<ArgumentRow>& rows,
                     std::string& out) {
  if (rows.empty()) {
    return;
  }
  std::size_t width = 0;
  for (const ArgumentRow& row : rows) {
    width = std::max(width, row.name.size() + row.kind_name.size());
  }
  out += std::string(title) + "\n";
  for (const ArgumentRow& row : rows) {
    const std::size_t used = row.name.size() + row.kind_name.size();
    out += "  " + row.name + " (" + row.kind_name + ")" + std::string(width - used + 2, ' ') +
           row.doc + "\n";
  }
}

}  // namespace

std::size_t CommandRow::RequiredCount() const {
  return static_cast<std::size_t>(
      std::count_if(arguments.begin(), arguments.end(),
                    [](const ArgumentRow& argument) { return argument.required; }));
}

const ArgumentRow* CommandRow::ArgumentAt(std::size_t index) const {
  if (index < arguments.size()) {
    return &arguments[index];
  }
  const auto first = std::find_if(arguments.begin(), arguments.end(),
                                  [](const ArgumentRow& argument) { return argument.variadic; });
  if (first == arguments.end()) {
    return nullptr;
  }
  const auto start = static_cast<std::size_t>(first - arguments.begin());
  return &arguments[start + (index - start) % (arguments.size() - start)];
}

const ArgumentRow* CommandRow::OptionNamed(std::string_view option) const {
  const auto found = std::find_if(options.begin(), options.end(),
                                  [option](const ArgumentRow& row) { return row.name == option; });
  return found == options.end() ? nullptr : &*found;
}

Rows::Rows(const Value& docs) {
  const Value* inside = docs.Find("commands");
  const Value& list = inside == nullptr ? docs : *inside;
  if (list.AsArray() == nullptr) {
    return;
  }
  for (const Value& item : *list.AsArray()) {
    CommandRow row = RowOf(item);
    if (!row.name.empty()) {
      rows_.push_back(std::move(row));
    }
  }
}

Rows Rows::BuiltIn() {
  const auto docs = wire::FromJson(kBuiltInRows);
  return docs.ok() ? Rows(docs.value()) : Rows();
}

const CommandRow* Rows::Find(std::string_view name) const {
  const std::string upper = ToUpper(name);
  const auto found = std::find_if(rows_.begin(), rows_.end(),
                                  [&upper](const CommandRow& row) { return row.name == upper; });
  return found == rows_.end() ? nullptr : &*found;
}

std::string Rows::Nearest(std::string_view name) const {
  constexpr std::size_t kNear = 2;
  const std::string upper = ToUpper(name);
  std::string nearest;
  std::size_t least = kNear + 1;
  for (const CommandRow& row : rows_) {
    const std::size_t distance = Distance(upper, row.name);
    if (distance < least && distance < row.name.size()) {
      least = distance;
      nearest = row.name;
    }
  }
  return nearest;
}

std::string ToUpper(std::string_view text) {
  std::string upper(text);
  for (char& letter : upper) {
    if (letter >= 'a' && letter <= 'z') {
      letter = static_cast<char>(letter - 'a' + 'A');
    }
  }
  return upper;
}

std::string UsageLine(const CommandRow& row) {
  std::string line = row.name;
  bool repeats = false;
  for (const ArgumentRow& argument : row.arguments) {
    line += argument.required ? " " + argument.name : " [" + argument.name + "]";
    repeats = repeats || argument.variadic;
  }
  line += repeats ? " ..." : "";
  for (const ArgumentRow& option : row.options) {
    line += " [" + option.name + "=" + option.kind_name + "]";
  }
  return line;
}

std::string HelpText(const CommandRow& row) {
  std::string text = UsageLine(row) + "\n  " + row.summary + "\n";
  AppendArguments("arguments:", row.arguments, text);
  AppendArguments("options:", row.options, text);
  if (!row.result.empty()) {
    text += "result: " + row.result + "\n";
  }
  if (!row.complexity.empty()) {
    text += "complexity: " + row.complexity + "\n";
  }
  for (const CommandRow::Example& example : row.examples) {
    text += "example: " + example.request + "\n      -> " + example.reply + "\n";
  }
  return text;
}

std::string HelpIndex(const Rows& rows, std::string_view family) {
  std::map<std::string, std::vector<const CommandRow*>> families;
  std::size_t width = 0;
  for (const CommandRow& row : rows.all()) {
    if (!family.empty() && ToUpper(row.family) != ToUpper(family)) {
      continue;
    }
    families[row.family].push_back(&row);
    width = std::max(width, row.name.size());
  }
  std::string text;
  for (const auto& [name, members] : families) {
    text += name + "\n";
    for (const CommandRow* row : members) {
      text +=
          "  " + row->name + std::string(width - row->name.size() + 2, ' ') + row->summary + "\n";
    }
  }
  return text;
}

}  // namespace reprise::client
