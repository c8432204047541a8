#include "server/routing/drift.h"

#include <algorithm>

namespace reprise::routing {
namespace {

constexpr double kShiftAllowed = 0.1;
constexpr double kShiftBound = 15;
constexpr double kSpreadAllowed = 0.05;
constexpr double kSpreadBound = 6;
constexpr double kSeenMin = 50;     // before that nothing is usual
constexpr double kSeenMax = 1'000;  // the usual is of about so many

}  // namespace

bool Drift::Observe(double expected, double outcome) {
  const double error = outcome - expected;
  seen_ = std::min(seen_ + 1, kSeenMax);
  if (seen_ <= kSeenMin) {
    usual_ += (error * error - usual_) / seen_;
    return false;
  }
  better_ = std::max(0.0, better_ + error - kShiftAllowed);
  worse_ = std::max(0.0, worse_ - error - kShiftAllowed);
  further_ = std::max(0.0, further_ + error * error - usual_ - kSpreadAllowed);
  usual_ += (error * error - usual_) / seen_;
  if (better_ <= kShiftBound && worse_ <= kShiftBound && further_ <= kSpreadBound) {
    return false;
  }
  *this = Drift();
  return true;
}

void Drift::Load(std::span<const double, kNumbers> numbers) {
  better_ = numbers[0];
  worse_ = numbers[1];
  further_ = numbers[2];
  usual_ = numbers[3];
  seen_ = numbers[4];
}

}  // namespace reprise::routing
