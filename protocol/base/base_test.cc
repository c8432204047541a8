#include <string>

#include <catch2/catch.hpp>

#include "protocol/base/buffer.h"
#include "protocol/base/clock.h"
#include "protocol/base/error.h"
#include "protocol/base/result.h"
#include "protocol/base/value.h"

namespace reprise::base {
namespace {

TEST_CASE("a buffer gives back what was appended, whatever is consumed between") {
  Buffer buffer;
  std::string expected;
  std::string appended(777, 'a');
  for (int i = 0; i < 200; ++i) {
    appended[0] = static_cast<char>(i);
    buffer.Append(appended);
    expected += appended;
    const std::size_t taken = static_cast<std::size_t>(i * 7) % (buffer.size() + 1);
    buffer.Consume(taken);
    expected.erase(0, taken);
    REQUIRE(buffer.view() == expected);
  }
}

TEST_CASE("a buffer gives memory back only when it is empty") {
  Buffer buffer;
  buffer.Append(std::string(100'000, 'x'));
  buffer.Shrink(4096);
  CHECK(buffer.size() == 100'000);
  buffer.Consume(100'000);
  buffer.Shrink(4096);
  CHECK(buffer.capacity() == 0);
}

TEST_CASE("truncating drops what was appended last") {
  Buffer buffer;
  buffer.Append("keep");
  buffer.Append("drop");
  buffer.Truncate(4);
  CHECK(buffer.view() == "keep");
}

TEST_CASE("every error code has its own row, number and name") {
  for (const CodeRow& row : kCodes) {
    CHECK(&RowOf(row.code) == &row);
    CHECK(CodeNamed(row.name) == row.code);
  }
  CHECK(!CodeNamed("no_such_code").has_value());
}

TEST_CASE("a clock's floor lifts a wall clock that was set back, and never lowers it") {
  SystemClock clock;
  const UnixMillis before = clock.Now();
  clock.RaiseTo(before + -1000);
  CHECK(clock.Now() - before < 60'000);
  CHECK(clock.Now() >= before);
  clock.RaiseTo(before + 3'600'000);
  CHECK(clock.Now() >= before + 3'600'000);
}

TEST_CASE("integers of a value have one representation") {
  CHECK(Value(5) == Value(std::uint64_t{5}));
  CHECK(Value(-5).AsInt() == -5);
  CHECK(!Value(-5).AsUint().has_value());
  CHECK(!Value(~std::uint64_t{0}).AsInt().has_value());
  CHECK(Value(7).AsDouble() == 7.0);
}

TEST_CASE("a map value finds a key and says when it has none") {
  const Value map(Value::Map{{"a", 1}, {"b", "two"}});
  REQUIRE(map.Find("b") != nullptr);
  CHECK(map.Find("b")->AsText() == "two");
  CHECK(map.Find("c") == nullptr);
  CHECK(Value(3).Find("a") == nullptr);
}

Result<int> Half(int number) {
  if (number % 2 != 0) {
    return Error{Code::kBadRequest, "odd"};
  }
  return number / 2;
}

Result<int> Quarter(int number) {
  ASSIGN_OR_RETURN(const int half, Half(number));
  return Half(half);
}

TEST_CASE("an error passes through ASSIGN_OR_RETURN unchanged") {
  CHECK(Quarter(8).value() == 2);
  CHECK(Quarter(6).error().detail == "odd");
}

}  // namespace
}  // namespace reprise::base
