#include "server/embed/hash_embedder.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <string>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "server/embed/beginning.h"
#include "server/text/normalize.h"

namespace reprise::embed {
namespace {

using base::Result;

constexpr std::uint64_t kWordSeed = 0x9E3779B97F4A7C15U;
constexpr std::uint64_t kPartSeed = 0xC2B2AE3D27D4EB4FU;
constexpr std::size_t kPartMin = 3;
constexpr std::size_t kPartMax = 5;
constexpr float kPartWeight = 0.8F;       // of all parts of a word together, as against the word
constexpr float kFunctionWeight = 0.25F;  // of a word that carries little

// Sorted. Negations and question words are not among them: they carry the question.
constexpr std::array<std::string_view, 92> kFunctionWords{
    "a",      "about", "all",   "also",  "am",   "an",    "and",  "any",    "are",   "as",
    "at",     "be",    "been",  "being", "but",  "by",    "can",  "could",  "did",   "do",
    "does",   "doing", "for",   "from",  "get",  "give",  "had",  "has",    "have",  "having",
    "he",     "hello", "her",   "hi",    "him",  "his",   "i",    "if",     "in",    "into",
    "is",     "it",    "its",   "just",  "let",  "like",  "many", "may",    "me",    "might",
    "much",   "must",  "my",    "of",    "on",   "or",    "our",  "please", "shall", "she",
    "should", "so",    "some",  "such",  "tell", "than",  "that", "the",    "their", "them",
    "then",   "there", "these", "they",  "this", "those", "to",   "too",    "up",    "us",
    "very",   "want",  "was",   "we",    "were", "what",  "will", "with",   "would", "you",
    "your",   "yours"};
static_assert(std::is_sorted(kFunctionWords.begin(), kFunctionWords.end()));

bool IsContinuation(char byte) {
  return (static_cast<std::uint8_t>(byte) & 0xC0U) == 0x80U;
}

bool IsSeparator(char byte) {
  const auto code = static_cast<std::uint8_t>(byte);
  const bool is_letter = (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z');
  const bool is_digit = code >= '0' && code <= '9';
  return code < 0x80 && !is_letter && !is_digit && code != '+' && code != '#';
}

class Accumulator {
 public:
  explicit Accumulator(Vector& vector) : vector_(vector) {}

  void AddWord(std::string_view word) {
    const bool carries_little =
        std::binary_search(kFunctionWords.begin(), kFunctionWords.end(), word);
    const float weight = carries_little ? kFunctionWeight : 1.0F;
    const std::uint64_t hash = XXH3_64bits_withSeed(word.data(), word.size(), kWordSeed);
    // Two dimensions, so that two words that share one still differ.
    AddTo(hash, weight);
    AddTo(hash >> 32U, weight);
    AddParts(word, weight);
  }

 private:
  // Nine bits name the dimension, the next one the sign.
  void AddTo(std::uint64_t hash, float weight) {
    constexpr std::uint64_t kSignBit = HashEmbedder::kWidth;
    const auto dimension = static_cast<std::size_t>(hash % HashEmbedder::kWidth);
    vector_[dimension] += (hash & kSignBit) != 0 ? weight : -weight;
  }

  // The word between marks, so that its beginning and end are parts of their own.
  void AddParts(std::string_view word, float weight) {
    marked_.assign(1, '<').append(word).push_back('>');
    begins_.clear();
    for (std::size_t i = 0; i < marked_.size(); ++i) {
      if (!IsContinuation(marked_[i])) {
        begins_.push_back(i);
      }
    }
    begins_.push_back(marked_.size());
    const std::size_t code_points = begins_.size() - 1;
    std::size_t parts = 0;
    for (std::size_t length = kPartMin; length <= std::min(kPartMax, code_points); ++length) {
      parts += code_points - length + 1;
    }
    if (parts == 0) {
      return;
    }
    const float share = weight * kPartWeight / std::sqrt(static_cast<float>(parts));
    for (std::size_t length = kPartMin; length <= std::min(kPartMax, code_points); ++length) {
      for (std::size_t i = 0; i + length <= code_points; ++i) {
        const std::size_t bytes = begins_[i + length] - begins_[i];
        AddTo(XXH3_64bits_withSeed(marked_.data() + begins_[i], bytes, kPartSeed), share);
      }
    }
  }

  Vector& vector_;
  std::string marked_;
  std::vector<std::size_t> begins_;
};

}  // namespace

Result<Vector> HashEmbedder::Embed(std::string_view text) const {
  std::string normal;
  RETURN_IF_ERROR(text::Normalize(Beginning(text, kTextBytesMax), normal));
  Vector vector(kWidth);
  Accumulator accumulator(vector);
  const auto end = normal.end();
  for (auto begin = std::find_if_not(normal.begin(), end, IsSeparator); begin != end;) {
    const auto word_end = std::find_if(begin, end, IsSeparator);
    accumulator.AddWord({&*begin, static_cast<std::size_t>(word_end - begin)});
    begin = std::find_if_not(word_end, end, IsSeparator);
  }
  float squares = 0;
  for (const float value : vector) {
    squares += value * value;
  }
  if (squares == 0) {  // no words: all such texts are alike
    vector.front() = 1;
    return vector;
  }
  const float factor = 1 / std::sqrt(squares);
  for (float& value : vector) {
    value *= factor;
  }
  return vector;
}

}  // namespace reprise::embed
