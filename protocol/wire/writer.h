// Writer: appends MessagePack values to a Buffer, each in its shortest form (by msgpack::packer).
//
// Array and Map announce how many values or pairs the caller writes next; nothing checks the count,
// the command tests do. Threads: one owner. Errors: none. Lifetime: the Buffer outlives the Writer.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>

#include "protocol/base/buffer.h"
#include "protocol/base/value.h"

namespace reprise::wire {

class Writer {
 public:
  explicit Writer(base::Buffer& out) : out_(out) {}

  void Nil();
  void Bool(bool value);
  void Int(std::int64_t value);
  void Uint(std::uint64_t value);
  void Double(double value);
  void Str(std::string_view text);
  void Bin(std::string_view bytes);
  void Array(std::size_t items);
  void Map(std::size_t pairs);
  // A value that is MessagePack already.
  void Raw(std::string_view bytes) { out_.Append(bytes); }
  void Write(const base::Value& value);

  // A pair of a map: Field("ttl_ms", 5).
  void Field(std::string_view name, std::string_view text);
  void Field(std::string_view name, const char* text) { Field(name, std::string_view(text)); }
  void Field(std::string_view name, bool value);
  void Field(std::string_view name, double value);
  template <typename Integer>
  requires(std::is_integral_v<Integer> &&
           !std::is_same_v<Integer, bool>) void Field(std::string_view name, Integer value) {
    Str(name);
    if constexpr (std::is_signed_v<Integer>) {
      Int(value);
    } else {
      Uint(value);
    }
  }

  // Nil when absent.
  template <typename T>
  void Field(std::string_view name, const std::optional<T>& value) {
    if (value.has_value()) {
      Field(name, *value);
    } else {
      Str(name);
      Nil();
    }
  }

  base::Buffer& buffer() { return out_; }

 private:
  base::Buffer& out_;
};

}  // namespace reprise::wire
