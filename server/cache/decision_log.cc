#include "server/cache/decision_log.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "protocol/base/buffer.h"
#include "protocol/wire/reader.h"
#include "protocol/wire/writer.h"
#include "server/cache/counters.h"

namespace reprise::cache {
namespace {

using storage::Family;

constexpr char kLogRow = 'd';
constexpr char kVersion = 1;
constexpr std::uint64_t kNoTier = 255;
constexpr std::size_t kPositionBytes = 8;

constexpr std::array<std::string_view, 5> kKindNames{"hit", "stale", "miss", "bypass", "refused"};
constexpr std::array<std::string_view, 19> kReasonNames{
    "stored",    "waited",    "unknown",  "expired", "too_old", "invalidated", "asked_for",
    "no_answer", "too_large", "no_lease", "policy",  "guarded", "unsure",      "barred",
    "no_vector", "verify",    "template", "context", "too_long"};

base::Error Unreadable() {
  return {base::Code::kCorrupt, "a row of the decision log cannot be read"};
}

// Seven bits a byte, the lowest first; the last byte is below 128.
void AppendNumber(std::uint64_t number, std::string& out) {
  while (number >= 0x80) {
    out.push_back(static_cast<char>(0x80U | (number & 0x7fU)));
    number >>= 7U;
  }
  out.push_back(static_cast<char>(number));
}

class Cursor {
 public:
  explicit Cursor(std::string_view bytes) : bytes_(bytes) {}

  std::uint64_t Number() {
    std::uint64_t number = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (bytes_.empty()) {
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
  std::uint64_t NumberUpTo(std::uint64_t max) {
    const std::uint64_t number = Number();
    failed_ = failed_ || number > max;
    return failed_ ? 0 : number;
  }
  std::string_view Text() {
    const std::uint64_t count = NumberUpTo(bytes_.size());
    failed_ = failed_ || count > bytes_.size();
    const std::string_view text = bytes_.substr(0, failed_ ? 0 : count);
    bytes_.remove_prefix(text.size());
    return text;
  }
  bool failed() const { return failed_; }
  std::size_t left() const { return bytes_.size(); }

 private:
  std::string_view bytes_;
  bool failed_ = false;
};

// The names that one row uses, in the order in which they appear.
class RowNames {
 public:
  explicit RowNames(std::size_t known) : places_(known, kNone) {}

  std::size_t PlaceOf(std::uint16_t number) {
    if (places_[number] == kNone) {
      places_[number] = used_.size();
      used_.push_back(number);
    }
    return places_[number];
  }
  void Append(const std::vector<std::string_view>& names, std::string& out) const {
    AppendNumber(used_.size(), out);
    for (const std::uint16_t number : used_) {
      AppendNumber(names[number].size(), out);
      out.append(names[number]);
    }
  }

 private:
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  std::vector<std::size_t> places_;
  std::vector<std::uint16_t> used_;
};

using RecordIterator = std::vector<DecisionRecord>::const_iterator;

std::string FormatRow(std::uint64_t first, RecordIterator begin, RecordIterator end,
                      const AccountNames& names) {
  RowNames types(names.types.size());
  RowNames models(names.models.size());
  RowNames bots(names.bots.size());
  std::string records;
  base::UnixMillis time = begin->time;
  for (auto record = begin; record != end; ++record) {
    AppendNumber(static_cast<std::uint64_t>(record->time - time), records);
    time = record->time;
    AppendNumber(static_cast<std::uint64_t>(record->kind), records);
    AppendNumber(record->tier.has_value() ? static_cast<std::uint64_t>(*record->tier) : kNoTier,
                 records);
    AppendNumber(static_cast<std::uint64_t>(record->reason), records);
    AppendNumber(types.PlaceOf(record->type), records);
    AppendNumber(models.PlaceOf(record->model), records);
    AppendNumber(bots.PlaceOf(record->bot), records);
    AppendNumber(record->entry, records);
    AppendNumber(record->worth.tokens_in, records);
    AppendNumber(record->worth.tokens_out, records);
    AppendNumber(record->worth.cost_nano, records);
  }
  std::string row(1, kVersion);
  AppendNumber(first, row);
  AppendNumber(static_cast<std::uint64_t>(end - begin), row);
  AppendNumber(begin->sample_ppm, row);
  AppendNumber(static_cast<std::uint64_t>(base::ToInt(begin->time)), row);
  types.Append(names.types, row);
  models.Append(names.models, row);
  bots.Append(names.bots, row);
  return row + records;
}

// Where the row that begins at `begin` ends: it is full, or the rate of the sample changed.
RecordIterator EndOfRow(RecordIterator begin, RecordIterator end) {
  const auto most = std::min<std::ptrdiff_t>(end - begin, kLogRowRecords);
  return std::find_if(begin, begin + most, [begin](const DecisionRecord& record) {
    return record.sample_ppm != begin->sample_ppm;
  });
}

// Gives the records of one row, one after another.
class RowReader {
 public:
  explicit RowReader(std::string_view row)
      : cursor_(row.substr(std::min<std::size_t>(1, row.size()))) {
    is_bad_ = row.empty() || row.front() != kVersion;
    position_ = cursor_.Number();
    left_ = cursor_.NumberUpTo(kLogRowRecords);
    sample_ppm_ = static_cast<std::uint32_t>(cursor_.NumberUpTo(kAllPpm));
    time_ = base::UnixMillis{static_cast<std::int64_t>(cursor_.Number())};
    for (auto* names : {&types_, &models_, &bots_}) {
      const std::uint64_t count = cursor_.NumberUpTo(kLogRowRecords);
      for (std::uint64_t i = 0; i < count; ++i) {
        names->push_back(cursor_.Text());
      }
    }
  }

  bool AtEnd() const { return left_ == 0 || IsBad(); }
  bool IsBad() const { return is_bad_ || cursor_.failed(); }

  struct Read {
    std::uint64_t position = 0;
    DecisionRecord record;
    std::string_view type;
    std::string_view model;
    std::string_view bot;
  };
  Read Next() {
    Read read;
    read.position = position_++;
    --left_;
    time_ = time_ + static_cast<std::int64_t>(cursor_.Number());
    read.record.time = time_;
    read.record.sample_ppm = sample_ppm_;
    read.record.kind = static_cast<DecisionKind>(cursor_.NumberUpTo(kNoTier));
    const std::uint64_t tier = cursor_.NumberUpTo(kNoTier);
    if (tier != kNoTier) {
      read.record.tier = static_cast<Tier>(tier);
    }
    read.record.reason = static_cast<Reason>(cursor_.NumberUpTo(kNoTier));
    read.type = Name(types_);
    read.model = Name(models_);
    read.bot = Name(bots_);
    read.record.entry = cursor_.Number();
    read.record.worth.tokens_in = static_cast<std::uint32_t>(cursor_.Number());
    read.record.worth.tokens_out = static_cast<std::uint32_t>(cursor_.Number());
    read.record.worth.cost_nano = cursor_.Number();
    is_bad_ = is_bad_ || (left_ == 0 && cursor_.left() != 0);
    return read;
  }

 private:
  std::string_view Name(const std::vector<std::string_view>& names) {
    const std::uint64_t place = cursor_.Number();
    if (place >= names.size()) {
      is_bad_ = true;
      return {};
    }
    return names[place];
  }

  Cursor cursor_;
  bool is_bad_ = false;
  std::uint64_t position_ = 0;
  std::uint64_t left_ = 0;
  std::uint32_t sample_ppm_ = 0;
  base::UnixMillis time_{0};
  std::vector<std::string_view> types_;
  std::vector<std::string_view> models_;
  std::vector<std::string_view> bots_;
};

}  // namespace

std::string_view NameOf(DecisionKind kind) {
  const auto number = static_cast<std::size_t>(kind);
  return number < kKindNames.size() ? kKindNames[number] : "(newer)";
}

std::string_view NameOf(Reason reason) {
  const auto number = static_cast<std::size_t>(reason);
  return number < kReasonNames.size() ? kReasonNames[number] : "(newer)";
}

void LogShare::Set(std::int64_t sample_ppm, std::int64_t keep_ms) {
  sample_ppm_.store(static_cast<std::uint32_t>(sample_ppm), std::memory_order_relaxed);
  keep_ms_.store(keep_ms, std::memory_order_relaxed);
}

bool LogShare::Take() {
  const std::size_t before = pending_.fetch_add(1, std::memory_order_relaxed);
  if (before >= kLogPendingRecords) {
    Release(1);
    return false;
  }
  if (before + 1 == kLogFlushRecords) {
    flush_wanted_.store(true, std::memory_order_relaxed);
  }
  return true;
}

bool LogShare::TakeFlushWanted() {
  // Read first: to write would take the cache line from the other threads at each lookup.
  return flush_wanted_.load(std::memory_order_relaxed) &&
         flush_wanted_.exchange(false, std::memory_order_relaxed);
}

// SplitMix64 (Steele, Lea, Flood 2014): the sample does not follow any rhythm of the requests.
bool DecisionLog::IsInSample(std::uint32_t ppm) {
  if (ppm >= kAllPpm) {
    return true;
  }
  std::uint64_t mixed = (random_ += 0x9e3779b97f4a7c15U);
  mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9U;
  mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebU;
  mixed ^= mixed >> 31U;
  return ((mixed >> 32U) * kAllPpm >> 32U) < ppm;
}

void DecisionLog::Add(DecisionRecord record) {
  if (!share_.Take()) {
    ++totals_.dropped;
    Raise(totals_.dropped_tokens_in, record.worth.tokens_in);
    Raise(totals_.dropped_tokens_out, record.worth.tokens_out);
    Raise(totals_.dropped_cost_nano, record.worth.cost_nano);
    return;
  }
  // Threads read the time before they come here; the order of the records is that of counting.
  latest_ = std::max(latest_, record.time);
  record.time = latest_;
  pending_.push_back(record);
}

DecisionLog::Taken DecisionLog::Take() {
  Taken taken;
  taken.first = totals_.recorded + in_flight_ + 1;
  taken.records = std::exchange(pending_, {});
  in_flight_ += taken.records.size();
  taken.totals = totals_;
  taken.totals.recorded += in_flight_;
  return taken;
}

void DecisionLog::Written(const Taken& taken) {
  in_flight_ -= taken.records.size();
  totals_.recorded += taken.records.size();
  share_.Release(taken.records.size());
}

void DecisionLog::PutBack(Taken taken) {
  in_flight_ -= taken.records.size();
  taken.records.insert(taken.records.end(), pending_.begin(), pending_.end());
  pending_ = std::move(taken.records);
}

void DecisionLog::Forget() {
  share_.Release(pending_.size());
  pending_.clear();
  in_flight_ = 0;
  totals_ = LogTotals();
}

std::string LogRowPrefix(storage::NamespaceId id) {
  const auto prefix = storage::PrefixOf(id);
  return std::string(prefix.data(), prefix.size()) + kLogRow;
}

std::string LogRowKey(storage::NamespaceId id, std::uint64_t last) {
  std::string key = LogRowPrefix(id);
  for (std::size_t i = kPositionBytes; i-- > 0;) {
    key.push_back(static_cast<char>(last >> (8U * i)));
  }
  return key;
}

std::vector<LogRow> FormatLogRows(storage::NamespaceId id, const DecisionLog::Taken& taken,
                                  const AccountNames& names) {
  std::vector<LogRow> rows;
  std::uint64_t first = taken.first;
  for (auto begin = taken.records.begin(); begin != taken.records.end();) {
    const auto end = EndOfRow(begin, taken.records.end());
    const auto count = static_cast<std::uint64_t>(end - begin);
    rows.push_back({LogRowKey(id, first + count - 1), FormatRow(first, begin, end, names)});
    first += count;
    begin = end;
  }
  return rows;
}

std::string LogTotalsKey(storage::NamespaceId id) {
  return "cache_log/" + std::to_string(static_cast<std::uint32_t>(id));
}

std::string FormatLogTotals(const LogTotals& totals) {
  base::Buffer buffer;
  wire::Writer writer(buffer);
  writer.Array(5);
  for (const std::uint64_t number : {totals.recorded, totals.dropped, totals.dropped_tokens_in,
                                     totals.dropped_tokens_out, totals.dropped_cost_nano}) {
    writer.Uint(number);
  }
  return std::string(buffer.view());
}

base::Result<LogTotals> ParseLogTotals(std::string_view value) {
  LogTotals totals;
  wire::Reader reader(value);
  const auto fields = reader.Array();
  if (!fields.ok()) {
    return Unreadable();
  }
  const std::array known{&totals.recorded, &totals.dropped, &totals.dropped_tokens_in,
                         &totals.dropped_tokens_out, &totals.dropped_cost_nano};
  for (std::uint32_t i = 0; i < fields.value() && i < known.size(); ++i) {
    const auto number = reader.Uint();
    if (!number.ok()) {
      return Unreadable();
    }
    *known[i] = number.value();
  }
  return totals;
}

base::Result<LogPage> ReadDecisionLog(const storage::Store& store, storage::NamespaceId id,
                                      const LogRequest& request, base::UnixMillis now) {
  LogPage page;
  page.next = request.after;
  std::size_t examined = 0;
  bool is_bad = false;
  const auto wanted = [&request](const RowReader::Read& read) {
    return (!request.bot.has_value() || read.bot == *request.bot) &&
           (!request.type.has_value() || read.type == *request.type);
  };
  // Answers whether the page goes on. A retried write may have left two rows with the same
  // records; what was given already is passed over.
  const auto take_row = [&](const storage::ScanRow& row) {
    RowReader reader(row.value);
    while (!reader.AtEnd()) {
      if (page.records.size() >= request.limit || examined >= kLogExaminedRecords) {
        page.more = true;
        return false;
      }
      const RowReader::Read read = reader.Next();
      ++examined;
      if (reader.IsBad()) {
        break;
      }
      if (read.position <= page.next) {
        continue;
      }
      page.next = read.position;
      if (wanted(read)) {
        page.records.push_back({read.position, read.record, std::string(read.type),
                                std::string(read.model), std::string(read.bot)});
      }
    }
    is_bad = reader.IsBad();
    return !is_bad;
  };
  const std::string prefix = LogRowPrefix(id);
  const std::string after = LogRowKey(id, request.after);
  RETURN_IF_ERROR(
      store.Scan({.family = Family::kLedger, .prefix = prefix, .after = after}, now, take_row));
  if (is_bad) {
    return Unreadable();
  }
  return page;
}

}  // namespace reprise::cache
