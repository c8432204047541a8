// JSON: what people type at the command line and feed to the bulk load. A target for libFuzzer.
//
// Any value that is read, as JSON or as MessagePack, has an exact JSON spelling that reads as the
// same value; so has the spelling for people, on one line and indented, where JSON has such values.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/base/ensure.h"
#include "protocol/wire/decode.h"
#include "protocol/wire/json.h"

namespace {

using reprise::wire::Decode;
using reprise::wire::Encode;
using reprise::wire::FromJson;
using reprise::wire::ToExactJson;
using reprise::wire::ToJson;

void CheckSpellings(const reprise::base::Value& value) {
  const std::string encoded = Encode(value);
  const std::string exact = ToExactJson(value);
  const auto read = FromJson(exact);
  // What was decoded may have more values than a frame.
  if (!read.ok() && read.error().code == reprise::base::Code::kTooLarge) {
    return;
  }
  ENSURE(read.ok() && Encode(read.value()) == encoded);
  if (exact.find('$') == std::string::npos) {
    for (const bool indented : {false, true}) {
      const auto again = FromJson(ToJson(value, indented));
      ENSURE(again.ok() && Encode(again.value()) == encoded);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto typed = FromJson(bytes);
  if (typed.ok()) {
    CheckSpellings(typed.value());
  } else {
    ENSURE(!typed.error().detail.empty());
  }
  if (const auto value = Decode(bytes); value.ok()) {
    ENSURE(!ToJson(value.value()).empty());
    CheckSpellings(value.value());
  }
  return 0;
}
