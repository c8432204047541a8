#include "protocol/wire/json.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>

#include "protocol/wire/base64.h"

namespace reprise::wire {
namespace {

// Ordered: what is typed comes back in the order in which it was typed.
using Json = nlohmann::ordered_json;
using base::Value;

Json ToNode(const Value& value);

// In quotes; absent when it is not UTF-8.
std::optional<std::string> Quoted(const std::string& text) {
  try {
    return Json(text).dump();
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

bool IsUtf8(const std::string& text) {
  return Quoted(text).has_value();
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

// Appends the exact spelling of a value.
class ExactWriter {
 public:
  explicit ExactWriter(std::string& out) : out_(out) {}

  void operator()(const base::Nil& /*nil*/) const { out_ += "null"; }
  void operator()(bool value) const { out_ += value ? "true" : "false"; }
  void operator()(std::int64_t value) const { out_ += std::to_string(value); }
  void operator()(std::uint64_t value) const { out_ += std::to_string(value); }
  void operator()(double value) const {
    if (std::isfinite(value)) {
      out_ += Json(value).dump();  // The shortest that reads as the same, always with . or e.
      return;
    }
    std::array<char, 32> digits{};
    std::snprintf(digits.data(), digits.size(), "%016llx",
                  static_cast<unsigned long long>(std::bit_cast<std::uint64_t>(value)));
    out_.append(R"({"$float":")").append(digits.data()).append(R"("})");
  }
  void operator()(const std::string& text) const {
    if (const auto quoted = Quoted(text)) {
      out_ += *quoted;
    } else {
      out_.append(R"({"$str":")").append(ToBase64(text)).append(R"("})");
    }
  }
  void operator()(const base::Binary& binary) const {
    out_.append(R"({"$bin":")").append(ToBase64(binary.bytes)).append(R"("})");
  }
  void operator()(const base::Extension& extension) const {
    out_.append(R"({"$ext":[)").append(std::to_string(extension.type)).append(R"(,")");
    out_.append(ToBase64(extension.bytes)).append(R"("]})");
  }
  void operator()(const Value::Array& items) const {
    out_ += '[';
    for (std::size_t i = 0; i < items.size(); ++i) {
      out_ += i == 0 ? "" : ",";
      Write(items[i]);
    }
    out_ += ']';
  }
  void operator()(const Value::Map& pairs) const {
    const bool plain = IsObject(pairs);
    out_ += plain ? "{" : R"({"$map":[)";
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      out_ += i == 0 ? "" : ",";
      out_ += plain ? "" : "[";
      Write(pairs[i].first);
      out_ += plain ? ':' : ',';
      Write(pairs[i].second);
      out_ += plain ? "" : "]";
    }
    out_ += plain ? "}" : "]}";
  }
  void Write(const Value& value) const { std::visit(*this, value.state()); }

 private:
  static bool IsObject(const Value::Map& pairs) {
    std::vector<std::string_view> keys;
    for (const auto& [key, value] : pairs) {
      const auto* name = std::get_if<std::string>(&key.state());
      if (name == nullptr || !IsUtf8(*name)) {
        return false;
      }
      keys.emplace_back(*name);
    }
    if (keys.size() == 1 && keys.front().starts_with('$')) {
      return false;
    }
    std::sort(keys.begin(), keys.end());
    return std::adjacent_find(keys.begin(), keys.end()) == keys.end();
  }

  std::string& out_;
};

}  // namespace

std::string ToExactJson(const Value& value) {
  std::string out;
  ExactWriter(out).Write(value);
  return out;
}

std::string ToJson(const Value& value, bool indented) {
  return ToNode(value).dump(indented ? 2 : -1);
}

}  // namespace reprise::wire
