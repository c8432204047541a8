// The three MessagePack-RPC messages: request, response, notification (protocol/wire/FORMAT.md).
//
// Parse functions take one complete frame from FrameScanner and copy nothing. Threads: any.
// Lifetime: views point into the frame. Errors: kBadRequest with the field that is wrong.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "protocol/base/buffer.h"
#include "protocol/base/result.h"

namespace reprise::wire {

struct Request {
  bool is_notification = false;  // no msgid, and no reply is wanted
  std::uint32_t msgid = 0;
  std::string_view method;
  std::string_view params;  // the bytes of the params array
};

// What a client receives: a response, or a notification pushed by the server.
struct Response {
  bool is_notification = false;
  std::uint32_t msgid = 0;
  std::string_view method;  // of a notification
  std::string_view error;   // MessagePack bytes; nil when the call succeeded
  std::string_view result;  // MessagePack bytes; of a notification: the params array
};

base::Result<Request> ParseRequest(std::string_view frame);
base::Result<Response> ParseResponse(std::string_view frame);
// Of a request of which at least the beginning is there; nothing when that says no msgid.
std::optional<std::uint32_t> MsgidOf(std::string_view bytes);

// Request header; the caller appends the params array (Writer::Array and its items).
void BeginRequest(std::uint32_t msgid, std::string_view method, base::Buffer& out);
void BeginNotification(std::string_view method, base::Buffer& out);
// Response header of a success; the caller appends the result.
void BeginResponse(std::uint32_t msgid, base::Buffer& out);
// A whole response [1, msgid, [code_name, message, {}], nil].
void AppendError(std::uint32_t msgid, const base::Error& error, base::Buffer& out);
// The error that a Response's `error` bytes describe. A code name that this build does not know
// becomes kInternal, with the name in front of the message.
base::Error ParseError(std::string_view error);

}  // namespace reprise::wire
