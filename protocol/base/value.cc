#include "protocol/base/value.h"

#include <limits>

namespace reprise::base {

std::optional<bool> Value::AsBool() const {
  const bool* value = std::get_if<bool>(&state_);
  return value != nullptr ? std::optional(*value) : std::nullopt;
}

std::optional<std::int64_t> Value::AsInt() const {
  if (const auto* value = std::get_if<std::int64_t>(&state_)) {
    return *value;
  }
  const auto* value = std::get_if<std::uint64_t>(&state_);
  if (value == nullptr || *value > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) {
    return std::nullopt;
  }
  return static_cast<std::int64_t>(*value);
}

std::optional<std::uint64_t> Value::AsUint() const {
  const auto* value = std::get_if<std::uint64_t>(&state_);
  return value != nullptr ? std::optional(*value) : std::nullopt;
}

std::optional<double> Value::AsDouble() const {
  if (const auto* value = std::get_if<double>(&state_)) {
    return *value;
  }
  if (const auto* value = std::get_if<std::int64_t>(&state_)) {
    return static_cast<double>(*value);
  }
  if (const auto* value = std::get_if<std::uint64_t>(&state_)) {
    return static_cast<double>(*value);
  }
  return std::nullopt;
}

std::optional<std::string_view> Value::AsText() const {
  if (const auto* value = std::get_if<std::string>(&state_)) {
    return std::string_view(*value);
  }
  if (const auto* value = std::get_if<Binary>(&state_)) {
    return std::string_view(value->bytes);
  }
  return std::nullopt;
}

const Value* Value::Find(std::string_view key) const {
  const Map* map = AsMap();
  if (map == nullptr) {
    return nullptr;
  }
  for (const auto& [name, value] : *map) {
    const auto* text = std::get_if<std::string>(&name.state_);
    if (text != nullptr && *text == key) {
      return &value;
    }
  }
  return nullptr;
}

}  // namespace reprise::base
