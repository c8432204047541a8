#include "client/cpp/encode.h"

#include "protocol/base/limits.h"
#include "protocol/wire/reader.h"
#include "protocol/wire/writer.h"

namespace reprise::client {

base::Status CheckParams(std::string_view params) {
  if (params.size() > static_cast<std::size_t>(base::limits::kFrameBytes.ceiling)) {
    return base::Error{base::Code::kTooLarge, "the parameters have " +
                                                  std::to_string(params.size()) +
                                                  " bytes, more than any server takes"};
  }
  wire::Reader reader(params);
  const auto kind = reader.Peek();
  if (kind.ok() && kind.value() == wire::Kind::kArray && reader.Raw().ok() && reader.AtEnd()) {
    return base::Ok{};
  }
  return base::Error{base::Code::kBadRequest, "the parameters are not one MessagePack array"};
}

std::string EncodeParams(const base::Value::Array& params) {
  base::Buffer buffer;
  wire::Writer writer(buffer);
  writer.Array(params.size());
  for (const base::Value& each : params) {
    writer.Write(each);
  }
  return std::string(buffer.view());
}

void AppendBody(std::string_view method, std::string_view params, base::Buffer& out) {
  wire::Writer writer(out);
  writer.Str(method);
  writer.Raw(params);
}

void AppendRequest(std::uint32_t msgid, std::string_view body, base::Buffer& out) {
  wire::Writer writer(out);
  writer.Array(4);
  writer.Uint(0);
  writer.Uint(msgid);
  writer.Raw(body);
}

}  // namespace reprise::client
