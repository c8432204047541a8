// Owns the lexicon's lookup tables, made once from what lexicon_tables.h gives.
#include "server/match/lexicon.h"

#include <algorithm>
#include <functional>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "server/match/lexicon_tables.h"
#include "server/match/stem.h"

namespace reprise::match {
namespace {

struct TextHash {
  using is_transparent = void;  // NOLINT(readability-identifier-naming): the library's name
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>()(text);
  }
};

// Calls visit(word) for each word of `line`.
template <typename Visit>
void ForEachWord(std::string_view line, const Visit& visit) {
  while (!line.empty()) {
    const std::size_t end = std::min(line.find(' '), line.size());
    if (end > 0) {
      visit(line.substr(0, end));
    }
    line.remove_prefix(std::min(end + 1, line.size()));
  }
}

template <typename Visit>
void ForEachLine(std::string_view lines, const Visit& visit) {
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    if (end > 0) {
      visit(lines.substr(0, end));
    }
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
}

std::size_t PairHash(std::string_view canon, std::string_view other) {
  const std::hash<std::string_view> hash;
  const std::size_t one = hash(canon);  // std::minmax would refer to temporaries
  const std::size_t two = hash(other);
  return std::min(one, two) * 0x9E3779B97F4A7C15ULL + std::max(one, two);
}

class Lexicon {
 public:
  Lexicon() {
    ForEachLine(SynonymLines(), [&](std::string_view line) { AddLine(line); });
    for (const ValueRow& row : ValueRows()) {
      const Concept made{"", row.traits, row.value, row.dimension};
      AddValueRow(row.words, made);
    }
    ForEachLine(PhraseLines(), [&](std::string_view line) {
      if (line.starts_with("- ")) {
        ForEachWord(line.substr(2), [&](std::string_view phrase) {
          AddForm(phrase, FindOrMake(phrase));
          concepts_[by_form_.find(phrase)->second]->traits |= trait::kFiller;
        });
      } else {
        AddLine(line);
      }
    });
    for (const ClassRow& row : ClassRows()) {
      ForEachWord(row.words, [&](std::string_view word) {
        concepts_[FindOrMake(word)]->traits |= row.traits;
      });
    }
    ForEachLine(OppositeLines(), [&](std::string_view line) { AddOpposites(line); });
  }

  const Concept* Find(std::string_view form) const {
    const auto found = by_form_.find(form);
    return found == by_form_.end() ? nullptr : concepts_[found->second].get();
  }
  const Concept* FindStem(std::string_view stem) const {
    const auto found = by_stem_.find(stem);
    return found == by_stem_.end() ? nullptr : concepts_[found->second].get();
  }
  std::size_t PhraseWords(std::string_view first) const {
    const auto found = phrase_words_.find(first);
    return found == phrase_words_.end() ? 0 : found->second;
  }
  bool Opposite(std::string_view canon, std::string_view other) const {
    const auto [first, last] = opposites_.equal_range(PairHash(canon, other));
    return std::any_of(first, last, [&](const auto& row) {
      const auto& [one, two] = row.second;
      return (one == canon && two == other) || (one == other && two == canon);
    });
  }

 private:
  void AddLine(std::string_view line) {
    std::size_t index = concepts_.size();
    bool first = true;
    ForEachWord(line, [&](std::string_view word) {
      if (first) {
        index = FindOrMake(word);
        first = false;
      }
      AddForm(word, index);
    });
  }

  // A row of values makes its own concept; forms that stood elsewhere move to it.
  void AddValueRow(std::string_view words, const Concept& made) {
    bool first = true;
    std::size_t index = 0;
    ForEachWord(words, [&](std::string_view word) {
      if (first) {
        index = FindOrMake(word);
        Concept& item = *concepts_[index];
        item.traits |= made.traits;
        item.value = made.value;
        item.dimension = made.dimension;
        first = false;
      }
      by_form_[std::string(word)] = index;
      AddForm(word, index);
    });
  }

  std::size_t FindOrMake(std::string_view word) {
    if (const auto found = by_form_.find(word); found != by_form_.end()) {
      return found->second;
    }
    const std::string stem = Stem(word);
    if (const auto found = by_stem_.find(stem); found != by_stem_.end()) {
      return found->second;
    }
    concepts_.push_back(std::make_unique<Concept>());
    concepts_.back()->canon = word;
    AddForm(word, concepts_.size() - 1);
    return concepts_.size() - 1;
  }

  void AddForm(std::string_view word, std::size_t index) {
    by_form_.emplace(word, index);
    if (word.find('_') == std::string_view::npos) {
      by_stem_.emplace(Stem(word), index);
      return;
    }
    const auto words = static_cast<std::size_t>(std::count(word.begin(), word.end(), '_')) + 1;
    std::size_t& most = phrase_words_[std::string(word.substr(0, word.find('_')))];
    most = std::max(most, words);
  }

  void AddOpposites(std::string_view line) {
    std::vector<std::string> canons;
    ForEachWord(line, [&](std::string_view word) { canons.push_back(CanonFor(word)); });
    if (canons.size() == 2 && canons[0] != canons[1]) {
      opposites_.emplace(PairHash(canons[0], canons[1]), std::pair(canons[0], canons[1]));
    }
  }

  std::string CanonFor(std::string_view word) const {
    if (const Concept* known = Find(word)) {
      return known->canon;
    }
    std::string stem = Stem(word);
    const Concept* known = FindStem(stem);
    return known != nullptr ? known->canon : stem;
  }

  using Index = std::unordered_map<std::string, std::size_t, TextHash, std::equal_to<>>;
  std::vector<std::unique_ptr<Concept>> concepts_;
  Index by_form_;
  Index by_stem_;
  Index phrase_words_;
  std::unordered_multimap<std::size_t, std::pair<std::string, std::string>> opposites_;
};

const Lexicon& Tables() {
  static const Lexicon kLexicon;
  return kLexicon;
}

}  // namespace

const Concept* FindConcept(std::string_view folded, std::string_view stem) {
  const Concept* known = Tables().Find(folded);
  return known != nullptr ? known : Tables().FindStem(stem);
}

const Concept* FindConcept(std::string_view folded) {
  return FindConcept(folded, Stem(folded));
}

const Concept* FindForm(std::string_view folded) {
  return Tables().Find(folded);
}

std::size_t PhraseWordsMax(std::string_view folded) {
  return Tables().PhraseWords(folded);
}

std::string CanonOf(std::string_view folded) {
  const std::string stem = Stem(folded);
  const Concept* known = FindConcept(folded, stem);
  return known != nullptr ? known->canon : stem;
}

bool AreOpposite(std::string_view canon, std::string_view other) {
  // "cooked" and "uncooked".
  const auto undoes = [](std::string_view one, std::string_view two) {
    constexpr std::size_t kStemMin = 4;
    return two.size() >= kStemMin && one.size() == two.size() + 2 && one.starts_with("un") &&
           one.ends_with(two);
  };
  return Tables().Opposite(canon, other) || undoes(canon, other) || undoes(other, canon);
}

}  // namespace reprise::match
