#include "server/routing/pacing.h"

#include <algorithm>

namespace reprise::routing {

void Pacing::Add(double tips_at, bool is_cheap) {
  calls_ = std::min(calls_ + 1, kMemory);
  cheap_share_ += ((is_cheap ? 1 : 0) - cheap_share_) / calls_;
  if (prices_.size() < kWindow) {
    prices_.push_back(tips_at);
    return;
  }
  prices_[next_] = tips_at;
  next_ = (next_ + 1) % kWindow;
}

std::optional<double> Pacing::PriceFor(double share) const {
  constexpr double kMissingMax = 0.2;
  if (prices_.size() < kCallsMin || share <= 0) {
    return std::nullopt;
  }
  const double missing = std::clamp(share - cheap_share_, 0.0, kMissingMax);
  const double place = std::clamp(share + missing, 0.0, 1.0) * static_cast<double>(prices_.size());
  const std::size_t index =
      std::min(static_cast<std::size_t>(std::max(place - 1, 0.0) + 0.5), prices_.size() - 1);
  std::vector<double> prices = prices_;
  std::nth_element(prices.begin(), prices.begin() + static_cast<std::ptrdiff_t>(index),
                   prices.end());
  return prices[index];
}

double PressureOf(double used, double elapsed) {
  constexpr double kOnSchedule = 0.5;
  constexpr double kSteepness = 10;
  constexpr double kNotSpent = 0.999;
  if (used >= 1 || elapsed <= 0 || elapsed >= 1) {
    return used;
  }
  const double left = (1 - used) / (1 - elapsed);  // 1: on schedule
  return std::clamp(kOnSchedule + kSteepness * (1 - left), 0.0, kNotSpent);
}

}  // namespace reprise::routing
