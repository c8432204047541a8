// Frame: what two prompts share segment by segment, and what differs. Bots fill templates
// ("Translate the following text to French: ..."), and ask several questions of one document: in
// both, most of two prompts is the same, and their vectors say so whatever stands in the rest.
//
// Units: words. Errors: none. Complexity: O(bytes), and O(n x m) for at most kMiddleSegments
// segments between the common front and back. Threads: any. Lifetime: a Frame owns its strings.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "server/match/words.h"
#include "server/semantic/parts.h"

namespace reprise::semantic {

inline constexpr std::size_t kMiddleSegments = 256;

// What fills the frame on one side.
struct Filling {
  std::string text;
  std::uint32_t words = 0;
  std::uint32_t runs = 0;  // stretches of the prompt that it consists of
  // All of it are questions and orders, or it is one line that a label calls so.
  bool asks = false;
  bool instructs = false;  // some of it says what to make of a text
  bool begins_line = false;
  bool is_introduced = false;  // by a label: "Text: "
  bool is_asked_for = false;   // by a label that says that a question follows
};

struct Frame {
  std::uint32_t shared = 0;  // words
  double share = 0;          // of the longer prompt's words
  // The frame says what to make of a text: translate it, correct it ...
  bool has_instruction = false;
  bool asks = false;  // the frame has a question of its own
  Filling stored;
  Filling asked;

  bool IsEverything() const { return stored.text.empty() && asked.text.empty(); }
};

// Of texts of at most kReadBytesMax bytes.
Frame FindFrame(std::string_view stored, std::string_view asked);

// The order says what to make of a text, so that another text is another request.
bool IsInstruction(std::string_view segment);
// The same words in the same order, but for case, contractions and most punctuation. False where
// one says nothing.
bool AreSameWords(std::string_view stored, std::string_view asked);

// Words at the beginning and at the end that two short texts share.
struct Border {
  std::size_t words = 0;
  std::size_t content = 0;  // of these, that say something
  double share = 0;         // of the longer text's words
};
Border FindBorder(const match::Words& stored, const match::Words& asked);

}  // namespace reprise::semantic
