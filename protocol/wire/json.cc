#include "protocol/wire/json.h"

#include <cstdint>
#include <nlohmann/json.hpp>
#include <set>

#include "protocol/base/limits.h"

namespace reprise::wire {
namespace {

// Ordered: what is typed comes back in the order in which it was typed.
using Json = nlohmann::ordered_json;
using base::Value;

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string ToBase64(std::string_view bytes) {
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    for (std::size_t j = 0; j < 3; ++j) {
      group = group << 8U | (j < count ? static_cast<std::uint8_t>(bytes[i + j]) : 0U);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      text.push_back(j <= count ? kAlphabet[group >> (18 - 6 * j) & 63U] : '=');
    }
  }
  return text;
}

base::Result<std::string> FromBase64(std::string_view text) {
  std::string bytes;
  std::uint32_t group = 0;
  unsigned bits = 0;
  while (!text.empty() && text.back() == '=') {
    text.remove_suffix(1);
  }
  for (const char letter : text) {
    const std::size_t digit = kAlphabet.find(letter);
    if (digit == std::string_view::npos) {
      return base::Error{base::Code::kBadRequest, "$bin and $ext take base64"};
    }
    group = group << 6U | static_cast<std::uint32_t>(digit);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes.push_back(static_cast<char>(group >> bits & 255U));
    }
  }
  return bytes;
}

base::Result<Value> FromNode(const Json& node, int depth);

base::Result<Value> FromObject(const Json& node, int depth) {
  if (node.size() == 1 && node.contains("$bin") && node["$bin"].is_string()) {
    ASSIGN_OR_RETURN(std::string bytes, FromBase64(node["$bin"].get<std::string>()));
    return Value(base::Binary{std::move(bytes)});
  }
  if (node.size() == 1 && node.contains("$ext") && node["$ext"].is_array() &&
      node["$ext"].size() == 2 && node["$ext"][0].is_number_integer() &&
      node["$ext"][1].is_string()) {
    ASSIGN_OR_RETURN(std::string bytes, FromBase64(node["$ext"][1].get<std::string>()));
    const auto type = node["$ext"][0].get<std::int64_t>();
    if (type < -128 || type > 127) {
      return base::Error{base::Code::kBadRequest, "an $ext type is from -128 to 127"};
    }
    return Value(base::Extension{static_cast<std::int8_t>(type), std::move(bytes)});
  }
  Value::Map map;
  for (const auto& [key, child] : node.items()) {
    ASSIGN_OR_RETURN(Value value, FromNode(child, depth + 1));
    map.emplace_back(Value(key), std::move(value));
  }
  return Value(std::move(map));
}

base::Result<Value> FromNode(const Json& node, int depth) {
  if (depth > base::limits::kDepth.value) {
    return base::Error{base::Code::kTooLarge, "depth: more than the limit of 16"};
  }
  switch (node.type()) {
    case Json::value_t::null:
      return Value();
    case Json::value_t::boolean:
      return Value(node.get<bool>());
    case Json::value_t::number_integer:
      return Value(node.get<std::int64_t>());
    case Json::value_t::number_unsigned:
      return Value(node.get<std::uint64_t>());
    case Json::value_t::number_float:
      return Value(node.get<double>());
    case Json::value_t::string:
      return Value(node.get<std::string>());
    case Json::value_t::object:
      return FromObject(node, depth);
    case Json::value_t::array: {
      Value::Array items;
      for (const Json& child : node) {
        ASSIGN_OR_RETURN(Value value, FromNode(child, depth + 1));
        items.push_back(std::move(value));
      }
      return Value(std::move(items));
    }
    case Json::value_t::binary:
    case Json::value_t::discarded:
      break;
  }
  return base::Error{base::Code::kBadRequest, "not JSON"};
}

Json ToNode(const Value& value);

bool IsUtf8(const std::string& text) {
  try {
    (void)Json(text).dump();
  } catch (const Json::exception&) {
    return false;
  }
  return true;
}

Json TextNode(const std::string& text) {
  return IsUtf8(text) ? Json(text) : Json{{"$bin", ToBase64(text)}};
}

struct NodeBuilder {
  Json operator()(const base::Nil& /*nil*/) const { return nullptr; }
  Json operator()(bool value) const { return value; }
  Json operator()(std::int64_t value) const { return value; }
  Json operator()(std::uint64_t value) const { return value; }
  Json operator()(double value) const { return value; }
  Json operator()(const std::string& text) const { return TextNode(text); }
  Json operator()(const base::Binary& binary) const {
    return Json{{"$bin", ToBase64(binary.bytes)}};
  }
  Json operator()(const base::Extension& extension) const {
    return Json{{"$ext", Json::array({extension.type, ToBase64(extension.bytes)})}};
  }
  Json operator()(const Value::Array& items) const {
    Json node = Json::array();
    for (const Value& item : items) {
      node.push_back(ToNode(item));
    }
    return node;
  }
  Json operator()(const Value::Map& pairs) const {
    Json node = Json::object();
    for (const auto& [key, child] : pairs) {
      const auto* name = std::get_if<std::string>(&key.state());
      node[name != nullptr && IsUtf8(*name) ? *name : ToNode(key).dump()] = ToNode(child);
    }
    return node;
  }
};

Json ToNode(const Value& value) {
  return std::visit(NodeBuilder{}, value.state());
}

}  // namespace

base::Result<Value> FromJson(std::string_view text) {
  std::vector<std::set<std::string>> open;  // keys of the objects that are being read
  std::string duplicate;
  bool too_deep = false;
  const auto watch = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::object_start) {
      open.emplace_back();
    } else if (event == Json::parse_event_t::object_end) {
      open.pop_back();
    } else if (event == Json::parse_event_t::key &&
               !open.back().insert(parsed.get<std::string>()).second) {
      duplicate = parsed.get<std::string>();
    }
    too_deep = too_deep || depth > base::limits::kDepth.value;
    return true;
  };
  Json node;
  try {
    node = Json::parse(text, watch);
  } catch (const Json::exception& error) {
    const std::string what = error.what();
    return base::Error{base::Code::kBadRequest, what.substr(what.find(']') + 2)};
  }
  if (too_deep) {
    return base::Error{base::Code::kTooLarge, "depth: more than the limit of 16"};
  }
  if (!duplicate.empty()) {
    return base::Error{base::Code::kBadRequest, "the key \"" + duplicate + "\" stands twice"};
  }
  return FromNode(node, 0);
}

std::string ToJson(const Value& value, bool indented) {
  return ToNode(value).dump(indented ? 2 : -1);
}

}  // namespace reprise::wire
