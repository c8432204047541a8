// Owns the stemmer's rules. Does not know irregular forms.
#include "server/match/stem.h"

#include <algorithm>

namespace reprise::match {
namespace {

bool IsVowel(std::string_view word, std::size_t at) {
  switch (word[at]) {
    case 'a':
    case 'e':
    case 'i':
    case 'o':
    case 'u':
      return true;
    case 'y':
      return at > 0 && !IsVowel(word.substr(0, at), at - 1);
    default:
      return false;
  }
}

bool HasVowel(std::string_view word) {
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (IsVowel(word, i)) {
      return true;
    }
  }
  return false;
}

// How often a consonant follows a vowel: about the number of syllables.
std::size_t Measure(std::string_view word) {
  std::size_t count = 0;
  for (std::size_t i = 1; i < word.size(); ++i) {
    count += IsVowel(word, i - 1) && !IsVowel(word, i) ? 1U : 0U;
  }
  return count;
}

// Ends in consonant, vowel, consonant: "hop", "plan"; its forms with an e are other words.
bool IsShort(std::string_view word) {
  const std::size_t size = word.size();
  return size >= 3 && !IsVowel(word, size - 3) && IsVowel(word, size - 2) &&
         !IsVowel(word, size - 1) && word.back() != 'w' && word.back() != 'x' && word.back() != 'y';
}

bool IsDoubled(std::string_view word) {
  return word.size() > 2 && word.back() == word[word.size() - 2] && !IsVowel(word, word.size() - 1);
}

bool EndsWith(const std::string& word, std::string_view ending, std::size_t stem_min) {
  return word.size() >= ending.size() + stem_min && word.ends_with(ending);
}

void Cut(std::string& word, std::size_t bytes) {
  word.resize(word.size() - bytes);
}

void CutPlural(std::string& word) {
  if (EndsWith(word, "ies", 2)) {
    Cut(word, 3);
    word += 'y';
  } else if (EndsWith(word, "sses", 1) || EndsWith(word, "shes", 1) || EndsWith(word, "ches", 1) ||
             EndsWith(word, "xes", 1) || EndsWith(word, "zzes", 1)) {
    Cut(word, 2);
  } else if (EndsWith(word, "s", 3) && !word.ends_with("ss") && !word.ends_with("us") &&
             !word.ends_with("is")) {
    Cut(word, 1);
  }
}

// "hoping" is "hope", "hopping" is "hop", "filling" is "fill".
void Mend(std::string& word) {
  const char last = word.back();
  if (IsDoubled(word) && last != 'l' && last != 's' && last != 'z') {
    word.pop_back();
  } else if (word.size() == 2 || (Measure(word) == 1 && IsShort(word)) || word.ends_with("at") ||
             word.ends_with("iz")) {
    word += 'e';
  }
}

void CutVerbEnding(std::string& word) {
  if (EndsWith(word, "ied", 2)) {
    Cut(word, 3);
    word += 'y';
    return;
  }
  for (const std::string_view ending : {std::string_view("ing"), std::string_view("ed")}) {
    if (EndsWith(word, ending, 2) && !word.ends_with("eed") &&
        HasVowel(std::string_view(word).substr(0, word.size() - ending.size()))) {
      Cut(word, ending.size());
      Mend(word);
      return;
    }
  }
}

struct Ending {
  std::string_view text;
  std::size_t stem_min;
};

constexpr Ending kLongEndings[] = {{"ation", 3}, {"ness", 4}, {"ment", 4}, {"ate", 4}, {"ly", 4}};

void CutLongEnding(std::string& word) {
  for (const Ending& ending : kLongEndings) {
    if (EndsWith(word, ending.text, ending.stem_min)) {
      Cut(word, ending.text.size());
      return;
    }
  }
  if (EndsWith(word, "tion", 4) || EndsWith(word, "sion", 4)) {
    Cut(word, 3);
  }
}

void CutFinalE(std::string& word) {
  if (word.size() < 4 || word.back() != 'e') {
    return;
  }
  const std::string_view front = std::string_view(word).substr(0, word.size() - 1);
  const std::size_t measure = Measure(front);
  if (measure > 1 || (measure == 1 && !IsShort(front))) {
    word.pop_back();
  }
}

}  // namespace

std::string Stem(std::string_view folded) {
  std::string word(folded);
  const bool plain =
      std::all_of(word.begin(), word.end(), [](char byte) { return byte >= 'a' && byte <= 'z'; });
  if (!plain || word.size() < 4 || word.size() > kStemBytesMax) {
    return word;
  }
  CutPlural(word);
  CutVerbEnding(word);
  CutLongEnding(word);
  CutFinalE(word);
  if (IsDoubled(word) && word.back() == 'l' && Measure(word) > 1) {
    word.pop_back();
  }
  return word;
}

}  // namespace reprise::match
