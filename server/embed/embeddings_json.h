// The two messages of an OpenAI-style /v1/embeddings endpoint.
//
// Errors: kUnavailable for an answer that is not what was asked for, saying how; no text of a
// prompt or of the answer is repeated. Threads: any. Lifetime: results own their data. Complexity:
// O(bytes). Limits: the caller bounds the bytes of an answer.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/result.h"
#include "server/embed/embedder.h"

namespace reprise::embed {

// Texts are UTF-8.
std::string EmbeddingsRequest(std::string_view model, std::span<const std::string_view> texts);

// What is asked of an answer.
struct ExpectedVectors {
  std::size_t count = 0;
  std::size_t width = 0;
};

// In the order of the texts, each of length 1.
base::Result<std::vector<Vector>> ReadEmbeddings(std::string_view body,
                                                 const ExpectedVectors& expected);

}  // namespace reprise::embed
