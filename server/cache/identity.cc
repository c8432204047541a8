#include "server/cache/identity.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>
#include <vector>
#include <xxhash.h>

#include "protocol/base/buffer.h"
#include "protocol/base/ensure.h"
#include "protocol/wire/reader.h"
#include "protocol/wire/writer.h"
#include "server/text/nfc.h"

namespace reprise::cache {
namespace {

using base::Code;
using base::Error;

constexpr double kTwoTo53 = 9007199254740992.0;

// Floats that are whole numbers are written as integers: 1 and 1.0 are the same temperature.
base::Status WriteNumber(double number, wire::Writer& writer) {
  if (std::isnan(number)) {
    return Error{Code::kBadRequest, "an identity must not contain NaN"};
  }
  if (std::trunc(number) == number && std::abs(number) <= kTwoTo53) {
    writer.Int(static_cast<std::int64_t>(number));
  } else {
    writer.Double(number);
  }
  return base::Ok{};
}

base::Status WriteText(std::string_view text, wire::Writer& writer) {
  std::string scratch;
  const auto composed = text::Nfc(text, scratch);
  if (!composed.ok()) {
    return Error{composed.error().code, "in an identity " + composed.error().detail};
  }
  writer.Str(composed.value());
  return base::Ok{};
}

base::Status WriteCanonical(wire::Reader& reader, base::Buffer& out);

base::Status WriteMap(std::uint32_t pairs, wire::Reader& reader, base::Buffer& out) {
  std::vector<std::pair<std::string, std::string>> sorted;
  sorted.reserve(pairs);
  for (std::uint32_t i = 0; i < pairs; ++i) {
    base::Buffer key;
    base::Buffer value;
    RETURN_IF_ERROR(WriteCanonical(reader, key));
    RETURN_IF_ERROR(WriteCanonical(reader, value));
    sorted.emplace_back(key.view(), value.view());
  }
  std::sort(sorted.begin(), sorted.end());
  for (std::size_t i = 1; i < sorted.size(); ++i) {
    if (sorted[i].first == sorted[i - 1].first) {
      return Error{Code::kBadRequest, "an identity must not have the same key twice in a map"};
    }
  }
  wire::Writer(out).Map(pairs);
  for (const auto& [key, value] : sorted) {
    out.Append(key);
    out.Append(value);
  }
  return base::Ok{};
}

// Recursion is bounded: the frame scanner lets no value deeper than kDepth through.
base::Status WriteCanonical(wire::Reader& reader, base::Buffer& out) {
  wire::Writer writer(out);
  const std::string_view before = reader.Rest();
  ASSIGN_OR_RETURN(const wire::Token token, reader.Next());
  const std::string_view body = before.substr(token.header_bytes, token.length);
  switch (token.kind) {
    case wire::Kind::kUint:
      writer.Uint(token.bits);
      break;
    case wire::Kind::kInt:
      writer.Int(token.AsInt());
      break;
    case wire::Kind::kFloat:
      return WriteNumber(token.AsDouble(), writer);
    case wire::Kind::kStr:
      return WriteText(body, writer);
    case wire::Kind::kBin:
      writer.Bin(body);
      break;
    case wire::Kind::kNil:
    case wire::Kind::kBool:
    case wire::Kind::kExt:
      writer.Raw(before.substr(0, before.size() - reader.Rest().size()));
      break;
    case wire::Kind::kArray:
      writer.Array(token.length);
      for (std::uint32_t i = 0; i < token.length; ++i) {
        RETURN_IF_ERROR(WriteCanonical(reader, out));
      }
      break;
    case wire::Kind::kMap:
      return WriteMap(token.length, reader, out);
  }
  return base::Ok{};
}

}  // namespace

std::array<char, 16> KeyHash::Bytes() const {
  std::array<char, 16> bytes{};
  std::memcpy(bytes.data(), &high, sizeof(high));
  std::memcpy(bytes.data() + sizeof(high), &low, sizeof(low));
  return bytes;
}

std::string KeyHash::Hex() const {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(32);
  for (const char byte : Bytes()) {
    text.push_back(kDigits[static_cast<std::uint8_t>(byte) >> 4U]);
    text.push_back(kDigits[static_cast<std::uint8_t>(byte) & 15U]);
  }
  return text;
}

KeyHash KeyHash::FromBytes(std::string_view bytes) {
  ENSURE(bytes.size() == 16);
  KeyHash hash;
  std::memcpy(&hash.high, bytes.data(), sizeof(hash.high));
  std::memcpy(&hash.low, bytes.data() + sizeof(hash.high), sizeof(hash.low));
  return hash;
}

base::Status Canonicalize(std::string_view value, std::string& out) {
  base::Buffer buffer;
  wire::Reader reader(value);
  RETURN_IF_ERROR(WriteCanonical(reader, buffer));
  out.append(buffer.view());
  return base::Ok{};
}

KeyHasher::KeyHasher(std::string_view secret) {
  ENSURE(secret.size() == kSecretBytes);
  std::copy(secret.begin(), secret.end(), secret_.begin());
}

KeyHash KeyHasher::Exact(storage::NamespaceId id, std::string_view identity,
                         std::string_view prompt) const {
  return Hash('x', id, identity, prompt);
}

KeyHash KeyHasher::Normalized(storage::NamespaceId id, std::string_view identity,
                              std::string_view normalized_prompt) const {
  return Hash('n', id, identity, normalized_prompt);
}

std::uint64_t KeyHasher::Identity(storage::NamespaceId id, std::string_view identity) const {
  return identity.empty() ? 0 : std::max<std::uint64_t>(1, Hash('i', id, identity, "").low);
}

// The fields are put one behind the other with the identity's length in front, so that no two
// different (identity, text) pairs give the same bytes.
KeyHash KeyHasher::Hash(char tier, storage::NamespaceId id, std::string_view identity,
                        std::string_view text) const {
  struct Head {
    std::uint64_t identity_bytes;
    std::uint32_t namespace_id;
    std::uint32_t tier;
  };
  const Head head{identity.size(), static_cast<std::uint32_t>(id),
                  static_cast<std::uint32_t>(tier)};
  constexpr std::size_t kOnStack = 1024;
  const std::size_t total = sizeof(head) + identity.size() + text.size();
  std::array<char, kOnStack> small;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled below
  std::string large;
  char* bytes = small.data();
  if (total > kOnStack) {
    large.resize(total);
    bytes = large.data();
  }
  std::memcpy(bytes, &head, sizeof(head));
  std::copy(identity.begin(), identity.end(), bytes + sizeof(head));
  std::copy(text.begin(), text.end(), bytes + sizeof(head) + identity.size());
  const XXH128_hash_t hash = XXH3_128bits_withSecret(bytes, total, secret_.data(), kSecretBytes);
  return {hash.high64, hash.low64};
}

}  // namespace reprise::cache
