#include "server/embed/pieces.h"

#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

namespace reprise::embed {
namespace {

struct Vocabulary {
  explicit Vocabulary(const std::vector<std::pair<std::string, double>>& pieces) {
    for (const auto& [piece, score] : pieces) {
      text += piece;
      ends.push_back(static_cast<std::uint32_t>(text.size()));
      scores.push_back(score);
    }
  }
  PieceTable Table() const { return {text, ends, scores}; }

  std::string text;
  std::vector<std::uint32_t> ends;
  std::vector<double> scores;
};

// "▁" is the mark of a space.
const Vocabulary& Sample() {
  static const Vocabulary sample({{"", 0},
                                  {"\u2581", -5},
                                  {"\u2581ab", -3},
                                  {"a", -2},
                                  {"b", -2},
                                  {"abc", -4},
                                  {"\u2581abcd", -20},
                                  {"c", -2},
                                  {"d", -2},
                                  {"b", -1}});
  return sample;
}

struct Cut {
  std::string text;
  std::vector<std::int32_t> pieces;
  std::vector<std::string> parts;

  bool operator==(const Cut& other) const { return pieces == other.pieces && parts == other.parts; }
};

Cut CutOf(const std::string& text, std::size_t tokens_max = 100) {
  const auto pieces = Pieces::Of(Sample().Table());
  REQUIRE(pieces.ok());
  PieceScratch scratch;
  std::vector<Token> tokens{{1, 2, 3}};  // left over
  REQUIRE(pieces.value().Cut(text, tokens_max, scratch, tokens).ok());
  Cut cut{text, {}, {}};
  for (const Token& token : tokens) {
    cut.pieces.push_back(token.piece);
    cut.parts.push_back(text.substr(token.begin, token.end - token.begin));
  }
  return cut;
}

TEST_CASE("the way with the highest sum of scores is taken, not the longest piece") {
  CHECK(CutOf("abcd") == Cut{"", {2, 7, 8}, {"ab", "c", "d"}});
  CHECK(CutOf("ab ab") == Cut{"", {2, 2}, {"ab", "ab"}});
  CHECK(CutOf("ba") == Cut{"", {1, 9, 3}, {"", "b", "a"}});
}

TEST_CASE("of two pieces spelled alike the later one counts") {
  CHECK(CutOf("a b").pieces == std::vector<std::int32_t>{1, 3, 1, 9});
}

TEST_CASE("neighbours that are no pieces become one token") {
  CHECK(CutOf("xyz a") == Cut{"", {1, 0, 1, 3}, {"", "xyz", " ", "a"}});
  CHECK(CutOf("a\u65e5\u672cx") == Cut{"", {1, 3, 0}, {"", "a", "\u65e5\u672cx"}});
}

TEST_CASE("parts are bytes of the text as it was given") {
  CHECK(CutOf("\uff41\uff42") == Cut{"", {2}, {"\uff41\uff42"}});
  CHECK(CutOf("  ab").parts == std::vector<std::string>{"", " ", "ab"});
}

TEST_CASE("no text has no tokens, and long text has as many as are asked for") {
  CHECK(CutOf("").pieces.empty());
  CHECK(CutOf("ab ab ab", 2).pieces.size() == 2);
  CHECK(CutOf("ab ab ab", 3).pieces.size() == 3);
  CHECK(CutOf("ab ab ab", 4).pieces.size() == 3);
}

TEST_CASE("what lies behind the limit of the text is not looked at, whole code points are") {
  const std::string text = std::string(Pieces::kTextBytesMax - 1, 'x') + "\u65e5" + "\xff";
  const Cut cut = CutOf(text);
  CHECK(cut.parts.back().size() == Pieces::kTextBytesMax - 1);
}

TEST_CASE("a vocabulary that makes no sense is refused") {
  Vocabulary odd = Sample();
  odd.scores.pop_back();
  CHECK(!Pieces::Of(odd.Table()).ok());
  odd = Sample();
  odd.ends[2] = 1;
  CHECK(!Pieces::Of(odd.Table()).ok());
  odd = Sample();
  odd.ends.back() = 1000;
  CHECK(!Pieces::Of(odd.Table()).ok());
  odd = Sample();
  odd.text[0] = '\xff';
  CHECK(!Pieces::Of(odd.Table()).ok());
  CHECK(!Pieces::Of(PieceTable{}).ok());
}

}  // namespace
}  // namespace reprise::embed
