#include "protocol/wire/decode.h"

#include <new>
#include <optional>
#include <vector>

#include <msgpack.hpp>

#include "protocol/base/limits.h"
#include "protocol/wire/writer.h"

namespace reprise::wire {
namespace {

using base::Value;

// Builds a Value from the parser's events. A container is collected in `open_` until its last item;
// the vectors grow as items arrive and never by what a header claims.
class ValueBuilder : public msgpack::null_visitor {
 public:
  bool visit_nil() { return Add(Value()); }
  bool visit_boolean(bool value) { return Add(Value(value)); }
  bool visit_positive_integer(std::uint64_t value) { return Add(Value(value)); }
  bool visit_negative_integer(std::int64_t value) { return Add(Value(value)); }
  bool visit_float32(float value) { return Add(Value(static_cast<double>(value))); }
  bool visit_float64(double value) { return Add(Value(value)); }
  bool visit_str(const char* bytes, std::uint32_t size) {
    return Add(Value(std::string(bytes, size)));
  }
  bool visit_bin(const char* bytes, std::uint32_t size) {
    return Add(Value(base::Binary{std::string(bytes, size)}));
  }
  bool visit_ext(const char* bytes, std::uint32_t size) {  // The first byte is the type.
    return Add(Value(
        base::Extension{static_cast<std::int8_t>(bytes[0]), std::string(bytes + 1, size - 1)}));
  }
  bool start_array(std::uint32_t items) { return Open(items, false); }
  bool end_array() { return Close(); }
  bool start_map(std::uint32_t pairs) { return Open(pairs, true); }
  bool end_map() { return Close(); }
  void parse_error(std::size_t /*parsed*/, std::size_t /*offset*/) {
    Fail(base::Code::kBadRequest, "the bytes are not MessagePack");
  }
  void insufficient_bytes(std::size_t /*parsed*/, std::size_t /*offset*/) {
    Fail(base::Code::kBadRequest, "the MessagePack value is cut short");
  }

  std::optional<base::Error> error;
  Value result;

 private:
  struct Container {
    bool is_map;
    Value::Array items;  // of a map: key, value, key, value ...
  };

  bool Fail(base::Code code, std::string detail) {
    if (!error.has_value()) {
      error = base::Error{code, std::move(detail)};
    }
    return false;
  }

  bool Open(std::uint32_t claimed, bool is_map) {
    if (claimed > base::limits::kContainerItems.value) {
      return Fail(base::Code::kTooLarge, "container_items: " + std::to_string(claimed) +
                                             " is more than the limit of " +
                                             std::to_string(base::limits::kContainerItems.value));
    }
    if (open_.size() == static_cast<std::size_t>(base::limits::kDepth.value)) {
      return Fail(base::Code::kTooLarge,
                  "depth: more than the limit of " + std::to_string(base::limits::kDepth.value));
    }
    open_.push_back({is_map, {}});
    return true;
  }

  bool Close() {
    Container done = std::move(open_.back());
    open_.pop_back();
    if (!done.is_map) {
      return Add(Value(std::move(done.items)));
    }
    Value::Map map;
    map.reserve(done.items.size() / 2);
    for (std::size_t i = 0; i + 1 < done.items.size(); i += 2) {
      map.emplace_back(std::move(done.items[i]), std::move(done.items[i + 1]));
    }
    return Add(Value(std::move(map)));
  }

  bool Add(Value value) {
    if (open_.empty()) {
      result = std::move(value);
    } else {
      open_.back().items.push_back(std::move(value));
    }
    return true;
  }

  std::vector<Container> open_;
};

}  // namespace

base::Result<Value> Decode(std::string_view bytes) {
  ValueBuilder builder;
  std::size_t offset = 0;
  bool complete = false;
  try {
    complete = msgpack::parse(bytes.data(), bytes.size(), offset, builder);
  } catch (const std::bad_alloc&) {
    return base::Error{base::Code::kTooLarge, "not enough memory for the value"};
  }
  if (builder.error.has_value()) {
    return *std::move(builder.error);
  }
  if (!complete) {
    return base::Error{base::Code::kBadRequest, "the MessagePack value is cut short"};
  }
  if (offset != bytes.size()) {
    return base::Error{base::Code::kBadRequest,
                       std::to_string(bytes.size() - offset) + " bytes follow the value"};
  }
  return std::move(builder.result);
}

std::string Encode(const Value& value) {
  base::Buffer buffer;
  Writer(buffer).Write(value);
  return std::string(buffer.view());
}

}  // namespace reprise::wire
