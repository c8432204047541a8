#include "server/semantic/assess.h"

#include <vector>

#include "server/match/alignment.h"
#include "server/match/features.h"
#include "server/match/model.h"
#include "server/semantic/facing.h"

namespace reprise::semantic {
namespace {

// The vectors of a text's tokens as the matcher reads them.
class Tokens {
 public:
  explicit Tokens(const embed::TokenVectors& vectors) {
    ranges_.reserve(vectors.tokens.size());
    for (const embed::Token& token : vectors.tokens) {
      ranges_.push_back({token.begin, token.end});
    }
    const std::size_t count = vectors.tokens.size();
    view_.tokens = ranges_;
    view_.contextual = vectors.context;
    view_.contextual_width = vectors.context.size() / count;
    view_.input = vectors.inputs;
    view_.input_width = vectors.inputs.size() / count;
  }
  const match::TokenVectors& view() const { return view_; }

 private:
  std::vector<match::TokenRange> ranges_;
  match::TokenVectors view_;
};

bool HasTokens(const Probe& probe) {
  return probe.vectors != nullptr && !probe.vectors->tokens.empty();
}

}  // namespace

Probe ReadQuestion(std::string_view text, storage::NamespaceId owner) {
  Probe probe;
  probe.owner = owner;
  probe.text = text;
  probe.words = match::ReadWords(text);
  return probe;
}

match::Verdicts Guard(const Probe& stored, const Probe& asked) {
  return match::Judge(stored.words, asked.words);
}

match::Features FeaturesOf(const Probe& stored, const Probe& asked, const match::Verdicts& verdicts,
                           const Distance& distance) {
  const match::Pairing pairing = match::Pair(stored.words, asked.words);
  const bool have_tokens = HasTokens(stored) && HasTokens(asked);
  // Of another embedder the weights know nothing but what the words say.
  if (!have_tokens && !distance.is_fitted) {
    return match::ComputeFeatures(pairing, verdicts, nullptr);
  }
  match::Outside outside;
  outside.cosine = distance.cosine;
  outside.rival = distance.rival;
  if (have_tokens) {
    outside.alignment = match::Align({stored.words, Tokens(*stored.vectors).view()},
                                     {asked.words, Tokens(*asked.vectors).view()});
  }
  return match::ComputeFeatures(pairing, verdicts, &outside);
}

double ProbabilityOf(const Probe& stored, const Probe& asked, const match::Verdicts& verdicts,
                     const Distance& distance) {
  if (match::FindVeto(verdicts) != nullptr) {
    return 0;
  }
  return match::Probability(FeaturesOf(stored, asked, verdicts, distance));
}

bool AreApart(const Probe& one, const Probe& other) {
  constexpr double kSurelySame = 0.9;
  const Facing facing = Face(one, other);
  if (facing.refusal != Refusal::kNone) {
    return true;
  }
  const match::Verdicts verdicts = Guard(one, other, facing);
  if (match::FindVeto(verdicts) != nullptr) {
    return true;
  }
  const Probe& here = facing.is_whole ? one : facing.stored;
  const Probe& there = facing.is_whole ? other : facing.asked;
  return ProbabilityOf(here, there, verdicts, {CosineOf(here, there)}) < kSurelySame;
}

float CosineOf(const Probe& one, const Probe& other) {
  if (one.vectors == nullptr || other.vectors == nullptr) {
    return 0;
  }
  float cosine = 0;
  for (std::size_t i = 0; i < one.vectors->vector.size(); ++i) {
    cosine += one.vectors->vector[i] * other.vectors->vector[i];
  }
  return cosine;
}

}  // namespace reprise::semantic
