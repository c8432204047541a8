#include "server/cache/classify.h"

#include <catch2/catch.hpp>

#include "server/text/normalize.h"

namespace reprise::cache {
namespace {

std::string TypeOf(std::string_view prompt, const config::CacheOptions& options = {}) {
  std::string normalized;
  REQUIRE(text::Normalize(prompt, normalized).ok());
  return std::string(Classify(normalized, options).type);
}

TEST_CASE("questions whose answer changes by the hour are live") {
  for (const char* prompt :
       {"What is the weather in Paris?", "who won TODAY?", "what's the latest version of Node",
        "How are the prices of eggs?", "What time is it right now?", "Is it raining now",
        "the newest phone", "What is in the news."}) {
    INFO(prompt);
    CHECK(TypeOf(prompt) == "live");
  }
}

TEST_CASE("orders are live, questions about the same verb are not") {
  for (const char* prompt : {"delete my account", "Please send this to Bob", "book a table for two",
                             "Could you please cancel the order"}) {
    INFO(prompt);
    CHECK(TypeOf(prompt) == "live");
  }
  for (const char* prompt :
       {"How do I delete a file in Python?", "What is a book?", "why do people send letters",
        "Explain RAII", "snow and knowledge", "a priceless painting"}) {
    INFO(prompt);
    CHECK(TypeOf(prompt) == "general");
  }
}

TEST_CASE("pasted text in the middle of a long prompt does not make it live") {
  const std::string pasted(2'000, 'x');
  CHECK(TypeOf("summarize " + pasted + " today " + pasted) == "general");
  CHECK(TypeOf("summarize " + pasted + " what happened today") == "live");
  CHECK(TypeOf("today's list: " + pasted) == "general");
  CHECK(TypeOf("today " + pasted) == "live");
}

TEST_CASE("the operator's rules come before the built-in ones, the first one decides") {
  config::CacheOptions options;
  options.types.push_back({.name = "faq"});
  options.rules = {"faq: Opening  hours", "codePattern: write a * function",
                   "general: weather * paris", "faq: *"};
  CHECK(TypeOf("What are your opening hours today?", options) == "faq");
  CHECK(TypeOf("Write a fast and short function", options) == "codePattern");
  CHECK(TypeOf("write a function", options) == "codePattern");
  CHECK(TypeOf("the weather in lovely Paris", options) == "general");
  CHECK(TypeOf("delete it", options) == "faq");
  CHECK(Classify("opening hours", options).reason ==
        "the rule \"faq: Opening  hours\" (cache.rules)");
}

TEST_CASE("a pattern is words in order, with stars for words and for parts of words") {
  CHECK(MatchesPattern("please deploy it", "deploy"));
  CHECK(MatchesPattern("redeployed", "*deploy*"));
  CHECK(MatchesPattern("deploying", "deploy*"));
  CHECK_FALSE(MatchesPattern("redeploy", "deploy*"));
  CHECK(MatchesPattern("redeploy", "*deploy"));
  CHECK_FALSE(MatchesPattern("deploy", "deploys"));
  CHECK(MatchesPattern("a b a b c", "a b c"));
  CHECK_FALSE(MatchesPattern("a b a c", "a b c"));
  CHECK(MatchesPattern("a x y c", "a * c"));
  CHECK(MatchesPattern("a c", "a * c"));
  CHECK_FALSE(MatchesPattern("c a", "a * c"));
  CHECK(MatchesPattern("stop, (really) now", "stop really now"));
  CHECK(MatchesPattern("grüsse an alle", "GRÜSSE"));  // As Normalize folds it.
  CHECK(MatchesPattern("", "*"));
  CHECK_FALSE(MatchesPattern("", "a"));
}

TEST_CASE("a bypass rule is told by its pattern") {
  config::CacheOptions options;
  CHECK(BypassRule("my secret", options).empty());
  options.bypass_rules = {"password", "secret"};
  CHECK(BypassRule("my secret", options) == "secret");
  CHECK(BypassRule("my secretary", options).empty());
}

TEST_CASE("without the type live there are no built-in rules") {
  config::CacheOptions options;
  options.types = {{.name = "general"}};
  CHECK(TypeOf("what is the weather", options) == "general");
}

}  // namespace
}  // namespace reprise::cache
