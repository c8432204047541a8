// Owns the passage between text and fields. Does not own files (toml_file.cc) nor rules over
// several keys (check.cc).
#include "server/config/settings.h"

#include <algorithm>
#include <cstdio>
#include <optional>
#include <utility>

namespace reprise::config {
namespace {

constexpr std::size_t kShownBytesMax = 64;

std::string NameOf(const Match& match) {
  std::string name(match.row->name);
  if (!match.type_name.empty()) {
    const std::size_t place = name.find('<');
    name.replace(place, name.find('>') + 1 - place, match.type_name);
  }
  return name;
}

base::Error Refused(const Match& match, const std::string& shown, std::string_view why) {
  return {base::Code::kBadRequest, NameOf(match) + " = " + shown + ": " + std::string(why) +
                                       "; allowed: " + AllowedText(*match.row)};
}

base::Error WrongType(const Match& match, const Given& given) {
  const std::string units = UnitsOf(match.row->kind);
  std::string why = "this is no " + std::string(NameOf(match.row->kind)) + " value";
  if (!units.empty()) {
    why += " (a whole number, or a text with one of the units " + units + ")";
  }
  return Refused(match, given.shown, why);
}

// The query type in the middle of the name; makes it when it is new.
base::Result<QueryType*> TypeOf(const Match& match, const Given& given, Config& config) {
  const std::string_view problem = TypeNameProblem(match.type_name);
  if (!problem.empty()) {
    return base::Error{base::Code::kBadRequest,
                       "cache.types." + Quoted(match.type_name) + ": " + std::string(problem)};
  }
  QueryType* type = FindType(config, match.type_name);
  if (type == nullptr) {
    const auto types_max = static_cast<std::size_t>(base::limits::kQueryTypes.value);
    if (config.cache.types.size() >= types_max) {
      return Refused(match, given.shown,
                     "there are " + std::to_string(types_max) + " query types, which is the limit");
    }
    type = &config.cache.types.emplace_back();
    type->name = match.type_name;
  }
  return type;
}

// Gives a number or a flag to the field, of the configuration or of a query type.
template <typename PlainField, typename Value>
base::Status Put(const Match& match, const Given& given, Value value, Config& config) {
  if (const auto* field = std::get_if<PlainField>(&match.row->field)) {
    (*field)(config) = value;
    return base::Ok{};
  }
  const auto member = std::get<Value QueryType::*>(std::get<TypeField>(match.row->field));
  ASSIGN_OR_RETURN(QueryType * type, TypeOf(match, given, config));
  type->*member = value;
  return base::Ok{};
}

base::Status AssignNumber(const Match& match, const Given& given, Config& config) {
  const Row& row = *match.row;
  std::optional<std::int64_t> number;
  if (const auto* whole = std::get_if<std::int64_t>(&given.value)) {
    number = *whole;
  } else if (const auto* text = std::get_if<std::string>(&given.value)) {
    number = row.kind == Kind::kInteger ? std::nullopt : ParseQuantity(row.kind, *text);
  }
  if (!number.has_value()) {
    return WrongType(match, given);
  }
  if (*number < row.min || *number > row.max) {
    return Refused(match, given.shown, "out of range");
  }
  return Put<NumberField>(match, given, *number, config);
}

base::Status AssignText(const Match& match, const Given& given, Config& config) {
  const auto* text = std::get_if<std::string>(&given.value);
  if (text == nullptr) {
    return WrongType(match, given);
  }
  if (text->size() > static_cast<std::size_t>(match.row->max)) {
    return Refused(match, given.shown, "too long");
  }
  const std::string_view problem = match.row->problem == nullptr ? "" : match.row->problem(*text);
  if (!problem.empty()) {
    return Refused(match, given.shown, problem);
  }
  std::get<TextField>(match.row->field)(config) = *text;
  return base::Ok{};
}

base::Status AssignList(const Match& match, const Given& given, Config& config) {
  const auto* items = std::get_if<std::vector<std::string>>(&given.value);
  if (items == nullptr) {
    return WrongType(match, given);
  }
  if (items->size() > static_cast<std::size_t>(match.row->max)) {
    return Refused(match, std::to_string(items->size()) + " items", "too many");
  }
  for (const std::string& item : *items) {
    const std::string_view problem = match.row->problem(item);
    if (!problem.empty()) {
      return Refused(match, Quoted(item), problem);
    }
  }
  std::get<ListField>(match.row->field)(config) = *items;
  return base::Ok{};
}

base::Status AssignChoice(const Match& match, const Given& given, Config& config) {
  const auto* text = std::get_if<std::string>(&given.value);
  if (text == nullptr) {
    return WrongType(match, given);
  }
  const auto& choices = match.row->choices;
  const auto found = std::find(choices.begin(), choices.end(), *text);
  if (found == choices.end()) {
    return Refused(match, given.shown, "not one of the choices");
  }
  if (const auto* field = std::get_if<TextField>(&match.row->field)) {
    (*field)(config) = *text;
  } else {
    std::get<ChoiceField>(match.row->field)
        .set(config, static_cast<std::size_t>(found - choices.begin()));
  }
  return base::Ok{};
}

base::Status AssignFlag(const Match& match, const Given& given, Config& config) {
  const auto* flag = std::get_if<bool>(&given.value);
  if (flag == nullptr) {
    return WrongType(match, given);
  }
  return Put<FlagField>(match, given, *flag, config);
}

std::vector<std::string> SplitAtCommas(std::string_view text) {
  std::vector<std::string> items;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    std::string_view item = text.substr(0, comma);
    while (item.starts_with(' ')) {
      item.remove_prefix(1);
    }
    while (item.ends_with(' ')) {
      item.remove_suffix(1);
    }
    items.emplace_back(item);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return items;
}

// What a file would have given in the place of this text.
Given GivenText(Kind kind, std::string_view text) {
  Given given{std::string(text), Quoted(text)};
  if (IsNumber(kind)) {
    if (const auto number = ParseQuantity(kind, text)) {
      given.value = *number;
    } else {
      given.value = Given::Unusable{};
    }
  } else if (kind == Kind::kBoolean && (text == "true" || text == "false")) {
    given.value = text == "true";
  } else if (kind == Kind::kList) {
    given.value = SplitAtCommas(text);
  }
  return given;
}

Setting SettingOf(const Row& row, std::string name) {
  Setting setting;
  setting.name = std::move(name);
  setting.kind = NameOf(row.kind);
  setting.allowed = AllowedText(row);
  setting.doc = row.doc;
  setting.live = row.change == Change::kLive;
  return setting;
}

// All fields of one query type after the other.
void AppendTypes(Config& config, std::vector<Setting>& out) {
  Config defaults;
  const QueryType fallback;
  for (const QueryType& type : config.cache.types) {
    const QueryType* known = FindType(defaults, type.name);
    for (const Row& row : Rows()) {
      if (const auto* field = std::get_if<TypeField>(&row.field)) {
        Setting setting = SettingOf(row, NameOf(Match{&row, type.name}));
        setting.value = ValueText(*field, type);
        setting.default_value = ValueText(*field, known == nullptr ? fallback : *known);
        out.push_back(std::move(setting));
      }
    }
  }
}

// `*` in the pattern stands for any text, also for none. Each part between stars is looked for as
// early as possible, so that most is left for those behind it.
bool BeginsWithPattern(std::string_view name, std::string_view pattern) {
  std::size_t star = std::min(pattern.find('*'), pattern.size());
  if (!name.starts_with(pattern.substr(0, star))) {
    return false;
  }
  name.remove_prefix(star);
  while (star < pattern.size()) {
    pattern.remove_prefix(star + 1);
    star = std::min(pattern.find('*'), pattern.size());
    const std::size_t found = name.find(pattern.substr(0, star));
    if (found == std::string_view::npos) {
      return false;
    }
    name.remove_prefix(found + star);
  }
  return true;
}

}  // namespace

std::string Quoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char byte : text.substr(0, kShownBytesMax)) {
    const auto code = static_cast<unsigned char>(byte);
    if (code < 0x20 || code == 0x7F) {
      char escape[8];
      std::snprintf(escape, sizeof(escape), "\\x%02x", code);
      quoted += escape;
    } else {
      quoted += byte;
    }
  }
  quoted += text.size() > kShownBytesMax ? "...\"" : "\"";
  return quoted;
}

base::Error UnknownName(std::string_view name) {
  return {base::Code::kNotFound,
          "there is no setting " + Quoted(name) + "; the nearest is " + NearestName(name)};
}

base::Status Assign(const Match& match, const Given& given, Config& config) {
  switch (match.row->kind) {
    case Kind::kInteger:
    case Kind::kBytes:
    case Kind::kMilliseconds:
    case Kind::kMicroseconds:
      return AssignNumber(match, given, config);
    case Kind::kBoolean:
      return AssignFlag(match, given, config);
    case Kind::kText:
      return AssignText(match, given, config);
    case Kind::kList:
      return AssignList(match, given, config);
    case Kind::kChoice:
      return AssignChoice(match, given, config);
  }
  return WrongType(match, given);
}

std::string ValueText(const TypeField& field, const QueryType& type) {
  if (const auto* flag = std::get_if<bool QueryType::*>(&field)) {
    return type.**flag ? "true" : "false";
  }
  return std::to_string(type.*std::get<std::int64_t QueryType::*>(field));
}

std::string ValueText(const Row& row, Config& config) {
  if (const auto* number = std::get_if<NumberField>(&row.field)) {
    return std::to_string((*number)(config));
  }
  if (const auto* flag = std::get_if<FlagField>(&row.field)) {
    return (*flag)(config) ? "true" : "false";
  }
  if (const auto* text = std::get_if<TextField>(&row.field)) {
    return (*text)(config);
  }
  if (const auto* choice = std::get_if<ChoiceField>(&row.field)) {
    return std::string(row.choices[choice->get(config)]);
  }
  std::string joined;
  if (const auto* list = std::get_if<ListField>(&row.field)) {
    for (const std::string& item : (*list)(config)) {
      joined += joined.empty() ? "" : ",";
      joined += item;
    }
  }
  return joined;
}

void CopyLive(Config& from, Config& to) {
  for (const Row& row : Rows()) {
    if (row.change != Change::kLive) {
      continue;
    }
    if (const auto* number = std::get_if<NumberField>(&row.field)) {
      (*number)(to) = (*number)(from);
    } else if (const auto* flag = std::get_if<FlagField>(&row.field)) {
      (*flag)(to) = (*flag)(from);
    } else if (const auto* text = std::get_if<TextField>(&row.field)) {
      (*text)(to) = (*text)(from);
    } else if (const auto* list = std::get_if<ListField>(&row.field)) {
      (*list)(to) = (*list)(from);
    } else if (const auto* choice = std::get_if<ChoiceField>(&row.field)) {
      choice->set(to, choice->get(from));
    } else {
      to.cache.types = from.cache.types;
    }
  }
}

base::Status Set(std::string_view name, std::string_view value, Config& config) {
  const std::optional<Match> match = FindRow(name);
  if (!match.has_value()) {
    return UnknownName(name);
  }
  return Assign(*match, GivenText(match->row->kind, value), config);
}

std::vector<Setting> Describe(const Config& config, std::string_view prefix) {
  Config values = config;
  Config defaults;
  std::vector<Setting> settings;
  bool has_types = false;
  for (const Row& row : Rows()) {
    if (std::holds_alternative<TypeField>(row.field)) {
      if (!has_types) {
        AppendTypes(values, settings);
      }
      has_types = true;
      continue;
    }
    Setting setting = SettingOf(row, std::string(row.name));
    setting.value = ValueText(row, values);
    setting.default_value = ValueText(row, defaults);
    settings.push_back(std::move(setting));
  }
  std::erase_if(settings, [prefix](const Setting& setting) {
    return !BeginsWithPattern(setting.name, prefix);
  });
  return settings;
}

bool IsLive(std::string_view name) {
  const std::optional<Match> match = FindRow(name);
  return match.has_value() && match->row->change == Change::kLive;
}

}  // namespace reprise::config
