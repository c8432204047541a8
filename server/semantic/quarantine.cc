#include "server/semantic/quarantine.h"

#include <algorithm>
#include <utility>

namespace reprise::semantic {
namespace {

using base::Code;
using base::Error;

constexpr char kVersion = 2;
constexpr char kVersionOfVectors = 1;  // a width, little-endian, and a vector, for each question
constexpr unsigned kByteBits = 8;
constexpr std::size_t kLengthBytes = 2;

void AppendNumber(std::uint64_t number, std::size_t bytes, std::string& out) {
  for (std::size_t i = bytes; i-- > 0;) {
    out.push_back(static_cast<char>((number >> (kByteBits * i)) & 0xFFU));
  }
}

bool TakeNumber(std::string_view& bytes, std::size_t count, std::uint64_t& number) {
  if (bytes.size() < count) {
    return false;
  }
  number = 0;
  for (const char byte : bytes.substr(0, count)) {
    number = (number << kByteBits) | static_cast<unsigned char>(byte);
  }
  bytes.remove_prefix(count);
  return true;
}

// A length and so many bytes.
bool TakeBytes(std::string_view& bytes, std::string_view& taken) {
  std::uint64_t length = 0;
  if (!TakeNumber(bytes, kLengthBytes, length) || bytes.size() < length) {
    return false;
  }
  taken = bytes.substr(0, length);
  bytes.remove_prefix(length);
  return true;
}

base::Result<Trace> TakeTrace(std::string_view& bytes) {
  std::uint64_t embedder = 0;
  std::string_view vector;
  if (!TakeNumber(bytes, sizeof(embedder), embedder) || !TakeBytes(bytes, vector)) {
    return Error{Code::kCorrupt, "a quarantine row ends inside a vector"};
  }
  ASSIGN_OR_RETURN(PackedVector packed, PackedVector::FromBytes(vector));
  return Trace{FingerprintHash{embedder}, std::move(packed)};
}

std::size_t CountOfVersion1(std::string_view row) {
  std::size_t count = 0;
  while (row.size() > kLengthBytes) {
    const auto low = static_cast<unsigned char>(row[0]);
    const auto high = static_cast<unsigned char>(row[1]);
    row.remove_prefix(
        std::min(row.size(), kLengthBytes + (low | (std::size_t{high} << kByteBits))));
    ++count;
  }
  return count;
}

}  // namespace

const Trace* Quarantine::Barred::by(FingerprintHash embedder) const {
  const auto found = std::find_if(traces.begin(), traces.end(), [embedder](const Trace& trace) {
    return trace.embedder == embedder;
  });
  return found == traces.end() ? nullptr : &*found;
}

void Quarantine::MakeRoom() {
  while (barred_.size() >= kQuarantinedEntriesMax && !order_.empty()) {
    forgotten_ += barred_.erase(order_.front());
    order_.pop_front();
  }
}

std::vector<Quarantine::Barred>& Quarantine::FindOrMake(std::string_view entry) {
  const auto found = barred_.find(std::string(entry));
  if (found != barred_.end()) {
    return found->second;
  }
  MakeRoom();
  order_.emplace_back(entry);
  return barred_[std::string(entry)];
}

void Quarantine::Bar(std::string_view entry, std::string_view question, Trace trace) {
  base::MutexLock lock(mutex_);
  std::vector<Barred>& barred = FindOrMake(entry);
  if (barred.size() < kBarredPerEntry) {
    Barred added{question.size() < kQuestionBytesMax ? std::string(question) : "", {}};
    added.traces.push_back(std::move(trace));
    barred.push_back(std::move(added));
  }
}

bool Quarantine::IsBarred(std::string_view entry, std::string_view question,
                          const Trace& trace) const {
  base::MutexLock lock(mutex_);
  const auto found = barred_.find(std::string(entry));
  if (found == barred_.end()) {
    return false;
  }
  const std::vector<Barred>& all = found->second;
  return all.size() >= kBarredPerEntry ||
         std::any_of(all.begin(), all.end(), [&](const Barred& barred) {
           const Trace* known = barred.by(trace.embedder);
           return known == nullptr || (!question.empty() && barred.question == question) ||
                  known->vector.Cosine(trace.vector) >= kRelative;
         });
}

bool Quarantine::Has(std::string_view entry) const {
  base::MutexLock lock(mutex_);
  return !barred_.empty() && barred_.contains(std::string(entry));
}

std::vector<std::pair<std::string, std::string>> Quarantine::Unseen(FingerprintHash embedder,
                                                                    std::size_t pairs_max) const {
  std::vector<std::pair<std::string, std::string>> unseen;
  base::MutexLock lock(mutex_);
  for (const auto& [entry, all] : barred_) {
    for (const Barred& barred : all) {
      if (unseen.size() >= pairs_max) {
        return unseen;
      }
      if (!barred.question.empty() && barred.by(embedder) == nullptr) {
        unseen.emplace_back(entry, barred.question);
      }
    }
  }
  return unseen;
}

void Quarantine::AddTrace(std::string_view entry, std::string_view question, const Trace& trace) {
  base::MutexLock lock(mutex_);
  const auto found = barred_.find(std::string(entry));
  if (found == barred_.end()) {
    return;
  }
  for (Barred& barred : found->second) {
    if (barred.question == question && barred.by(trace.embedder) == nullptr) {
      barred.traces.push_back(trace);
    }
  }
}

void Quarantine::KeepTraces(const std::vector<FingerprintHash>& embedders) {
  base::MutexLock lock(mutex_);
  for (auto& [entry, all] : barred_) {
    for (Barred& barred : all) {
      std::erase_if(barred.traces, [&embedders](const Trace& trace) {
        return std::find(embedders.begin(), embedders.end(), trace.embedder) == embedders.end();
      });
    }
  }
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
  for (const Barred& barred : found->second) {
    AppendNumber(barred.question.size(), kLengthBytes, row);
    row.append(barred.question);
    AppendNumber(barred.traces.size(), 1, row);
    for (const Trace& trace : barred.traces) {
      AppendNumber(static_cast<std::uint64_t>(trace.embedder), sizeof(trace.embedder), row);
      AppendNumber(trace.vector.values.size(), kLengthBytes, row);
      row.append(trace.vector.bytes());
    }
  }
  return row;
}

base::Status Quarantine::Load(std::string_view entry, std::string_view row) {
  if (row.empty() || (row.front() != kVersion && row.front() != kVersionOfVectors)) {
    return Error{Code::kCorrupt, "a quarantine row has an unknown version"};
  }
  const bool has_questions = row.front() == kVersion;
  row.remove_prefix(1);
  std::vector<Barred> loaded(has_questions ? 0 : CountOfVersion1(row));
  while (has_questions && !row.empty()) {
    std::string_view question;
    std::uint64_t traces = 0;
    if (!TakeBytes(row, question) || !TakeNumber(row, 1, traces)) {
      return Error{Code::kCorrupt, "a quarantine row ends inside a question"};
    }
    Barred barred{std::string(question), {}};
    for (std::uint64_t i = 0; i < traces; ++i) {
      ASSIGN_OR_RETURN(Trace trace, TakeTrace(row));
      barred.traces.push_back(std::move(trace));
    }
    loaded.push_back(std::move(barred));
  }
  base::MutexLock lock(mutex_);
  FindOrMake(entry) = std::move(loaded);
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
