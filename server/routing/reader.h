// Reader: a prompt, and its vector, as the numbers that the learner works with.
//
// Threads: const, any number at a time. Errors: none. Complexity: O(bytes looked at) + some 20 us
// (README.md has figures). Lifetime: results own their data. Limits: those of words.h, grams.h.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "server/routing/features.h"
#include "server/routing/fourier.h"
#include "server/routing/prior.h"
#include "server/routing/projection.h"

namespace reprise::routing {

// One, the curves of the surface, the place, the traits.
inline constexpr std::size_t kDenseWidth = 1 + kFourierFeatures + kPlaceWidth + kTraits;

struct Prompt {
  std::string_view text;
  std::span<const float> vector{};  // one unit long; empty: not known
  bool is_use_lite = false;         // it is of the embedder that ships with the server
  std::uint32_t embedder = 0;       // whose vector it is: a hash of its fingerprint
  std::int64_t context_tokens = 0;  // 0: not known
  std::int64_t answer_tokens = 0;   // expected; 0: not known
};

class Reader {
 public:
  Features Read(const Prompt& prompt) const;
  Input Expand(Features features) const;

 private:
  const Fourier fourier_;
  const Projection projection_;
  const Prior prior_;
};

}  // namespace reprise::routing
