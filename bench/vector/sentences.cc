#include "bench/vector/sentences.h"

#include <cmath>

namespace reprise::bench {
namespace {

// Areas are a unit apart, topics of one area and sentences of one topic lie closer.
constexpr float kTopicDistance = 0.8F;
constexpr float kSentenceDistance = 0.6F;

}  // namespace

Sentences::Sentences(const Shape& shape) : shape_(shape), random_(shape.seed) {
  projection_.resize(shape.width * shape.latent);
  for (float& number : projection_) {
    number = normal_(random_);
  }
  std::vector<Meaning> areas;
  for (std::size_t i = 0; i < shape.areas; ++i) {
    areas.push_back(Around(Meaning(shape.latent), 1.0F));
  }
  for (std::size_t i = 0; i < shape.topics; ++i) {
    topics_.push_back(Around(areas[random_() % areas.size()], kTopicDistance));
  }
}

Sentences::Meaning Sentences::Around(const Meaning& centre, float distance) {
  Meaning meaning = centre;
  const float step = distance / std::sqrt(static_cast<float>(shape_.latent));
  for (float& number : meaning) {
    number += step * normal_(random_);
  }
  return meaning;
}

Sentences::Meaning Sentences::Next() {
  return Around(topics_[random_() % topics_.size()], kSentenceDistance);
}

Sentences::Meaning Sentences::Rephrased(const Meaning& meaning, float distance) {
  return Around(meaning, distance);
}

std::vector<float> Sentences::VectorOf(const Meaning& meaning) const {
  std::vector<float> vector(shape_.width);
  for (std::size_t i = 0; i < shape_.latent; ++i) {
    const float* row = &projection_[i * shape_.width];
    for (std::size_t j = 0; j < shape_.width; ++j) {
      vector[j] += meaning[i] * row[j];
    }
  }
  float squared = 0;
  for (const float number : vector) {
    squared += number * number;
  }
  const float inverse = 1.0F / std::sqrt(squared);
  for (float& number : vector) {
    number *= inverse;
  }
  return vector;
}

}  // namespace reprise::bench
