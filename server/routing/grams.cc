#include "server/routing/grams.h"

#include <algorithm>
#include <array>
#include <set>

#include "server/text/utf8.h"

namespace reprise::routing {
namespace {

constexpr std::uint64_t kPairSeed = 0x9e3779b97f4a7c15U;
constexpr std::uint64_t kPartSeed = 0xc2b2ae3d27d4eb4fU;
constexpr std::size_t kPartCodePoints = 3;

std::uint64_t HashOfPair(std::uint64_t left, std::uint64_t right) {
  return Mix(left * 3 + Mix(right ^ kPairSeed));
}

constexpr std::uint32_t GramOf(std::uint64_t hash) {
  return static_cast<std::uint32_t>(hash >> 32U);
}

// Runs of three code points: scripts without spaces have no words.
void AppendParts(std::string_view word, std::vector<std::uint64_t>& hashes) {
  std::array<std::size_t, kPartCodePoints> begins{};
  std::size_t count = 0;
  for (std::size_t i = 0; i < word.size();) {
    const std::size_t bytes = std::max<std::size_t>(text::FirstCodePoint(word.substr(i)).bytes, 1);
    begins[count++ % kPartCodePoints] = i;
    i += bytes;
    if (count >= kPartCodePoints) {
      const std::size_t begin = begins[count % kPartCodePoints];
      hashes.push_back(Mix(HashOfWord(word.substr(begin, i - begin)) ^ kPartSeed));
    }
  }
}

// A set of a bounded number of hashes.
class Seen {
 public:
  // False: it is there already.
  bool Insert(std::uint64_t hash) {
    hash += hash == 0 ? 1 : 0;
    for (std::size_t i = hash % kSlots;; i = (i + 1) % kSlots) {
      if (slots_[i] == 0) {
        slots_[i] = hash;
        return true;
      }
      if (slots_[i] == hash) {
        return false;
      }
    }
  }

 private:
  static constexpr std::size_t kSlots = 4 * kGramsMax;
  std::array<std::uint64_t, kSlots> slots_{};
};

// The smallest hashes: the same ones in every text that has them.
void Thin(std::vector<std::uint64_t>& hashes) {
  for (std::uint64_t bound = ~std::uint64_t{0}; hashes.size() > 4 * kGramsMax;) {
    bound /= 2;
    hashes.erase(std::remove_if(hashes.begin(), hashes.end(),
                                [bound](std::uint64_t hash) { return hash > bound; }),
                 hashes.end());
  }
  if (hashes.size() > kGramsMax) {
    std::sort(hashes.begin(), hashes.end());
    hashes.erase(std::unique(hashes.begin(), hashes.end()), hashes.end());
    hashes.resize(std::min(hashes.size(), kGramsMax));
  }
}

}  // namespace

void GramsOf(std::string_view text, std::span<const Word> words,
             std::vector<std::uint32_t>& grams) {
  grams.clear();
  std::vector<std::uint64_t> hashes;
  hashes.reserve(2 * words.size());
  for (std::size_t i = 0; i < words.size(); ++i) {
    hashes.push_back(Mix(words[i].hash));
    if (i > 0) {
      hashes.push_back(HashOfPair(words[i - 1].hash, words[i].hash));
    }
    if (!words[i].all_ascii) {
      AppendParts(text.substr(words[i].begin, words[i].size()), hashes);
    }
  }
  Thin(hashes);
  Seen seen;
  for (const std::uint64_t hash : hashes) {
    if (seen.Insert(hash)) {
      grams.push_back(GramOf(hash));
    }
  }
}

std::vector<NamedGram> NameGrams(std::string_view text, std::span<const Word> words) {
  std::vector<NamedGram> named;
  std::set<std::uint32_t> seen;
  const auto add = [&](std::uint64_t hash, std::size_t begin, std::size_t end) {
    const auto gram = GramOf(hash);
    if (named.size() < kGramsMax && seen.insert(gram).second) {
      named.push_back({gram, std::string(text.substr(begin, end - begin))});
    }
  };
  for (std::size_t i = 0; i < words.size(); ++i) {
    add(Mix(words[i].hash), words[i].begin, words[i].end);
    if (i > 0) {
      add(HashOfPair(words[i - 1].hash, words[i].hash), words[i - 1].begin, words[i].end);
    }
  }
  return named;
}

}  // namespace reprise::routing
