// Owns the meaning of each feature.
#include "server/match/features.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "server/match/idf.h"

namespace reprise::match {
namespace {

constexpr float kNearCredit = 0.9F;
// A rival that is farther than this says nothing: in a small crowd all are far.
constexpr float kRivalMin = 0.7F;
constexpr float kDistanceMin = 0.01F;
constexpr std::size_t kSequenceMax = 64;  // words of each side that order features look at

struct Mass {
  float all = 0;
  float paired = 0;
  float alone = 0;
  float heaviest = 0;
};

Mass MassOf(const Side& side) {
  Mass mass;
  for (std::size_t i = 0; i < side.size(); ++i) {
    const float weight = side.At(i).weight;
    mass.all += weight;
    if (side.IsAlone(i)) {
      mass.alone += weight;
      mass.heaviest = std::max(mass.heaviest, weight);
    } else {
      mass.paired += weight * (side.bond[i] == Bond::kNear ? kNearCredit : 1.0F);
    }
  }
  return mass;
}

float Share(float part, float whole) {
  return whole > 0 ? part / whole : 1.0F;
}

std::vector<std::size_t> Content(const Side& side) {
  std::vector<std::size_t> list;
  for (std::size_t i = 0; i < side.size() && list.size() < kSequenceMax; ++i) {
    if (side.At(i).IsContent()) {
      list.push_back(i);
    }
  }
  return list;
}

bool ArePartners(const Pairing& pairing, std::size_t stored, std::size_t asked) {
  return pairing.stored.partner[stored] == static_cast<std::int32_t>(asked) ||
         pairing.asked.partner[asked] == static_cast<std::int32_t>(stored);
}

float LongestCommon(const Pairing& pairing, const std::vector<std::size_t>& stored,
                    const std::vector<std::size_t>& asked) {
  if (stored.empty() || asked.empty()) {
    return stored.size() == asked.size() ? 1.0F : 0.0F;
  }
  std::array<std::uint8_t, kSequenceMax + 1> row{};
  for (const std::size_t one : stored) {
    std::uint8_t diagonal = 0;
    for (std::size_t j = 0; j < asked.size(); ++j) {
      const std::uint8_t above = row[j + 1];
      row[j + 1] = ArePartners(pairing, one, asked[j]) ? static_cast<std::uint8_t>(diagonal + 1)
                                                       : std::max(row[j], above);
      diagonal = above;
    }
  }
  return static_cast<float>(row[asked.size()]) /
         static_cast<float>(std::min(stored.size(), asked.size()));
}

// The share of pairs of paired words that stand the other way round.
float Spread(const Side& side, const std::vector<std::size_t>& content) {
  std::size_t turned = 0;
  std::size_t all = 0;
  for (std::size_t i = 0; i < content.size(); ++i) {
    for (std::size_t j = i + 1; j < content.size(); ++j) {
      const std::int32_t one = side.partner[content[i]];
      const std::int32_t other = side.partner[content[j]];
      if (one != kNobody && other != kNobody && one != other) {
        ++all;
        turned += one > other ? 1U : 0U;
      }
    }
  }
  return all > 0 ? static_cast<float>(turned) / static_cast<float>(all) : 0.0F;
}

float Dice(std::vector<std::uint64_t>& one, std::vector<std::uint64_t>& other) {
  if (one.empty() || other.empty()) {
    return one.size() == other.size() ? 1.0F : 0.0F;
  }
  std::sort(one.begin(), one.end());
  std::sort(other.begin(), other.end());
  std::size_t shared = 0;
  for (auto left = one.begin(), right = other.begin(); left != one.end() && right != other.end();) {
    if (*left == *right) {
      ++shared;
      ++left;
      ++right;
    } else if (*left < *right) {
      ++left;
    } else {
      ++right;
    }
  }
  return 2.0F * static_cast<float>(shared) / static_cast<float>(one.size() + other.size());
}

std::vector<std::uint64_t> BigramsOf(const Words& words) {
  std::vector<std::uint64_t> list;
  list.reserve(words.list.size());
  for (std::size_t i = 0; i + 1 < words.list.size(); ++i) {
    list.push_back(words.list[i].key * 0x9E3779B97F4A7C15ULL + words.list[i + 1].key);
  }
  return list;
}

std::vector<std::uint64_t> TrigramsOf(const Words& words) {
  std::vector<std::uint64_t> list;
  list.reserve(words.list.size() * 6);
  std::uint64_t window = ' ';
  const auto push = [&](char byte) {
    window = ((window << 8U) | static_cast<unsigned char>(byte)) & 0xFFFFFFU;
    list.push_back(window);
  };
  for (const Word& word : words.list) {
    std::for_each(word.folded.begin(), word.folded.end(), push);
    push(' ');
  }
  return list;
}

// Words in front and at the back that both texts share, of all words.
float Template(const Words& stored, const Words& asked) {
  const std::size_t least = std::min(stored.list.size(), asked.list.size());
  const std::size_t most = std::max(stored.list.size(), asked.list.size());
  std::size_t front = 0;
  while (front < least && stored.list[front].key == asked.list[front].key) {
    ++front;
  }
  std::size_t back = 0;
  while (front + back < least && stored.list[stored.list.size() - 1 - back].key ==
                                     asked.list[asked.list.size() - 1 - back].key) {
    ++back;
  }
  return most == 0 ? 1.0F : static_cast<float>(front + back) / static_cast<float>(most);
}

float RatioOf(float cosine, float rival) {
  return std::log((1 - cosine + kDistanceMin) / (1 - std::max(rival, kRivalMin) + kDistanceMin));
}

class Builder {
 public:
  Builder(const Pairing& pairing, const Verdicts& verdicts)
      : pairing_(pairing), verdicts_(verdicts) {}

  Features Run(const Outside* outside) {
    SetMasses();
    SetShapes();
    SetCounts();
    SetVerdicts();
    if (outside != nullptr) {
      Set(Feature::kHasVectors, true);
      Set(Feature::kCosine, outside->cosine);
      if (outside->rival.has_value()) {
        Set(Feature::kCrowd, true);
        const float ratio = RatioOf(outside->cosine, *outside->rival);
        Set(Feature::kRatio, ratio);
        Set(Feature::kStatementsRatio, AreStatements() ? ratio : 0.0F);
      }
      std::copy(outside->alignment.begin(), outside->alignment.end(),
                features_.begin() + static_cast<std::ptrdiff_t>(Feature::kAlignment));
    }
    return features_;
  }

 private:
  void Set(Feature feature, float value) { features_[static_cast<std::size_t>(feature)] = value; }
  void Set(Feature feature, bool value) { Set(feature, value ? 1.0F : 0.0F); }
  const Verdict& At(Guard guard) const { return verdicts_[static_cast<std::size_t>(guard)]; }

  // 1 for a veto, a half for a doubt.
  float Worst(std::initializer_list<Guard> guards) const {
    float worst = 0;
    for (const Guard guard : guards) {
      worst = std::max(worst, At(guard).veto ? 1.0F : At(guard).pass ? 0.0F : 0.5F);
    }
    return worst;
  }

  // No keywords, no commands of a few words.
  bool AreStatements() const {
    constexpr std::size_t kWordsMin = 8;
    const auto states = [](const Words& words) {
      return words.asks == Asks::kNothing && words.list.size() >= kWordsMin;
    };
    return states(*pairing_.stored.words) && states(*pairing_.asked.words);
  }

  void SetMasses() {
    const Mass stored = MassOf(pairing_.stored);
    const Mass asked = MassOf(pairing_.asked);
    Set(Feature::kOverlap, Share(stored.paired + asked.paired, stored.all + asked.all));
    Set(Feature::kOverlapStored, Share(stored.paired, stored.all));
    Set(Feature::kOverlapAsked, Share(asked.paired, asked.all));
    Set(Feature::kAloneStored, std::log1p(stored.alone));
    Set(Feature::kAloneAsked, std::log1p(asked.alone));
    Set(Feature::kHeaviestStored, stored.heaviest / kIdfUnseen);
    Set(Feature::kHeaviestAsked, asked.heaviest / kIdfUnseen);
    Set(Feature::kEqual, stored.alone + asked.alone == 0);
    Set(Feature::kShared, std::log1p(stored.paired + asked.paired));
  }

  void SetShapes() {
    const Words& stored = *pairing_.stored.words;
    const Words& asked = *pairing_.asked.words;
    auto here = TrigramsOf(stored);
    auto there = TrigramsOf(asked);
    Set(Feature::kTrigrams, Dice(here, there));
    here = BigramsOf(stored);
    there = BigramsOf(asked);
    Set(Feature::kBigrams, Dice(here, there));
    const auto one = Content(pairing_.stored);
    const auto other = Content(pairing_.asked);
    Set(Feature::kLongestCommon, LongestCommon(pairing_, one, other));
    Set(Feature::kSpread, Spread(pairing_.stored, one));
    const bool both = !one.empty() && !other.empty();
    Set(Feature::kSameFirstVerb, both && ArePartners(pairing_, one.front(), other.front()));
    Set(Feature::kSameHead, both && ArePartners(pairing_, one.back(), other.back()));
    const float frame = Template(stored, asked);
    Set(Feature::kTemplate, frame);
    const float heaviest =
        std::max(MassOf(pairing_.stored).heaviest, MassOf(pairing_.asked).heaviest);
    Set(Feature::kFrameGap, frame * heaviest / kIdfUnseen);
  }

  void SetCounts() {
    const Words& stored = *pairing_.stored.words;
    const Words& asked = *pairing_.asked.words;
    const auto here = static_cast<float>(stored.list.size());
    const auto there = static_cast<float>(asked.list.size());
    Set(Feature::kLengthGap, std::abs(std::log((here + 1) / (there + 1))));
    Set(Feature::kLength, std::log1p(here + there));
    float near = 0;
    float paired = 0;
    float numbers = 0;
    for (std::size_t i = 0; i < pairing_.stored.size(); ++i) {
      const bool content = pairing_.stored.At(i).IsContent() && !pairing_.stored.IsAlone(i);
      paired += content ? 1.0F : 0.0F;
      near += content && pairing_.stored.bond[i] != Bond::kSame ? 1.0F : 0.0F;
      numbers += content && pairing_.stored.At(i).kind != Kind::kPlain ? 1.0F : 0.0F;
    }
    Set(Feature::kNear, paired > 0 ? near / paired : 0.0F);
    Set(Feature::kNumbersShared, std::log1p(numbers));
    const bool both_ask = stored.asks != Asks::kNothing && asked.asks != Asks::kNothing;
    Set(Feature::kStatements, AreStatements());
    Set(Feature::kQuestionSame, stored.asks == asked.asks);
    Set(Feature::kQuestionDiffers, both_ask && stored.asks != asked.asks);
  }

  void SetVerdicts() {
    Set(Feature::kSubstituted, Worst({Guard::kSubstitution}) * 2);
    Set(Feature::kNumbersDiffer, Worst({Guard::kNumbers}));
    Set(Feature::kDatesDiffer, Worst({Guard::kDates}));
    Set(Feature::kUnitsDiffer, Worst({Guard::kUnits, Guard::kCurrency}));
    Set(Feature::kLiteralsDiffer,
        Worst({Guard::kVersions, Guard::kUrls, Guard::kCode, Guard::kQuoted}));
    Set(Feature::kNegationDiffers, Worst({Guard::kNegation}));
    Set(Feature::kAntonyms, Worst({Guard::kAntonyms}));
    Set(Feature::kOrderDiffers, Worst({Guard::kOrder}));
    Set(Feature::kNamesDiffer, At(Guard::kNames).veto || At(Guard::kPlaces).veto);
    Set(Feature::kNamesOneSided, !At(Guard::kNames).pass && !At(Guard::kNames).veto);
    Set(Feature::kQualifiersDiffer, Worst({Guard::kQualifiers}));
    Set(Feature::kAspectDiffers, Worst({Guard::kAspect}));
    Set(Feature::kRankDiffers, Worst({Guard::kRank, Guard::kTask}));
    Set(Feature::kTimeDiffers, Worst({Guard::kFreshness, Guard::kTense}));
  }

  const Pairing& pairing_;
  const Verdicts& verdicts_;
  Features features_{};
};

}  // namespace

std::string_view NameOfFeature(std::size_t index) {
  static constexpr std::string_view kNames[] = {"overlap",
                                                "overlap_stored",
                                                "overlap_asked",
                                                "alone_stored",
                                                "alone_asked",
                                                "heaviest_stored",
                                                "heaviest_asked",
                                                "trigrams",
                                                "bigrams",
                                                "longest_common",
                                                "spread",
                                                "same_first_verb",
                                                "same_head",
                                                "template",
                                                "substituted",
                                                "near",
                                                "length_gap",
                                                "length",
                                                "question_same",
                                                "question_differs",
                                                "numbers_shared",
                                                "numbers_differ",
                                                "dates_differ",
                                                "units_differ",
                                                "literals_differ",
                                                "negation_differs",
                                                "antonyms",
                                                "order_differs",
                                                "names_differ",
                                                "names_one_sided",
                                                "qualifiers_differ",
                                                "aspect_differs",
                                                "rank_differs",
                                                "time_differs",
                                                "frame_gap",
                                                "equal",
                                                "shared",
                                                "statements",
                                                "has_vectors",
                                                "crowd",
                                                "cosine",
                                                "ratio",
                                                "statements_ratio",
                                                "context_mean_stored",
                                                "context_worst_stored",
                                                "context_alone_stored",
                                                "context_mean_asked",
                                                "context_worst_asked",
                                                "context_alone_asked",
                                                "input_mean_stored",
                                                "input_worst_stored",
                                                "input_alone_stored",
                                                "input_mean_asked",
                                                "input_worst_asked",
                                                "input_alone_asked"};
  static_assert(std::size(kNames) == kFeatures);
  return kNames[index];
}

Features ComputeFeatures(const Pairing& pairing, const Verdicts& verdicts, const Outside* outside) {
  return Builder(pairing, verdicts).Run(outside);
}

}  // namespace reprise::match
