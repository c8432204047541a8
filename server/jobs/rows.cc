#include "server/jobs/rows.h"

#include <algorithm>
#include <cstring>
#include <xxhash.h>

#include "protocol/wire/reader.h"
#include "protocol/wire/writer.h"

namespace reprise::jobs {
namespace {

using base::Code;
using base::Error;

constexpr std::uint64_t kVersion = 1;
constexpr std::size_t kPrefixBytes = 5;  // namespace and letter
constexpr std::size_t kNumberBytes = 8;
constexpr unsigned kByteBits = 8;

Error Corrupt(std::string_view what) {
  return {Code::kCorrupt, "a row of a " + std::string(what) + " cannot be read"};
}

void AppendNumber(std::uint64_t number, std::string& key) {
  for (std::size_t byte = kNumberBytes; byte-- > 0;) {
    key.push_back(static_cast<char>(number >> (kByteBits * byte) & 255U));
  }
}

void AppendRawOrNil(std::string_view raw, wire::Writer& writer) {
  if (raw.empty()) {
    writer.Nil();
  } else {
    writer.Raw(raw);
  }
}

// The fields of a row one after the other; the first that is wrong makes the whole row wrong.
class Fields {
 public:
  explicit Fields(std::string_view value, std::uint32_t count) : reader_(value) {
    const auto items = reader_.Array();
    ok_ = items.ok() && items.value() >= count && Uint() == kVersion;
  }

  bool ok() const { return ok_; }
  std::uint64_t Uint() { return Take(reader_.Uint()); }
  std::int64_t Int() { return Take(reader_.Int()); }
  bool Bool() { return Take(reader_.Bool()); }
  std::string_view Text() { return Take(reader_.Text()); }
  template <typename Number>
  Number As() {
    return static_cast<Number>(Uint());
  }
  // Empty for nil.
  std::string_view RawOrNil() {
    const std::string_view raw = Take(reader_.Raw());
    return raw == "\xc0" ? std::string_view() : raw;
  }
  std::uint32_t Array() { return Take(reader_.Array()); }
  GroupHash Hash() {
    const std::string_view bytes = Text();
    GroupHash hash{};
    if (bytes.size() != hash.size()) {
      ok_ = false;
    } else {
      std::copy(bytes.begin(), bytes.end(), hash.begin());
    }
    return hash;
  }
  // An enumeration with `count` values.
  template <typename Enum>
  Enum OneOf(std::uint64_t count) {
    const std::uint64_t number = Uint();
    if (number >= count) {
      ok_ = false;
      return Enum{};
    }
    return static_cast<Enum>(number);
  }
  std::vector<TaskId> Tasks() {
    std::vector<TaskId> ids;
    for (std::uint32_t left = Array(); left > 0 && ok_; --left) {
      ids.push_back(TaskId{Uint()});
    }
    return ids;
  }

 private:
  template <typename T>
  T Take(const base::Result<T>& result) {
    if (!ok_ || !result.ok()) {
      ok_ = false;
      return T();
    }
    return result.value();
  }

  wire::Reader reader_;
  bool ok_ = true;
};

void WriteHash(const GroupHash& hash, wire::Writer& writer) {
  writer.Bin({hash.data(), hash.size()});
}

void WriteTasks(const std::vector<TaskId>& ids, wire::Writer& writer) {
  writer.Array(ids.size());
  for (const TaskId id : ids) {
    writer.Uint(ToInt(id));
  }
}

}  // namespace

std::string RowPrefix(NamespaceId home, RowKind kind) {
  const auto prefix = storage::PrefixOf(home);
  std::string key(prefix.data(), prefix.size());
  key.push_back(static_cast<char>(kind));
  return key;
}

std::string TaskKey(NamespaceId home, RowKind kind, TaskId id) {
  std::string key = RowPrefix(home, kind);
  AppendNumber(ToInt(id), key);
  return key;
}

std::string LeaseKey(NamespaceId home, LeaseId id) {
  std::string key = RowPrefix(home, RowKind::kLease);
  AppendNumber(ToInt(id), key);
  return key;
}

std::string HashKey(NamespaceId home, RowKind kind, const GroupHash& hash) {
  std::string key = RowPrefix(home, kind);
  key.append(hash.data(), hash.size());
  return key;
}

std::optional<std::uint64_t> NumberInKey(std::string_view key) {
  if (key.size() != kPrefixBytes + kNumberBytes) {
    return std::nullopt;
  }
  std::uint64_t number = 0;
  for (const char byte : key.substr(kPrefixBytes)) {
    number = number << kByteBits | static_cast<unsigned char>(byte);
  }
  return number;
}

std::optional<GroupHash> HashInKey(std::string_view key) {
  GroupHash hash{};
  if (key.size() != kPrefixBytes + hash.size()) {
    return std::nullopt;
  }
  std::copy(key.begin() + kPrefixBytes, key.end(), hash.begin());
  return hash;
}

GroupHash HashOf(const std::vector<std::string_view>& parts) {
  std::string digests;
  for (const std::string_view part : parts) {
    AppendNumber(part.size(), digests);
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits(part.data(), part.size()));
    digests.append(reinterpret_cast<const char*>(canonical.digest), sizeof(canonical.digest));
  }
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits(digests.data(), digests.size()));
  GroupHash hash{};
  std::memcpy(hash.data(), canonical.digest, hash.size());
  return hash;
}

std::string FormatTask(const TaskRow& row) {
  base::Buffer buffer;
  wire::Writer writer(buffer);
  writer.Array(18);
  writer.Uint(kVersion);
  WriteHash(row.group, writer);
  writer.Int(row.submitted_ms);
  writer.Int(row.not_before_ms);
  writer.Int(row.deadline_ms);
  writer.Uint(row.max_wait_ms);
  writer.Uint(row.tokens);
  writer.Uint(row.payload_bytes);
  writer.Uint(row.priority);
  writer.Uint(row.attempts_max);
  writer.Uint(static_cast<std::uint64_t>(row.defer));
  writer.Uint(static_cast<std::uint64_t>(row.defer_reason));
  writer.Str(row.custom_id);
  writer.Str(row.reply_to);
  WriteTasks(row.after, writer);
  if (row.dedup.has_value()) {
    WriteHash(*row.dedup, writer);
  } else {
    writer.Nil();
  }
  AppendRawOrNil(row.fill, writer);
  AppendRawOrNil(row.payload, writer);
  return std::string(buffer.view());
}

base::Result<TaskRow> ParseTask(std::string_view value) {
  Fields fields(value, 18);
  TaskRow row;
  row.group = fields.Hash();
  row.submitted_ms = fields.Int();
  row.not_before_ms = fields.Int();
  row.deadline_ms = fields.Int();
  row.max_wait_ms = fields.As<std::uint32_t>();
  row.tokens = fields.As<std::uint32_t>();
  row.payload_bytes = fields.As<std::uint32_t>();
  row.priority = fields.As<std::uint8_t>();
  row.attempts_max = fields.As<std::uint8_t>();
  row.defer = fields.OneOf<Defer>(3);
  row.defer_reason = fields.OneOf<DeferReason>(7);
  row.custom_id = fields.Text();
  row.reply_to = fields.Text();
  row.after = fields.Tasks();
  const std::string_view dedup = fields.RawOrNil();
  row.fill = fields.RawOrNil();
  row.payload = fields.RawOrNil();
  if (!dedup.empty()) {
    const auto bytes = wire::Reader(dedup).Text();
    if (!bytes.ok() || bytes.value().size() != GroupHash().size()) {
      return Corrupt("task");
    }
    std::copy(bytes.value().begin(), bytes.value().end(), row.dedup.emplace().begin());
  }
  if (!fields.ok()) {
    return Corrupt("task");
  }
  return row;
}

std::string FormatState(const Engine::StateOf& state) {
  base::Buffer buffer;
  wire::Writer writer(buffer);
  writer.Array(8);
  writer.Uint(kVersion);
  writer.Uint(state.attempts);
  writer.Uint(state.batch_max);
  writer.Bool(state.is_dead);
  writer.Int(state.when_ms);
  writer.Uint(static_cast<std::uint64_t>(state.defer_reason));
  writer.Uint(state.last_lease);
  writer.Str(state.error);
  return std::string(buffer.view());
}

base::Result<Engine::StateOf> ParseState(std::string_view value) {
  Fields fields(value, 8);
  Engine::StateOf state;
  state.attempts = fields.As<std::uint8_t>();
  state.batch_max = fields.As<std::uint8_t>();
  state.is_dead = fields.Bool();
  state.when_ms = fields.Int();
  state.defer_reason = fields.OneOf<DeferReason>(7);
  state.last_lease = fields.Uint();
  state.error = fields.Text();
  if (!fields.ok()) {
    return Corrupt("task's state");
  }
  return state;
}

std::string FormatGroup(const GroupRow& row) {
  base::Buffer buffer;
  wire::Writer writer(buffer);
  writer.Array(7);
  writer.Uint(kVersion);
  writer.Str(row.category);
  writer.Str(row.model);
  writer.Str(row.context_key);
  writer.Uint(row.context_tokens);
  AppendRawOrNil(row.parameters, writer);
  AppendRawOrNil(row.context, writer);
  return std::string(buffer.view());
}

base::Result<GroupRow> ParseGroup(std::string_view value) {
  Fields fields(value, 7);
  GroupRow row;
  row.category = fields.Text();
  row.model = fields.Text();
  row.context_key = fields.Text();
  row.context_tokens = fields.As<std::uint32_t>();
  row.parameters = fields.RawOrNil();
  row.context = fields.RawOrNil();
  if (!fields.ok()) {
    return Corrupt("group of tasks");
  }
  return row;
}

std::string FormatLease(const LeaseRow& row) {
  base::Buffer buffer;
  wire::Writer writer(buffer);
  writer.Array(9);
  writer.Uint(kVersion);
  writer.Uint(row.lease.token.nonce);
  writer.Str(row.lease.worker);
  writer.Bool(row.lease.by_server_worker);
  writer.Int(row.lease.taken_ms);
  writer.Int(row.lease.lease_ms);
  writer.Int(row.lease.ends_ms);
  WriteHash(row.group, writer);
  WriteTasks(row.lease.items, writer);
  return std::string(buffer.view());
}

base::Result<LeaseRow> ParseLeaseRow(std::string_view value) {
  Fields fields(value, 9);
  LeaseRow row;
  row.lease.token.nonce = fields.Uint();
  row.lease.worker = fields.Text();
  row.lease.by_server_worker = fields.Bool();
  row.lease.taken_ms = fields.Int();
  row.lease.lease_ms = fields.Int();
  row.lease.ends_ms = fields.Int();
  row.group = fields.Hash();
  row.lease.items = fields.Tasks();
  if (!fields.ok()) {
    return Corrupt("lease");
  }
  return row;
}

std::string FormatResult(const ResultRow& row) {
  base::Buffer buffer;
  wire::Writer writer(buffer);
  writer.Array(12);
  writer.Uint(kVersion);
  writer.Uint(static_cast<std::uint64_t>(row.outcome));
  writer.Int(row.submitted_ms);
  writer.Int(row.finished_ms);
  writer.Uint(row.attempts);
  writer.Str(row.category);
  writer.Str(row.model);
  writer.Str(row.custom_id);
  writer.Str(row.error);
  AppendRawOrNil(row.usage, writer);
  AppendRawOrNil(row.result, writer);
  if (row.cost_nano.has_value()) {
    writer.Uint(*row.cost_nano);
  } else {
    writer.Nil();
  }
  return std::string(buffer.view());
}

base::Result<ResultRow> ParseResult(std::string_view value) {
  Fields fields(value, 12);
  ResultRow row;
  row.outcome = fields.OneOf<Outcome>(4);
  row.submitted_ms = fields.Int();
  row.finished_ms = fields.Int();
  row.attempts = fields.As<std::uint32_t>();
  row.category = fields.Text();
  row.model = fields.Text();
  row.custom_id = fields.Text();
  row.error = fields.Text();
  row.usage = fields.RawOrNil();
  row.result = fields.RawOrNil();
  const std::string_view cost = fields.RawOrNil();
  if (!cost.empty()) {
    const auto number = wire::Reader(cost).Uint();
    if (!number.ok()) {
      return Corrupt("result");
    }
    row.cost_nano = number.value();
  }
  if (!fields.ok()) {
    return Corrupt("result");
  }
  return row;
}

std::string FormatDedup(TaskId id) {
  base::Buffer buffer;
  wire::Writer writer(buffer);
  writer.Array(2);
  writer.Uint(kVersion);
  writer.Uint(ToInt(id));
  return std::string(buffer.view());
}

base::Result<TaskId> ParseDedup(std::string_view value) {
  Fields fields(value, 2);
  const TaskId id{fields.Uint()};
  if (!fields.ok()) {
    return Corrupt("dedup key");
  }
  return id;
}

std::string FormatPauses(const std::vector<Pause>& pauses) {
  base::Buffer buffer;
  wire::Writer writer(buffer);
  writer.Array(2);
  writer.Uint(kVersion);
  writer.Array(pauses.size() * 2);
  for (const Pause& pause : pauses) {
    writer.Str(pause.category);
    writer.Str(pause.model);
  }
  return std::string(buffer.view());
}

base::Result<std::vector<Pause>> ParsePauses(std::string_view value) {
  Fields fields(value, 2);
  std::vector<Pause> pauses;
  for (std::uint32_t left = fields.Array() / 2; left > 0 && fields.ok(); --left) {
    Pause pause;
    pause.category = fields.Text();
    pause.model = fields.Text();
    pauses.push_back(std::move(pause));
  }
  if (!fields.ok()) {
    return Corrupt("list of pauses");
  }
  return pauses;
}

std::string FormatWindows(const std::vector<PriceWindow>& windows) {
  constexpr std::size_t kFieldsOfWindow = 6;
  base::Buffer buffer;
  wire::Writer writer(buffer);
  writer.Array(2);
  writer.Uint(kVersion);
  writer.Array(windows.size() * kFieldsOfWindow);
  for (const PriceWindow& window : windows) {
    writer.Uint(window.days);
    writer.Int(window.from_s);
    writer.Int(window.to_s);
    writer.Str(window.zone);
    writer.Int(window.factor_ppm);
    writer.Str(window.model);
  }
  return std::string(buffer.view());
}

base::Result<std::vector<PriceWindow>> ParseWindows(std::string_view value) {
  constexpr std::uint32_t kFieldsOfWindow = 6;
  Fields fields(value, 2);
  std::vector<PriceWindow> windows;
  for (std::uint32_t left = fields.Array() / kFieldsOfWindow; left > 0 && fields.ok(); --left) {
    PriceWindow window;
    window.days = fields.As<std::uint8_t>();
    window.from_s = fields.Int();
    window.to_s = fields.Int();
    window.zone = fields.Text();
    window.factor_ppm = fields.Int();
    window.model = fields.Text();
    windows.push_back(std::move(window));
  }
  if (!fields.ok()) {
    return Corrupt("list of price windows");
  }
  return windows;
}

}  // namespace reprise::jobs
