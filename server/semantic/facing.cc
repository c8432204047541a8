#include "server/semantic/facing.h"

#include <algorithm>

#include "server/semantic/frame.h"
#include "server/semantic/parts.h"

namespace reprise::semantic {
namespace {

constexpr double kMost = 0.5;                // from this share on a frame is most of a prompt
constexpr std::uint32_t kFrameWords = 5;     // a frame of fewer is a manner of speaking
constexpr std::uint32_t kLabelledWords = 3;  // ... of one with a label in it
constexpr std::size_t kBorderWords = 6;      // the same of a border
constexpr std::size_t kBorderContent = 3;

// Something more than the pair itself says that a template was filled.
bool IsTemplate(const Frame& frame) {
  if (frame.has_instruction && frame.shared > 0) {
    return true;
  }
  const bool is_labelled = frame.stored.is_introduced && frame.asked.is_introduced;
  if (is_labelled && frame.shared >= kLabelledWords) {
    return true;
  }
  // "Translate to French: ..." and the same text alone.
  if (frame.shared > 0 && frame.stored.instructs != frame.asked.instructs) {
    return true;
  }
  const bool is_apart = frame.asked.begins_line || frame.asked.runs > 1 || frame.stored.runs > 1 ||
                        (frame.stored.asks && frame.asked.asks);
  return is_apart && frame.share >= kMost && frame.shared >= kFrameWords;
}

// Both fill one place with a question, and nothing says that the question is only a text to work
// on.
bool AreQuestions(const Frame& frame) {
  const auto is_question = [](const Filling& filling) {
    return filling.asks && filling.runs == 1 && (!filling.is_introduced || filling.is_asked_for) &&
           !IsLong(filling.text);
  };
  return !frame.has_instruction && !frame.asks && frame.stored.instructs == frame.asked.instructs &&
         is_question(frame.stored) && is_question(frame.asked);
}

// "Translate ... to French" in one sentence: no segment is shared, but the order is.
bool AreSameOrder(const Probe& stored, const Probe& asked, const Border& border) {
  return border.share >= kMost && IsInstruction(asked.text) && IsInstruction(stored.text) &&
         !stored.words.list.empty() && !asked.words.list.empty() &&
         stored.words.list.front().folded == asked.words.list.front().folded;
}

Facing FaceBorder(const Probe& stored, const Probe& asked) {
  const Border border = FindBorder(stored.words, asked.words);
  Facing facing;
  facing.has_border =
      border.share >= kMost && border.words >= kBorderWords && border.content >= kBorderContent;
  if (AreSameOrder(stored, asked, border) && !AreSameWords(stored.text, asked.text)) {
    facing.refusal = Refusal::kTemplate;
  }
  return facing;
}

}  // namespace

std::string_view ReasonOf(Refusal refusal) {
  switch (refusal) {
    case Refusal::kTemplate:
      return "the prompts share a template; what fills it differs";
    case Refusal::kContext:
      return "the prompts are long, and differ in more than how the question is put";
    case Refusal::kTooLong:
      return "a prompt is longer than the semantic tier reads (128 KiB)";
    case Refusal::kNone:
      break;
  }
  return "";
}

Facing Face(const Probe& stored, const Probe& asked) {
  Facing facing;
  if (std::max(stored.text.size(), asked.text.size()) > kReadBytesMax) {
    facing.refusal = Refusal::kTooLong;
    return facing;
  }
  const bool is_long = IsLong(stored.text) || IsLong(asked.text);
  const Frame frame = FindFrame(stored.text, asked.text);
  const bool shares_segment = !is_long && frame.shared >= kLabelledWords &&
                              !(frame.stored.is_asked_for && frame.asked.is_asked_for);
  if (!is_long && !IsTemplate(frame)) {
    facing = FaceBorder(stored, asked);
    facing.has_border = facing.has_border || shares_segment;
    return facing;
  }
  facing.is_whole = false;
  facing.has_border = shares_segment;
  if (frame.IsEverything()) {  // But for white space: the questions are the same, too.
    const Segments segments = SegmentsOf(asked.text);
    const auto question =
        segments.empty() ? "" : segments[FindQuestion(asked.text, segments)].In(asked.text);
    facing.stored = ReadQuestion(question, stored.owner);
    facing.asked = ReadQuestion(question, asked.owner);
    return facing;
  }
  if (!AreQuestions(frame) && !AreSameWords(frame.stored.text, frame.asked.text)) {
    facing.refusal = is_long ? Refusal::kContext : Refusal::kTemplate;
    return facing;
  }
  facing.stored = ReadQuestion(frame.stored.text, stored.owner);
  facing.asked = ReadQuestion(frame.asked.text, asked.owner);
  return facing;
}

match::Verdicts Guard(const Probe& stored, const Probe& asked, const Facing& facing) {
  if (facing.is_whole) {
    return Guard(stored, asked);
  }
  match::Verdicts verdicts = Guard(facing.stored, facing.asked);
  if (match::FindVeto(verdicts) == nullptr && !IsLong(stored.text) && !IsLong(asked.text)) {
    match::Verdicts whole = Guard(stored, asked);
    if (match::FindVeto(whole) != nullptr) {
      return whole;
    }
  }
  return verdicts;
}

bool DifferInContent(const Probe& stored, const Probe& asked) {
  const match::Pairing pairing = match::Pair(stored.words, asked.words);
  const auto has_more = [](const match::Side& side) {
    for (std::size_t i = 0; i < side.size(); ++i) {
      if (side.IsAlone(i) && side.At(i).IsContent()) {
        return true;
      }
    }
    return false;
  };
  return has_more(pairing.stored) || has_more(pairing.asked);
}

}  // namespace reprise::semantic
