#include "server/semantic/learned.h"

#include <array>
#include <charconv>
#include <optional>

namespace reprise::semantic {
namespace {

using storage::Family;

constexpr std::size_t kRulingsMax = 10'000;  // callers choose budgets
constexpr double kMillion = 1'000'000;
constexpr std::string_view kEvidenceRows = "semantic_evidence/";
constexpr std::string_view kLabelledRows = "semantic_labelled/";
constexpr char kLabelledVersion = 1;
constexpr unsigned kByteBits = 8;

std::string RowsOf(std::string_view rows, storage::NamespaceId id) {
  return std::string(rows) + std::to_string(static_cast<std::uint32_t>(id)) + "/";
}

std::string KeyOf(std::string_view rows, const Topic& topic) {
  return RowsOf(rows, topic.namespace_id) + HexOf(topic.embedder) + "/" + topic.type;
}

template <typename Number>
bool TakeNumber(std::string_view& text, int base, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  const auto taken = static_cast<std::size_t>(end - text.data());
  if (error != std::errc() || taken >= text.size() || *end != '/') {
    return false;
  }
  text.remove_prefix(taken + 1);
  return true;
}

// Of a key without the name of its rows. Absent: a row from before evidence was told apart by
// embedder.
std::optional<Topic> TopicOf(std::string_view key) {
  std::uint32_t id = 0;
  std::uint64_t embedder = 0;
  if (!TakeNumber(key, 10, id)) {
    return std::nullopt;
  }
  const std::size_t digits = HexOf(FingerprintHash{0}).size();
  if (key.size() <= digits || key[digits] != '/' || !TakeNumber(key, 16, embedder)) {
    return std::nullopt;
  }
  return Topic{storage::NamespaceId{id}, FingerprintHash{embedder}, std::string(key)};
}

void AppendHash(std::uint64_t hash, std::string& row) {
  for (std::size_t i = 0; i < sizeof(hash); ++i) {
    row.push_back(static_cast<char>((hash >> (kByteBits * i)) & 0xFFU));
  }
}

std::uint64_t TakeHash(std::string_view& row) {
  std::uint64_t hash = 0;
  for (std::size_t i = sizeof(hash); i-- > 0;) {
    hash = (hash << kByteBits) | static_cast<unsigned char>(row[i]);
  }
  row.remove_prefix(sizeof(hash));
  return hash;
}

}  // namespace

std::uint64_t LabelledPair::HashOf(std::string_view stored, std::string_view asked, bool is_right) {
  std::string pair(is_right ? "+" : "-");
  pair += std::to_string(stored.size());
  pair += ' ';
  pair += stored;
  pair += asked;
  return StableHash(pair);
}

base::Status Learned::Load(const storage::Store& store) {
  using Loader = base::Status (Learned::*)(std::string_view, std::string_view);
  constexpr std::array<std::pair<std::string_view, Loader>, 2> kFamilies{
      {{kEvidenceRows, &Learned::LoadEvidence}, {kLabelledRows, &Learned::LoadLabelled}}};
  for (const auto& [prefix, load] : kFamilies) {
    base::Status status = base::Ok{};
    const storage::ScanRequest rows{.family = Family::kMeta, .prefix = prefix, .after = ""};
    RETURN_IF_ERROR(store.Scan(rows, storage::kNever, [&](const storage::ScanRow& row) {
      status = (this->*load)(row.key.substr(prefix.size()), row.value);
      return status.ok();
    }));
    RETURN_IF_ERROR(status);
  }
  return base::Ok{};
}

base::Status Learned::LoadEvidence(std::string_view key, std::string_view row) {
  const auto topic = TopicOf(key);
  if (topic.has_value()) {
    ASSIGN_OR_RETURN(const Evidence evidence, Evidence::Parse(row));
    base::MutexLock lock(mutex_);
    evidence_[*topic] = evidence;
  }
  return base::Ok{};
}

// Behind the topic stands the number of the row.
base::Status Learned::LoadLabelled(std::string_view key, std::string_view row) {
  const auto topic = TopicOf(key.substr(0, key.rfind('/')));
  if (!topic.has_value() || row.empty() || row[0] != kLabelledVersion ||
      (row.size() - 1) % sizeof(std::uint64_t) != 0) {
    return base::Error{base::Code::kCorrupt, "a row of labelled pairs cannot be read"};
  }
  row.remove_prefix(1);
  base::MutexLock lock(mutex_);
  std::unordered_set<std::uint64_t>& counted = labelled_[*topic];
  while (!row.empty()) {
    counted.insert(TakeHash(row));
  }
  return base::Ok{};
}

Ruling Learned::RulingOf(const Topic& topic, const Before& before, double max_error) const {
  const auto ppm = static_cast<std::int64_t>(max_error * kMillion);
  base::MutexLock lock(mutex_);
  const auto known = rulings_.find({topic, before.setting, ppm});
  if (known != rulings_.end()) {
    return known->second;
  }
  if (rulings_.size() >= kRulingsMax) {
    rulings_.clear();
  }
  const auto evidence = evidence_.find(topic);
  const Ruling ruling =
      ThresholdOf(before.prior, evidence == evidence_.end() ? Tally() : evidence->second.All(),
                  {.max_error = max_error});
  rulings_[{topic, before.setting, ppm}] = ruling;
  return ruling;
}

Report Learned::ReportOf(const Topic& topic, const Before& before, double max_error) const {
  Report report;
  report.ruling = RulingOf(topic, before, max_error);
  base::MutexLock lock(mutex_);
  const auto evidence = evidence_.find(topic);
  if (evidence != evidence_.end()) {
    report.evidence = evidence->second.All().size();
    report.verified = EstimateOf(evidence->second.verified, report.ruling.threshold);
  }
  return report;
}

void Learned::Add(const Topic& topic, const Verdict& verdict, storage::Transaction& transaction) {
  base::MutexLock lock(mutex_);
  evidence_[topic].of(verdict.source).Add(verdict.probability, verdict.is_good);
  Write(topic, transaction);
}

base::Result<std::uint64_t> Learned::Learn(const Topic& topic, std::span<const LabelledPair> pairs,
                                           bool replace, storage::Transaction& transaction) {
  const std::string rows = KeyOf(kLabelledRows, topic) + "/";
  base::MutexLock lock(mutex_);
  std::unordered_set<std::uint64_t>& counted = labelled_[topic];
  if ((replace ? 0 : counted.size()) + pairs.size() > kLabelledPairsMax) {
    return base::Error{base::Code::kTooLarge, std::to_string(counted.size()) +
                                                  " labelled pairs of this type are known; "
                                                  "{replace: true} forgets them"};
  }
  Tally& known = evidence_[topic].calibration;
  if (replace) {
    known = Tally();
    counted.clear();
    transaction.DeletePrefix(Family::kMeta, rows);
  }
  const std::size_t before = counted.size();
  std::string row(1, kLabelledVersion);
  for (const LabelledPair& pair : pairs) {
    if (counted.insert(pair.hash).second) {
      known.Add(pair.probability, pair.is_right);
      AppendHash(pair.hash, row);
    }
  }
  const std::size_t added = counted.size() - before;
  if (added > 0) {
    transaction.Put(Family::kMeta, rows + std::to_string(before), row, storage::kNever);
  }
  Write(topic, transaction);
  return pairs.size() - added;
}

void Learned::DropNamespace(storage::NamespaceId id, storage::Transaction& transaction) {
  transaction.DeletePrefix(Family::kMeta, RowsOf(kEvidenceRows, id));
  transaction.DeletePrefix(Family::kMeta, RowsOf(kLabelledRows, id));
  const auto is_gone = [id](const auto& item) { return item.first.namespace_id == id; };
  base::MutexLock lock(mutex_);
  std::erase_if(evidence_, is_gone);
  std::erase_if(labelled_, is_gone);
  rulings_.clear();
}

void Learned::Write(const Topic& topic, storage::Transaction& transaction) {
  rulings_.clear();
  transaction.Put(Family::kMeta, KeyOf(kEvidenceRows, topic), evidence_[topic].Format(),
                  storage::kNever);
}

}  // namespace reprise::semantic
