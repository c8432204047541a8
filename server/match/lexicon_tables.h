// The lexicon's tables as they are written: text for lexicon.cc to read once.
//
// Internal to server/match. A word of several words has '_' between them. Errors: none. Threads:
// any. Lifetime: what is returned lives as long as the program.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "server/match/lexicon.h"

namespace reprise::match {

// Lines of words that mean the same; the first is the canonical form.
std::string_view SynonymLines();
std::string_view PhraseLines();

struct ClassRow {
  std::uint32_t traits;
  std::string_view words;
};
std::span<const ClassRow> ClassRows();

struct ValueRow {
  std::uint32_t traits;
  Dimension dimension;
  double value;
  std::string_view words;  // the first is the canonical form
};
std::span<const ValueRow> ValueRows();

// Lines "a b": opposites. Each is folded to its canonical form when it is read.
std::string_view OppositeLines();

}  // namespace reprise::match
