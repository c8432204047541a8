#include "server/rate/state_log.h"

#include <optional>
#include <utility>

#include "server/rate/bytes.h"
#include "server/rate/state_key.h"

namespace reprise::rate {
namespace {

using base::Code;
using base::Error;

constexpr std::uint8_t kVersion = 1;
constexpr char kLetter = 'L';  // of these rows in the family `ledger`
constexpr std::size_t kNumberBytes = 8;
constexpr std::size_t kRecordBytes = 1'024;  // most have less

// Numbers on disk: append only.
enum class Record : std::uint8_t { kGcra = 1, kWindow = 2, kHeld = 3, kEnded = 4 };

Error Unreadable() {
  return {Code::kCorrupt, "a saved segment of the limits' state cannot be read"};
}

void AppendRule(const Rule& rule, std::string& out) {
  AppendNumber(rule.limit, out);
  AppendNumber(rule.period_ms, out);
  AppendNumber(rule.burst, out);
  AppendNumber(rule.lease_ms, out);
}

Gcra ReadGcra(ByteReader& reader) {
  Gcra::Parts parts;
  parts.arrival = Instant{reader.Read<std::int64_t>()};
  parts.part = reader.Read<std::uint64_t>();
  parts.parts = reader.Read<std::uint64_t>();
  return Gcra::From(parts);
}

std::optional<Window> ReadWindow(ByteReader& reader) {
  const Instant ends{reader.Read<std::int64_t>()};
  const auto count = reader.Read<std::uint8_t>();
  if (count > Window::kEntries) {
    return std::nullopt;
  }
  std::vector<Window::Entry> entries;
  for (std::uint8_t i = 0; i < count && reader.ok(); ++i) {
    const Instant at{reader.Read<std::int64_t>()};
    entries.push_back({at, reader.Read<std::int64_t>()});
  }
  return reader.ok() ? std::optional(Window::From(entries, ends)) : std::nullopt;
}

Hold ReadHold(ByteReader& reader) {
  Hold hold;
  hold.key = std::string(reader.ReadText());
  hold.units = reader.Read<std::int64_t>();
  hold.is_counted = reader.Read<std::uint8_t>() != 0;
  hold.rule.algorithm = AlgorithmOf(hold.key).value_or(Algorithm::kGcra);
  hold.rule.limit = reader.Read<std::int64_t>();
  hold.rule.period_ms = reader.Read<std::int64_t>();
  hold.rule.burst = reader.Read<std::int64_t>();
  hold.rule.lease_ms = reader.Read<std::int64_t>();
  return hold;
}

Lease ReadLease(ByteReader& reader) {
  Lease lease;
  lease.ends = Instant{reader.Read<std::int64_t>()};
  lease.lease_ms = reader.Read<std::int64_t>();
  const auto count = reader.Read<std::uint8_t>();
  for (std::uint8_t i = 0; i < count && reader.ok(); ++i) {
    lease.holds.push_back(ReadHold(reader));
  }
  return lease;
}

// False when it is not a record, or not a whole one.
bool ReadRecord(ByteReader& reader, SegmentVisitor& visitor) {
  const auto kind = static_cast<Record>(reader.Read<std::uint8_t>());
  switch (kind) {
    case Record::kGcra: {
      const std::string_view key = reader.ReadText();
      const Gcra state = ReadGcra(reader);
      if (!reader.ok() || AlgorithmOf(key) != Algorithm::kGcra) {
        return false;
      }
      visitor.Key(key, state);
      return true;
    }
    case Record::kWindow: {
      const std::string_view key = reader.ReadText();
      const auto state = ReadWindow(reader);
      if (!state.has_value() || AlgorithmOf(key) != Algorithm::kWindow) {
        return false;
      }
      visitor.Key(key, *state);
      return true;
    }
    case Record::kHeld: {
      const LeaseId id{reader.Read<std::uint64_t>()};
      Lease lease = ReadLease(reader);
      if (!reader.ok()) {
        return false;
      }
      visitor.Held(id, std::move(lease));
      return true;
    }
    case Record::kEnded: {
      const LeaseId id{reader.Read<std::uint64_t>()};
      if (!reader.ok()) {
        return false;
      }
      visitor.Ended(id);
      return true;
    }
  }
  return false;
}

}  // namespace

std::string SegmentPrefix(storage::NamespaceId id) {
  const auto home = storage::PrefixOf(id);
  return std::string(home.data(), home.size()) + kLetter;
}

std::string& SegmentWriter::Begin() {
  if (segments_.empty() || segments_.back().size() >= kSegmentBytes) {
    segments_.emplace_back();
    segments_.back().reserve(kSegmentBytes + kRecordBytes);
    segments_.back().push_back(static_cast<char>(kVersion));
  }
  ++records_;
  return segments_.back();
}

void SegmentWriter::Key(const Entry& entry, bool is_exact) {
  std::string& out = Begin();
  if (entry.algorithm() == Algorithm::kGcra) {
    const Gcra::Parts parts =
        is_exact ? entry.gcra.ToParts() : Gcra::Parts{.arrival = entry.saved_as};
    AppendNumber(static_cast<std::uint8_t>(Record::kGcra), out);
    AppendText(entry.key.view(), out);
    AppendNumber(ToInt(parts.arrival), out);
    AppendNumber(parts.part, out);
    AppendNumber(parts.parts, out);
    return;
  }
  AppendNumber(static_cast<std::uint8_t>(Record::kWindow), out);
  AppendText(entry.key.view(), out);
  AppendNumber(ToInt(entry.window->ends()), out);
  AppendNumber(static_cast<std::uint8_t>(entry.window->entries().size()), out);
  for (const Window::Entry& place : entry.window->entries()) {
    AppendNumber(ToInt(place.at), out);
    AppendNumber(place.units, out);
  }
}

void SegmentWriter::Held(LeaseId id, const Lease& lease) {
  std::string& out = Begin();
  AppendNumber(static_cast<std::uint8_t>(Record::kHeld), out);
  AppendNumber(static_cast<std::uint64_t>(id), out);
  AppendNumber(ToInt(lease.ends), out);
  AppendNumber(lease.lease_ms, out);
  AppendNumber(static_cast<std::uint8_t>(lease.holds.size()), out);
  for (const Hold& hold : lease.holds) {
    AppendText(hold.key, out);
    AppendNumber(hold.units, out);
    AppendNumber(static_cast<std::uint8_t>(hold.is_counted ? 1 : 0), out);
    AppendRule(hold.rule, out);
  }
}

void SegmentWriter::Ended(LeaseId id) {
  std::string& out = Begin();
  AppendNumber(static_cast<std::uint8_t>(Record::kEnded), out);
  AppendNumber(static_cast<std::uint64_t>(id), out);
}

base::Result<std::size_t> ReadSegment(std::string_view segment, SegmentVisitor& visitor) {
  ByteReader reader(segment);
  if (reader.Read<std::uint8_t>() != kVersion) {
    return Unreadable();
  }
  std::size_t records = 0;
  while (!reader.AtEnd()) {
    if (!ReadRecord(reader, visitor)) {
      return Unreadable();
    }
    ++records;
  }
  return records;
}

// Big-endian, so that the rows stand in the order in which they were written.
std::string StateLog::KeyOf(std::uint64_t number) const {
  std::string key = prefix_;
  for (std::size_t i = kNumberBytes; i > 0; --i) {
    key.push_back(static_cast<char>(number >> (8 * (i - 1)) & 0xffU));
  }
  return key;
}

base::Status StateLog::NoteRow(std::string_view key, std::size_t records) {
  if (key.size() != prefix_.size() + kNumberBytes) {
    return Unreadable();
  }
  std::uint64_t number = 0;
  for (const char byte : key.substr(prefix_.size())) {
    number = number << 8U | static_cast<unsigned char>(byte);
  }
  numbers_.push_back(number);
  next_ = number + 1;
  records_ += records;
  return base::Ok{};
}

std::vector<std::string> StateLog::Append(const SegmentWriter& writer) {
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < writer.segments().size(); ++i) {
    numbers_.push_back(next_);
    keys.push_back(KeyOf(next_++));
  }
  records_ += writer.records();
  return keys;
}

bool StateLog::IsLong(std::size_t living) const {
  constexpr std::size_t kRecords = 4'096;
  constexpr std::size_t kSegments = 1'024;
  return records_ > kRecords + 2 * living || numbers_.size() > kSegments + living / kSegments;
}

void StateLog::BeginCheckpoint() {
  checkpoint_ = next_;
  records_ = 0;
}

std::vector<std::string> StateLog::KeysBefore(std::uint64_t number) const {
  std::vector<std::string> keys;
  for (const std::uint64_t each : numbers_) {
    if (each >= number) {
      break;
    }
    keys.push_back(KeyOf(each));
  }
  return keys;
}

void StateLog::ForgetBefore(std::uint64_t number) {
  while (!numbers_.empty() && numbers_.front() < number) {
    numbers_.pop_front();
  }
}

}  // namespace reprise::rate
