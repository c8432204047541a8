#include "server/semantic/frame.h"

#include <string>

#include <catch2/catch.hpp>

namespace reprise::semantic {
namespace {

TEST_CASE("the frame is what two prompts share, the filling is the rest") {
  const Frame frame =
      FindFrame("You are a helpful translator. Translate the following text to French: I like tea.",
                "You are a helpful translator. Translate the following text to French: I sold it.");
  CHECK(frame.shared == 11);
  CHECK(frame.share == Approx(11.0 / 14));
  CHECK(frame.has_instruction);
  CHECK(frame.stored.text == "I like tea.");
  CHECK(frame.asked.text == "I sold it.");
  CHECK(frame.asked.is_introduced);
  CHECK_FALSE(frame.asked.is_asked_for);
  CHECK_FALSE(frame.asked.asks);
}

TEST_CASE("a filling may stand in front, in the middle, and in several places") {
  CHECK(FindFrame("Tea.\nTranslate this.", "Coffee.\nTranslate this.").stored.text == "Tea.");
  const Frame middle = FindFrame("From: Ann\nTo: Bob\nReply.", "From: Ann\nTo: Eve\nReply.");
  CHECK(middle.asked.text == "Eve");
  CHECK(middle.asked.runs == 1);
  const Frame two = FindFrame("From: Ann\nTo: Bob\nReply.", "From: Joe\nTo: Eve\nReply.");
  CHECK(two.asked.text == "Joe\nEve");
  CHECK(two.asked.runs == 2);
  const Frame longer = FindFrame("To: Bob\nReply.", "To: Bob\nCc: Eve\nReply.");
  CHECK(longer.stored.text.empty());
  CHECK(longer.asked.text == "Cc:\nEve");
}

TEST_CASE("equal prompts share everything, strange ones nothing") {
  CHECK(FindFrame("One.  Two.", "one.\nTWO").IsEverything());
  CHECK(FindFrame("", "").IsEverything());
  const Frame apart = FindFrame("One. Two.", "Three.");
  CHECK(apart.shared == 0);
  CHECK(apart.share == 0);
}

TEST_CASE("a question in the filling is known by its mark, its place or its label") {
  const auto asks = [](const std::string& text) {
    return FindFrame(text, "Here. Or there. Some more. Nowhere.").stored.asks;
  };
  CHECK(asks("Here. Where? Some more. Nowhere."));
  CHECK(asks("Here. Or there. Some more. where is it"));
  CHECK_FALSE(asks("Here. When it rained we left. Some more. Nowhere."));
  CHECK(FindFrame("Question: when does it rain\nHere.", "Question: why\nHere.").stored.asks);
}

TEST_CASE("instructions say what to make of a text") {
  for (const std::string_view text :
       {"Translate the following text to French:", "You are a professional translator.",
        "Your task is to correct the sentence.",
        "Please could you fix this code:", "Summarise:", "Classify the sentiment as good or bad.",
        "Below is an email; write down what the customer wants."}) {
    CHECK(IsInstruction(text));
  }
  for (const std::string_view text :
       {"You are a helpful assistant.", "Answer the question from the context.",
        "How do I fix a flat tyre?", "Use the context below.",
        "Question:", "Write a short answer to the question.", "If you do not know it, say so."}) {
    CHECK_FALSE(IsInstruction(text));
  }
}

TEST_CASE("instructions inside a document are none of the frame's") {
  std::string document;
  for (int i = 0; i < 20; ++i) {
    document += "Sentence " + std::to_string(i) + " of it. ";
  }
  const std::string ordered = document + "Fix it. " + document;
  CHECK_FALSE(FindFrame(ordered + "Why?", ordered + "How?").has_instruction);
  CHECK(FindFrame(document + "Fix it. Why?", document + "Fix it. How?").has_instruction);
  CHECK(FindFrame("Fix it. " + document + "Why?", "Fix it. " + document + "How?").has_instruction);
}

TEST_CASE("the same words are the same but for what nobody hears") {
  CHECK(AreSameWords("I have lost my keys.", "i've lost my keys"));
  CHECK(AreSameWords("The \"big\" room!",
                     "the \xE2\x80\x9C"
                     "big\xE2\x80\x9D room"));
  CHECK(AreSameWords("1,000 times", "1000 times"));
  for (const auto& [one, other] : {std::pair{"I lost my keys", "you lost my keys"},
                                   {"I walked home", "I walk home"},
                                   {"a dog", "the dog"},
                                   {"He came?", "He came!"},
                                   {"the price", "the cost"},
                                   {"x = a - b", "x = a + b"},
                                   {"x = a(b)", "x = a[b]"},
                                   {"very good", "very very good"},
                                   {"good morning", "good evening"},
                                   {"please sit", "sit"},
                                   {"", "a"},
                                   {"", ""}}) {
    CHECK_FALSE(AreSameWords(one, other));
    CHECK_FALSE(AreSameWords(other, one));
  }
}

TEST_CASE("a border is counted in words") {
  const auto border = [](std::string_view one, std::string_view other) {
    return FindBorder(match::ReadWords(one), match::ReadWords(other));
  };
  const Border found =
      border("Put the word dog into capital letters", "Put the word mouse into capital letters");
  CHECK(found.words == 6);
  CHECK(found.content >= 3);
  CHECK(found.share == Approx(6.0 / 7));
  CHECK(border("a b c", "a b c").words == 3);
  CHECK(border("a b", "a a b").words == 2);
  CHECK(border("", "a").words == 0);
}

}  // namespace
}  // namespace reprise::semantic
