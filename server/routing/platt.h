// Platt: makes estimates honest. Of what was estimated 0.8, eight in ten shall come true.
//
// A logistic curve over the log-odds of the estimate, two numbers, learned from one outcome after
// the other by Newton's method; old outcomes fade. Before there is evidence it changes nothing.
// After J. Platt (1999). Threads: one owner at a time. Errors: none. Complexity: O(1). Units:
// probabilities, or qualities, from 0 to 1.
#pragma once

#include <array>
#include <span>

namespace reprise::routing {

class Platt {
 public:
  double Apply(double estimate) const;
  void Learn(double estimate, double outcome);

  static constexpr std::size_t kNumbers = 5;
  std::array<double, kNumbers> Save() const {
    return {slope_, offset_, slope_slope_, cross_, ones_};
  }
  void Load(std::span<const double, kNumbers> numbers);

 private:
  static double LogOdds(double estimate);

  double slope_ = 1;
  double offset_ = 0;
  // The curvature of the loss: evidence, and what stands for it at the beginning.
  double slope_slope_ = kFirst;
  double cross_ = 0;
  double ones_ = kFirst;

  static constexpr double kFirst = 25;
};

}  // namespace reprise::routing
