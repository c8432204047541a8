#include "server/semantic/parts.h"

#include <string>

#include <catch2/catch.hpp>

namespace reprise::semantic {
namespace {

std::vector<std::string> Cut(std::string_view text) {
  std::vector<std::string> list;
  for (const Segment& segment : SegmentsOf(text)) {
    list.emplace_back(segment.In(text));
  }
  return list;
}

std::string QuestionOf(std::string_view text) {
  const Segments segments = SegmentsOf(text);
  return std::string(segments[FindQuestion(text, segments)].In(text));
}

std::string Repeat(std::string_view text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) {
    all += text;
  }
  return all;
}

using List = std::vector<std::string>;

TEST_CASE("segments are sentences, lines and what stands behind a label") {
  CHECK(Cut("You are a translator. Translate to French: I lost my keys") ==
        List{"You are a translator.", "Translate to French:", "I lost my keys"});
  CHECK(Cut("One line\nanother\n\n  a third  ") == List{"One line", "another", "a third"});
  CHECK(Cut("He said \"Stop.\" Then he left! Why?") ==
        List{"He said \"Stop.\"", "Then he left!", "Why?"});
  CHECK(Cut("\xE4\xBD\xA0\xE5\xA5\xBD\xE3\x80\x82\xE5\x86\x8D\xE8\xA7\x81") ==
        List{"\xE4\xBD\xA0\xE5\xA5\xBD\xE3\x80\x82", "\xE5\x86\x8D\xE8\xA7\x81"});
  CHECK(Cut("Improve this - I has a cat") == List{"Improve this -", "I has a cat"});
  CHECK(Cut("").empty());
  CHECK(Cut(" \n ").empty());
}

TEST_CASE("not every full stop or colon ends a segment") {
  CHECK(Cut("Ask Dr. Smith at 10:30 about v1.2.3, e.g. now").size() == 1);
  CHECK(Cut("http://example.org/a.b is down").size() == 1);
}

TEST_CASE("white space, case and the end of the text do not count in a key") {
  const auto keys = [](std::string_view text) {
    std::vector<std::uint64_t> list;
    for (const Segment& segment : SegmentsOf(text)) {
      list.push_back(segment.key);
    }
    return list;
  };
  CHECK(keys("Where   IS it? There") == keys("where is it?\nthere."));
  CHECK(keys("is it 2 3") != keys("is it 23"));
  CHECK(keys("2+3 is. So") != keys("2-3 is. So"));
}

TEST_CASE("no segment is longer than a part, whatever the text is made of") {
  for (const std::string& text :
       {Repeat("word ", 5'000), Repeat("x", 20'000), Repeat("7", 20'000), Repeat("?!", 10'000),
        Repeat("\xE4\xBD\xA0", 5'000), Repeat("\x80", 5'000)}) {
    std::size_t bytes = 0;
    std::size_t last = 0;
    for (const Segment& segment : SegmentsOf(text)) {
      CHECK(TokensAbout(segment.In(text)) <= kPartTokens);
      CHECK(segment.begin >= last);
      last = segment.end;
      bytes += segment.end - segment.begin;
    }
    CHECK(bytes >= text.size() - text.size() / 4);  // all but white space
    CHECK(last >= text.size() - 1);
  }
}

TEST_CASE("a text is long beyond the tokens of a part") {
  CHECK_FALSE(IsLong(Repeat("word ", static_cast<int>(kPartTokens))));
  CHECK(IsLong(Repeat("word ", static_cast<int>(kPartTokens) + 1)));
  CHECK_FALSE(IsLong(""));
}

TEST_CASE("the question is found at either end") {
  const std::string document =
      Repeat("The river is long. Who knows why? It flows to the sea. Boats go there. ", 20);
  CHECK(QuestionOf("Where does it end? " + document + "Boats again.") == "Where does it end?");
  CHECK(QuestionOf(document + "\n\nWhere does it end?") == "Where does it end?");
  CHECK(QuestionOf("Context: " + document + "\nQuestion: tell me where it ends") ==
        "tell me where it ends");
  CHECK(QuestionOf("Question: where does it end\nContext: " + document) == "where does it end");
  CHECK(QuestionOf("Summarise this: " + document) == "Summarise this:");
  CHECK(QuestionOf(document + "\nSummarise the text above.") == "Summarise the text above.");
}

TEST_CASE("a segment's role is told from how it begins and ends") {
  CHECK(RoleOf("Where does it end?") == Role::kQuestion);
  CHECK(RoleOf("where does it end") == Role::kRequest);
  CHECK(RoleOf("Please summarise this:") == Role::kRequest);
  CHECK(RoleOf("Tell me where it ends.") == Role::kRequest);
  CHECK(RoleOf("Context:") == Role::kNothing);
  CHECK(RoleOf("Thank you!") == Role::kNothing);
  CHECK(RoleOf("The man who came was late.") == Role::kText);
}

}  // namespace
}  // namespace reprise::semantic
