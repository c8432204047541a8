#include <limits>
#include <string>

#include <catch2/catch.hpp>

#include "protocol/base/limits.h"
#include "protocol/wire/decode.h"
#include "protocol/wire/frame.h"
#include "protocol/wire/json.h"
#include "protocol/wire/message.h"
#include "protocol/wire/reader.h"
#include "protocol/wire/shape.h"
#include "protocol/wire/writer.h"

namespace reprise::wire {
namespace {

using base::Code;
constexpr std::size_t kFrameMax = 4U << 20U;

std::string RequestFrame(std::string_view params_json) {
  base::Buffer buffer;
  BeginRequest(7, "SET", buffer);
  Writer(buffer).Write(FromJson(params_json).value());
  return std::string(buffer.view());
}

Code ScanError(const std::string& frame, std::size_t frame_max = kFrameMax) {
  FrameScanner scanner;
  const auto size = scanner.Scan(frame, frame_max);
  REQUIRE(!size.ok());
  return size.error().code;
}

std::string Head(std::string_view rest) {
  return std::string("\x94\x00\x01\xa1X", 5) + std::string(rest);
}

TEST_CASE("a frame is found however its bytes are cut") {
  const std::string one = RequestFrame(R"(["k", {"a": [1, 2, {"b": null}]}, 3.5])");
  const std::string two = one + RequestFrame(R"([])");
  FrameScanner scanner;
  for (std::size_t i = 0; i < one.size(); ++i) {
    const auto size = scanner.Scan(std::string_view(two).substr(0, i), kFrameMax);
    REQUIRE(size.ok());
    REQUIRE(!size.value().has_value());
    REQUIRE(scanner.NeededBytes() > i);
  }
  CHECK(scanner.Scan(two, kFrameMax).value() == one.size());
  CHECK(scanner.Scan(std::string_view(two).substr(one.size()), kFrameMax).value() ==
        two.size() - one.size());
}

TEST_CASE("anything but 0x93 and 0x94 is refused at the first byte") {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string start(1, static_cast<char>(byte));
    FrameScanner scanner;
    CHECK(scanner.Scan(start, kFrameMax).ok() == (byte == 0x93 || byte == 0x94));
  }
}

TEST_CASE("a claim above a limit is refused on its header alone") {
  CHECK(ScanError(Head("\xdd\xff\xff\xff\xff")) == Code::kTooLarge);
  CHECK(ScanError(Head("\xdf\xff\xff\xff\xff")) == Code::kTooLarge);
  CHECK(ScanError(Head("\xdb\xff\xff\xff\xff")) == Code::kTooLarge);
  CHECK(ScanError(Head("\xc6\xff\xff\xff\xff")) == Code::kTooLarge);
  CHECK(ScanError(Head("\xc9\xff\xff\xff\xff\x01")) == Code::kTooLarge);
  CHECK(ScanError(Head("\xc1")) == Code::kBadRequest);
}

TEST_CASE("nesting is allowed up to the limit and not one deeper") {
  const auto nested = [](std::size_t depth) {  // the message itself is the first level
    return Head(std::string(depth - 1, '\x91') + "\xc0");
  };
  const auto limit = static_cast<std::size_t>(base::limits::kDepth.value);
  for (const std::size_t depth : {limit - 1, limit}) {
    FrameScanner scanner;
    CHECK(scanner.Scan(nested(depth), kFrameMax).value().has_value());
  }
  CHECK(ScanError(nested(limit + 1)) == Code::kTooLarge);
  const auto empty_inside = [](std::size_t depth) {
    return Head(std::string(depth - 2, '\x91') + "\x90");
  };
  FrameScanner scanner;
  CHECK(scanner.Scan(empty_inside(limit), kFrameMax).value().has_value());
  CHECK(ScanError(empty_inside(limit + 1)) == Code::kTooLarge);
}

TEST_CASE("a container may have as many items as the limit says and not one more") {
  const auto array = [](std::uint32_t items) {
    std::string bytes = "\xdc";
    bytes.push_back(static_cast<char>(items >> 8U));
    bytes.push_back(static_cast<char>(items & 255U));
    return Head(bytes + std::string(items, '\xc0'));
  };
  const auto limit = static_cast<std::uint32_t>(base::limits::kContainerItems.value);
  for (const std::uint32_t items : {limit - 1, limit}) {
    FrameScanner scanner;
    CHECK(scanner.Scan(array(items), kFrameMax).value().has_value());
  }
  CHECK(ScanError(array(limit + 1)) == Code::kTooLarge);
}

TEST_CASE("a frame may have as many bytes as the limit says and not one more") {
  const std::string frame = Head("\xc5\x10" + std::string(1, '\0') + std::string(4096, 'x'));
  for (const std::size_t limit : {frame.size() + 1, frame.size()}) {
    FrameScanner scanner;
    CHECK(scanner.Scan(frame, limit).value() == frame.size());
  }
  CHECK(ScanError(frame, frame.size() - 1) == Code::kTooLarge);
}

TEST_CASE("many small containers run into the limit on values in a frame") {
  std::string bytes;
  for (int i = 0; i < 15; ++i) {
    bytes += "\xdc\x10";
    bytes.push_back('\0');
    bytes += std::string(4095, '\xc0');
  }
  FrameScanner scanner;
  const auto outcome = scanner.Scan(Head(bytes + std::string(66'000, '\xc0')), kFrameMax);
  CHECK((!outcome.ok() || outcome.value().has_value()));
  std::string wide = "\xdc\x10" + std::string(1, '\0');
  for (int i = 0; i < 4096; ++i) {
    wide += "\xdc" + std::string(1, '\0') + "\x20" + std::string(32, '\xc0');
  }
  CHECK(ScanError(Head(wide)) == Code::kTooLarge);
}

TEST_CASE("a request, a response and an error survive the wire") {
  const std::string frame = RequestFrame(R"(["k", 1])");
  const auto request = ParseRequest(frame);
  REQUIRE(request.ok());
  CHECK(request.value().msgid == 7);
  CHECK(request.value().method == "SET");
  CHECK(ToJson(Decode(request.value().params).value()) == R"(["k",1])");

  base::Buffer out;
  BeginResponse(9, out);
  Writer(out).Str("fine");
  const auto response = ParseResponse(out.view());
  REQUIRE(response.ok());
  CHECK(response.value().msgid == 9);
  CHECK(Decode(response.value().error).value().IsNil());
  CHECK(Decode(response.value().result).value().AsText() == "fine");

  base::Buffer failed;
  AppendError(9, {Code::kBusy, "queue full"}, failed);
  const base::Error error = ParseError(ParseResponse(failed.view()).value().error);
  CHECK(error.code == Code::kBusy);
  CHECK(error.detail == "queue full");
}

TEST_CASE("the msgid of a request is read from its beginning, as far as it is there") {
  const std::string frame = RequestFrame(R"(["k", 1])");
  CHECK(MsgidOf(frame) == 7U);
  CHECK(MsgidOf(frame.substr(0, 3)) == 7U);
  CHECK(MsgidOf(frame.substr(0, 2)) == std::nullopt);
  CHECK(MsgidOf("") == std::nullopt);
  CHECK(MsgidOf("GET / HTTP/1.1") == std::nullopt);
  CHECK(MsgidOf(Encode(FromJson(R"([2, "PING", []])").value())) == std::nullopt);
  CHECK(MsgidOf(Encode(FromJson(R"([0, -1, "PING", []])").value())) == std::nullopt);
  CHECK(MsgidOf(Encode(FromJson(R"([0, 4294967295, "PING", []])").value())) == 4294967295U);
}

TEST_CASE("a message of the wrong shape says what is wrong") {
  const auto detail = [](const std::string& frame) { return ParseRequest(frame).error().detail; };
  CHECK(detail(Encode(FromJson(R"([1, 1, "SET", []])").value())).find("expected [0") !=
        std::string::npos);
  CHECK(detail(Encode(FromJson(R"([0, -1, "SET", []])").value())).find("msgid") !=
        std::string::npos);
  CHECK(detail(Encode(FromJson(R"([0, 1, 5, []])").value())).find("method") != std::string::npos);
  CHECK(detail(Encode(FromJson(R"([0, 1, "SET", {}])").value())).find("params") !=
        std::string::npos);
}

TEST_CASE("decoding refuses bytes behind the value and values that are cut") {
  CHECK(Decode(std::string("\x01\x02")).error().code == Code::kBadRequest);
  CHECK(Decode(std::string("\x92\x02")).error().code == Code::kBadRequest);
  CHECK(Decode("").error().code == Code::kBadRequest);
  CHECK(Decode("\xc1").error().code == Code::kBadRequest);
  CHECK(Decode("\xdd\xff\xff\xff\xff").error().code == Code::kTooLarge);
  CHECK(Decode(std::string(64, '\x91') + "\xc0").ok());
  CHECK(Decode(std::string(65, '\x91') + "\xc0").error().code == Code::kTooLarge);
}

TEST_CASE("a reader of the wrong kind names both kinds") {
  const std::string bytes = Encode(FromJson(R"(["a", -3, 2.5, true])").value());
  Reader reader(bytes);
  CHECK(reader.Array().value() == 4);
  CHECK(Reader(reader.Rest()).Int().error().detail == "expected an integer, found str");
  CHECK(reader.Str().value() == "a");
  CHECK(Reader(reader.Rest()).Uint().error().detail ==
        "expected a non-negative integer, found int");
  CHECK(reader.Int().value() == -3);
  CHECK(reader.Double().value() == 2.5);
  CHECK(reader.Bool().value());
  CHECK(reader.AtEnd());
  CHECK(!reader.Next().ok());
}

TEST_CASE("JSON carries bin and ext, and refuses what it cannot mean") {
  for (const std::string text :
       {R"({"$bin":"AP8="})", R"({"$ext":[-3,"AAEC"]})", R"([1,-2,2.5,"x",null,true,{"a":[]}])"}) {
    CHECK(ToJson(FromJson(text).value()) == text);
  }
  CHECK(ToJson(base::Value("\xff")) == R"({"$bin":"/w=="})");
  CHECK(!FromJson(R"({"a":1,"a":2})").ok());
  CHECK(!FromJson("[1,").ok());
  CHECK(!FromJson(std::string(1000, '[') + std::string(1000, ']')).ok());
  CHECK(!FromJson(R"({"$ext":[500,"AA=="]})").ok());
}

TEST_CASE("JSON with an integer beyond 64 bits is refused, not rounded") {
  CHECK(FromJson("18446744073709551615").value() == base::Value(18446744073709551615U));
  CHECK(FromJson("-9223372036854775808").value() ==
        base::Value(std::numeric_limits<std::int64_t>::min()));
  for (const std::string text :
       {"18446744073709551616", "-9223372036854775809", R"([1, {"a": 99999999999999999999}])"}) {
    const auto value = FromJson(text);
    REQUIRE(!value.ok());
    CHECK(value.error().code == base::Code::kTooLarge);
    CHECK(value.error().detail.find("is beyond 64 bits") != std::string::npos);
  }
  CHECK(FromJson("18446744073709551616.0").value() == base::Value(18446744073709551616.0));
  CHECK(FromJson("1e20").value() == base::Value(1e20));
  CHECK(FromJson(R"("18446744073709551616")").value() == base::Value("18446744073709551616"));
  CHECK(!FromJson(std::string(400, '9')).ok());
}

TEST_CASE("JSON is as deep and has as many values as a request may have") {
  const auto nested = [](int levels) {
    return FromJson(std::string(static_cast<std::size_t>(levels), '[') +
                    std::string(static_cast<std::size_t>(levels), ']'));
  };
  CHECK(nested(63).ok());
  CHECK(nested(64).ok());
  CHECK(nested(65).error().code == base::Code::kTooLarge);
  CHECK(nested(1'000'000).error().code == base::Code::kTooLarge);
  const auto wide = [](int items) {
    std::string text = "[0";
    for (int i = 1; i < items; ++i) {
      text += ",0";
    }
    return FromJson(text + "]");
  };
  CHECK(wide(65535).ok());
  CHECK(wide(65536).error().code == base::Code::kTooLarge);
  CHECK(wide(1'000'000).error().code == base::Code::kTooLarge);
  std::string deepest = R"({"$map":[[1,2]]})";
  for (int i = 1; i < 64; ++i) {
    deepest.insert(0, R"({"$map":[[1,)").append("]]}");
  }
  CHECK(FromJson(deepest).ok());
  CHECK(FromJson("[" + deepest + "]").error().code == base::Code::kTooLarge);
}

TEST_CASE("the exact spelling carries every value there and back") {
  using base::Value;
  const Value::Map odd{{1, "one"}, {Value(), Value::Array{}}, {"\xff", base::Binary{"\xff"}}};
  const std::vector<std::pair<Value, std::string>> spellings{
      {Value(1.0), "1.0"},
      {Value(-0.0), "-0.0"},
      {Value(5e-324), "5e-324"},
      {Value(std::numeric_limits<double>::quiet_NaN()), R"({"$float":"7ff8000000000000"})"},
      {Value(-std::numeric_limits<double>::infinity()), R"({"$float":"fff0000000000000"})"},
      {Value(18446744073709551615U), "18446744073709551615"},
      {Value("\xff"), R"({"$str":"/w=="})"},
      {Value(base::Binary{""}), R"({"$bin":""})"},
      {Value(base::Extension{-1, "ab"}), R"({"$ext":[-1,"YWI="]})"},
      {Value(odd), R"({"$map":[[1,"one"],[null,[]],[{"$str":"/w=="},{"$bin":"/w=="}]]})"},
      {Value(Value::Map{{"a", 1}, {"a", 2}}), R"({"$map":[["a",1],["a",2]]})"},
      {Value(Value::Map{{"$bin", "AA=="}}), R"({"$map":[["$bin","AA=="]]})"},
      {Value(Value::Map{{"$bin", 1}, {"b", 2}}), R"({"$bin":1,"b":2})"},
      {Value(Value::Map{}), "{}"},
      {Value("line\n\"\xc3\xa4"), "\"line\\n\\\"\xc3\xa4\""},
  };
  for (const auto& [value, text] : spellings) {
    CHECK(ToExactJson(value) == text);
    CHECK(Encode(FromJson(text).value()) == Encode(value));
  }
  CHECK(!FromJson(R"({"$map":[[1]]})").ok());
  CHECK(!FromJson(R"({"$float":"1"})").ok());
  CHECK(!FromJson(R"({"$str":"*"})").ok());
}

TEST_CASE("a shape is the levels and the number of values") {
  const auto shape = [](std::string_view json) {
    return ShapeOf(Encode(FromJson(json).value())).value();
  };
  CHECK(shape("5").depth == 0);
  CHECK(shape("5").values == 1);
  CHECK(shape("[]").depth == 1);
  CHECK(shape(R"([1, {"a": [], "b": 2}, "x"])").depth == 3);
  CHECK(shape(R"([1, {"a": [], "b": 2}, "x"])").values == 8);
  CHECK(ShapeOf(std::string(64, '\x91') + "\x01").value().depth == 64);
  CHECK(ShapeOf(std::string(65, '\x91') + "\x01").error().code == base::Code::kTooLarge);
  CHECK(ShapeOf("\xdc\x80\x01").error().code == base::Code::kTooLarge);
  CHECK(ShapeOf("\x92\x01").error().code == base::Code::kBadRequest);
  CHECK(ShapeOf("\x01\x01").error().code == base::Code::kBadRequest);
  CHECK(ShapeOf("\xc1").error().code == base::Code::kBadRequest);
  CHECK(ShapeOf("").error().code == base::Code::kBadRequest);
}

}  // namespace
}  // namespace reprise::wire
