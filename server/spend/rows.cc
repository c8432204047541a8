#include "server/spend/rows.h"

#include <limits>

#include "protocol/base/ensure.h"

namespace reprise::spend {
namespace {

constexpr char kOfThisModule = '$';
constexpr std::size_t kNumberBytes = 8;

}  // namespace

std::string RowPrefix(NamespaceId id, RowKind kind) {
  const auto prefix = storage::PrefixOf(id);
  std::string key(prefix.data(), prefix.size());
  key.push_back(kOfThisModule);
  key.push_back(static_cast<char>(kind));
  return key;
}

std::string NumberKey(NamespaceId id, RowKind kind, std::uint64_t number) {
  std::string key = RowPrefix(id, kind);
  for (std::size_t i = kNumberBytes; i-- > 0;) {
    key.push_back(static_cast<char>(number >> (8U * i)));
  }
  return key;
}

std::string TextKey(NamespaceId id, RowKind kind, std::string_view text) {
  return RowPrefix(id, kind).append(text);
}

std::uint64_t NumberOf(std::string_view key) {
  ENSURE(key.size() >= kNumberBytes);
  std::uint64_t number = 0;
  for (const char byte : key.substr(key.size() - kNumberBytes)) {
    number = number << 8U | static_cast<unsigned char>(byte);
  }
  return number;
}

void AppendNumber(std::uint64_t number, std::string& out) {
  while (number >= 0x80) {
    out.push_back(static_cast<char>(0x80U | (number & 0x7fU)));
    number >>= 7U;
  }
  out.push_back(static_cast<char>(number));
}

void AppendSigned(std::int64_t number, std::string& out) {
  ENSURE(number >= 0);
  AppendNumber(static_cast<std::uint64_t>(number), out);
}

void AppendText(std::string_view text, std::string& out) {
  AppendNumber(text.size(), out);
  out.append(text);
}

std::uint64_t Cursor::Number() {
  std::uint64_t number = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (failed_ || bytes_.empty()) {
      break;
    }
    const auto byte = static_cast<unsigned char>(bytes_.front());
    bytes_.remove_prefix(1);
    number |= static_cast<std::uint64_t>(byte & 0x7fU) << shift;
    if (byte < 0x80) {
      return number;
    }
  }
  failed_ = true;
  return 0;
}

std::uint64_t Cursor::NumberUpTo(std::uint64_t max) {
  const std::uint64_t number = Number();
  failed_ = failed_ || number > max;
  return failed_ ? 0 : number;
}

std::int64_t Cursor::Signed() {
  return static_cast<std::int64_t>(
      NumberUpTo(static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())));
}

std::string_view Cursor::Text() {
  return Bytes(NumberUpTo(bytes_.size()));
}

std::string_view Cursor::Bytes(std::size_t count) {
  failed_ = failed_ || count > bytes_.size();
  const std::string_view bytes = bytes_.substr(0, failed_ ? 0 : count);
  bytes_.remove_prefix(bytes.size());
  return bytes;
}

}  // namespace reprise::spend
