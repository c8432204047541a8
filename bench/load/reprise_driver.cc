// MessagePack-RPC, as in protocol/wire/FORMAT.md.
#include <cstring>

#include "bench/load/driver.h"
#include "protocol/base/limits.h"
#include "protocol/wire/frame.h"
#include "protocol/wire/message.h"
#include "protocol/wire/reader.h"
#include "protocol/wire/writer.h"

namespace reprise::bench {
namespace {

constexpr std::uint32_t kFirstWideMsgid = 0x10000;  // encoded as ce + 4 bytes, in and out
constexpr std::size_t kResponseHeadBytes = 8;       // 94 01 ce + 4 bytes + c0

std::string_view MethodOf(Operation operation) {
  switch (operation) {
    case Operation::kPing:
      return "PING";
    case Operation::kGetHit:
    case Operation::kGetMiss:
      return "GET";
    case Operation::kSet:
      return "SET";
    case Operation::kLookupExact:
    case Operation::kLookupNormalized:
      return "CACHE.LOOKUP";
    case Operation::kFetchHit:
      return "CACHE.FETCH";
    case Operation::kStore:
      return "CACHE.STORE";
    case Operation::kLimitTake:
      return "LIMIT.TAKE";
  }
  return {};
}

// Long enough that nothing expires while a suite runs.
void WriteStoreOptions(wire::Writer& writer) {
  writer.Map(4);
  writer.Field("ttl_ms", 7 * 86'400'000);
  writer.Field("tokens_in", 120);
  writer.Field("tokens_out", 240);
  writer.Field("cost_nano", 4'200'000);
}

// So much that none is denied, and so slow that keys stay busy and have to be saved.
void WriteLimitOptions(wire::Writer& writer) {
  writer.Map(2);
  writer.Field("limit", 100'000);
  writer.Field("period_ms", 86'400'000);
}

class RepriseDriver final : public Driver {
 public:
  explicit RepriseDriver(const Content& content) : content_(content) {}

  // A result that is one plain value, such as a stored str, shows its end in its header, as a reply
  // of the other servers does; only a map or an error needs the scanner.
  Reply Take(std::string_view bytes, const Call& call) override {
    if (bytes.size() <= kResponseHeadBytes && bytes[0] == '\x94') {
      return {};  // No response to a wide msgid is so short.
    }
    if (bytes.size() > kResponseHeadBytes && IsSuccessOf(bytes, call.sequence)) {
      wire::Token token;
      const auto state = wire::ReadToken(bytes.substr(kResponseHeadBytes), token);
      if (state == wire::TokenState::kIncomplete) {
        return {};
      }
      if (state == wire::TokenState::kOk && !token.IsContainer()) {
        const std::size_t size =
            kResponseHeadBytes + token.header_bytes + (token.HasBody() ? token.length : 0);
        return size > bytes.size() ? Reply{} : Check(bytes.substr(0, size), call);
      }
    }
    return TakeScanned(bytes, call);
  }

 private:
  Reply TakeScanned(std::string_view bytes, const Call& call) {
    const auto scanned = scanner_.Scan(bytes, base::limits::kFrameBytes.value);
    if (!scanned.ok()) {
      return Broken(scanned.error().detail);
    }
    if (!scanned.value().has_value()) {
      return {};
    }
    const std::string_view frame = bytes.substr(0, *scanned.value());
    if (frame.size() <= kResponseHeadBytes || !IsSuccessOf(frame, call.sequence)) {
      return Bad(frame.size(), Explain(frame, call));
    }
    return Check(frame, call);
  }

  static bool IsSuccessOf(std::string_view frame, std::uint32_t sequence) {
    const char head[kResponseHeadBytes] = {'\x94',
                                           '\x01',
                                           '\xce',
                                           static_cast<char>(sequence >> 24U),
                                           static_cast<char>((sequence >> 16U) & 0xffU),
                                           static_cast<char>((sequence >> 8U) & 0xffU),
                                           static_cast<char>(sequence & 0xffU),
                                           '\xc0'};
    return std::memcmp(frame.data(), head, kResponseHeadBytes) == 0;
  }

  static std::string Explain(std::string_view frame, const Call& call) {
    const auto response = wire::ParseResponse(frame);
    if (!response.ok()) {
      return response.error().detail;
    }
    if (response.value().msgid != call.sequence) {
      return "reply out of order: msgid " + std::to_string(response.value().msgid) + ", expected " +
             std::to_string(call.sequence);
    }
    const base::Error error = wire::ParseError(response.value().error);
    return std::string(base::NameOf(error.code)) + ": " + error.detail;
  }

  Reply Check(std::string_view frame, const Call& call) {
    const std::string_view result = frame.substr(kResponseHeadBytes);
    if (IsExpected(result, call)) {
      return {frame.size(), true, false};
    }
    return Bad(frame.size(), "unexpected result of " + std::string(MethodOf(call.operation)) +
                                 " for key " + std::to_string(call.key) + ": " +
                                 detail::Excerpt(result));
  }

  bool IsExpected(std::string_view result, const Call& call) const {
    switch (call.operation) {
      case Operation::kPing:
        return result == "\xa4PONG";
      case Operation::kGetHit:
        return IsValueOf(result, call.key);
      case Operation::kGetMiss:
        return result == "\xc0";
      case Operation::kSet:
        return result == "\xc3";
      case Operation::kLookupExact:
      case Operation::kFetchHit:
        return IsHit(result, call.key, "exact");
      case Operation::kLookupNormalized:
        return IsHit(result, call.key, "normalized");
      case Operation::kStore:
        return !result.empty() && (static_cast<unsigned char>(result[0]) & 0xf0U) == 0x80U;
      case Operation::kLimitTake:  // Five fields, the first of them {allowed: true}.
        return result.starts_with(
            "\x85\xa7"
            "allowed\xc3");
    }
    return false;
  }

  bool IsValueOf(std::string_view value, std::uint64_t key) const {
    wire::Token token;
    return wire::ReadToken(value, token) == wire::TokenState::kOk &&
           token.kind == wire::Kind::kStr && value.size() >= token.header_bytes + token.length &&
           content_.Matches(key, value.substr(token.header_bytes, token.length));
  }

  // Walks the map only until status, tier and response have been seen.
  bool IsHit(std::string_view result, std::uint64_t key, std::string_view tier) const {
    wire::Reader reader(result);
    const auto pairs = reader.Map();
    int missing = 3;
    for (std::uint32_t i = 0; pairs.ok() && i < pairs.value() && missing > 0; ++i) {
      const auto name = reader.Str();
      const auto value = name.ok() ? reader.Raw() : name;
      if (!value.ok()) {
        return false;
      }
      const std::string_view field = name.value();
      if (field == "status" || field == "tier") {
        const std::string_view text = value.value().substr(1);  // both are short strs
        if (text != (field == "status" ? "hit" : tier)) {
          return false;
        }
        --missing;
      } else if (field == "response") {
        if (!IsValueOf(value.value(), key)) {
          return false;
        }
        --missing;
      }
    }
    return missing == 0;
  }

  const Content& content_;
  wire::FrameScanner scanner_;
};

}  // namespace

namespace detail {

std::string EncodeReprise(Operation operation, const Content& content, std::uint64_t key) {
  base::Buffer out;
  wire::BeginRequest(kFirstWideMsgid, MethodOf(operation), out);
  wire::Writer writer(out);
  switch (operation) {
    case Operation::kPing:
      writer.Array(0);
      break;
    case Operation::kGetHit:
    case Operation::kGetMiss:
      writer.Array(1);
      writer.Str(KeyName(operation, key));
      break;
    case Operation::kSet:
      writer.Array(2);
      writer.Str(KeyName(operation, key));
      writer.Str(content.ValueOf(key));
      break;
    case Operation::kLookupExact:
    case Operation::kLookupNormalized:
    case Operation::kFetchHit:
      writer.Array(1);
      writer.Str(operation == Operation::kLookupNormalized ? RephrasedPromptOf(key)
                                                           : PromptOf(key));
      break;
    case Operation::kStore:
      writer.Array(3);
      writer.Str(PromptOf(key));
      writer.Str(content.ValueOf(key));
      WriteStoreOptions(writer);
      break;
    case Operation::kLimitTake:
      writer.Array(2);
      writer.Str(KeyName(operation, key));
      WriteLimitOptions(writer);
      break;
  }
  return std::string(out.view());
}

std::unique_ptr<Driver> MakeReprise(const Content& content) {
  return std::make_unique<RepriseDriver>(content);
}

}  // namespace detail
}  // namespace reprise::bench
