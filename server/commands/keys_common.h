// What several commands of the keys family share. Threads: as the command. Errors: kTooLarge.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "protocol/wire/writer.h"
#include "server/commands/context.h"
#include "server/text/normalize.h"

namespace reprise::commands {

inline base::Status CheckValueBytes(std::string_view value, const Context& context) {
  const auto limit = static_cast<std::size_t>(context.config.cache.value_bytes_max);
  if (value.size() > limit) {
    return base::Error{base::Code::kTooLarge, "value_bytes: the value has " +
                                                  std::to_string(value.size()) +
                                                  " bytes, the limit is " + std::to_string(limit) +
                                                  " (cache.value_bytes_max)"};
  }
  return base::Ok{};
}

inline base::UnixMillis ExpiryAfter(std::optional<std::int64_t> ttl_ms, const Context& context) {
  return ttl_ms.has_value() ? context.now() + *ttl_ms : storage::kNever;
}

// Keys are the same by their bytes: one that is UTF-8 is shown as str, any other as bin.
inline void WriteKey(std::string_view key, wire::Writer& reply) {
  if (text::CheckUtf8(key).ok()) {
    reply.Str(key);
  } else {
    reply.Bin(key);
  }
}

}  // namespace reprise::commands
