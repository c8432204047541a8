// HashEmbedder: words and their parts, hashed into 512 dimensions. No model, a few microseconds.
//
// Finds what is worded alike, not what means the same: each word, and its runs of 3 to 5 code
// points, adds to a dimension that its hash names. Words that carry little ("the", "how") count
// little. Case, width and punctuation at the end do not count (server/text, Normalize); words are
// what stands between spaces and punctuation.
//
// Errors: kBadRequest for what is not UTF-8. Threads: const, any. Complexity: O(bytes), 2 to 3 us
// for a question. Limits: text behind kTextBytesMax does not count. Lifetime: results own their
// data.
#pragma once

#include <cstddef>
#include <string_view>

#include "protocol/base/result.h"
#include "server/embed/embedder.h"

namespace reprise::embed {

class HashEmbedder final : public LocalEmbedder {
 public:
  static constexpr std::size_t kWidth = 512;
  static constexpr std::size_t kTextBytesMax = std::size_t{16} * 1024;

  std::string_view Name() const override { return "hash"; }
  // Raise its number with every change that changes vectors.
  std::string_view Fingerprint() const override { return "hash/512/1"; }
  std::size_t Width() const override { return kWidth; }
  base::Result<Vector> Embed(std::string_view text) const override;
};

}  // namespace reprise::embed
