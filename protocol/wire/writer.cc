#include "protocol/wire/writer.h"

#include <bit>

#include <msgpack.hpp>

namespace reprise::wire {
namespace {

using Packer = msgpack::packer<base::Buffer>;

}  // namespace

void Writer::Nil() {
  Packer(out_).pack_nil();
}

void Writer::Bool(bool value) {
  Packer packer(out_);
  value ? packer.pack_true() : packer.pack_false();
}

void Writer::Int(std::int64_t value) {
  Packer(out_).pack_int64(value);
}
void Writer::Uint(std::uint64_t value) {
  Packer(out_).pack_uint64(value);
}
// By hand: msgpack::packer would turn 1.0 into the integer 1, and a field would change its type
// with its value.
void Writer::Double(double value) {
  constexpr char kFloat64 = static_cast<char>(0xcb);
  out_.Append(kFloat64);
  const auto bits = std::bit_cast<std::uint64_t>(value);
  for (int shift = 56; shift >= 0; shift -= 8) {
    out_.Append(static_cast<char>(bits >> static_cast<unsigned>(shift) & 0xffU));
  }
}

void Writer::Str(std::string_view text) {
  Packer(out_).pack_str(static_cast<std::uint32_t>(text.size()));
  out_.Append(text);
}

void Writer::Bin(std::string_view bytes) {
  Packer(out_).pack_bin(static_cast<std::uint32_t>(bytes.size()));
  out_.Append(bytes);
}

void Writer::Array(std::size_t items) {
  Packer(out_).pack_array(static_cast<std::uint32_t>(items));
}

void Writer::Map(std::size_t pairs) {
  Packer(out_).pack_map(static_cast<std::uint32_t>(pairs));
}

void Writer::Field(std::string_view name, std::string_view text) {
  Str(name);
  Str(text);
}

void Writer::Field(std::string_view name, bool value) {
  Str(name);
  Bool(value);
}

void Writer::Field(std::string_view name, double value) {
  Str(name);
  Double(value);
}

namespace {

// One overload for each alternative of Value::State.
struct ValueWriter {
  Writer& writer;
  base::Buffer& out;

  void operator()(const base::Nil& /*nil*/) const { writer.Nil(); }
  void operator()(bool value) const { writer.Bool(value); }
  void operator()(std::int64_t value) const { writer.Int(value); }
  void operator()(std::uint64_t value) const { writer.Uint(value); }
  void operator()(double value) const { writer.Double(value); }
  void operator()(const std::string& text) const { writer.Str(text); }
  void operator()(const base::Binary& binary) const { writer.Bin(binary.bytes); }
  void operator()(const base::Extension& extension) const {
    Packer(out).pack_ext(extension.bytes.size(), extension.type);
    out.Append(extension.bytes);
  }
  void operator()(const base::Value::Array& items) const {
    writer.Array(items.size());
    for (const base::Value& item : items) {
      writer.Write(item);
    }
  }
  void operator()(const base::Value::Map& pairs) const {
    writer.Map(pairs.size());
    for (const auto& [key, value] : pairs) {
      writer.Write(key);
      writer.Write(value);
    }
  }
};

}  // namespace

void Writer::Write(const base::Value& value) {
  std::visit(ValueWriter{*this, out_}, value.state());
}

}  // namespace reprise::wire
