// Assess: how likely the answer that is stored for one question serves another.
//
// Guards first: a veto ends it. Then a probability from features of the words and of the vectors
// (server/match). Pure functions; who is asked, and what the budget allows, is semantic.h.
//
// Units: cosines, probabilities. Threads: any. Errors: none. Complexity: O(words of one x words of
// the other). Lifetime: a Probe owns what it has.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "server/embed/embedder.h"
#include "server/match/features.h"
#include "server/match/guards.h"
#include "server/match/words.h"
#include "storage/engine/namespace_id.h"

namespace reprise::semantic {

// What an embedder made of a text. `tokens` is empty where it has none to show.
using VectorsPtr = std::shared_ptr<const embed::TokenVectors>;

// A question as the tier sees it.
struct Probe {
  storage::NamespaceId owner{0};
  std::string text;
  match::Words words;
  VectorsPtr vectors;
};

// `cosine` is of the two vectors, `rival` that of the nearest other stored question with another
// answer; absent where too few are stored to tell. `is_fitted`: they are of the embedder that the
// weights were fitted with, so that they count although its words' vectors are not there.
struct Distance {
  float cosine = 0;
  std::optional<float> rival{};
  bool is_fitted = false;
};

// A text without vectors.
Probe ReadQuestion(std::string_view text, storage::NamespaceId owner = {});
// What the words alone say: microseconds, so it comes before the tokens.
match::Verdicts Guard(const Probe& stored, const Probe& asked);
// What the model sees. Of another embedder than the fitted one, what their words say.
match::Features FeaturesOf(const Probe& stored, const Probe& asked, const match::Verdicts& verdicts,
                           const Distance& distance);
// That the answer of one serves the other; 0 after a veto. Of another embedder, by words alone.
double ProbabilityOf(const Probe& stored, const Probe& asked, const match::Verdicts& verdicts,
                     const Distance& distance);
// Of their vectors; 0 when one has none.
float CosineOf(const Probe& one, const Probe& other);
// It is not sure that two stored questions are the same one.
bool AreApart(const Probe& one, const Probe& other);

}  // namespace reprise::semantic
