#include "server/embed/pieces.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "server/embed/beginning.h"
#include "server/text/utf8.h"

namespace reprise::embed {
namespace {

using base::Code;
using base::Error;
using base::Ok;
using base::Result;
using base::Status;

constexpr char32_t kSpaceMark = 0x2581;
constexpr double kUnknownScore = -20.0;
constexpr double kUnreached = -1e30;
constexpr std::int32_t kUnknown = 0;
constexpr std::size_t kPieceCodePointsMax = 64;

struct Spelled {
  std::u32string code_points;
  std::int32_t piece = 0;
};

Result<std::u32string> CodePointsOf(std::string_view text) {
  std::u32string code_points;
  while (!text.empty()) {
    const text::CodePoint next = text::FirstCodePoint(text);
    if (next.bytes == 0) {
      return Error{Code::kCorrupt, "model file: a piece is not UTF-8"};
    }
    code_points.push_back(next.value);
    text.remove_prefix(next.bytes);
  }
  return code_points;
}

// Sorted by text; of two that are spelled alike only the later one is left.
Result<std::vector<Spelled>> SpelledPieces(const PieceTable& table) {
  std::vector<Spelled> spelled;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < table.ends.size(); ++i) {
    const std::size_t end = table.ends[i];
    if (end < begin || end > table.text.size()) {
      return Error{Code::kCorrupt, "model file: the text of piece " + std::to_string(i) +
                                       " does not lie in the vocabulary"};
    }
    ASSIGN_OR_RETURN(std::u32string code_points,
                     CodePointsOf(table.text.substr(begin, end - begin)));
    if (code_points.size() > kPieceCodePointsMax) {
      return Error{Code::kCorrupt, "model file: piece " + std::to_string(i) + " is too long"};
    }
    if (!code_points.empty()) {
      spelled.push_back({std::move(code_points), static_cast<std::int32_t>(i)});
    }
    begin = end;
  }
  std::sort(spelled.begin(), spelled.end(), [](const Spelled& a, const Spelled& b) {
    return a.code_points != b.code_points ? a.code_points < b.code_points : a.piece > b.piece;
  });
  const auto alike = [](const Spelled& a, const Spelled& b) {
    return a.code_points == b.code_points;
  };
  spelled.erase(std::unique(spelled.begin(), spelled.end(), alike), spelled.end());
  return spelled;
}

char32_t Marked(char32_t code_point) {
  return code_point == U' ' ? kSpaceMark : code_point;
}

// The bytes of code points `begin` to `end`, counted with the mark in front as the first; without
// the spaces before what else there is.
Token TokenOf(const std::vector<text::NfkcCodePoint>& code_points, std::size_t begin,
              std::size_t end, std::int32_t piece) {
  Token token{0, 0, piece};
  if (end < 2) {  // the mark in front alone
    return token;
  }
  std::size_t first = begin == 0 ? 0 : begin - 1;
  const std::size_t last = end - 2;
  while (first < last && code_points[first].value == U' ') {
    ++first;
  }
  token.begin = code_points[first].begin;
  token.end = code_points[last].end;
  return token;
}

}  // namespace

// Level by level: the pieces below a node are a range of the sorted ones.
Result<Pieces> Pieces::Of(const PieceTable& table) {
  if (table.ends.size() != table.scores.size() || table.ends.empty() ||
      table.ends.size() > std::numeric_limits<std::int32_t>::max()) {
    return Error{Code::kCorrupt, "model file: the vocabulary has " +
                                     std::to_string(table.ends.size()) + " pieces and " +
                                     std::to_string(table.scores.size()) + " scores"};
  }
  ASSIGN_OR_RETURN(const std::vector<Spelled> spelled, SpelledPieces(table));
  struct Range {
    std::size_t begin;
    std::size_t end;
    std::size_t depth;
  };
  Pieces pieces;
  pieces.scores_.assign(table.scores.begin(), table.scores.end());
  std::vector<Range> ranges{{0, spelled.size(), 0}};  // of node i
  for (std::size_t node = 0; node < ranges.size(); ++node) {
    Range range = ranges[node];
    pieces.nodes_.push_back({static_cast<std::uint32_t>(pieces.edges_.size()), kNoPiece});
    if (range.begin < range.end && spelled[range.begin].code_points.size() == range.depth) {
      pieces.nodes_.back().piece = spelled[range.begin].piece;
      ++range.begin;
    }
    while (range.begin < range.end) {
      const char32_t label = spelled[range.begin].code_points[range.depth];
      std::size_t end = range.begin;
      while (end < range.end && spelled[end].code_points[range.depth] == label) {
        ++end;
      }
      pieces.edges_.push_back({label, static_cast<std::uint32_t>(ranges.size())});
      ranges.push_back({range.begin, end, range.depth + 1});
      range.begin = end;
    }
  }
  pieces.nodes_.push_back({static_cast<std::uint32_t>(pieces.edges_.size()), kNoPiece});
  return pieces;
}

std::uint32_t Pieces::Below(std::uint32_t node, char32_t label) const {
  const auto begin = edges_.begin() + nodes_[node].first_edge;
  const auto end = edges_.begin() + nodes_[node + 1].first_edge;
  const auto found = std::lower_bound(
      begin, end, label, [](const Edge& edge, char32_t wanted) { return edge.label < wanted; });
  return found != end && found->label == label ? found->node : 0;
}

// Every piece that begins at `begin`, when it makes the way to its end better.
void Pieces::ExtendFrom(std::size_t begin, PieceScratch& scratch) const {
  const auto& code_points = scratch.code_points;
  auto& steps = scratch.steps;
  const double score = steps[begin].score;
  bool known = false;
  std::uint32_t node = 0;
  for (std::size_t end = begin + 1; end < steps.size(); ++end) {
    node = Below(node, end == 1 ? kSpaceMark : Marked(code_points[end - 2].value));
    if (node == 0) {
      break;
    }
    const std::int32_t piece = nodes_[node].piece;
    if (piece == kNoPiece) {
      continue;
    }
    known = known || end == begin + 1;
    const double sum = score + scores_[static_cast<std::size_t>(piece)];
    if (sum > steps[end].score) {
      steps[end] = {sum, static_cast<std::uint32_t>(begin), piece};
    }
  }
  if (!known && score + kUnknownScore > steps[begin + 1].score) {
    steps[begin + 1] = {score + kUnknownScore, static_cast<std::uint32_t>(begin), kUnknown};
  }
}

// steps[i]: the best way to the end of the first i code points, the mark in front counted.
void Pieces::FindBest(PieceScratch& scratch) const {
  scratch.steps.assign(scratch.code_points.size() + 2, {kUnreached, 0, kUnknown});
  scratch.steps[0].score = 0;
  for (std::size_t begin = 0; begin + 1 < scratch.steps.size(); ++begin) {
    ExtendFrom(begin, scratch);
  }
}

Status Pieces::Cut(std::string_view text, std::size_t tokens_max, PieceScratch& scratch,
                   std::vector<Token>& tokens) const {
  tokens.clear();
  RETURN_IF_ERROR(text::Nfkc(Beginning(text, kTextBytesMax), scratch.code_points));
  if (scratch.code_points.empty()) {
    return Ok{};
  }
  FindBest(scratch);
  for (std::size_t end = scratch.steps.size() - 1; end > 0;) {
    const PieceScratch::Step& step = scratch.steps[end];
    const Token token = TokenOf(scratch.code_points, step.begin, end, step.piece);
    if (step.piece == kUnknown && !tokens.empty() && tokens.back().piece == kUnknown) {
      tokens.back().begin = token.begin;
    } else {
      tokens.push_back(token);
    }
    end = step.begin;
  }
  std::reverse(tokens.begin(), tokens.end());
  tokens.resize(std::min(tokens.size(), tokens_max));
  return Ok{};
}

}  // namespace reprise::embed
