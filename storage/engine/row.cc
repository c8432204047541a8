#include "storage/engine/row.h"

#include "storage/engine/little_endian.h"

namespace reprise::storage {

std::array<char, kRowHeaderBytes> RowHeader(base::UnixMillis expires_at) {
  std::array<char, kRowHeaderBytes> header{};
  header[0] = static_cast<char>(kRowVersion);
  StoreLittleEndian(static_cast<std::uint64_t>(base::ToInt(expires_at)), header.data() + 1);
  return header;
}

std::optional<DecodedRow> DecodeRow(std::string_view bytes) {
  if (bytes.size() < kRowHeaderBytes || static_cast<std::uint8_t>(bytes[0]) != kRowVersion) {
    return std::nullopt;
  }
  const auto expires_at = static_cast<std::int64_t>(LoadLittleEndian(bytes.data() + 1));
  if (expires_at < 0) {
    return std::nullopt;
  }
  return DecodedRow{base::UnixMillis{expires_at}, bytes.substr(kRowHeaderBytes)};
}

}  // namespace reprise::storage
