// JSON: what people type at the command line and feed to the bulk load. A target for libFuzzer.
//
// What is read is written as JSON that reads as the same value, on one line and indented; its
// MessagePack form decodes. Any MessagePack value can be written as JSON.
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
using reprise::wire::ToJson;

void CheckText(std::string_view text) {
  const auto value = FromJson(text);
  if (!value.ok()) {
    ENSURE(!value.error().detail.empty());
    return;
  }
  const std::string encoded = Encode(value.value());
  for (const bool indented : {false, true}) {
    const auto again = FromJson(ToJson(value.value(), indented));
    ENSURE(again.ok() && Encode(again.value()) == encoded);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  CheckText(bytes);
  if (const auto value = Decode(bytes); value.ok()) {
    ENSURE(!ToJson(value.value()).empty());
  }
  return 0;
}
