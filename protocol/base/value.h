// Value: one MessagePack value as a tree, for clients, tests and answers of unknown shape.
//
// The server's own paths do not build trees: they read with wire::Reader and write with
// wire::Writer. Threads: values; share by copy. Errors: As* and Find are absent when the kind does
// not match. Limits: depth and counts are enforced by the decoder (protocol/base/limits.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace reprise::base {

struct Nil {
  bool operator==(const Nil&) const = default;
};
struct Binary {
  std::string bytes;
  bool operator==(const Binary&) const = default;
};
struct Extension {
  std::int8_t type = 0;
  std::string bytes;
  bool operator==(const Extension&) const = default;
};

class Value {
 public:
  using Array = std::vector<Value>;
  using Map = std::vector<std::pair<Value, Value>>;
  // A non-negative integer is always held as std::uint64_t, a negative one as std::int64_t.
  using State = std::variant<Nil, bool, std::int64_t, std::uint64_t, double, std::string, Binary,
                             Array, Map, Extension>;

  Value() = default;
  // NOLINTBEGIN(google-explicit-constructor): {"ttl_ms", 5} as a literal is the point.
  Value(Nil /*nil*/) {}
  Value(bool value) : state_(value) {}
  Value(double value) : state_(value) {}
  Value(std::string value) : state_(std::move(value)) {}
  Value(std::string_view value) : state_(std::string(value)) {}
  Value(const char* value) : state_(std::string(value)) {}
  Value(Binary value) : state_(std::move(value)) {}
  Value(Array value) : state_(std::move(value)) {}
  Value(Map value) : state_(std::move(value)) {}
  Value(Extension value) : state_(std::move(value)) {}
  template <typename Integer>
  requires(std::is_integral_v<Integer> && !std::is_same_v<Integer, bool>) Value(Integer value) {
    if (value < Integer{0}) {
      state_ = static_cast<std::int64_t>(value);
    } else {
      state_ = static_cast<std::uint64_t>(value);
    }
  }
  // NOLINTEND(google-explicit-constructor): {"ttl_ms", 5} as a literal is the point.

  const State& state() const { return state_; }
  bool operator==(const Value&) const = default;

  bool IsNil() const { return std::holds_alternative<Nil>(state_); }
  std::optional<bool> AsBool() const;
  // Absent also when the number does not fit.
  std::optional<std::int64_t> AsInt() const;
  std::optional<std::uint64_t> AsUint() const;
  // Integers convert; precision may be lost above 2^53.
  std::optional<double> AsDouble() const;
  // str or bin.
  std::optional<std::string_view> AsText() const;
  const Array* AsArray() const { return std::get_if<Array>(&state_); }
  const Map* AsMap() const { return std::get_if<Map>(&state_); }
  // The value at a str key of a map, or null when this is not a map or has no such key.
  const Value* Find(std::string_view key) const;

 private:
  State state_;
};

}  // namespace reprise::base
