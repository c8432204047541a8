// Normalize and Nfc: any prompt. A target for libFuzzer.
//
// It must hold that: the result is UTF-8 and normalizing it again changes nothing; case, white
// space and terminal punctuation around an ASCII prompt make no difference; digits are never lost.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/base/ensure.h"
#include "server/text/nfc.h"
#include "server/text/normalize.h"

namespace {

using reprise::text::CheckUtf8;
using reprise::text::Nfc;
using reprise::text::Normalize;

bool IsDigit(char letter) {
  return letter >= '0' && letter <= '9';
}

void CheckAscii(std::string_view prompt, const std::string& normal) {
  std::string shouted;
  for (const char letter : prompt) {
    shouted += letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter;
  }
  std::string other;
  ENSURE(Normalize("  " + shouted + "\t ", other).ok() && other == normal);
  const auto digits = [](std::string_view text) {
    return std::count_if(text.begin(), text.end(), IsDigit);
  };
  ENSURE(digits(prompt) == digits(normal));
}

// Form C is UTF-8, its own form C, and refused where Normalize refuses.
void CheckComposed(std::string_view prompt, bool is_valid) {
  std::string scratch;
  const auto composed = Nfc(prompt, scratch);
  ENSURE(composed.ok() == is_valid);
  if (!is_valid) {
    return;
  }
  ENSURE(CheckUtf8(composed.value()).ok());
  std::string again;
  ENSURE(Nfc(composed.value(), again).value() == composed.value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view prompt(reinterpret_cast<const char*>(data), size);
  CheckComposed(prompt, CheckUtf8(prompt).ok());
  std::string normal = "left over";
  if (!Normalize(prompt, normal).ok()) {
    ENSURE(!CheckUtf8(prompt).ok());
    return 0;
  }
  ENSURE(CheckUtf8(prompt).ok() && CheckUtf8(normal).ok());
  std::string again;
  ENSURE(Normalize(normal, again).ok() && again == normal);
  if (std::all_of(prompt.begin(), prompt.end(), [](char letter) { return letter > 0; })) {
    CheckAscii(prompt, normal);
  }
  return 0;
}
