// Bet: a sequential test for a change to the worse, in bounded memory.
//
// Somebody who does not believe that a bounded figure is still what it should be bets on each
// observation. While it is, no way of betting wins on average; so wealth is evidence. Four bettors
// with different stakes share the start, since the best stake is not known before. When together
// they have lost what they began with, they begin anew: the change has not happened yet (a CUSUM).
// Trip when the wealth reaches `needed`. Then, however the observations depend on each other, as
// long as each has a mean of at most 0 given those before:
//
//   observations between two false trips, on average >= needed
//   chance of a false trip within n observations     <= n / needed
//
// Sources: E. S. Page, "Continuous inspection schemes" (Biometrika 41, 1954); I. Waudby-Smith and
// A. Ramdas, "Estimating means of bounded random variables by betting" (JRSS B 86, 2024); J. Shin,
// A. Ramdas and A. Rinaldo, "E-detectors: a nonparametric framework for sequential change
// detection" (NEJSDS 2, 2024). Why this one: notes/0001-guardrails.md.
//
// Units: wealth is a ratio, 1 at the start. Threads: one owner. Errors: none. Complexity: O(1).
#pragma once

#include <array>
#include <cstddef>

namespace reprise::control {

class Bet {
 public:
  static constexpr std::size_t kBettors = 4;
  // The largest score; with the largest stake it multiplies a wealth by 3.
  static constexpr double kScoreMax = 2.1;

  // One observation: -1, the best possible, to kScoreMax; above 0 is worse than allowed. False when
  // the bettors begin anew behind it.
  bool Take(double score);
  double wealth() const;

  const std::array<double, kBettors>& parts() const { return wealth_; }
  void Load(const std::array<double, kBettors>& parts) { wealth_ = parts; }

 private:
  std::array<double, kBettors> wealth_{1, 1, 1, 1};
};

}  // namespace reprise::control
