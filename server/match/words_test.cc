// How questions are read: tokens, numbers, dates, names, negation, the kind of question.
#include "server/match/words.h"

#include <random>
#include <string>
#include <string_view>

#include <catch2/catch.hpp>

#include "server/match/guards.h"
#include "server/match/spelling.h"
#include "server/match/stem.h"
#include "server/match/tokens.h"

namespace reprise::match {
namespace {

// The canonical forms of what says something.
std::string Content(std::string_view text) {
  std::string forms;
  for (const Word& word : ReadWords(text).list) {
    if (word.IsContent()) {
      forms += (forms.empty() ? "" : " ") + word.canon;
    }
  }
  return forms;
}

Kind KindOf(std::string_view text, std::string_view folded) {
  for (const Word& word : ReadWords(text).list) {
    if (word.folded == folded) {
      return word.kind;
    }
  }
  FAIL("no such word: " << folded);
  return Kind::kPlain;
}

bool Marked(std::string_view text, std::string_view folded, std::uint16_t marks) {
  for (const Word& word : ReadWords(text).list) {
    if (word.folded == folded && word.Is(marks)) {
      return true;
    }
  }
  return false;
}

TEST_CASE("one is a pronoun where it counts nothing") {
  CHECK(Marked("merge them into one", "one", mark::kPronoun));
  CHECK(Marked("between one branch and another", "one", mark::kPronoun));
  CHECK(!Marked("one of the branches", "one", mark::kPronoun));
  CHECK(!Marked("one or two branches", "one", mark::kPronoun));
  CHECK(!Marked("one branch", "one", mark::kPronoun));
}

TEST_CASE("the forms of a word have one stem, and other words another") {
  for (const auto& [one, other] :
       {std::pair<std::string_view, std::string_view>{"cancelling", "cancelled"},
        {"hoping", "hope"},
        {"hopping", "hop"},
        {"files", "file"},
        {"cities", "city"},
        {"boxes", "box"},
        {"using", "use"},
        {"tried", "try"},
        {"connection", "connect"},
        {"quickly", "quick"},
        {"filling", "fill"},
        {"installs", "install"}}) {
    INFO(one << " " << other);
    CHECK(Stem(one) == Stem(other));
  }
  for (const auto& [one, other] : {std::pair<std::string_view, std::string_view>{"plan", "plane"},
                                   {"file", "fill"},
                                   {"care", "car"},
                                   {"code", "cod"},
                                   {"faster", "fast"}}) {
    INFO(one << " " << other);
    CHECK(Stem(one) != Stem(other));
  }
}

TEST_CASE("contractions, variants and phrases fold to one form") {
  CHECK(Content("What's the price of JS courses in NYC?") ==
        Content("what is the cost of javascript courses in New York City"));
  CHECK(Content("how do I log in") == Content("How to login?"));
  CHECK(Content("please could you fix my pc") == Content("repair my computer"));
  CHECK(Content("tell us about gravity") == Content("tell me about gravity"));
  CHECK(Content("prices in the US") == "price united_states");
}

TEST_CASE("bytes of a word are those of the text") {
  const std::string text = "Fly to “New York City” in 2 h";
  for (const Word& word : ReadWords(text).list) {
    REQUIRE(word.begin < word.end);
    REQUIRE(word.end <= text.size());
  }
  const Words words = ReadWords(text);
  CHECK(text.substr(words.list[2].begin, words.list[2].end - words.list[2].begin) ==
        "New York City");
  CHECK(words.list[2].quote == 1);
}

TEST_CASE("kinds of words") {
  CHECK(KindOf("see https://a.example/b?c=d now", "https://a.example/b?c=d") == Kind::kUrl);
  CHECK(KindOf("open ./run.sh", "./run.sh") == Kind::kUrl);
  CHECK(KindOf("what is max_length", "max_length") == Kind::kCode);
  CHECK(KindOf("call foo()", "foo") == Kind::kCode);
  CHECK(KindOf("use --force", "--force") == Kind::kCode);
  CHECK(KindOf("learn node.js", "node.js") == Kind::kPlain);
  CHECK(KindOf("learn c++ now", "c++") == Kind::kPlain);
  CHECK(KindOf("python 3.11", "3.11") == Kind::kVersion);
  CHECK(KindOf("at 3pm", "900") == Kind::kClock);
  CHECK(KindOf("in 2024", "2024") == Kind::kDate);
  CHECK(KindOf("for 2024 euros", "2024") == Kind::kNumber);
  CHECK(KindOf("3 kg", "kg") == Kind::kUnit);
  CHECK(KindOf("the second chapter", "second") == Kind::kNumber);
  CHECK(KindOf("5 requests per second", "second") == Kind::kUnit);
  CHECK(KindOf("mp3 player", "mp3") == Kind::kPlain);
}

TEST_CASE("names are capitals inside a sentence, unless all is in capitals") {
  CHECK(Marked("who is Ada Lovelace", "lovelace", mark::kName));
  CHECK(Marked("is NASA hiring", "nasa", mark::kName));
  CHECK(!Marked("Cooking is fun", "cook", mark::kName));
  CHECK(!Marked("HOW DO I COOK RICE", "rice", mark::kName));
  CHECK(!Marked("How To Cook Rice Well Today", "rice", mark::kName));
}

TEST_CASE("a negation marks the word it is about, two cancel out") {
  CHECK(Marked("foods that are not safe", "safe", mark::kNegated));
  CHECK(Marked("my phone isn't charging", "charging", mark::kNegated));
  CHECK(Marked("pasta without eggs", "eggs", mark::kNegated));
  CHECK(!Marked("it is not that I never smoke", "smoke", mark::kNegated));
  CHECK(!Marked("I don't know the way", "know", mark::kNegated));
  CHECK(Marked("I don't know the password", "password", mark::kMissed));
  CHECK(Marked("it changes nothing on disk", "changes", mark::kNegated));
  CHECK(Marked("keep it from drying out", "drying", mark::kNegated));
  CHECK(Marked("it hardly works", "works", mark::kNegated));
  CHECK(Marked("what must you not do when it burns", "do", mark::kNegated));
  CHECK(!Marked("a hard exam", "exam", mark::kNegated));
  CHECK(!Marked("a rare steak", "steak", mark::kNegated));
  CHECK(!Marked("it is not open until May", "open", mark::kNegated));
  CHECK(Marked("why isn't my grid centered", "grid", mark::kFloating));
  CHECK(!Marked("my grid is not centered", "centered", mark::kFloating));
}

TEST_CASE("what is asked for") {
  CHECK(ReadWords("How many moons has Mars?").asks == Asks::kHowMany);
  CHECK(ReadWords("Is it ok when it rains?").asks == Asks::kYesNo);
  CHECK(ReadWords("hi, why is it dark").asks == Asks::kWhy);
  CHECK(ReadWords("Explain gravity").asks == Asks::kWhat);
  CHECK(ReadWords("translate this").asks == Asks::kTask);
  CHECK(ReadWords("reset password iphone").asks == Asks::kNothing);
  CHECK(ReadWords("when will it rain").tense == Tense::kFuture);
  CHECK(ReadWords("when did it rain").tense == Tense::kPast);
}

TEST_CASE("slips of the keyboard are one word, other words are not") {
  CHECK(IsSlip("shakespeare", "shakespere"));
  CHECK(IsSlip("teh1", "the1") == false);
  CHECK(IsSlip("form", "from"));
  CHECK(!IsSlip("mp3", "mp4"));
  CHECK(!IsSlip("cat", "car"));
  CHECK(EditDistance("abcd", "acbd", 2) == 1);
  CHECK(EditDistance("abcd", "wxyz", 2) == 3);
  CHECK(EditDistance("", "", 1) == 0);
}

TEST_CASE("text is read up to the limits and says so") {
  std::string text;
  for (std::size_t i = 0; i < kTokensMax; ++i) {
    text += "a ";
  }
  CHECK(!ReadWords(text.substr(0, text.size() - 1)).cut);
  CHECK(ReadWords(text + "a").cut);
  CHECK(ReadWords(std::string(kTextBytesMax, ' ')).list.empty());
  CHECK(!ReadWords(std::string(kTextBytesMax, ' ')).cut);
  CHECK(ReadWords(std::string(kTextBytesMax + 1, ' ')).cut);
}

TEST_CASE("random bytes are judged, and alike from both sides") {
  std::mt19937 random(20241);  // NOLINT(bugprone-random-generator-seed): the same texts each time
  const std::string_view pieces[] = {"not ",   "Rome ", "to ",       "from ",   "5 ",        "kg ",
                                     "\xff",   "\xc3",  "é",         "“",       "\"",        "'",
                                     "1/2 ",   "3:15 ", "2024-1-1 ", "$",       "%",         "n't ",
                                     "can't ", "二",    "half a ",   "second ", "http://x ", "a_b ",
                                     "`",      "than ", "before ",   "May ",    "0.0.0 "};
  for (int round = 0; round < 300; ++round) {
    std::string texts[2];
    for (std::string& text : texts) {
      for (auto i = random() % 24; i > 0; --i) {
        if (random() % 3 == 0) {
          text += static_cast<char>(random() % 256);
        } else {
          text += pieces[random() % std::size(pieces)];
        }
      }
    }
    const Words stored = ReadWords(texts[0]);
    const Words asked = ReadWords(texts[1]);
    const Verdicts here = Judge(stored, asked);
    const Verdicts there = Judge(asked, stored);
    for (std::size_t i = 0; i < kGuards; ++i) {
      INFO(texts[0] << " / " << texts[1] << " / " << NameOf(here[i].guard));
      REQUIRE(here[i].guard == static_cast<Guard>(i));
      CHECK(here[i].pass == there[i].pass);
      CHECK(here[i].veto == there[i].veto);
    }
    CHECK(FindVeto(Judge(stored, stored)) == nullptr);
  }
}

}  // namespace
}  // namespace reprise::match
