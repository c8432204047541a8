#include "server/semantic/quarantine.h"

#include <algorithm>
#include <utility>

namespace reprise::semantic {
namespace {

constexpr char kVersion = 1;
constexpr std::size_t kHeadBytes = 3;  // version, width as two bytes, little-endian

}  // namespace

void Quarantine::MakeRoom() {
  while (barred_.size() >= kQuarantinedEntriesMax && !order_.empty()) {
    forgotten_ += barred_.erase(order_.front());
    order_.pop_front();
  }
}

void Quarantine::Bar(std::string_view entry, PackedVector probe) {
  base::MutexLock lock(mutex_);
  auto found = barred_.find(std::string(entry));
  if (found == barred_.end()) {
    MakeRoom();
    found = barred_.emplace(std::string(entry), std::vector<PackedVector>()).first;
    order_.emplace_back(entry);
  }
  if (found->second.size() < kBarredPerEntry) {
    found->second.push_back(std::move(probe));
  }
}

bool Quarantine::IsBarred(std::string_view entry, const PackedVector& probe) const {
  base::MutexLock lock(mutex_);
  const auto found = barred_.find(std::string(entry));
  if (found == barred_.end()) {
    return false;
  }
  const std::vector<PackedVector>& probes = found->second;
  return probes.size() >= kBarredPerEntry ||
         std::any_of(probes.begin(), probes.end(), [&probe](const PackedVector& barred) {
           return barred.Cosine(probe) >= kRelative;
         });
}

bool Quarantine::Has(std::string_view entry) const {
  base::MutexLock lock(mutex_);
  return !barred_.empty() && barred_.contains(std::string(entry));
}

void Quarantine::ForgetPrefix(std::string_view prefix) {
  base::MutexLock lock(mutex_);
  std::erase_if(barred_, [prefix](const auto& item) { return item.first.starts_with(prefix); });
  std::erase_if(order_, [prefix](const std::string& entry) { return entry.starts_with(prefix); });
}

std::string Quarantine::Format(std::string_view entry) const {
  base::MutexLock lock(mutex_);
  const auto found = barred_.find(std::string(entry));
  if (found == barred_.end() || found->second.empty()) {
    return {};
  }
  std::string row(1, kVersion);
  for (const PackedVector& probe : found->second) {
    row.push_back(static_cast<char>(probe.values.size() & 0xFFU));
    row.push_back(static_cast<char>(probe.values.size() >> 8U));
    row.append(probe.bytes());
  }
  return row;
}

base::Status Quarantine::Load(std::string_view entry, std::string_view row) {
  if (row.empty() || row.front() != kVersion) {
    return base::Error{base::Code::kCorrupt, "a quarantine row has an unknown version"};
  }
  row.remove_prefix(1);
  while (!row.empty()) {
    constexpr std::size_t kWidthBytes = kHeadBytes - 1;
    if (row.size() < kWidthBytes) {
      return base::Error{base::Code::kCorrupt, "a quarantine row ends inside a width"};
    }
    const auto low = static_cast<unsigned char>(row[0]);
    const auto high = static_cast<unsigned char>(row[1]);
    const std::size_t width = low | (std::size_t{high} << 8U);
    row.remove_prefix(kWidthBytes);
    if (width > row.size()) {
      return base::Error{base::Code::kCorrupt, "a quarantine row ends inside a vector"};
    }
    ASSIGN_OR_RETURN(PackedVector probe, PackedVector::FromBytes(row.substr(0, width)));
    row.remove_prefix(width);
    Bar(entry, std::move(probe));
  }
  return base::Ok{};
}

std::size_t Quarantine::size() const {
  base::MutexLock lock(mutex_);
  return barred_.size();
}

std::uint64_t Quarantine::forgotten() const {
  base::MutexLock lock(mutex_);
  return forgotten_;
}

}  // namespace reprise::semantic
