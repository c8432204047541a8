#include "protocol/wire/message.h"

#include <limits>
#include <string>

#include "protocol/base/limits.h"
#include "protocol/wire/reader.h"
#include "protocol/wire/writer.h"

namespace reprise::wire {
namespace {

constexpr std::uint64_t kRequestType = 0;
constexpr std::uint64_t kResponseType = 1;
constexpr std::uint64_t kNotificationType = 2;

base::Error Malformed(std::string_view what) {
  return {base::Code::kBadRequest, "not a MessagePack-RPC message: " + std::string(what)};
}

base::Result<std::uint32_t> ReadMsgid(Reader& reader) {
  const auto msgid = reader.Uint();
  if (!msgid.ok() || msgid.value() > std::numeric_limits<std::uint32_t>::max()) {
    return Malformed("msgid must be an integer from 0 to 2^32-1");
  }
  return static_cast<std::uint32_t>(msgid.value());
}

base::Result<std::string_view> ReadMethod(Reader& reader) {
  const auto method = reader.Text();
  if (!method.ok()) {
    return Malformed("method must be a str");
  }
  if (method.value().size() > static_cast<std::size_t>(base::limits::kMethodBytes.value)) {
    return Malformed("method has more than 64 bytes");
  }
  return method.value();
}

base::Result<std::string_view> ReadParams(Reader& reader) {
  const auto kind = reader.Peek();
  if (!kind.ok() || kind.value() != Kind::kArray) {
    return Malformed("params must be an array");
  }
  return reader.Raw();
}

}  // namespace

base::Result<Request> ParseRequest(std::string_view frame) {
  Reader reader(frame);
  ASSIGN_OR_RETURN(const std::uint32_t fields, reader.Array());
  const auto type = reader.Uint();
  Request request;
  if (type.ok() && type.value() == kRequestType && fields == 4) {
    ASSIGN_OR_RETURN(request.msgid, ReadMsgid(reader));
  } else if (type.ok() && type.value() == kNotificationType && fields == 3) {
    request.is_notification = true;
  } else {
    return Malformed("expected [0, msgid, method, params] or [2, method, params]");
  }
  ASSIGN_OR_RETURN(request.method, ReadMethod(reader));
  ASSIGN_OR_RETURN(request.params, ReadParams(reader));
  return request;
}

std::optional<std::uint32_t> MsgidOf(std::string_view bytes) {
  Reader reader(bytes);
  const auto fields = reader.Array();
  if (!fields.ok() || fields.value() != 4) {
    return std::nullopt;
  }
  const auto type = reader.Uint();
  if (!type.ok() || type.value() != kRequestType) {
    return std::nullopt;
  }
  const auto msgid = ReadMsgid(reader);
  return msgid.ok() ? std::optional(msgid.value()) : std::nullopt;
}

base::Result<Response> ParseResponse(std::string_view frame) {
  Reader reader(frame);
  ASSIGN_OR_RETURN(const std::uint32_t fields, reader.Array());
  const auto type = reader.Uint();
  Response response;
  if (type.ok() && type.value() == kResponseType && fields == 4) {
    ASSIGN_OR_RETURN(response.msgid, ReadMsgid(reader));
    ASSIGN_OR_RETURN(response.error, reader.Raw());
    ASSIGN_OR_RETURN(response.result, reader.Raw());
    return response;
  }
  if (type.ok() && type.value() == kNotificationType && fields == 3) {
    response.is_notification = true;
    ASSIGN_OR_RETURN(response.method, ReadMethod(reader));
    ASSIGN_OR_RETURN(response.result, ReadParams(reader));
    return response;
  }
  return Malformed("expected [1, msgid, error, result] or [2, method, params]");
}

void BeginRequest(std::uint32_t msgid, std::string_view method, base::Buffer& out) {
  Writer writer(out);
  writer.Array(4);
  writer.Uint(kRequestType);
  writer.Uint(msgid);
  writer.Str(method);
}

void BeginNotification(std::string_view method, base::Buffer& out) {
  Writer writer(out);
  writer.Array(3);
  writer.Uint(kNotificationType);
  writer.Str(method);
}

void BeginResponse(std::uint32_t msgid, base::Buffer& out) {
  Writer writer(out);
  writer.Array(4);
  writer.Uint(kResponseType);
  writer.Uint(msgid);
  writer.Nil();
}

void AppendError(std::uint32_t msgid, const base::Error& error, base::Buffer& out) {
  Writer writer(out);
  writer.Array(4);
  writer.Uint(kResponseType);
  writer.Uint(msgid);
  writer.Array(3);
  writer.Str(NameOf(error.code));
  writer.Str(error.detail);
  writer.Map(0);
  writer.Nil();
}

base::Error ParseError(std::string_view error) {
  Reader reader(error);
  const auto fields = reader.Array();
  if (!fields.ok() || fields.value() < 2) {
    return {base::Code::kInternal, "the server sent an error of unknown shape"};
  }
  const auto name = reader.Text();
  const auto message = reader.Text();
  if (!name.ok() || !message.ok()) {
    return {base::Code::kInternal, "the server sent an error of unknown shape"};
  }
  if (const auto code = base::CodeNamed(name.value())) {
    return {*code, std::string(message.value())};
  }
  return {base::Code::kInternal, std::string(name.value()) + ": " + std::string(message.value())};
}

}  // namespace reprise::wire
