#include "server/semantic/long_text.h"

#include <cmath>
#include <cstdint>
#include <memory>

#include "server/semantic/draws.h"
#include "server/semantic/parts.h"

namespace reprise::semantic {
namespace {

constexpr int kCoordinates = 16;  // of a part's direction

void AddDirection(std::uint64_t key, embed::Vector& sum) {
  for (int i = 0; i < kCoordinates; ++i) {
    key += kDrawStep;
    const std::uint64_t drawn = DrawOf(key);
    sum[(drawn >> 1U) % sum.size()] += (drawn & 1U) != 0 ? 1.0F : -1.0F;
  }
}

// Makes it so long; a zero vector stays one.
void Stretch(float length, embed::Vector& vector) {
  double square = 0;
  for (const float value : vector) {
    square += static_cast<double>(value) * static_cast<double>(value);
  }
  const float factor = square > 0 ? length / static_cast<float>(std::sqrt(square)) : 0;
  for (float& value : vector) {
    value *= factor;
  }
}

base::Result<VectorsPtr> EmbedPart(const Embedding& embedding, const OwnText& text, Pause* pause) {
  return pause == nullptr ? embedding.Embed(text) : embedding.EmbedOrPause(text, *pause);
}

}  // namespace

base::Result<VectorsPtr> EmbedWhole(const Embedding& embedding, const OwnText& own, Pause* pause) {
  const std::string_view text = own.text;
  if (text.size() > kReadBytesMax) {
    return base::Error{base::Code::kBadRequest,
                       "the prompt is longer than the semantic tier reads"};
  }
  if (!IsLong(text)) {
    return EmbedPart(embedding, own, pause);
  }
  const Segments segments = SegmentsOf(text);
  const std::size_t question = FindQuestion(text, segments);
  ASSIGN_OR_RETURN(const VectorsPtr asked,
                   EmbedPart(embedding, {own.owner, segments[question].In(text)}, pause));
  auto whole = std::make_shared<embed::TokenVectors>();
  whole->vector.assign(asked->vector.size(), 0);
  for (std::size_t i = 0; i < segments.size(); ++i) {
    if (i != question) {
      AddDirection(segments[i].key, whole->vector);
    }
  }
  Stretch(std::sqrt(1 - kQuestionShare), whole->vector);
  for (std::size_t i = 0; i < whole->vector.size(); ++i) {
    whole->vector[i] += std::sqrt(kQuestionShare) * asked->vector[i];
  }
  Stretch(1, whole->vector);
  return VectorsPtr(std::move(whole));
}

}  // namespace reprise::semantic
