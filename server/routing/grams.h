// Grams: the words of a prompt and pairs of neighbours, as hashes; of words that are long or in
// another script than ASCII also their parts.
//
// Each is counted once. Of more than kGramsMax those with the smallest hashes stay, which are the
// same ones in every prompt that has them. Threads: any, pure. Errors: none. Complexity: O(words).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/routing/words.h"

namespace reprise::routing {

inline constexpr std::size_t kGramsMax = 512;

// Replaces `grams`, whose memory is reused.
void GramsOf(std::string_view text, std::span<const Word> words, std::vector<std::uint32_t>& grams);

// The words and pairs of words of a text, each once, with their hashes; for explanations.
struct NamedGram {
  std::uint32_t gram = 0;
  std::string name;
};
std::vector<NamedGram> NameGrams(std::string_view text, std::span<const Word> words);

}  // namespace reprise::routing
