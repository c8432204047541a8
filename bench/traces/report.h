// Report: what the policies saved on each trace, as a table for people and as JSON.
//
// Units: shares of requests and of money, 0 to 1. Threads: any. Errors: none.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace reprise::bench {

struct Line {
  std::string policy;  // or the optimum
  double hit_rate = 0;
  double money_saved = 0;  // of what all requests would cost; negative: not known
};

// One trace at one bound.
struct Comparison {
  std::string trace;
  std::string bound;
  bool has_bar = false;
  std::vector<Line> lines;
};

struct RunFacts {
  std::string commit;
  std::uint64_t seed = 0;
  std::uint32_t questions = 0;
  std::uint32_t requests = 0;
  std::size_t prices = 0;  // 0: no price list, and so no money
};

// What the cost policy has to reach on the traces with a bar.
struct Bar {
  double money_over_lru = 0;   // money saved with cost over that with lru
  double hits_below_best = 0;  // how far its hit rate is below the best policy's, relative
  bool met = false;
};
inline constexpr double kMoneyOverLruMin = 1.10;
inline constexpr double kHitsBelowBestMax = 0.03;
Bar BarOf(const Comparison& comparison);

std::string MarkdownOf(const RunFacts& facts, const std::vector<Comparison>& comparisons);
std::string JsonOf(const RunFacts& facts, const std::vector<Comparison>& comparisons);

}  // namespace reprise::bench
