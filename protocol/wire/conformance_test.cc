// A1: every encoding of the public msgpack-test-suite is read, byte by byte as well, and our own
// encoding of the value is one that the suite lists.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include <catch2/catch.hpp>

#include "protocol/wire/decode.h"
#include "protocol/wire/frame.h"
#include "protocol/wire/json.h"
#include "protocol/wire/reader.h"

namespace reprise::wire {
namespace {

using nlohmann::json;

std::string FromHex(const std::string& text) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 3) {
    bytes.push_back(static_cast<char>(std::stoi(text.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

// A frame whose params hold the value, fed one byte more at a time.
void CheckByteByByte(const std::string& encoded) {
  const std::string frame = std::string("\x94\x00\x01\xa1X\x91", 6) + encoded;
  FrameScanner scanner;
  for (std::size_t i = 0; i < frame.size(); ++i) {
    const auto size = scanner.Scan(std::string_view(frame).substr(0, i), 1 << 20);
    REQUIRE(size.ok());
    REQUIRE(!size.value().has_value());
  }
  const auto size = scanner.Scan(frame, 1 << 20);
  REQUIRE(size.ok());
  REQUIRE(size.value() == frame.size());
}

bool Matches(const json& test, const base::Value& value) {
  if (test.contains("nil")) {
    return value.IsNil();
  }
  if (test.contains("bool")) {
    return value.AsBool() == test["bool"].get<bool>();
  }
  if (test.contains("binary")) {
    const auto* binary = std::get_if<base::Binary>(&value.state());
    return binary != nullptr && binary->bytes == FromHex(test["binary"].get<std::string>() + "-");
  }
  if (test.contains("bignum")) {
    return ToJson(value) == test["bignum"].get<std::string>() ||
           value.AsDouble() == std::stod(test["bignum"].get<std::string>());
  }
  if (test.contains("number")) {
    return value.AsDouble() == test["number"].get<double>();
  }
  if (test.contains("string")) {
    return value.AsText() == test["string"].get<std::string>();
  }
  if (test.contains("array") || test.contains("map")) {
    return json::parse(ToJson(value)) == (test.contains("array") ? test["array"] : test["map"]);
  }
  if (test.contains("ext")) {
    const auto* extension = std::get_if<base::Extension>(&value.state());
    return extension != nullptr && extension->type == test["ext"][0].get<int>() &&
           extension->bytes == FromHex(test["ext"][1].get<std::string>() + "-");
  }
  if (test.contains("timestamp")) {
    const auto* extension = std::get_if<base::Extension>(&value.state());
    return extension != nullptr && extension->type == -1;
  }
  return false;
}

TEST_CASE("all encodings of the public suite are read, and written in one of its forms") {
  const std::filesystem::path file =
      std::filesystem::path(SHARED_DATA) / "msgpack-test-suite/msgpack-test-suite.json";
  if (!std::filesystem::exists(file)) {
    std::puts("SKIPPED: shared/data/msgpack-test-suite is not here");
    return;
  }
  const json suite = json::parse(std::ifstream(file));
  int read = 0;
  int all = 0;
  for (const auto& [group, tests] : suite.items()) {
    for (const json& test : tests) {
      for (const json& spelling : test["msgpack"]) {
        ++all;
        const std::string encoded = FromHex(spelling.get<std::string>() + "-");
        INFO(group << " " << spelling << " " << test.dump());
        const auto value = Decode(encoded);
        REQUIRE(value.ok());
        CHECK(Matches(test, value.value()));
        CheckByteByByte(encoded);
        CHECK(Reader(encoded).Raw().value() == encoded);
        const std::string again = Encode(value.value());
        CHECK(Decode(again).value() == value.value());
        bool listed = false;
        for (const json& other : test["msgpack"]) {
          listed = listed || FromHex(other.get<std::string>() + "-") == again;
        }
        CHECK(listed);
        ++read;
      }
    }
  }
  std::printf("vectors %d/%d\n", read, all);
  CHECK(read == 233);
}

}  // namespace
}  // namespace reprise::wire
