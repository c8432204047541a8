// Drift: notices that estimates have begun to be wrong, and did not use to be.
//
// Three cumulative sums (E. S. Page, 1954): outcomes better than expected, worse than expected, and
// further off than they used to be. Each outcome adds what is beyond an allowance; a sum above the
// bound is drift. At the bounds chosen a false alarm comes once in some million outcomes of noise;
// a model that becomes worse by 0.3 is noticed after some 75 outcomes (drift_test.cc).
//
// Threads: one owner at a time. Errors: none. Complexity: O(1). Units: quality.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace reprise::routing {

class Drift {
 public:
  // True: there is drift, and the sums begin anew.
  bool Observe(double expected, double outcome);

  static constexpr std::size_t kNumbers = 5;
  std::array<double, kNumbers> Save() const { return {better_, worse_, further_, usual_, seen_}; }
  void Load(std::span<const double, kNumbers> numbers);

 private:
  double better_ = 0;
  double worse_ = 0;
  double further_ = 0;
  double usual_ = 0;  // squared error
  double seen_ = 0;
};

}  // namespace reprise::routing
