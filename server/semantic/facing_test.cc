#include "server/semantic/facing.h"

#include <string>

#include <catch2/catch.hpp>

#include "server/semantic/parts.h"

namespace reprise::semantic {
namespace {

Facing Of(std::string_view stored, std::string_view asked) {
  return Face(ReadQuestion(stored), ReadQuestion(asked));
}

std::string Document(int seed, int sentences = 60) {
  std::string text;
  for (int i = 0; i < sentences; ++i) {
    text += "In chapter " + std::to_string(i) + " the ship number " + std::to_string(seed + i) +
            " leaves the harbour with salt and wood. ";
  }
  return text;
}

const std::string kDocument = Document(1);

TEST_CASE("short questions are compared as they are") {
  CHECK(Of("How do I reset my password?", "How can I reset my password?").is_whole);
  CHECK(Of("I have a laptop. It is slow. What can I do?", "I have a laptop. What can I do?")
            .is_whole);
  CHECK(Of("", "a").refusal == Refusal::kNone);
}

TEST_CASE("another text in a template is another request") {
  const std::string frame =
      "You are a helpful translator. Translate the following text to French: ";
  CHECK(Of(frame + "I lost my keys.", frame + "I found my keys.").refusal == Refusal::kTemplate);
  CHECK(Of(frame + "I lost my keys.", frame).refusal == Refusal::kTemplate);
  CHECK(
      Of("Translate \"good morning\" to French", "Translate \"good evening\" to French").refusal ==
      Refusal::kTemplate);
  CHECK(Of("Where is it?\nTranslate the line above.", "Where's she?\nTranslate the line above.")
            .refusal == Refusal::kTemplate);
  CHECK(Of("Topic: the sea\nTone: merry\nWrite a poem.", "Topic: the sea\nTone: sad\nWrite a poem.")
            .refusal == Refusal::kTemplate);
}

TEST_CASE("an order about a text is not the text, and two orders are compared by themselves") {
  CHECK(Of("Translate to French: Where is it?", "Where is it?").refusal == Refusal::kTemplate);
  CHECK(Of("Where is it?", "Translate to French: Where is it?").refusal == Refusal::kTemplate);
  const std::string text = "The ship leaves the harbour with salt and wood.";
  const Facing orders =
      Of("Translate this to French: " + text, "Translate this to German: " + text);
  CHECK(orders.refusal == Refusal::kNone);
  CHECK(orders.asked.text == "Translate this to German:");
}

TEST_CASE("the same text in a template may have other commas, a question other words") {
  const std::string frame = "Translate the following text to French: ";
  const Facing same = Of(frame + "I have lost my keys.", frame + "i've lost my keys");
  CHECK(same.refusal == Refusal::kNone);
  CHECK(same.asked.text == "i've lost my keys");
  const std::string asked = "You are the help desk of a shop. Answer briefly.\nQuestion: ";
  const Facing other =
      Of(asked + "How do I reset my password?", asked + "What resets my password?");
  CHECK(other.refusal == Refusal::kNone);
  CHECK_FALSE(other.is_whole);
  CHECK(other.stored.text == "How do I reset my password?");
  CHECK(other.asked.text == "What resets my password?");
  const Facing keywords = Of(asked + "password reset. shop account", asked + "reset my password");
  CHECK(keywords.refusal == Refusal::kNone);
  CHECK(keywords.stored.text == "password reset.\nshop account");
  CHECK(Of(asked + "password reset\nThe shop is in Rome.", asked + "reset it\nThe shop is in Oslo.")
            .refusal == Refusal::kTemplate);
  const std::string mail = "Customer message: I work in Rome. ";
  CHECK(Of(mail + "Where do I pay?", mail + "Where do I park?").refusal == Refusal::kTemplate);
}

TEST_CASE("of one document another question is compared by itself") {
  for (const auto& layout :
       {std::pair<std::string, std::string>{
            "Answer from the context.\nContext: " + kDocument + "\nQuestion: ", ""},
        {"Question: ", "\nContext: " + kDocument},
        {"", "\n\n" + kDocument},
        {kDocument + "\n\n", ""}}) {
    const auto prompt = [&layout](std::string_view question) {
      return std::string(layout.first).append(question).append(layout.second);
    };
    const Facing facing =
        Of(prompt("Which ship leaves first?"), prompt("What ship is the first to leave?"));
    CHECK(facing.refusal == Refusal::kNone);
    CHECK_FALSE(facing.is_whole);
    CHECK(facing.stored.text == "Which ship leaves first?");
    CHECK(facing.asked.text == "What ship is the first to leave?");
  }
  const Facing order =
      Of("Summarise this: " + kDocument, "Give me a summary of this: " + kDocument);
  CHECK(order.refusal == Refusal::kNone);
  CHECK(order.asked.text == "Give me a summary of this:");
  CHECK(
      Of("Context: " + kDocument + "\nQuestion: why?", "Question: why not?\nContext: " + kDocument)
          .refusal == Refusal::kNone);
}

TEST_CASE("another document is refused, however little of it differs") {
  std::string changed = kDocument;
  changed.replace(changed.find("number 30"), 9, "number 31");
  std::string more = kDocument + "The end. ";
  for (const std::string& other : {Document(1'000), changed, more, kDocument.substr(0, 2'000)}) {
    CHECK(Of("Summarise this: " + kDocument, "Summarise this: " + other).refusal ==
          Refusal::kContext);
    CHECK(Of(kDocument + "\nWhich ship?", other + "\nWhich ship?").refusal == Refusal::kContext);
    CHECK(Of(other + "\nWhich ship?", kDocument + "\nWhat ship?").refusal == Refusal::kContext);
    CHECK(Of("Which ship? " + other, "What ship? " + kDocument).refusal == Refusal::kContext);
  }
}

TEST_CASE("a long text to work on is no question, though it ends with one") {
  const std::string front = "Translate this letter to French:\n" + kDocument;
  CHECK(Of(front + "When will you come?", front + "When do you come?").refusal ==
        Refusal::kContext);
  const std::string judged = "Is this letter polite?\n" + kDocument;
  CHECK(Of(judged + "When will you come?", judged + "When do you come?").refusal ==
        Refusal::kContext);
}

TEST_CASE("what is the same but for white space is compared by its question") {
  const Facing facing = Of(kDocument + "\nWhich ship?", kDocument + "\n\n  Which   ship?");
  CHECK(facing.refusal == Refusal::kNone);
  CHECK(facing.asked.text == "Which   ship?");
}

TEST_CASE("prompts are read up to their limit") {
  const std::string most(kReadBytesMax, 'a');
  CHECK(Of(most, most).refusal == Refusal::kNone);
  CHECK(Of(most + "a", most).refusal == Refusal::kTooLong);
  CHECK(Of(most, most + "a").refusal == Refusal::kTooLong);
}

TEST_CASE("a border of two short prompts is seen, and what differs in it") {
  const auto dog = ReadQuestion("Put the word dog into capital letters");
  const auto mouse = ReadQuestion("Put the word mouse into capital letters");
  const auto same = ReadQuestion("Put the word dog in capital letters");
  CHECK(Face(dog, mouse).has_border);
  CHECK(DifferInContent(dog, mouse));
  CHECK_FALSE(DifferInContent(dog, same));
  CHECK_FALSE(Of("What is a dog?", "What is a mouse?").has_border);
}

}  // namespace
}  // namespace reprise::semantic
