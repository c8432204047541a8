#include "server/text/nfc.h"

#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utf8proc.h>

#include <catch2/catch.hpp>

#include "server/text/code_points.h"
#include "server/text/utf8.h"

namespace reprise::text {
namespace {

std::string Composed(std::string_view text) {
  std::string scratch = "left over";
  const auto composed = Nfc(text, scratch);
  REQUIRE(composed.ok());
  return std::string(composed.value());
}

TEST_CASE("canonically equivalent spellings become the same bytes") {
  CHECK(Composed("e\u0301") == "\u00e9");
  CHECK(Composed("\u00e9") == "\u00e9");
  CHECK(Composed("caf\u00e9 e\u0301") == "caf\u00e9 \u00e9");
  CHECK(Composed("a\u0323\u0307") == Composed("a\u0307\u0323"));  // marks in either order
  CHECK(Composed("\u212b") == "\u00c5");                          // the unit, and the letter
  CHECK(Composed("\u1112\u1161\u11ab") == "\ud55c");              // Hangul from its letters
  CHECK(Composed("\uac00\u11a8") == "\uac01");  // a syllable and the letter that ends it
  CHECK(Composed("\u2260") == Composed("=\u0338"));
}

TEST_CASE("what only looks alike stays apart") {
  CHECK(Composed("\ufb01") == "\ufb01");  // a ligature
  CHECK(Composed("\u00b2") == "\u00b2");
  CHECK(Composed("\uff21") == "\uff21");
  CHECK(Composed("A") == "A");
  CHECK(Composed("\u0430") == "\u0430");  // a Cyrillic letter
  CHECK(Composed("  x.  ") == "  x.  ");
  CHECK(Composed("").empty());
}

TEST_CASE("text in normal form is given back without a copy") {
  for (const std::string_view text :
       {"plain ASCII, longer than one word of the machine", "\u00fcber \u044f \u6f22\u5b57 \ud55c",
        "\u1ec7 needs the long way", ""}) {
    std::string scratch;
    CHECK(Nfc(text, scratch).value().data() == text.data());
  }
}

TEST_CASE("text that is not UTF-8 is refused with the place, wherever it stands") {
  for (const std::string_view before : {"", "abcdefgh", "\u00e9", "e\u0301"}) {
    const std::string text = std::string(before) + "\xc3(";
    std::string scratch;
    const auto refused = Nfc(text, scratch);
    REQUIRE(!refused.ok());
    CHECK(refused.error().code == base::Code::kBadRequest);
    CHECK(refused.error().detail.find("offset " + std::to_string(before.size())) !=
          std::string::npos);
  }
}

// A settled code point is its own form, no mark, and never the later part of another one's.
TEST_CASE("the code points that are not looked at again are settled") {
  constexpr char32_t kLast = 0x2FA1F;  // nothing above decomposes
  constexpr auto kDecompose = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE);
  CodePoints parts;
  std::size_t wrong = 0;
  for (char32_t code_point = 0; code_point <= kLast; ++code_point) {
    parts.clear();
    AppendDecomposed(code_point, kDecompose, parts);
    for (std::size_t i = 1; i < parts.size(); ++i) {
      wrong += IsSettled(static_cast<char32_t>(parts[i])) ? 1 : 0;
    }
    if (!IsSettled(code_point)) {
      continue;
    }
    OrderAndCompose(parts);
    const auto* property = utf8proc_get_property(static_cast<utf8proc_int32_t>(code_point));
    const bool same = parts.size() == 1 && static_cast<char32_t>(parts.front()) == code_point;
    wrong += same && property->combining_class == 0 ? 0 : 1;
  }
  CHECK(wrong == 0);
}

TEST_CASE("random text has the form that the library gives, and only one") {
  std::mt19937_64 chance(7);  // NOLINT(cert-msc51-cpp): the same texts each time
  constexpr std::u32string_view kAlphabet =
      U"ae=A \u00e9\u0323\u0301\u0307\u0338\u1100\u1161\u11a8\uac00\u09c7\u09be\u212b\u1e0b\u3099"
      U"\u304b\u0344\u0f71\u0f72";
  for (int i = 0; i < 500; ++i) {
    std::string text;
    for (std::size_t left = chance() % 12; left > 0; --left) {
      AppendUtf8(kAlphabet[chance() % kAlphabet.size()], text);
    }
    const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> expected(
        utf8proc_NFC(reinterpret_cast<const utf8proc_uint8_t*>(text.c_str())), &std::free);
    const std::string composed = Composed(text);
    CHECK(composed == reinterpret_cast<const char*>(expected.get()));
    CHECK(Composed(composed) == composed);
  }
}

}  // namespace
}  // namespace reprise::text
