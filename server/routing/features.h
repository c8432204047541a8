// Features: what is kept of a prompt, in a decision and in an outcome's row; and what the learner
// sees of it.
//
// The kept form is the truth: figures are rounded to it before anything is learned from them, so
// that learning again from stored rows gives the same weights. The text itself is not in it.
//
// Threads: values. Units: as the parts say. Lifetime: they own what they hold.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "server/routing/hashed_model.h"
#include "server/routing/neighbours.h"
#include "server/routing/surface.h"

namespace reprise::routing {

// One unit of a kept figure: three spreads are 126 of them.
inline constexpr float kFigureUnit = 1.0F / 42;

struct Features {
  std::vector<std::uint32_t> grams;
  std::array<std::int8_t, kLinearFigures> figures{};  // surface, then what the caller knows
  std::uint32_t embedder = 0;  // whose vector the place is of: a hash of its fingerprint
  float place_length = 0;      // 0: there is no vector of the prompt
  PackedPlace place{};         // one unit long

  bool has_place() const { return place_length > 0; }
  bool operator==(const Features&) const = default;
};

// The same, ready for arithmetic.
struct Input {
  Features features;
  SparseInput sparse;        // borrows from `features`
  std::vector<float> dense;  // kDenseWidth numbers (reader.h)

  Input() = default;
  ~Input() = default;
  Input(Input&&) = default;  // the memory of the n-grams moves along
  Input& operator=(Input&&) = default;
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;
};

}  // namespace reprise::routing
