// ReadChatRequest: any bytes as a chat request, in each mode. A target for libFuzzer.
//
// It must hold that: an error names the field; the prompt is text; the identity is canonical and
// within its limit; the same request with its keys in another order is the same question; what a
// strict identity holds equal, looser ones do too.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "protocol/base/ensure.h"
#include "protocol/base/limits.h"
#include "protocol/wire/decode.h"
#include "protocol/wire/json.h"
#include "server/cache/chat_request.h"
#include "server/cache/chat_request_json.h"
#include "server/cache/identity.h"
#include "server/text/normalize.h"

namespace {

using reprise::base::Value;
using reprise::cache::IdentityMode;
using reprise::cache::ReadChatRequest;
using reprise::text::CheckUtf8;

// The same value, with every map the other way round.
Value Reversed(const Value& value) {
  if (const Value::Array* items = value.AsArray(); items != nullptr) {
    Value::Array reversed;
    for (const Value& item : *items) {
      reversed.push_back(Reversed(item));
    }
    return reversed;
  }
  if (const Value::Map* map = value.AsMap(); map != nullptr) {
    Value::Map reversed;
    for (const auto& [key, child] : *map) {
      reversed.emplace_back(key, Reversed(child));
    }
    std::reverse(reversed.begin(), reversed.end());
    return reversed;
  }
  return value;
}

void CheckRequest(std::string_view bytes, IdentityMode mode) {
  const auto question = ReadChatRequest(bytes, {mode, {"session"}});
  const auto value = reprise::wire::Decode(bytes);
  if (!question.ok()) {
    ENSURE(question.error().detail.starts_with("request"));
    ENSURE(CheckUtf8(question.error().detail).ok());
    return;
  }
  ENSURE(value.ok());
  ENSURE(!question.value().prompt.empty() && CheckUtf8(question.value().prompt).ok());
  ENSURE(!question.value().model.empty());
  const std::string& identity = question.value().identity;
  ENSURE(std::cmp_less_equal(identity.size(), reprise::base::limits::kIdentityBytes.value));
  std::string canonical;
  ENSURE(reprise::cache::Canonicalize(identity, canonical).ok() && canonical == identity);
  const auto again =
      ReadChatRequest(reprise::wire::Encode(Reversed(value.value())), {mode, {"session"}});
  ENSURE(again.ok() && again.value().identity == identity);
  ENSURE(again.value().prompt == question.value().prompt);
}

// Text that holds JSON: its canonical form is its own.
void CheckJson(std::string_view text) {
  if (!CheckUtf8(text).ok()) {
    return;
  }
  const auto canonical = reprise::cache::CanonicalJsonObject(text);
  if (!canonical.ok() || !canonical.value().has_value()) {
    return;
  }
  const auto again = reprise::cache::CanonicalJsonObject(*canonical.value());
  ENSURE(again.ok() && again.value() == canonical.value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (const auto mode :
       {IdentityMode::kStrict, IdentityMode::kConversation, IdentityMode::kPromptOnly}) {
    CheckRequest(bytes, mode);
  }
  if (const auto typed = reprise::wire::FromJson(bytes); typed.ok()) {
    CheckRequest(reprise::wire::Encode(typed.value()), IdentityMode::kStrict);
  }
  CheckJson(bytes);
  return 0;
}
