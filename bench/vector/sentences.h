// Sentences: made-up vectors that lie as those of sentences do: areas, topics in them, sentences in
// those, on far fewer dimensions than the width.
//
// Units: none. Threads: one. Errors: none. Same seed, same vectors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace reprise::bench {

class Sentences {
 public:
  struct Shape {
    std::size_t width = 512;
    std::size_t latent = 64;  // Dimensions in which sentences differ.
    std::size_t areas = 200;
    std::size_t topics = 5'000;
    std::uint64_t seed = 1;
  };
  // Where a sentence lies among the latent dimensions.
  using Meaning = std::vector<float>;

  explicit Sentences(const Shape& shape);

  Meaning Next();
  // Near the meaning: what the same question asked in other words would be.
  Meaning Rephrased(const Meaning& meaning, float distance);
  // One unit long.
  std::vector<float> VectorOf(const Meaning& meaning) const;

 private:
  Meaning Around(const Meaning& centre, float distance);

  Shape shape_;
  std::mt19937_64 random_;
  std::normal_distribution<float> normal_;
  std::vector<float> projection_;
  std::vector<Meaning> topics_;
};

}  // namespace reprise::bench
