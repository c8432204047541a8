#include "server/semantic/vector_row.h"

#include <array>

namespace reprise::semantic {
namespace {

constexpr char kVersion = 1;
constexpr std::size_t kHeadBytes = 1 + sizeof(std::uint64_t);
constexpr unsigned kByteBits = 8;

void AppendBigEndian(std::uint64_t number, std::size_t bytes, std::string& out) {
  for (std::size_t i = bytes; i-- > 0;) {
    out.push_back(static_cast<char>((number >> (kByteBits * i)) & 0xFFU));
  }
}

}  // namespace

std::uint64_t StableHash(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char byte : text) {
    hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  }
  return hash;
}

std::string FormatVectorRow(const VectorRow& row) {
  std::string value(1, kVersion);
  AppendBigEndian(row.id, sizeof(row.id), value);
  value.append(row.vector.bytes());
  return value;
}

base::Result<VectorRow> ParseVectorRow(std::string_view value) {
  if (value.size() <= kHeadBytes || value.front() != kVersion) {
    return base::Error{base::Code::kCorrupt, "a vector row cannot be read"};
  }
  VectorRow row;
  for (std::size_t i = 1; i < kHeadBytes; ++i) {
    row.id = (row.id << kByteBits) | static_cast<unsigned char>(value[i]);
  }
  ASSIGN_OR_RETURN(row.vector, PackedVector::FromBytes(value.substr(kHeadBytes)));
  return row;
}

std::string VectorPrefix(std::string_view fingerprint) {
  std::string prefix(1, 'v');
  AppendBigEndian(StableHash(fingerprint), sizeof(std::uint64_t), prefix);
  return prefix;
}

std::string EntryPrefix(storage::NamespaceId id) {
  const auto prefix = storage::PrefixOf(id);
  return {prefix.data(), prefix.size()};
}

std::string FileNameOf(std::string_view fingerprint) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  constexpr unsigned kDigitBits = 4;
  const std::uint64_t hash = StableHash(fingerprint);
  std::string name = "index-";
  for (std::size_t i = 2 * sizeof(hash); i-- > 0;) {
    name.push_back(kDigits[(hash >> (kDigitBits * i)) & 0xFU]);
  }
  return name + ".snapshot";
}

}  // namespace reprise::semantic
