// Embedder: what makes a vector of a text, and how vectors are told apart.
//
// Vectors of two embedders must never be compared: the fingerprint is part of the partition. It
// changes with the model, with its version, and with any way of computing that changes vectors.
//
// Threads: all methods are const and safe from any thread. Lifetime: the views live as long as the
// embedder. Errors: none but where stated. Units: vectors have Width() floats and length 1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "protocol/base/result.h"

namespace reprise::embed {

using Vector = std::vector<float>;

class Embedder {
 public:
  virtual ~Embedder() = default;

  // For people and metric labels: "use-lite", "hash", "http".
  virtual std::string_view Name() const = 0;
  // At most kFingerprintBytesMax bytes of printable ASCII without spaces.
  virtual std::string_view Fingerprint() const = 0;
  virtual std::size_t Width() const = 0;
};

inline constexpr std::size_t kFingerprintBytesMax = 128;

// One that needs nobody else: it computes on the caller's thread and never waits.
class LocalEmbedder : public Embedder {
 public:
  // kBadRequest for what is not UTF-8. Empty text has a vector.
  virtual base::Result<Vector> Embed(std::string_view text) const = 0;
};

// A piece of the text that the model knows, or a run of text that it does not (piece 0).
struct Token {
  std::uint32_t begin = 0;  // bytes of the text as it was given; a space in front is not part of it
  std::uint32_t end = 0;
  std::int32_t piece = 0;
};

// Row i of each matrix belongs to token i.
struct TokenVectors {
  Vector vector;  // the whole text, as Embed gives it
  std::vector<Token> tokens;
  std::vector<float> context;  // the token where it stands: tokens x Width()
  std::vector<float> inputs;   // the token alone, the same wherever it stands: tokens x input width
};

}  // namespace reprise::embed
