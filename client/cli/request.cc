#include "client/cli/request.h"

#include <charconv>
#include <optional>

#include "protocol/wire/json.h"

namespace reprise::client {
namespace {

using base::Value;

base::Error Wrong(const CommandRow& row, const std::string& what) {
  return {base::Code::kBadRequest, what + "\nusage: " + UsageLine(row)};
}

base::Result<Value> IntegerOf(const CommandRow& row, const ArgumentRow& argument,
                              const std::string& text) {
  std::int64_t number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure == std::errc::result_out_of_range && end == text.data() + text.size()) {
    return Wrong(row, argument.name + " must be an integer of 64 bits, found " + text);
  }
  if (failure != std::errc{} || end != text.data() + text.size()) {
    return Wrong(row, argument.name + " must be an integer, found '" + text + "'");
  }
  return Value(number);
}

Value TextsOfWord(const std::string& text) {
  if (text.starts_with('[')) {
    if (auto parsed = wire::FromJson(text); parsed.ok()) {
      return std::move(parsed).value();
    }
  }
  Value::Array items;
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t comma = std::min(text.find(',', start), text.size());
    items.emplace_back(text.substr(start, comma - start));
    start = comma + 1;
  }
  return items;
}

base::Result<Value> ValueFor(const CommandRow& row, const ArgumentRow& argument, const Word& word) {
  if (argument.nullable && !word.quoted && word.text == "null") {
    return Value();
  }
  switch (argument.kind) {
    case ArgumentKind::kKey:
    case ArgumentKind::kText:
      return Value(word.text);
    case ArgumentKind::kInteger:
      return IntegerOf(row, argument, word.text);
    case ArgumentKind::kBool:
      if (word.text != "true" && word.text != "false") {
        return Wrong(row, argument.name + " must be true or false, found '" + word.text + "'");
      }
      return Value(word.text == "true");
    case ArgumentKind::kTexts:
      return TextsOfWord(word.text);
    case ArgumentKind::kValue:
      return ValueOfWord(word);
  }
  return ValueOfWord(word);
}

// name=value, where the command has an option of that name.
std::optional<ArgumentRow> OptionOf(const CommandRow& row, const Word& word) {
  const std::size_t equals = word.text.find('=');
  if (equals == std::string::npos) {
    return std::nullopt;
  }
  const std::string name = word.text.substr(0, equals);
  if (name == "timeout_ms") {  // Every command takes it, and no row names it.
    ArgumentRow timeout;
    timeout.name = name;
    timeout.kind = ArgumentKind::kInteger;
    return timeout;
  }
  const ArgumentRow* option = row.OptionNamed(name);
  return option == nullptr ? std::nullopt : std::optional(*option);
}

base::Result<std::optional<Value>> OptionMapOf(const CommandRow& row, std::size_t index,
                                               const Word& word) {
  const ArgumentRow* argument = row.ArgumentAt(index);
  const bool may_be = argument == nullptr || argument->kind != ArgumentKind::kValue;
  if (!may_be || word.quoted || !word.text.starts_with('{')) {
    return std::optional<Value>();
  }
  ASSIGN_OR_RETURN(Value value, ValueOfWord(word));
  return value.AsMap() != nullptr ? std::optional(std::move(value)) : std::nullopt;
}

base::Status CheckCount(const CommandRow& row, std::size_t given) {
  if (given < row.RequiredCount()) {
    return Wrong(row, row.name + " needs " + std::to_string(row.RequiredCount()) +
                          (row.RequiredCount() == 1 ? " argument, " : " arguments, ") +
                          std::to_string(given) + " given");
  }
  return base::Ok{};
}

// Words behind the command, by its row.
base::Result<Value::Array> ByRow(const CommandRow& row, const std::vector<Word>& words,
                                 std::size_t first) {
  Value::Array params;
  Value::Map options;
  for (std::size_t i = first; i < words.size(); ++i) {
    const Word& word = words[i];
    const bool may_be_option = params.size() >= row.RequiredCount();
    if (const auto option = may_be_option ? OptionOf(row, word) : std::nullopt) {
      const Word right{word.text.substr(option->name.size() + 1), false};
      ASSIGN_OR_RETURN(Value value, ValueFor(row, *option, right));
      options.emplace_back(option->name, std::move(value));
      continue;
    }
    if (may_be_option) {
      ASSIGN_OR_RETURN(const auto map, OptionMapOf(row, params.size(), word));
      if (map.has_value()) {
        options.insert(options.end(), map->AsMap()->begin(), map->AsMap()->end());
        continue;
      }
    }
    const ArgumentRow* argument = row.ArgumentAt(params.size());
    if (argument == nullptr || !options.empty()) {
      return Wrong(row, "'" + word.text + "' is one argument too many for " + row.name);
    }
    ASSIGN_OR_RETURN(Value value, ValueFor(row, *argument, word));
    params.push_back(std::move(value));
  }
  RETURN_IF_ERROR(CheckCount(row, params.size()));
  if (!options.empty()) {
    params.emplace_back(std::move(options));
  }
  return params;
}

base::Result<Value::Array> AsJson(const std::vector<Word>& words, std::size_t first) {
  Value::Array params;
  for (std::size_t i = first; i < words.size(); ++i) {
    auto parsed = wire::FromJson(words[i].text);
    if (!parsed.ok() && parsed.error().code == base::Code::kTooLarge) {
      return parsed.error();
    }
    if (!parsed.ok()) {
      return base::Error{base::Code::kBadRequest, "with --json-args '" + words[i].text +
                                                      "' must be JSON: " + parsed.error().detail};
    }
    params.push_back(std::move(parsed).value());
  }
  return params;
}

}  // namespace

base::Result<Value> ValueOfWord(const Word& word) {
  if (word.quoted) {
    return Value(word.text);
  }
  auto parsed = wire::FromJson(word.text);
  // What is JSON and cannot be sent as it stands must not become a text without a word.
  const bool is_text = !parsed.ok() && parsed.error().code != base::Code::kTooLarge;
  return is_text ? Value(word.text) : std::move(parsed);
}

base::Result<RequestLine> MakeRequest(const std::vector<Word>& words, const Rows& rows,
                                      bool json_args) {
  if (words.empty()) {
    return base::Error{base::Code::kBadRequest, "no command is given"};
  }
  RequestLine request{ToUpper(words[0].text), {}};
  std::size_t first = 1;
  const CommandRow* row = rows.Find(request.method);
  if (row == nullptr && words.size() > 1) {
    row = rows.Find(request.method + "." + words[1].text);
    first = row == nullptr ? 1 : 2;
  }
  if (row != nullptr) {
    request.method = row->name;
  }
  if (json_args) {
    ASSIGN_OR_RETURN(request.params, AsJson(words, first));
    return request;
  }
  if (row != nullptr) {
    ASSIGN_OR_RETURN(request.params, ByRow(*row, words, first));
    return request;
  }
  for (std::size_t i = first; i < words.size(); ++i) {
    ASSIGN_OR_RETURN(Value value, ValueOfWord(words[i]));
    request.params.push_back(std::move(value));
  }
  return request;
}

}  // namespace reprise::client
