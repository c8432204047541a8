// Parts: a prompt cut into segments (sentences, lines, what stands behind a label), one of which is
// the question. Of a long prompt the question is what the embedder sees whole; the rest says what
// the question is about.
//
// A segment ends with a line, a sentence, a label ("Context: ") or a dash between spaces, and has
// at most kPartTokens tokens. Equal segments have equal keys; case and white space do not count in
// them, nor full stops at their end.
//
// Units: bytes of the text; tokens are estimated without a model, never too few for English.
// Errors: none. Complexity: O(bytes). Threads: any. Lifetime: segments are places in a text that
// the caller keeps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace reprise::semantic {

inline constexpr std::size_t kPartTokens = 100;  // the embedder inside cuts at 128
// Longer prompts are answered by the exact and the normalized tier only.
inline constexpr std::size_t kReadBytesMax = std::size_t{128} << 10U;

struct Segment {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;  // without white space
  std::uint32_t words = 0;
  bool is_label = false;     // ends with a colon
  bool begins_line = false;  // behind a line's end
  std::uint64_t key = 0;

  std::string_view In(std::string_view text) const { return text.substr(begin, end - begin); }
};
using Segments = std::vector<Segment>;

// How many tokens an embedder makes of it, about.
std::size_t TokensAbout(std::string_view text);
// It has more tokens than one part may have.
bool IsLong(std::string_view text);

Segments SegmentsOf(std::string_view text);
// What a key stands for is the same in both: keys can be made to collide.
bool AreSame(std::string_view segment, std::string_view other);
enum class Role : std::uint8_t {
  kQuestion,  // with a question mark
  kRequest,   // begins as a question or an order does
  kNothing,   // a label, a greeting
  kText
};
Role RoleOf(std::string_view segment);
// It labels what follows as the question.
bool IsQuestionLabel(std::string_view segment);
// Which segment is the question: the one behind the last label that says so; else of the three at
// either end the outermost that asks or orders, the end before the beginning; else the first.
// `segments` must not be empty.
std::size_t FindQuestion(std::string_view text, const Segments& segments);

}  // namespace reprise::semantic
