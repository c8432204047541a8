// Long text: the vector of a prompt of any length.
//
// A short prompt is embedded as it is. Of a long one the question (parts.h) is embedded; each other
// part, up to the last word, gives a direction that is the same wherever that part stands, and has
// nothing to do with any other part's. The question weighs kQuestionShare of the squared length,
// the rest together what remains: the same text with the question in other words is nearer than
// another question to that text, and that than any question to another text.
//
// Units: unit vectors. Errors: kBadRequest (longer than kReadBytesMax), those of the embedder.
// Complexity: one embedding of at most kPartTokens tokens, and O(bytes). Threads: as Embedding.
#pragma once

#include "protocol/base/result.h"
#include "server/semantic/embedding.h"

namespace reprise::semantic {

inline constexpr float kQuestionShare = 0.6F;

// With `pause` it waits for nobody: kWouldBlock when the vector has to come from elsewhere.
base::Result<VectorsPtr> EmbedWhole(const Embedding& embedding, const OwnText& own,
                                    Pause* pause = nullptr);

}  // namespace reprise::semantic
