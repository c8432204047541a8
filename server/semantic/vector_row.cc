#include "server/semantic/vector_row.h"

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

std::string VectorPrefix(FingerprintHash embedder) {
  std::string prefix(1, 'v');
  AppendBigEndian(static_cast<std::uint64_t>(embedder), sizeof(embedder), prefix);
  return prefix;
}

std::string EntryPrefix(storage::NamespaceId id) {
  const auto prefix = storage::PrefixOf(id);
  return {prefix.data(), prefix.size()};
}

storage::NamespaceId NamespaceOf(std::string_view entry_name) {
  std::uint32_t number = 0;
  for (const char byte : entry_name.substr(0, sizeof(number))) {
    number = (number << kByteBits) | static_cast<unsigned char>(byte);
  }
  return storage::NamespaceId{number};
}

std::string FileNameOf(FingerprintHash embedder) {
  return "index-" + HexOf(embedder) + ".snapshot";
}

}  // namespace reprise::semantic
