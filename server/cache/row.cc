#include "server/cache/row.h"

#include <algorithm>
#include <cstring>

#include "server/cache/bounds.h"

namespace reprise::cache {
namespace {

constexpr char kSummaryRow = 'm';
constexpr char kBodyRow = 'b';
constexpr std::uint8_t kVersion = 1;  // of bodies
// 1 had no model and tags, 2 nothing behind the tags, 3 no body_bytes.
constexpr std::uint8_t kSummaryVersion = 4;

// All numbers are little-endian, as the machines are that this runs on.
template <typename Number>
void AppendNumber(Number number, std::string& out) {
  char bytes[sizeof(Number)];
  std::memcpy(bytes, &number, sizeof(Number));
  out.append(bytes, sizeof(Number));
}

void AppendBytes(std::string_view bytes, std::string& out) {
  AppendNumber(static_cast<std::uint32_t>(bytes.size()), out);
  out.append(bytes);
}

// Reads what the two functions above wrote; remembers when the row was too short.
class Cursor {
 public:
  explicit Cursor(std::string_view bytes) : bytes_(bytes) {}

  template <typename Number>
  Number Take() {
    Number number{};
    if (bytes_.size() < sizeof(Number)) {
      failed_ = true;
      return number;
    }
    std::memcpy(&number, bytes_.data(), sizeof(Number));
    bytes_.remove_prefix(sizeof(Number));
    return number;
  }
  std::string_view TakeBytes() {
    const auto count = Take<std::uint32_t>();
    if (bytes_.size() < count) {
      failed_ = true;
      return {};
    }
    const std::string_view taken = bytes_.substr(0, count);
    bytes_.remove_prefix(count);
    return taken;
  }
  bool Complete() const { return !failed_ && bytes_.empty(); }

 private:
  std::string_view bytes_;
  bool failed_ = false;
};

RowKey MakeKey(storage::NamespaceId id, char kind, const KeyHash& exact) {
  const auto prefix = storage::PrefixOf(id);
  const auto hash = exact.Bytes();
  RowKey key{};
  auto* end = std::copy(prefix.begin(), prefix.end(), key.begin());
  *end++ = kind;
  std::copy(hash.begin(), hash.end(), end);
  return key;
}

}  // namespace

RowKey SummaryKey(storage::NamespaceId id, const KeyHash& exact) {
  return MakeKey(id, kSummaryRow, exact);
}

RowKey BodyKey(storage::NamespaceId id, const KeyHash& exact) {
  return MakeKey(id, kBodyRow, exact);
}

std::string SummaryPrefix(storage::NamespaceId id) {
  const auto prefix = storage::PrefixOf(id);
  return std::string(prefix.data(), prefix.size()) + kSummaryRow;
}

std::string BodyPrefix(storage::NamespaceId id) {
  const auto prefix = storage::PrefixOf(id);
  return std::string(prefix.data(), prefix.size()) + kBodyRow;
}

std::uint32_t EntryBytes(std::size_t summary_bytes, std::size_t body_bytes) {
  return static_cast<std::uint32_t>(2 * sizeof(RowKey) + summary_bytes + body_bytes +
                                    kEntryMemoryBytes);
}

std::string FormatSummary(const Summary& summary) {
  std::string out;
  AppendNumber(kSummaryVersion, out);
  AppendNumber(summary.normalized.high, out);
  AppendNumber(summary.normalized.low, out);
  AppendNumber(summary.id, out);
  AppendNumber(base::ToInt(summary.created_at), out);
  AppendNumber(summary.worth.tokens_in, out);
  AppendNumber(summary.worth.tokens_out, out);
  AppendNumber(summary.worth.cost_nano, out);
  AppendBytes(summary.type, out);
  AppendBytes(summary.model, out);
  AppendBytes(summary.tags, out);
  AppendNumber(base::ToInt(summary.fresh_until), out);
  AppendNumber(summary.sliding_ms, out);
  AppendNumber(summary.partition, out);
  AppendNumber(summary.body_bytes, out);
  return out;
}

base::Result<Summary> ParseSummary(std::string_view row_key, std::string_view value,
                                   base::UnixMillis expires_at) {
  Cursor cursor(value);
  const auto version = cursor.Take<std::uint8_t>();
  Summary summary;
  summary.normalized.high = cursor.Take<std::uint64_t>();
  summary.normalized.low = cursor.Take<std::uint64_t>();
  summary.id = cursor.Take<std::uint64_t>();
  summary.created_at = base::UnixMillis{cursor.Take<std::int64_t>()};
  summary.worth.tokens_in = cursor.Take<std::uint32_t>();
  summary.worth.tokens_out = cursor.Take<std::uint32_t>();
  summary.worth.cost_nano = cursor.Take<std::uint64_t>();
  summary.type = cursor.TakeBytes();
  if (version > 1) {
    summary.model = cursor.TakeBytes();
    summary.tags = cursor.TakeBytes();
  }
  summary.fresh_until = expires_at;
  if (version > 2) {
    summary.fresh_until = base::UnixMillis{cursor.Take<std::int64_t>()};
    summary.sliding_ms = cursor.Take<std::int64_t>();
    summary.partition = cursor.Take<std::uint64_t>();
  }
  if (version > 3) {
    summary.body_bytes = cursor.Take<std::uint32_t>();
  }
  if (version == 0 || version > kSummaryVersion || !cursor.Complete() ||
      row_key.size() != sizeof(RowKey)) {
    return base::Error{base::Code::kCorrupt, "a summary row of the cache cannot be read"};
  }
  summary.exact = KeyHash::FromBytes(row_key.substr(sizeof(RowKey) - 16));
  summary.expires_at = expires_at;
  return summary;
}

std::string FloorsPrefix(storage::NamespaceId id) {
  return "cache_floor/" + std::to_string(static_cast<std::uint32_t>(id)) + "/";
}

std::string FloorKey(storage::NamespaceId id, const Label& label) {
  return FloorsPrefix(id).append(1, static_cast<char>(label.kind)).append(label.name);
}

std::string FormatFloor(Floor floor) {
  std::string out;
  AppendNumber(kVersion, out);
  AppendNumber(floor, out);
  return out;
}

base::Result<Floor> ParseFloor(std::string_view value) {
  Cursor cursor(value);
  const auto version = cursor.Take<std::uint8_t>();
  const auto floor = cursor.Take<Floor>();
  if (version != kVersion || !cursor.Complete()) {
    return base::Error{base::Code::kCorrupt, "a floor row of the cache cannot be read"};
  }
  return floor;
}

std::string FormatBody(const Body& body) {
  std::string out;
  out.reserve(64 + body.identity.size() + body.prompt.size() + body.response.size());
  AppendNumber(kVersion, out);
  AppendNumber(static_cast<std::uint32_t>(body.namespace_id), out);
  AppendNumber(body.id, out);
  AppendBytes(body.identity, out);
  AppendBytes(body.prompt, out);
  AppendBytes(body.model, out);
  AppendBytes(body.tags, out);
  AppendBytes(body.response, out);
  return out;
}

base::Result<Body> ParseBody(std::string_view value) {
  Cursor cursor(value);
  const auto version = cursor.Take<std::uint8_t>();
  Body body;
  body.namespace_id = storage::NamespaceId{cursor.Take<std::uint32_t>()};
  body.id = cursor.Take<std::uint64_t>();
  body.identity = cursor.TakeBytes();
  body.prompt = cursor.TakeBytes();
  body.model = cursor.TakeBytes();
  body.tags = cursor.TakeBytes();
  body.response = cursor.TakeBytes();
  if (version != kVersion || !cursor.Complete()) {
    return base::Error{base::Code::kCorrupt, "a body row of the cache cannot be read"};
  }
  return body;
}

}  // namespace reprise::cache
