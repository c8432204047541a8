#include "server/text/nfkc.h"

#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utf8proc.h>
#include <vector>

#include <catch2/catch.hpp>

#include "server/text/utf8.h"

namespace reprise::text {
namespace {

std::vector<NfkcCodePoint> FormOf(std::string_view text) {
  std::vector<NfkcCodePoint> form{{U'x', 7, 9}};  // left over
  REQUIRE(Nfkc(text, form).ok());
  return form;
}

std::string Spelled(std::string_view text) {
  std::string spelled;
  for (const NfkcCodePoint& code_point : FormOf(text)) {
    AppendUtf8(code_point.value, spelled);
  }
  return spelled;
}

// The part of the text that the `index`th code point of its form came from.
std::string_view SourceOf(std::string_view text, std::size_t index) {
  const NfkcCodePoint code_point = FormOf(text).at(index);
  return text.substr(code_point.begin, code_point.end - code_point.begin);
}

TEST_CASE("compatibility forms become what they stand for, and nothing else changes") {
  CHECK(Spelled("plain TEXT, as it is.  ") == "plain TEXT, as it is.  ");
  CHECK(Spelled("\uff21\uff42\u3000\uff11") == "Ab 1");
  CHECK(Spelled("\ufb01nal") == "final");
  CHECK(Spelled("10\u2076") == "106");
  CHECK(Spelled("cafe\u0301") == "caf\u00e9");
  CHECK(Spelled("\uffa1\uffc2") == "\uac00");  // half-width letters make a syllable
  CHECK(FormOf("").empty());
}

TEST_CASE("each code point says which bytes it came from") {
  CHECK(SourceOf("ab\ufb01c", 2) == "\ufb01");
  CHECK(SourceOf("ab\ufb01c", 3) == "\ufb01");
  CHECK(SourceOf("ab\ufb01c", 4) == "c");
  CHECK(SourceOf("cafe\u0301 au lait", 2) == "f");
  CHECK(SourceOf("cafe\u0301 au lait", 3) == "e\u0301");
  CHECK(SourceOf("cafe\u0301 au lait", 4) == " ");
  CHECK(SourceOf("\u00e9t\u00e9", 1) == "t");
  CHECK(SourceOf("\u65e5\u672c", 1) == "\u672c");
}

TEST_CASE("text that is not UTF-8 has no normal form KC") {
  std::vector<NfkcCodePoint> form;
  const auto refused = Nfkc("abc\xff", form);
  REQUIRE(!refused.ok());
  CHECK(refused.error().code == base::Code::kBadRequest);
  CHECK(refused.error().detail.find("offset 3") != std::string::npos);
}

// The library composes the whole text at once; here it is done piece by piece.
TEST_CASE("normal form KC is the library's, whatever stands beside what") {
  std::mt19937_64 chance(11);  // NOLINT(cert-msc51-cpp): the same texts each time
  const auto code_point_of = [&chance]() -> char32_t {
    constexpr std::u32string_view kTricky =
        U"ae \u0301\u0323\u0338\u1100\u1161\u11a8\uac00\uffa1\uffc2\uffa8\u09c7\u09be\u3099\u304b"
        U"\uff76\uff9e\ufb01\u0f71\u0f72\u212b\u0344\u0dd9\u0dca\u0dcf\u0ddf\u1b05\u1b35\U00011131"
        U"\U00011127\u1025\u102e\u0e33\ufdfa\u2126\u1e9b";
    if (chance() % 3 != 0) {
      return kTricky[chance() % kTricky.size()];
    }
    const auto any = static_cast<char32_t>(chance() % 0x2FA20);
    return any >= 0xD800 && any <= 0xDFFF ? U'?' : any;
  };
  std::size_t wrong = 0;
  for (int i = 0; i < 2000; ++i) {
    std::string text;
    for (std::size_t left = 1 + chance() % 8; left > 0; --left) {
      const char32_t code_point = code_point_of();
      AppendUtf8(code_point == 0 ? U'0' : code_point, text);
    }
    const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> expected(
        utf8proc_NFKC(reinterpret_cast<const utf8proc_uint8_t*>(text.c_str())), &std::free);
    wrong += Spelled(text) == reinterpret_cast<const char*>(expected.get()) ? 0 : 1;
  }
  CHECK(wrong == 0);
}

}  // namespace
}  // namespace reprise::text
