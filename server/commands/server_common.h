// What several administrative commands share. Threads: as the command. Errors: kUnavailable.
#pragma once

#include <string_view>
#include <vector>

#include "protocol/wire/writer.h"
#include "server/commands/context.h"

namespace reprise::commands {

// For commands about the running process; in embedded mode there is none.
inline base::Status RequireServer(const Context& context) {
  if (context.server == nullptr) {
    return base::Error{base::Code::kUnavailable, "this command needs a running server"};
  }
  return base::Ok{};
}

inline void WriteTexts(const std::vector<std::string_view>& texts, wire::Writer& reply) {
  reply.Array(texts.size());
  for (const std::string_view text : texts) {
    reply.Str(text);
  }
}

}  // namespace reprise::commands
