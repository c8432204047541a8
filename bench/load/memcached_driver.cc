// memcached's text protocol: the classic commands, or the meta commands (mg, ms, mn).
#include <charconv>

#include "bench/load/driver.h"

namespace reprise::bench {
namespace {

constexpr std::string_view kEnd = "END\r\n";

class MemcachedDriver final : public Driver {
 public:
  MemcachedDriver(const Content& content, bool meta) : content_(content), meta_(meta) {}

  Reply Take(std::string_view bytes, const Call& call) override {
    const std::size_t line_end = bytes.find('\r');
    if (line_end == std::string_view::npos || line_end + 2 > bytes.size()) {
      return {};
    }
    const std::string_view line = bytes.substr(0, line_end);
    const std::string_view value_start = meta_ ? "VA " : "VALUE ";
    if (line.starts_with(value_start)) {
      return TakeValue(bytes, line, call);
    }
    if (IsExpected(line, call.operation)) {
      return {line_end + 2, true, false};
    }
    return Bad(line_end + 2, "unexpected reply for key " + std::to_string(call.key) + ": " +
                                 detail::Excerpt(line));
  }

 private:
  bool IsExpected(std::string_view line, Operation operation) const {
    switch (operation) {
      case Operation::kPing:
        return meta_ ? line == "MN" : line.starts_with("VERSION ");
      case Operation::kGetMiss:
        return line == (meta_ ? "EN" : "END");
      case Operation::kSet:
        return line == (meta_ ? "HD" : "STORED");
      case Operation::kGetHit:
      case Operation::kLookupExact:
      case Operation::kLookupNormalized:
      case Operation::kFetchHit:
      case Operation::kStore:
      case Operation::kLimitTake:
        return false;
    }
    return false;
  }

  // "VALUE <key> <flags> <bytes>\r\n<value>\r\nEND\r\n", or "VA <bytes>\r\n<value>\r\n".
  Reply TakeValue(std::string_view bytes, std::string_view line, const Call& call) {
    const std::string_view number = line.substr(line.rfind(' ') + 1);
    std::size_t size = 0;
    if (std::from_chars(number.data(), number.data() + number.size(), size).ec != std::errc()) {
      return Broken("not memcached: " + detail::Excerpt(line));
    }
    const std::size_t value_offset = line.size() + 2;
    const std::size_t consumed = value_offset + size + 2 + (meta_ ? 0 : kEnd.size());
    if (bytes.size() < consumed) {
      return {};
    }
    if (!meta_ && bytes.substr(consumed - kEnd.size(), kEnd.size()) != kEnd) {
      return Broken("not memcached: END is missing");
    }
    const std::string_view value = bytes.substr(value_offset, size);
    if (call.operation == Operation::kGetHit && content_.Matches(call.key, value)) {
      return {consumed, true, false};
    }
    return Bad(consumed, "unexpected value for key " + std::to_string(call.key) + ": " +
                             detail::Excerpt(value));
  }

  const Content& content_;
  bool meta_;
};

}  // namespace

namespace detail {

std::string EncodeMemcached(Operation operation, const Content& content, std::uint64_t key,
                            bool meta) {
  const std::string name = KeyName(operation, key);
  switch (operation) {
    case Operation::kPing:
      return meta ? "mn\r\n" : "version\r\n";
    case Operation::kGetHit:
    case Operation::kGetMiss:
      return meta ? "mg " + name + " v\r\n" : "get " + name + "\r\n";
    case Operation::kSet:
      return (meta ? "ms " + name + " " : "set " + name + " 0 0 ") +
             std::to_string(content.value_bytes()) + "\r\n" + content.ValueOf(key) + "\r\n";
    case Operation::kLookupExact:
    case Operation::kLookupNormalized:
    case Operation::kFetchHit:
    case Operation::kStore:
    case Operation::kLimitTake:
      return {};
  }
  return {};
}

std::unique_ptr<Driver> MakeMemcached(const Content& content, bool meta) {
  return std::make_unique<MemcachedDriver>(content, meta);
}

}  // namespace detail
}  // namespace reprise::bench
