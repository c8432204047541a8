#include "server/jobs/features.h"

#include <algorithm>
#include <cmath>

namespace reprise::jobs {
namespace {

constexpr std::size_t kPieceMin = 2;
constexpr std::size_t kPieceMax = 5;

bool IsOfWord(char byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '_' ||
         static_cast<unsigned char>(byte) >= 0x80U;
}

// FNV-1a, and a last stir so that the low bits depend on all bytes.
std::uint32_t HashOf(std::string_view bytes, std::uint32_t seed) {
  std::uint32_t hash = 2'166'136'261U ^ seed;
  for (const char byte : bytes) {
    hash = (hash ^ static_cast<unsigned char>(byte)) * 16'777'619U;
  }
  hash ^= hash >> 15U;
  hash *= 2'246'822'519U;
  return hash ^ hash >> 13U;
}

constexpr std::uint32_t kWordSeed = 1;
constexpr std::uint32_t kPairSeed = 2;
constexpr std::uint32_t kPieceSeed = 3;

}  // namespace

void FeatureMaker::SplitWords(std::string_view text) {
  small_.clear();
  words_.clear();
  for (const char byte : text.substr(0, kTextBytesMax)) {
    small_.push_back(byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte - 'A' + 'a') : byte);
  }
  std::size_t begin = 0;
  const std::string_view all = small_;
  for (std::size_t i = 0; i <= all.size(); ++i) {
    if (i < all.size() && IsOfWord(all[i])) {
      continue;
    }
    if (i > begin) {
      words_.push_back(all.substr(begin, i - begin));
    }
    begin = i + 1;
  }
}

void FeatureMaker::AddWords() {
  std::uint32_t before = 0;
  for (std::size_t i = 0; i < words_.size(); ++i) {
    const std::uint32_t hash = HashOf(words_[i], kWordSeed);
    word_hashes_.push_back(hash & mask_);
    if (i > 0) {
      word_hashes_.push_back(HashOf(words_[i], before ^ kPairSeed) & mask_);
    }
    before = hash;
  }
}

void FeatureMaker::AddPieces() {
  for (const std::string_view word : words_) {
    padded_.assign(" ");
    padded_.append(word);
    padded_.push_back(' ');
    const std::string_view padded = padded_;
    for (std::size_t length = kPieceMin; length <= kPieceMax; ++length) {
      if (padded.size() <= length) {  // A short word is one piece.
        piece_hashes_.push_back(HashOf(padded, kPieceSeed) & mask_);
        break;
      }
      for (std::size_t i = 0; i + length <= padded.size(); ++i) {
        piece_hashes_.push_back(HashOf(padded.substr(i, length), kPieceSeed) & mask_);
      }
    }
  }
}

// Counts, dampens and weighs the buckets of one kind, and gives them length 1 together.
void FeatureMaker::Weigh(std::vector<std::uint32_t>& hashes, const std::vector<float>& idf) {
  std::sort(hashes.begin(), hashes.end());
  block_.clear();
  double square = 0;
  for (std::size_t i = 0; i < hashes.size();) {
    std::size_t end = i;
    while (end < hashes.size() && hashes[end] == hashes[i]) {
      ++end;
    }
    const float count = 1.0F + std::log(static_cast<float>(end - i));
    const float weight = count * (idf.empty() ? 1.0F : idf[hashes[i]]);
    block_.push_back({hashes[i], weight});
    square += static_cast<double>(weight) * static_cast<double>(weight);
    i = end;
  }
  const float scale = square > 0 ? static_cast<float>(1 / std::sqrt(square)) : 0;
  for (Feature& feature : block_) {
    feature.weight *= scale;
  }
  hashes.clear();
}

const std::vector<Feature>& FeatureMaker::Make(std::string_view text,
                                               const std::vector<float>& idf) {
  SplitWords(text);
  AddWords();
  AddPieces();
  Weigh(word_hashes_, idf);
  features_ = block_;
  Weigh(piece_hashes_, idf);
  const auto middle = static_cast<std::ptrdiff_t>(features_.size());
  features_.insert(features_.end(), block_.begin(), block_.end());
  std::inplace_merge(features_.begin(), features_.begin() + middle, features_.end(),
                     [](const Feature& a, const Feature& b) { return a.bucket < b.bucket; });
  std::size_t kept = 0;
  for (std::size_t i = 0; i < features_.size(); ++i) {
    if (kept > 0 && features_[kept - 1].bucket == features_[i].bucket) {
      features_[kept - 1].weight += features_[i].weight;
    } else {
      features_[kept++] = features_[i];
    }
  }
  features_.resize(kept);
  return features_;
}

}  // namespace reprise::jobs
