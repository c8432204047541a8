#include "server/semantic/learned.h"

#include <charconv>
#include <optional>

namespace reprise::semantic {
namespace {

using storage::Family;

constexpr std::size_t kRulingsMax = 10'000;  // callers choose budgets
constexpr double kMillion = 1'000'000;
constexpr std::string_view kRows = "semantic_evidence/";

std::string RowsOf(storage::NamespaceId id) {
  return std::string(kRows) + std::to_string(static_cast<std::uint32_t>(id)) + "/";
}

std::string KeyOf(const Topic& topic) {
  return RowsOf(topic.namespace_id) + HexOf(topic.embedder) + "/" + topic.type;
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

// Absent: a row from before evidence was told apart by embedder.
std::optional<Topic> TopicOf(std::string_view key) {
  key.remove_prefix(kRows.size());
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

}  // namespace

base::Status Learned::Load(const storage::Store& store) {
  base::Status status = base::Ok{};
  const auto load = [this](const storage::ScanRow& row) -> base::Status {
    const auto topic = TopicOf(row.key);
    if (topic.has_value()) {
      ASSIGN_OR_RETURN(const Evidence evidence, Evidence::Parse(row.value));
      base::MutexLock lock(mutex_);
      evidence_[*topic] = evidence;
    }
    return base::Ok{};
  };
  const storage::ScanRequest rows{.family = Family::kMeta, .prefix = kRows, .after = ""};
  RETURN_IF_ERROR(store.Scan(rows, storage::kNever, [&](const storage::ScanRow& row) {
    status = load(row);
    return status.ok();
  }));
  return status;
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

void Learned::Learn(const Topic& topic, const Tally& pairs, bool replace,
                    storage::Transaction& transaction) {
  base::MutexLock lock(mutex_);
  Tally& known = evidence_[topic].calibration;
  if (replace) {
    known = Tally();
  }
  known.Add(pairs);
  Write(topic, transaction);
}

void Learned::DropNamespace(storage::NamespaceId id, storage::Transaction& transaction) {
  transaction.DeletePrefix(Family::kMeta, RowsOf(id));
  base::MutexLock lock(mutex_);
  std::erase_if(evidence_, [id](const auto& item) { return item.first.namespace_id == id; });
  rulings_.clear();
}

void Learned::Write(const Topic& topic, storage::Transaction& transaction) {
  rulings_.clear();
  transaction.Put(Family::kMeta, KeyOf(topic), evidence_[topic].Format(), storage::kNever);
}

}  // namespace reprise::semantic
