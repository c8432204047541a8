// Requests as bytes, in two parts: the body (method and params), which can wait in a queue, and the
// head with the msgid, which is known when the request is sent.
//
// Internal to client/cpp. Threads: any. Errors: CheckParams kBadRequest, kTooLarge. Complexity:
// O(bytes).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/base/buffer.h"
#include "protocol/base/result.h"
#include "protocol/base/value.h"

namespace reprise::client {

// One complete MessagePack array and nothing behind it, within the largest frame.
base::Status CheckParams(std::string_view params);

std::string EncodeParams(const base::Value::Array& params);
void AppendBody(std::string_view method, std::string_view params, base::Buffer& out);
void AppendRequest(std::uint32_t msgid, std::string_view body, base::Buffer& out);

}  // namespace reprise::client
