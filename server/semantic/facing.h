// Facing: what of two prompts is compared. Two short questions as they are; of prompts that share a
// frame (frame.h) what fills it; and there are prompts that cannot be compared at all.
//
// The rule: what stands in for "the text" of a request must be the same, only what asks may be in
// other words. Why, and what it costs: notes/0004-long-and-templated-prompts.md.
//
// Units: none. Errors: none; what cannot be compared is a refusal. Complexity: that of FindFrame,
// and O(n x m) for n and m words of what differs, at most a part each. Threads: any. Lifetime: a
// Facing owns its probes.
#pragma once

#include <cstdint>
#include <string_view>

#include "server/semantic/assess.h"

namespace reprise::semantic {

enum class Refusal : std::uint8_t {
  kNone,
  kTemplate,  // one template, filled with something else
  kContext,   // a long prompt, about another text
  kTooLong    // beyond kReadBytesMax
};
// For people; empty: none.
std::string_view ReasonOf(Refusal refusal);

struct Facing {
  Refusal refusal = Refusal::kNone;
  bool is_whole = true;  // the prompts as they are are compared; else
  Probe stored;          // what fills their frame, without vectors
  Probe asked;
  // Short prompts that share most of their words in front and at the back, or a segment, and no
  // label says that a question follows. In several entries at once it is a template.
  bool has_border = false;
};

Facing Face(const Probe& stored, const Probe& asked);
// What the guards say of what is compared; of short prompts also what they say of all of them, for
// what narrows a question may stand in the frame's surroundings.
match::Verdicts Guard(const Probe& stored, const Probe& asked, const Facing& facing);

// For short prompts, when the same border was seen in several: something that says something stands
// on one side only.
bool DifferInContent(const Probe& stored, const Probe& asked);

}  // namespace reprise::semantic
