#include "server/semantic/evidence.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace reprise::semantic {
namespace {

constexpr char kVersion = 1;

void AppendVarint(std::uint64_t number, std::string& out) {
  constexpr std::uint64_t kMore = 0x80;
  while (number >= kMore) {
    out.push_back(static_cast<char>(number | kMore));
    number >>= 7U;
  }
  out.push_back(static_cast<char>(number));
}

bool TakeVarint(std::string_view& bytes, std::uint64_t& number) {
  constexpr unsigned kBits = 7;
  constexpr unsigned kLongest = 35;  // counts have 32 bits
  number = 0;
  for (unsigned shift = 0; shift < kLongest && !bytes.empty(); shift += kBits) {
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    number |= std::uint64_t{byte & 0x7FU} << shift;
    if ((byte & 0x80U) == 0) {
      return number <= 0xFFFFFFFF;
    }
  }
  return false;
}

// Most bins are empty: pairs of (bin, right, wrong), and how many.
void AppendTally(const Tally& tally, std::string& out) {
  std::uint64_t filled = 0;
  for (std::size_t bin = 0; bin < kBins; ++bin) {
    filled += tally.right[bin] + std::uint64_t{tally.wrong[bin]} > 0 ? 1 : 0;
  }
  AppendVarint(filled, out);
  for (std::size_t bin = 0; bin < kBins; ++bin) {
    if (tally.right[bin] + std::uint64_t{tally.wrong[bin]} > 0) {
      AppendVarint(bin, out);
      AppendVarint(tally.right[bin], out);
      AppendVarint(tally.wrong[bin], out);
    }
  }
}

bool TakeTally(std::string_view& bytes, Tally& tally) {
  std::uint64_t filled = 0;
  if (!TakeVarint(bytes, filled) || filled > kBins) {
    return false;
  }
  for (std::uint64_t i = 0; i < filled; ++i) {
    std::uint64_t bin = 0;
    std::uint64_t right = 0;
    std::uint64_t wrong = 0;
    if (!TakeVarint(bytes, bin) || !TakeVarint(bytes, right) || !TakeVarint(bytes, wrong) ||
        bin >= kBins) {
      return false;
    }
    tally.right[bin] = static_cast<std::uint32_t>(right);
    tally.wrong[bin] = static_cast<std::uint32_t>(wrong);
  }
  return true;
}

}  // namespace

Tally& Evidence::of(Source source) {
  switch (source) {
    case Source::kCalibration:
      return calibration;
    case Source::kVerified:
      return verified;
    case Source::kFeedback:
      break;
  }
  return feedback;
}

Tally Evidence::All() const {
  Tally all = calibration;
  all.Add(verified);
  all.Add(feedback);
  return all;
}

std::string Evidence::Format() const {
  std::string row(1, kVersion);
  for (const Tally* tally : {&calibration, &verified, &feedback}) {
    AppendTally(*tally, row);
  }
  return row;
}

base::Result<Evidence> Evidence::Parse(std::string_view row) {
  const auto corrupt = [] {
    return base::Error{base::Code::kCorrupt, "an evidence row cannot be read"};
  };
  if (row.empty() || row.front() != kVersion) {
    return corrupt();
  }
  row.remove_prefix(1);
  Evidence evidence;
  for (Tally* tally : {&evidence.calibration, &evidence.verified, &evidence.feedback}) {
    if (!TakeTally(row, *tally)) {
      return corrupt();
    }
  }
  return row.empty() ? base::Result<Evidence>(evidence) : corrupt();
}

Estimate EstimateOf(const Tally& tally, double threshold) {
  Estimate estimate;
  for (std::size_t bin = BinOf(threshold); bin < kBins; ++bin) {
    estimate.pairs += std::uint64_t{tally.right[bin]} + tally.wrong[bin];
    estimate.wrong += tally.wrong[bin];
  }
  if (estimate.pairs == 0) {
    return estimate;
  }
  constexpr double kZ = 1.959964;  // 95 %, two-sided
  const auto n = static_cast<double>(estimate.pairs);
  estimate.share = static_cast<double>(estimate.wrong) / n;
  const double z2 = kZ * kZ / n;
  const double centre = estimate.share + z2 / 2;
  const double width = kZ * std::sqrt(estimate.share * (1 - estimate.share) / n + z2 / (4 * n));
  estimate.low = std::max(0.0, (centre - width) / (1 + z2));
  estimate.high = std::min(1.0, (centre + width) / (1 + z2));
  return estimate;
}

}  // namespace reprise::semantic
