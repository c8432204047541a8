#include "client/cpp/fields.h"

#include <utility>

namespace reprise::client {
namespace {

using base::Value;

base::Error Unexpected(std::string_view method, std::string_view wanted) {
  return {base::Code::kCorrupt, "the reply to " + std::string(method) + " is not " +
                                    std::string(wanted) + "; is the server of another version?"};
}

}  // namespace

std::string TextOf(const Value& map, std::string_view name) {
  const Value* found = map.Find(name);
  return std::string(found == nullptr ? "" : found->AsText().value_or(""));
}

std::int64_t IntOf(const Value& map, std::string_view name) {
  const Value* found = map.Find(name);
  return found == nullptr ? 0 : found->AsInt().value_or(0);
}

std::uint64_t UintOf(const Value& map, std::string_view name) {
  const Value* found = map.Find(name);
  return found == nullptr ? 0 : found->AsUint().value_or(0);
}

bool BoolOf(const Value& map, std::string_view name) {
  const Value* found = map.Find(name);
  return found != nullptr && found->AsBool().value_or(false);
}

std::vector<std::string> TextsOf(const Value& map, std::string_view name) {
  const Value* found = map.Find(name);
  const Value::Array* items = found == nullptr ? nullptr : found->AsArray();
  std::vector<std::string> texts;
  if (items != nullptr) {
    for (const Value& item : *items) {
      texts.emplace_back(item.AsText().value_or(""));
    }
  }
  return texts;
}

base::Result<bool> ExpectBool(const Value& reply, std::string_view method) {
  if (const auto value = reply.AsBool()) {
    return *value;
  }
  return Unexpected(method, "true or false");
}

base::Result<std::int64_t> ExpectInt(const Value& reply, std::string_view method) {
  if (const auto value = reply.AsInt()) {
    return *value;
  }
  return Unexpected(method, "an integer");
}

base::Result<std::uint64_t> ExpectUint(const Value& reply, std::string_view method) {
  if (const auto value = reply.AsUint()) {
    return *value;
  }
  return Unexpected(method, "a count");
}

base::Result<const Value::Array*> ExpectArray(const Value& reply, std::string_view method) {
  if (const Value::Array* items = reply.AsArray()) {
    return items;
  }
  return Unexpected(method, "an array");
}

base::Result<const Value::Map*> ExpectMap(const Value& reply, std::string_view method) {
  if (const Value::Map* pairs = reply.AsMap()) {
    return pairs;
  }
  return Unexpected(method, "a map");
}

base::Result<std::vector<std::string>> ExpectTexts(const Value& reply, std::string_view method) {
  ASSIGN_OR_RETURN(const Value::Array* items, ExpectArray(reply, method));
  std::vector<std::string> texts;
  texts.reserve(items->size());
  for (const Value& item : *items) {
    const auto text = item.AsText();
    if (!text.has_value()) {
      return Unexpected(method, "an array of str");
    }
    texts.emplace_back(*text);
  }
  return texts;
}

void OptionMap::AddIfSet(std::string_view name, const std::vector<std::string>& texts) {
  if (texts.empty()) {
    return;
  }
  Value::Array items;
  for (const std::string& text : texts) {
    items.emplace_back(text);
  }
  Add(name, std::move(items));
}

void OptionMap::AppendTo(Value::Array& params) && {
  if (!pairs_.empty()) {
    params.emplace_back(std::move(pairs_));
  }
}

}  // namespace reprise::client
