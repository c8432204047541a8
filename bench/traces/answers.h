// Answers: what the answer to each question of a trace costs and how large it is.
//
// Costs are real list prices with drawn tokens: each question is answered by one model, any of the
// price list with equal chance; its tokens in are log-normal with median 300 and sigma 1, at most
// 32,000, its tokens out with median 250 and sigma 1, at most 8,000. An entry has 4 bytes for each
// token out, 1 for each token in (most of them are shared context, not the prompt), and 400.
//
// Units: nano-dollars, bytes. Threads: any. Errors: kIo, kCorrupt (no price list). Complexity:
// O(n).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "protocol/base/result.h"

namespace reprise::bench {

// Dollars for a million tokens, which is thousands of nano-dollars for one.
struct Price {
  double in = 0;
  double out = 0;
};

struct Answer {
  std::uint64_t cost_nano = 0;  // 0 without a price list
  std::uint32_t bytes = 0;
};

// Models with a price for tokens in and out, of the list at `path` in the form of genai-prices
// (data.json): providers with models with prices.
base::Result<std::vector<Price>> ReadPrices(const std::string& path);
std::vector<Answer> DrawAnswers(std::size_t count, const std::vector<Price>& prices,
                                std::uint64_t seed);

}  // namespace reprise::bench
