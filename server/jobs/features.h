// Features of a short text for the classifier: words, pairs of words, and pieces of 2 to 5 letters
// that begin or end at the border of a word or lie in it, hashed into a fixed number of buckets.
//
// A weight is 1 + ln(count), and what stands for words and what stands for letters have length 1
// each. Letters of ASCII are taken small; other bytes stay as they are. Units: none. Threads: any;
// the work space is the caller's. Errors: none; bytes that are not UTF-8 are bytes. Complexity:
// O(bytes of the text), of which kTextBytesMax count. Lifetime: none.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace reprise::jobs {

inline constexpr std::size_t kTextBytesMax = 2'048;

struct Feature {
  std::uint32_t bucket = 0;
  float weight = 0;

  bool operator==(const Feature&) const = default;
};

class FeatureMaker {
 public:
  explicit FeatureMaker(std::uint32_t bucket_bits) : mask_((1U << bucket_bits) - 1) {}

  // Sorted by bucket, each bucket once; `idf` is by bucket, empty while it is not known. The result
  // is valid until the next call.
  const std::vector<Feature>& Make(std::string_view text, const std::vector<float>& idf);

 private:
  void SplitWords(std::string_view text);
  void AddWords();
  void AddPieces();
  void Weigh(std::vector<std::uint32_t>& hashes, const std::vector<float>& idf);

  std::uint32_t mask_;
  std::string small_;
  std::vector<std::string_view> words_;
  std::string padded_;
  std::vector<std::uint32_t> word_hashes_;
  std::vector<std::uint32_t> piece_hashes_;
  std::vector<Feature> features_;
  std::vector<Feature> block_;
};

}  // namespace reprise::jobs
