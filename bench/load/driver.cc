#include "bench/load/driver.h"

#include <algorithm>
#include <cstring>

#include "protocol/base/ensure.h"

namespace reprise::bench {
namespace {

// Digits that nothing else in a request looks like; they show where the key goes.
constexpr std::uint64_t kMark = 987'654'321'098;
// Where a request of MessagePack-RPC has its msgid: [0, msgid, ...] as 94 00 ce + 4 bytes.
constexpr std::string_view kRepriseStart("\x94\x00\xce", 3);

RequestTemplate Cut(Protocol protocol, const std::string& request, Operation operation,
                    const Content& content) {
  const std::string mark = Digits(kMark);
  RequestTemplate cut;
  std::size_t found = request.find(mark);
  for (std::size_t& offset : cut.digits_offsets) {
    if (found != std::string::npos) {
      offset = found;
      found = request.find(mark, found + kDigits);
    }
  }
  if (protocol == Protocol::kReprise) {
    ENSURE(request.starts_with(kRepriseStart));
    cut.sequence_offset = kRepriseStart.size();
  }
  cut.with_body = CarriesValue(operation);
  if (!cut.with_body) {
    cut.head = request;
    return cut;
  }
  const std::size_t body = cut.digits_offsets[1] + kDigits;
  ENSURE(cut.digits_offsets[1] != RequestTemplate::kNone && body <= request.size());
  cut.head = request.substr(0, body);
  cut.tail = request.substr(body + content.value_bytes() - kDigits);
  return cut;
}

void WriteBigEndian(std::uint32_t number, char* out) {
  for (unsigned shift = 32; shift > 0; shift -= 8) {
    *out++ = static_cast<char>((number >> (shift - 8)) & 0xffU);
  }
}

}  // namespace

namespace detail {

std::string KeyName(Operation operation, std::uint64_t key) {
  return (operation == Operation::kGetMiss ? "mis:" : "key:") + Digits(key);
}

std::string Excerpt(std::string_view bytes) {
  constexpr std::size_t kShown = 60;
  std::string text;
  for (const char byte : bytes.substr(0, kShown)) {
    text += byte >= ' ' && byte <= '~' ? byte : '.';
  }
  return text + (bytes.size() > kShown ? "..." : "") + " (" + std::to_string(bytes.size()) +
         " bytes)";
}

}  // namespace detail

std::string PromptOf(std::uint64_t key) {
  return "What is the answer to question number " + Digits(key) + " of the load generator?";
}

std::string RephrasedPromptOf(std::uint64_t key) {
  return "  what is the  ANSWER to question number " + Digits(key) + " of the Load Generator ";
}

std::string EncodeRequest(Protocol protocol, Operation operation, const Content& content,
                          std::uint64_t key) {
  switch (protocol) {
    case Protocol::kReprise:
      return detail::EncodeReprise(operation, content, key);
    case Protocol::kRedis:
    case Protocol::kRedisHiredis:
      return detail::EncodeRedis(operation, content, key);
    case Protocol::kMemcached:
    case Protocol::kMemcachedMeta:
      return detail::EncodeMemcached(operation, content, key, protocol == Protocol::kMemcachedMeta);
  }
  return {};
}

Templates MakeTemplates(Protocol protocol, const Content& content) {
  Templates templates;
  for (std::size_t i = 0; i < kOperations; ++i) {
    const auto operation = static_cast<Operation>(i);
    const std::string request = EncodeRequest(protocol, operation, content, kMark);
    if (!request.empty()) {
      templates.of[i] = Cut(protocol, request, operation, content);
    }
  }
  return templates;
}

void AppendRequest(const RequestTemplate& request, const Call& call, const Content& content,
                   base::Buffer& out) {
  const std::size_t head = request.head.size();
  char* bytes = out.Reserve(head + content.value_bytes() + request.tail.size());
  std::copy_n(request.head.data(), head, bytes);
  if (request.sequence_offset != RequestTemplate::kNone) {
    WriteBigEndian(call.sequence, bytes + request.sequence_offset);
  }
  if (request.digits_offsets[0] != RequestTemplate::kNone) {
    WriteDigits(call.key, bytes + request.digits_offsets[0]);
  }
  out.Commit(head);
  if (request.with_body) {
    std::memcpy(bytes + request.digits_offsets[1], bytes + request.digits_offsets[0], kDigits);
    out.Append(content.Body(call.key));
    out.Append(request.tail);
  }
}

std::unique_ptr<Driver> MakeDriver(Protocol protocol, const Content& content) {
  switch (protocol) {
    case Protocol::kReprise:
      return detail::MakeReprise(content);
    case Protocol::kRedis:
    case Protocol::kRedisHiredis:
      return detail::MakeRedis(content, protocol == Protocol::kRedisHiredis);
    case Protocol::kMemcached:
    case Protocol::kMemcachedMeta:
      return detail::MakeMemcached(content, protocol == Protocol::kMemcachedMeta);
  }
  return nullptr;
}

}  // namespace reprise::bench
