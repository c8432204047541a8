#include "server/spend/record.h"

#include <algorithm>
#include <openssl/evp.h>

#include "protocol/base/ensure.h"

namespace reprise::spend {
namespace {

constexpr std::uint64_t kVersion = 1;
constexpr std::size_t kDigestBytes = std::tuple_size_v<Digest>;

base::Error Unreadable(std::uint64_t sequence) {
  return {base::Code::kCorrupt,
          "record " + std::to_string(sequence) + " of the ledger cannot be read"};
}

std::string_view BytesOf(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

// SHA-256 of the hash before, the position as eight bytes, big-endian, and the record's bytes.
Digest Chain(std::uint64_t sequence, std::string_view body, const Digest& previous) {
  std::string text(BytesOf(previous));
  for (std::size_t i = 8; i-- > 0;) {
    text.push_back(static_cast<char>(sequence >> (8U * i)));
  }
  text.append(body);
  Digest digest{};
  ENSURE(EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr) == 1);
  return digest;
}

}  // namespace

bool IsStrategy(std::string_view name) {
  return std::find(kStrategies.begin(), kStrategies.end(), name) != kStrategies.end();
}

std::string FormatRecord(const LedgerRecord& record, const Digest& previous, Digest& hash) {
  std::string out;
  AppendNumber(kVersion, out);
  AppendNumber(record.number, out);
  AppendSigned(base::ToInt(record.time), out);
  AppendNumber(record.reservation, out);
  AppendSigned(record.reserved_nano, out);
  AppendNumber(record.count, out);
  AppendSigned(record.tokens_in, out);
  AppendSigned(record.tokens_out, out);
  AppendSigned(record.tokens_cached, out);
  AppendSigned(record.cost_nano, out);
  AppendText(record.provider, out);
  AppendText(record.strategy, out);
  AppendText(record.charge_id, out);
  AppendText(record.scopes.bot, out);
  AppendText(record.scopes.model, out);
  AppendText(record.scopes.type, out);
  AppendNumber(record.scopes.keys.size(), out);
  for (const std::string& key : record.scopes.keys) {
    AppendText(key, out);
  }
  hash = Chain(record.sequence, out, previous);
  return out.append(BytesOf(hash));
}

base::Result<ParsedRecord> ParseRecord(std::uint64_t sequence, std::string_view value) {
  ParsedRecord parsed;
  LedgerRecord& record = parsed.record;
  Cursor cursor(value);
  if (cursor.Number() != kVersion) {
    return Unreadable(sequence);
  }
  record.sequence = sequence;
  record.number = cursor.Number();
  record.time = base::UnixMillis{cursor.Signed()};
  record.reservation = cursor.Number();
  record.reserved_nano = cursor.Signed();
  record.count = cursor.Number();
  record.tokens_in = cursor.Signed();
  record.tokens_out = cursor.Signed();
  record.tokens_cached = cursor.Signed();
  record.cost_nano = cursor.Signed();
  record.provider = cursor.Text();
  record.strategy = cursor.Text();
  record.charge_id = cursor.Text();
  record.scopes.bot = cursor.Text();
  record.scopes.model = cursor.Text();
  record.scopes.type = cursor.Text();
  const std::uint64_t keys = cursor.NumberUpTo(kKeysOfCallMax);
  for (std::uint64_t i = 0; i < keys; ++i) {
    record.scopes.keys.emplace_back(cursor.Text());
  }
  const std::string_view hash = cursor.Bytes(kDigestBytes);
  if (!cursor.Finished()) {
    return Unreadable(sequence);
  }
  std::copy(hash.begin(), hash.end(), parsed.hash.begin());
  return parsed;
}

Digest HashOf(std::uint64_t sequence, std::string_view value, const Digest& previous) {
  const std::size_t body = value.size() - std::min(value.size(), kDigestBytes);
  return Chain(sequence, value.substr(0, body), previous);
}

std::string HexOf(const Digest& digest) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : digest) {
    text.push_back(kDigits[byte >> 4U]);
    text.push_back(kDigits[byte & 15U]);
  }
  return text;
}

}  // namespace reprise::spend
