#include "server/routing/reader.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "server/routing/arithmetic.h"
#include "server/routing/grams.h"
#include "server/routing/words.h"

namespace reprise::routing {
namespace {

constexpr float kCut = 3.0F;
constexpr float kPlaceScale = 5.0F;  // as long as the curves (fourier.h)
constexpr float kPackedPlaceUnit = 1.0F / 127;

// About one on either side of a call of ordinary size; 0 where it is not known.
float ScaledTokens(std::int64_t tokens, double usual) {
  if (tokens <= 0) {
    return 0;
  }
  return static_cast<float>(std::log2(static_cast<double>(tokens) / usual) / 2);
}

std::int8_t Kept(float figure) {
  return static_cast<std::int8_t>(std::lround(std::clamp(figure, -kCut, kCut) / kFigureUnit));
}

}  // namespace

Features Reader::Read(const Prompt& prompt) const {
  constexpr double kUsualContext = 2'000;
  constexpr double kUsualAnswer = 300;
  Features features;
  std::string scratch;
  const std::string_view text = Excerpt(prompt.text, scratch);
  std::vector<Word> words;
  SplitWords(text, words);
  GramsOf(text, words, features.grams);
  const Surface surface = Scaled(RawSurfaceOf(text, prompt.text.size(), words));
  std::transform(surface.begin(), surface.end(), features.figures.begin(), Kept);
  features.figures[kTextFigures] = Kept(ScaledTokens(prompt.context_tokens, kUsualContext));
  features.figures[kTextFigures + 1] = Kept(ScaledTokens(prompt.answer_tokens, kUsualAnswer));
  if (!prompt.vector.empty()) {
    const Place place = projection_.Apply(prompt.vector, prompt.is_use_lite);
    features.place_length = std::sqrt(Dot(place.data(), place.data(), kPlaceWidth));
    features.place = Packed(UnitOf(place));
    features.embedder = prompt.embedder;
  }
  return features;
}

Input Reader::Expand(Features features) const {
  Input input;
  input.features = std::move(features);
  input.sparse.grams = input.features.grams;
  Surface surface{};
  for (std::size_t i = 0; i < kLinearFigures; ++i) {
    const float figure = static_cast<float>(input.features.figures[i]) * kFigureUnit;
    input.sparse.figures[i] = figure;
    if (i < kTextFigures) {
      surface[i] = figure;
    }
  }
  input.dense.assign(kDenseWidth, 0);
  input.dense[0] = 1;
  float* const curves = input.dense.data() + 1;
  fourier_.Apply(surface, curves);
  const float scale = kPlaceScale * kPackedPlaceUnit * input.features.place_length;
  for (std::size_t i = 0; i < kPlaceWidth; ++i) {
    curves[kFourierFeatures + i] = scale * static_cast<float>(input.features.place[i]);
  }
  prior_.TraitsOf({input.dense.data(), kDenseWidth - kTraits},
                  input.dense.data() + kDenseWidth - kTraits);
  return input;
}

}  // namespace reprise::routing
