// Owns the first pass: tokens to words by contractions, phrases and the lexicon. What needs a
// word's neighbours is decided in context.cc.
#include "server/match/words.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <functional>
#include <utility>

#include "server/match/context.h"
#include "server/match/idf.h"
#include "server/match/spelling.h"
#include "server/match/stem.h"
#include "server/match/tokens.h"

namespace reprise::match {
namespace {

constexpr float kWeakShare = 0.25F;
constexpr float kLiteralWeight = 5.0F;

// A token, or one half of a contraction.
struct Atom {
  std::string folded;
  std::uint32_t token;
};

struct Contraction {
  std::string_view form;
  std::string_view one;
  std::string_view two;
};

// Without an apostrophe too; those whose bare form is another word ("wont" yes, "were" no) only so.
constexpr Contraction kContractions[] = {
    {"cannot", "can", "not"},    {"can't", "can", "not"},       {"cant", "can", "not"},
    {"won't", "will", "not"},    {"wont", "will", "not"},       {"dont", "do", "not"},
    {"doesnt", "does", "not"},   {"didnt", "did", "not"},       {"isnt", "is", "not"},
    {"arent", "are", "not"},     {"wasnt", "was", "not"},       {"werent", "were", "not"},
    {"hasnt", "has", "not"},     {"havent", "have", "not"},     {"hadnt", "had", "not"},
    {"wouldnt", "would", "not"}, {"shouldnt", "should", "not"}, {"couldnt", "could", "not"},
    {"im", "i", "am"},           {"ive", "i", "have"},          {"youre", "you", "are"},
    {"whats", "what", "is"},     {"wats", "what", "is"},        {"hows", "how", "is"},
    {"whos", "who", "is"},       {"wheres", "where", "is"},     {"whens", "when", "is"},
    {"thats", "that", "is"},     {"theres", "there", "is"},     {"let's", "let", "us"},
    {"ain't", "is", "not"},      {"canot", "can", "not"},       {"cnat", "can", "not"},
    {"unable", "not", "able"},   {"dint", "did", "not"},
};

class Reader {
 public:
  explicit Reader(std::string_view text) : tokens_(Tokenize(text)) {}

  Words Run() && {
    Expand();
    words_.quotes = tokens_.quotes;
    words_.cut = tokens_.cut;
    words_.list.reserve(atoms_.size());
    for (std::size_t at = 0; at < atoms_.size();) {
      at += TakePhrase(at) ? taken_ : TakeOne(at);
    }
    MarkNames();
    ReadContext(words_);
    Weigh();
    return std::move(words_);
  }

 private:
  void Add(std::string_view folded, std::size_t token) {
    atoms_.push_back({std::string(folded), static_cast<std::uint32_t>(token)});
  }

  void Expand() {
    atoms_.reserve(tokens_.list.size() + 4);
    for (std::size_t i = 0; i < tokens_.list.size(); ++i) {
      const Token& token = tokens_.list[i];
      if (token.shape != Shape::kWord) {
        Add(token.folded, i);
      } else {
        ExpandWord(token.folded, i);
      }
    }
  }

  void ExpandWord(std::string_view folded, std::size_t token) {
    for (const Contraction& known : kContractions) {
      if (folded == known.form) {
        Add(known.one, token);
        Add(known.two, token);
        return;
      }
    }
    const std::size_t mark = folded.rfind('\'');
    if (mark == std::string_view::npos) {
      Add(folded, token);
      return;
    }
    const std::string_view front = folded.substr(0, mark);
    const std::string_view ending = folded.substr(mark + 1);
    if (ending == "t" && front.ends_with("n") && front.size() > 2) {
      Add(front.substr(0, front.size() - 1), token);
      Add("not", token);
      return;
    }
    Add(front, token);
    if (ending == "ll" || ending == "re" || ending == "m" || ending == "ve" || ending == "d") {
      Add(ending == "ll"   ? "will"
          : ending == "re" ? "are"
          : ending == "m"  ? "am"
          : ending == "ve" ? "have"
                           : "would",
          token);
    } else if (ending == "s") {
      const Concept* known = FindForm(front);
      if (known != nullptr && ((known->traits & trait::kQuestion) != 0 || front == "it" ||
                               front == "that" || front == "there")) {
        Add("is", token);
      }
    } else if (!ending.empty()) {
      Add(ending, token);
    }
  }

  Word Begin(std::size_t first, std::size_t last) const {
    const Token& front = tokens_.list[atoms_[first].token];
    Word word;
    word.begin = front.begin;
    word.end = tokens_.list[atoms_[last].token].end;
    word.quote = front.quote;
    if (front.begins_clause) {
      word.marks |= mark::kClause;
    }
    return word;
  }

  static void Adopt(const Concept& known, Word& word) {
    word.canon = known.canon;
    word.marks |= mark::kListed;
    word.traits = known.traits;
    word.value = known.value;
    word.dimension = known.dimension;
  }

  // The longest phrase that begins at `at`.
  bool TakePhrase(std::size_t at) {
    if (tokens_.list[atoms_[at].token].shape != Shape::kWord) {
      return false;
    }
    const std::size_t most = std::min(PhraseWordsMax(atoms_[at].folded), atoms_.size() - at);
    const Concept* found = nullptr;
    std::string joined = atoms_[at].folded;
    std::string form;
    for (std::size_t count = 2; count <= most; ++count) {
      joined += '_';
      joined += atoms_[at + count - 1].folded;
      if (const Concept* known = FindForm(joined)) {
        found = known;
        taken_ = count;
        form = joined;
      }
    }
    if (found == nullptr) {
      return false;
    }
    Word word = Begin(at, at + taken_ - 1);
    word.folded = std::move(form);
    Adopt(*found, word);
    token_of_.push_back(atoms_[at].token);
    words_.list.push_back(std::move(word));
    return true;
  }

  std::size_t TakeOne(std::size_t at) {
    const Token& token = tokens_.list[atoms_[at].token];
    Word word = Begin(at, at);
    word.folded = atoms_[at].folded;
    word.kind = KindOf(token);
    word.canon = word.folded;
    word.value = token.value;
    if (token.shape == Shape::kWord) {
      Look(token, word);
    } else if (token.ordinal) {
      word.traits |= trait::kOrdinal;
    }
    const bool ascii = std::all_of(word.folded.begin(), word.folded.end(), [](char byte) {
      return static_cast<unsigned char>(byte) < 0x80;
    });
    words_.foreign += ascii ? 0U : 1U;
    token_of_.push_back(atoms_[at].token);
    words_.list.push_back(std::move(word));
    return 1;
  }

  static Kind KindOf(const Token& token) {
    switch (token.shape) {
      case Shape::kWord:
        return Kind::kPlain;
      case Shape::kNumber:
        return Kind::kNumber;
      case Shape::kVersion:
        return Kind::kVersion;
      case Shape::kClock:
        return Kind::kClock;
      case Shape::kDate:
        return Kind::kDate;
      case Shape::kUrl:
        return Kind::kUrl;
      case Shape::kCode:
        return Kind::kCode;
      case Shape::kSymbol:
        return Kind::kSymbol;
    }
    return Kind::kPlain;
  }

  // A slip must not hide what turns a question round.
  static bool IsMisspeltNegation(std::string_view folded) {
    return folded.size() >= 5 &&
           (IsSlip(folded, "without") || IsSlip(folded, "cannot") || IsSlip(folded, "doesnt"));
  }

  // Not in the tables, where "hardly" and "rarely" would share their stems with "hard" and "rare".
  static bool IsNearlyNot(std::string_view folded) {
    return folded == "hardly" || folded == "barely" || folded == "scarcely" || folded == "rarely" ||
           folded == "seldom";
  }

  void Look(const Token& token, Word& word) const {
    // "us" is the country only in capitals or behind "the".
    const bool pronoun = word.folded == "us" && !token.shout &&
                         (words_.list.empty() || words_.list.back().folded != "the");
    if (IsNearlyNot(word.folded)) {
      word.canon = "hardly";
      word.traits = trait::kNegation;
      return;
    }
    if (word.folded == "nm" && token.capital) {
      word.folded = "newton_metre";  // in small letters it is a length
    }
    const std::string stem = Stem(word.folded);
    if (const Concept* known = pronoun ? nullptr : FindConcept(word.folded, stem)) {
      Adopt(*known, word);
    } else {
      word.canon = stem;
      word.traits = pronoun                           ? trait::kFunction
                    : IsMisspeltNegation(word.folded) ? trait::kNegation
                                                      : 0;
    }
  }

  // Capitals inside a sentence, unless the whole text has them.
  void MarkNames() {
    std::size_t plain = 0;
    std::size_t capitals = 0;
    std::size_t shouts = 0;
    for (const Token& token : tokens_.list) {
      if (token.shape == Shape::kWord) {
        ++plain;
        capitals += token.capital ? 1U : 0U;
        shouts += token.shout ? 1U : 0U;
      }
    }
    const bool headline = plain >= 4 && capitals * 10 > plain * 7;
    const bool shouted = plain >= 2 && shouts * 10 > plain * 7;
    constexpr std::uint32_t kNever = trait::kFunction | trait::kFiller | trait::kQuestion |
                                     trait::kNegation | trait::kUnit | trait::kNumber |
                                     trait::kMonth | trait::kWeekday;
    for (std::size_t i = 0; i < words_.list.size(); ++i) {
      const Token& token = tokens_.list[token_of_[i]];
      Word& word = words_.list[i];
      const bool capital = token.capital && !token.begins_sentence && !headline;
      if (word.kind == Kind::kPlain && !word.Has(kNever) &&
          (capital || (token.shout && !shouted) || (token.mixed && !headline) ||
           word.Has(trait::kPlace))) {
        word.marks |= mark::kName;
      }
    }
  }

  // Numbers agree by value: 1,000 and "a thousand", 500 ms and half a second.
  static std::string FormOf(const Word& word) {
    std::array<char, 48> form{};
    const auto dimension = static_cast<int>(word.dimension);
    const int bytes = word.kind == Kind::kClock || dimension != 0
                          ? std::snprintf(form.data(), form.size(), "%.6g of %d", word.value,
                                          word.kind == Kind::kClock ? -1 : dimension)
                          : std::snprintf(form.data(), form.size(), "%.10g", word.value);
    return {form.data(), static_cast<std::size_t>(bytes)};
  }

  void Weigh() {
    const std::hash<std::string_view> hash;
    for (Word& word : words_.list) {
      if (word.kind == Kind::kNumber || word.kind == Kind::kClock) {
        word.canon = FormOf(word);
      }
      word.key = hash(word.canon);
      if (word.kind != Kind::kPlain) {
        word.weight = kLiteralWeight;
      } else if (!word.Has(trait::kFunction | trait::kFiller | trait::kQuestion |
                           trait::kNegation)) {
        word.weight = IdfOf(word.canon) * (word.Has(trait::kWeak) ? kWeakShare : 1.0F);
      }
    }
  }

  Tokens tokens_;
  std::vector<Atom> atoms_;
  std::vector<std::uint32_t> token_of_;  // of each word, the first
  std::size_t taken_ = 0;
  Words words_;
};

}  // namespace

Words ReadWords(std::string_view text) {
  return Reader(text).Run();
}

std::string_view NameOf(Asks asks) {
  static constexpr std::string_view kNames[] = {
      "nothing",  "what",     "which",    "who",       "when",     "where",     "why", "how",
      "how many", "how much", "how long", "how often", "how else", "yes or no", "task"};
  return kNames[static_cast<std::size_t>(asks)];
}

}  // namespace reprise::match
