// FromJson: JSON text to a Value, with every limit enforced before memory is taken.
#include <algorithm>
#include <bit>
#include <charconv>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "protocol/base/limits.h"
#include "protocol/wire/base64.h"
#include "protocol/wire/json.h"

namespace reprise::wire {
namespace {

using base::Code;
using base::Error;
using base::Value;
using Json = nlohmann::json;

constexpr std::size_t kShownMax = 64;
// A map that is spelled with $map takes three levels of JSON.
constexpr auto kOpenMax = static_cast<std::size_t>(base::limits::kDepth.value) * 3 + 2;

std::string Shown(std::string_view text) {
  return text.size() <= kShownMax ? std::string(text)
                                  : std::string(text.substr(0, kShownMax)) + "...";
}

// What an object with one member stands for; absent: for itself.
using Meaning = base::Result<std::optional<Value>>;

Meaning MeaningOfExtension(const Value& parts) {
  const Value::Array* items = parts.AsArray();
  if (items == nullptr || items->size() != 2 || !(*items)[0].AsInt().has_value() ||
      !std::holds_alternative<std::string>((*items)[1].state())) {
    return std::optional<Value>{};
  }
  const std::int64_t type = *(*items)[0].AsInt();
  if (type < -128 || type > 127) {
    return Error{Code::kBadRequest, "an $ext type is from -128 to 127"};
  }
  ASSIGN_OR_RETURN(std::string bytes, FromBase64(*(*items)[1].AsText()));
  return std::optional<Value>(base::Extension{static_cast<std::int8_t>(type), std::move(bytes)});
}

Meaning MeaningOfFloat(std::string_view digits) {
  std::uint64_t bits = 0;
  const auto [end, failure] =
      std::from_chars(digits.data(), digits.data() + digits.size(), bits, 16);
  if (digits.size() != 16 || failure != std::errc{} || end != digits.data() + digits.size()) {
    return Error{Code::kBadRequest, "$float takes 16 hex digits, found " + Shown(digits)};
  }
  return std::optional<Value>(std::bit_cast<double>(bits));
}

Meaning MeaningOfMap(Value& parts) {
  const Value::Array* items = parts.AsArray();
  const bool has_pairs =
      items != nullptr && std::all_of(items->begin(), items->end(), [](const Value& item) {
        return item.AsArray() != nullptr && item.AsArray()->size() == 2;
      });
  if (!has_pairs) {
    return Error{Code::kBadRequest, "$map takes an array of [key, value]"};
  }
  Value::Map map;
  map.reserve(items->size());
  for (const Value& item : *items) {
    map.emplace_back((*item.AsArray())[0], (*item.AsArray())[1]);
  }
  return std::optional<Value>(std::move(map));
}

Meaning MeaningOf(std::string_view name, Value& member) {
  if (name == "$map") {
    return MeaningOfMap(member);
  }
  if (name == "$ext") {
    return MeaningOfExtension(member);
  }
  const auto* text = std::get_if<std::string>(&member.state());
  if (text == nullptr) {
    return std::optional<Value>{};
  }
  if (name == "$float") {
    return MeaningOfFloat(*text);
  }
  if (name == "$bin") {
    ASSIGN_OR_RETURN(std::string bytes, FromBase64(*text));
    return std::optional<Value>(base::Binary{std::move(bytes)});
  }
  if (name == "$str") {
    ASSIGN_OR_RETURN(std::string bytes, FromBase64(*text));
    return std::optional<Value>(std::move(bytes));
  }
  return std::optional<Value>{};
}

// Takes the parser's events. A method that answers false ends the parsing; `error` says why.
class Builder {
 public:
  // NOLINTBEGIN(readability-identifier-naming): the names are the parser's.
  bool null() { return Add(Value()); }
  bool boolean(bool value) { return Add(Value(value)); }
  bool number_integer(std::int64_t value) { return Add(Value(value)); }
  bool number_unsigned(std::uint64_t value) { return Add(Value(value)); }
  bool number_float(double value, const std::string& text) {
    // The parser reads an integer that has no 64-bit form as a float, and so rounds it.
    if (text.find_first_of(".eE") == std::string::npos) {
      return Fail(Code::kTooLarge,
                  "the integer " + Shown(text) +
                      " is beyond 64 bits (-9223372036854775808 to 18446744073709551615); "
                      "give it as a string in double quotes");
    }
    return Add(Value(value));
  }
  bool string(std::string& text) { return Add(Value(std::move(text))); }
  bool binary(Json::binary_t& /*bytes*/) { return Fail(Code::kBadRequest, "not JSON"); }
  bool start_object(std::size_t /*size*/) { return Open(true); }
  bool key(std::string& name) {
    open_.back().keys.push_back(std::move(name));
    return true;
  }
  bool end_object() { return CloseObject(); }
  bool start_array(std::size_t /*size*/) { return Open(false); }
  bool end_array() {
    Container done = Take();
    return Add(Value(std::move(done.items)), done.depth + 1);
  }
  bool parse_error(std::size_t /*position*/, const std::string& /*token*/,
                   const Json::exception& thrown) {
    constexpr std::size_t kDetailMax = 300;
    const std::string what = thrown.what();
    const std::string detail = what.substr(what.find(']') + 2);
    return Fail(Code::kBadRequest,
                detail.size() > kDetailMax ? detail.substr(0, kDetailMax) + "..." : detail);
  }
  // NOLINTEND(readability-identifier-naming)

  std::optional<Error> error;
  Value result;

 private:
  struct Container {
    bool is_object = false;
    int depth = 0;  // of the deepest item
    std::vector<std::string> keys{};
    Value::Array items{};
  };

  bool Fail(Code code, std::string detail) {
    if (!error.has_value()) {
      error = Error{code, std::move(detail)};
    }
    return false;
  }

  bool Open(bool is_object) {
    if (open_.size() == kOpenMax) {
      return Fail(Code::kTooLarge,
                  "depth: more than the limit of " + std::to_string(base::limits::kDepth.value));
    }
    open_.push_back({.is_object = is_object});
    return true;
  }

  Container Take() {
    Container done = std::move(open_.back());
    open_.pop_back();
    return done;
  }

  bool CloseObject() {
    Container done = Take();
    if (done.keys.size() == 1 && done.keys.front().starts_with('$')) {
      auto meaning = MeaningOf(done.keys.front(), done.items.front());
      if (!meaning.ok()) {
        return Fail(meaning.error().code, meaning.error().detail);
      }
      if (meaning.value().has_value()) {
        values_ -= SpellingOf(done.keys.front(), *meaning.value());
        const bool is_map = meaning.value()->AsMap() != nullptr;
        return Add(*std::move(meaning.value()), is_map ? std::max(1, done.depth - 1) : 0);
      }
    }
    if (HasDuplicate(done.keys)) {
      return false;
    }
    Value::Map map;
    map.reserve(done.items.size());
    for (std::size_t i = 0; i < done.items.size(); ++i) {
      map.emplace_back(Value(std::move(done.keys[i])), std::move(done.items[i]));
    }
    return Add(Value(std::move(map)), done.depth + 1);
  }

  bool HasDuplicate(const std::vector<std::string>& keys) {
    std::vector<std::string_view> sorted(keys.begin(), keys.end());
    std::sort(sorted.begin(), sorted.end());
    const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
    if (twice == sorted.end()) {
      return false;
    }
    Fail(Code::kBadRequest, "the key \"" + Shown(*twice) + "\" stands twice");
    return true;
  }

  // How many values of the JSON only spelled this one.
  static std::int64_t SpellingOf(std::string_view name, const Value& meaning) {
    if (const Value::Map* map = meaning.AsMap()) {
      return static_cast<std::int64_t>(map->size()) + 1;
    }
    return name == "$ext" ? 3 : 1;
  }

  bool TooMany() {
    return !Fail(Code::kTooLarge, "frame_items: more than the limit of " +
                                      std::to_string(base::limits::kFrameItems.value));
  }

  // `depth`: levels of arrays and maps.
  bool Add(Value value, int depth = 0) {
    constexpr std::int64_t kWhileOpenMax = base::limits::kFrameItems.value * 4;
    if (++values_ > kWhileOpenMax && TooMany()) {
      return false;
    }
    if (open_.empty()) {
      result = std::move(value);
      if (values_ > base::limits::kFrameItems.value && TooMany()) {
        return false;
      }
      return depth <= base::limits::kDepth.value ||
             Fail(Code::kTooLarge,
                  "depth: more than the limit of " + std::to_string(base::limits::kDepth.value));
    }
    Container& home = open_.back();
    home.depth = std::max(home.depth, depth);
    home.items.push_back(std::move(value));
    return true;
  }

  std::int64_t values_ = 0;
  std::vector<Container> open_;
};

}  // namespace

base::Result<Value> FromJson(std::string_view text) {
  Builder builder;
  try {
    const bool complete = Json::sax_parse(text, &builder);
    if (!complete && !builder.error.has_value()) {
      return Error{Code::kBadRequest, "not JSON"};
    }
  } catch (const Json::exception& thrown) {
    return Error{Code::kBadRequest, thrown.what()};
  }
  if (builder.error.has_value()) {
    return *std::move(builder.error);
  }
  return std::move(builder.result);
}

}  // namespace reprise::wire
