#include "server/spend/match_rule.h"

#include <catch2/catch.hpp>

namespace reprise::spend {
namespace {

using base::Value;

MatchRule Rule(const Value& value) {
  return MatchRuleFrom(value).value();
}

TEST_CASE("rules match names as price files mean it, without regard to case") {
  CHECK(Rule(Value::Map{{"equals", "GPT-4o"}}).Matches("gpt-4o"));
  CHECK_FALSE(Rule(Value::Map{{"equals", "gpt-4o"}}).Matches("gpt-4o-mini"));
  CHECK(Rule(Value::Map{{"starts_with", "gpt-4o"}}).Matches("gpt-4o-mini"));
  CHECK(Rule(Value::Map{{"ends_with", "mini"}}).Matches("gpt-4o-mini"));
  CHECK(Rule(Value::Map{{"contains", "4o"}}).Matches("gpt-4o-mini"));
  const MatchRule both = Rule(Value::Map{
      {"and", Value::Array{Value::Map{{"starts_with", "gpt"}},
                           Value::Map{{"or", Value::Array{Value::Map{{"contains", "5"}},
                                                          Value::Map{{"equals", "gpt"}}}}}}}});
  CHECK(both.Matches("gpt"));
  CHECK(both.Matches("gpt-5"));
  CHECK_FALSE(both.Matches("gpt-4"));
  CHECK_FALSE(both.Matches("5"));
  CHECK(Rule(ToValue(both)).Matches("gpt-5"));
}

TEST_CASE("patterns for dates are read, others are refused or counted") {
  const auto pattern = [](const char* text) { return Rule(Value::Map{{"regex", text}}); };
  const MatchRule dated = pattern("^grok-4\\.3-\\d{8}$");
  CHECK(dated.Matches("grok-4.3-20260101"));
  CHECK_FALSE(dated.Matches("grok-4.3-2026010"));
  CHECK_FALSE(dated.Matches("grok-4.3-202601011"));
  CHECK_FALSE(dated.Matches("grok-4x3-20260101"));
  CHECK_FALSE(dated.Matches("my-grok-4.3-20260101"));
  CHECK(pattern("^flash-\\d").Matches("flash-1-anything"));
  CHECK(pattern("v\\d").Matches("model-v2"));
  CHECK_FALSE(pattern("v\\d").Matches("model-v"));
  for (const char* text :
       {"^o[134]", "a.*b", "(a|b)", "a+", "\\w", "\\", "a{", "a{0}", "^", "$", "a$b", "a{999}"}) {
    INFO(text);
    CHECK_FALSE(MatchRuleFrom(Value::Map{{"regex", text}}).ok());
    std::uint64_t skipped = 0;
    const auto rule = MatchRuleFrom(Value::Map{{"regex", text}}, &skipped);
    REQUIRE(rule.ok());
    CHECK(skipped == 1);
    CHECK_FALSE(rule.value().Matches("o1"));
    CHECK_FALSE(rule.value().Matches(""));
  }
}

TEST_CASE("rules are bounded in depth and number, and malformed ones are refused") {
  Value deep = Value::Map{{"equals", "a"}};
  for (int i = 0; i < kRuleDepthMax; ++i) {
    deep = Value::Map{{"or", Value::Array{deep}}};
  }
  CHECK(MatchRuleFrom(deep).error().code == base::Code::kTooLarge);
  Value::Array many(kRulePartsMax, Value::Map{{"equals", "a"}});
  CHECK(MatchRuleFrom(Value::Map{{"or", many}}).error().code == base::Code::kTooLarge);
  for (const Value& bad :
       {Value(), Value("a"), Value(Value::Map{}), Value(Value::Map{{"is", "a"}}),
        Value(Value::Map{{"equals", 5}}), Value(Value::Map{{"equals", ""}}),
        Value(Value::Map{{"equals", std::string(kRuleTextBytesMax + 1, 'x')}}),
        Value(Value::Map{{"and", Value::Array{}}}), Value(Value::Map{{"or", "a"}}),
        Value(Value::Map{{"equals", "a"}, {"contains", "b"}})}) {
    CHECK_FALSE(MatchRuleFrom(bad).ok());
  }
}

TEST_CASE("an alias is a name with a star at either end") {
  CHECK(AliasRule("m-1").Matches("m-1"));
  CHECK_FALSE(AliasRule("m-1").Matches("m-10"));
  CHECK(AliasRule("m-1-*").Matches("m-1-20260101"));
  CHECK(AliasRule("*/m-1").Matches("vendor/m-1"));
  CHECK(AliasRule("*m-1*").Matches("vendor/m-1:free"));
}

}  // namespace
}  // namespace reprise::spend
