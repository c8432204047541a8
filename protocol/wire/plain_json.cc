#include "protocol/wire/plain_json.h"

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace reprise::wire {
namespace {

using base::Value;
using nlohmann::json;

// Builds a Value from the parser's events; false stops the parser.
class ValueBuilder {
 public:
  explicit ValueBuilder(std::size_t depth_max) : depth_max_(depth_max) {}

  // NOLINTBEGIN(readability-identifier-naming): the parser's names.
  bool null() { return Add(Value()); }
  bool boolean(bool value) { return Add(Value(value)); }
  bool number_integer(json::number_integer_t value) { return Add(Value(value)); }
  bool number_unsigned(json::number_unsigned_t value) { return Add(Value(value)); }
  bool number_float(json::number_float_t value, const json::string_t& /*spelled*/) {
    return Add(Value(value));
  }
  bool string(json::string_t& text) { return Add(Value(std::move(text))); }
  bool binary(json::binary_t& /*bytes*/) { return false; }  // JSON has none.
  bool start_object(std::size_t /*unknown*/) { return Open(true); }
  bool key(json::string_t& name) {
    open_.back().keys.push_back(std::move(name));
    return true;
  }
  bool end_object() { return CloseMap(); }
  bool start_array(std::size_t /*unknown*/) { return Open(false); }
  bool end_array() {
    Value::Array items = std::move(open_.back().values);
    open_.pop_back();
    return Add(Value(std::move(items)));
  }
  bool parse_error(std::size_t /*position*/, const std::string& /*token*/,
                   const json::exception& exception) {
    // "[json.exception...] parse error at line 1, column 5: ...; last read: 'text'"
    std::string what = exception.what();
    what.erase(0, what.find(']') + 2);
    what.resize(std::min(what.find("; last read"), what.size()));
    return Fail(base::Code::kBadRequest, what);
  }
  // NOLINTEND(readability-identifier-naming)

  std::optional<base::Error> error;
  Value result;

 private:
  struct Container {
    bool is_map = false;
    std::vector<std::string> keys;
    Value::Array values;
  };

  bool Fail(base::Code code, std::string detail) {
    if (!error.has_value()) {
      error = base::Error{code, std::move(detail)};
    }
    return false;
  }

  bool Open(bool is_map) {
    if (open_.size() >= depth_max_) {
      return Fail(base::Code::kTooLarge,
                  "depth: more than the limit of " + std::to_string(depth_max_));
    }
    open_.push_back({is_map, {}, {}});
    return true;
  }

  bool CloseMap() {
    Container done = std::move(open_.back());
    open_.pop_back();
    std::vector<std::string_view> sorted(done.keys.begin(), done.keys.end());
    std::sort(sorted.begin(), sorted.end());
    if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) {
      return Fail(base::Code::kBadRequest, "a key stands twice in an object");
    }
    Value::Map map;
    map.reserve(done.keys.size());
    for (std::size_t i = 0; i < done.keys.size(); ++i) {
      map.emplace_back(Value(std::move(done.keys[i])), std::move(done.values[i]));
    }
    return Add(Value(std::move(map)));
  }

  bool Add(Value value) {
    if (open_.empty()) {
      result = std::move(value);
    } else {
      open_.back().values.push_back(std::move(value));
    }
    return true;
  }

  std::size_t depth_max_;
  std::vector<Container> open_;
};

}  // namespace

base::Result<Value> FromPlainJson(std::string_view text, std::size_t depth_max) {
  ValueBuilder builder(depth_max);
  if (!json::sax_parse(text.data(), text.data() + text.size(), &builder)) {
    return builder.error.has_value() ? *std::move(builder.error)
                                     : base::Error{base::Code::kBadRequest, "not JSON"};
  }
  return std::move(builder.result);
}

}  // namespace reprise::wire
