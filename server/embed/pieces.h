// Pieces: a SentencePiece vocabulary of the unigram kind, and the best way to cut text into it.
//
// Among all ways to cut the text (NFKC, a mark in front and for each space) the one with the
// highest sum of scores is taken (Viterbi); a code point that is no piece costs 20. Neighbours that
// are no pieces become one token, number 0.
//
// Units: bytes of the text as it was given. Errors: kBadRequest for invalid UTF-8; kCorrupt for a
// vocabulary that makes no sense. Threads: const, any. Complexity: O(bytes x longest piece).
// Lifetime: keeps nothing of its arguments. Limits: kTextBytesMax.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "protocol/base/result.h"
#include "server/embed/embedder.h"
#include "server/text/nfkc.h"

namespace reprise::embed {

// The vocabulary: piece i ends at ends[i] of `text` and begins where the one before ends. Pieces
// without text stand for nothing that can be written.
struct PieceTable {
  std::string_view text;
  std::span<const std::uint32_t> ends;
  std::span<const double> scores;
};

// Memory of one call, for the next.
struct PieceScratch {
  struct Step {
    double score;
    std::uint32_t begin;
    std::int32_t piece;
  };
  std::vector<text::NfkcCodePoint> code_points;
  std::vector<Step> steps;
};

class Pieces {
 public:
  // What lies behind is not looked at: it could change 128 tokens only in text without words.
  static constexpr std::size_t kTextBytesMax = std::size_t{16} * 1024;

  static base::Result<Pieces> Of(const PieceTable& table);

  // Replaces `tokens` with the first `tokens_max` of the text.
  base::Status Cut(std::string_view text, std::size_t tokens_max, PieceScratch& scratch,
                   std::vector<Token>& tokens) const;

 private:
  static constexpr std::int32_t kNoPiece = -1;

  // The edges of node n are edges_[first_edge] up to the first edge of node n + 1, by label.
  struct Node {
    std::uint32_t first_edge = 0;
    std::int32_t piece = kNoPiece;
  };
  struct Edge {
    char32_t label = 0;
    std::uint32_t node = 0;
  };

  Pieces() = default;

  // The node below `node`; 0, the root, when there is none.
  std::uint32_t Below(std::uint32_t node, char32_t label) const;
  void FindBest(PieceScratch& scratch) const;
  void ExtendFrom(std::size_t begin, PieceScratch& scratch) const;

  std::vector<Node> nodes_;  // and one behind the last
  std::vector<Edge> edges_;
  std::vector<double> scores_;
};

}  // namespace reprise::embed
