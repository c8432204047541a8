// The rows of this module: what is written is read again, and nothing else is.
#include <limits>

#include <catch2/catch.hpp>

#include "server/routing/catalogue.h"
#include "server/routing/model_card.h"
#include "server/routing/outcome_row.h"
#include "server/routing/reader.h"
#include "server/routing/tallies.h"

namespace reprise::routing {
namespace {

// No beginning of a row, and no row with a byte behind it, is a row.
template <typename Parse>
void CheckOnlyWhole(const std::string& row, const Parse& parse) {
  CHECK(parse(row));
  for (std::size_t size = 0; size < row.size(); ++size) {
    CAPTURE(size);
    REQUIRE_FALSE(parse(row.substr(0, size)));
  }
  CHECK_FALSE(parse(row + '\0'));
  std::string other = row;
  other[0] = 99;  // the version
  CHECK_FALSE(parse(other));
}

TEST_CASE("an outcome is read as it was written") {
  OutcomeRow row;
  row.at = base::UnixMillis{1'700'000'000'123};
  row.type = "maths";
  row.excerpt = "Wie viele Äpfel?";
  std::vector<float> vector(512, 0);
  vector[3] = 1;
  row.features = Reader().Read({.text = "How many apples are 3 and 4?",
                                .vector = vector,
                                .is_use_lite = true,
                                .embedder = 7,
                                .context_tokens = 100,
                                .answer_tokens = 10});
  row.labels = {{"cheap", 0.25F, 0, 1}, {"dear", 1, 1, 2}};
  REQUIRE(row.features.has_place());
  const std::string bytes = row.Format();
  CHECK(OutcomeRow::Parse(bytes).value() == row);
  CheckOnlyWhole(bytes, [](const std::string& read) { return OutcomeRow::Parse(read).ok(); });
}

TEST_CASE("outcomes stand in the order of their numbers, each namespace by itself") {
  const storage::NamespaceId home{1};
  CHECK(OutcomeKey(home, 255) < OutcomeKey(home, 256));
  CHECK(OutcomeKey(home, 256).starts_with(OutcomesPrefix(home)));
  CHECK_FALSE(OutcomeKey(storage::NamespaceId{2}, 1).starts_with(OutcomesPrefix(home)));
  CHECK(NumberOfOutcome(OutcomeKey(home, 77'000)).value() == 77'000);
  CHECK(NumberOfOutcome(OutcomeKey(home, 1) + "x").error().code == base::Code::kCorrupt);
}

TEST_CASE("an excerpt is cut between code points") {
  const std::string long_prompt(kExcerptBytesMax - 1, 'a');
  CHECK(ExcerptOf(long_prompt + "ä") == long_prompt);
  CHECK(ExcerptOf(long_prompt) == long_prompt);
  CHECK(ExcerptOf("ä") == "ä");
  CHECK(ExcerptOf("").empty());
}

TEST_CASE("a card is read as it was written, with and without what may be missing") {
  ModelCard card;
  card.name = "m";
  CHECK(ModelCard::Parse("m", card.Format()).value() == card);
  card.provider = "acme";
  card.prices = Prices{1, 2, 3};
  card.context_tokens = 128'000;
  card.capabilities = kTools | kReasons;
  card.latency_ms = 900;
  card.strength = 0.75;
  const std::string bytes = card.Format();
  CHECK(ModelCard::Parse("m", bytes).value() == card);
  CheckOnlyWhole(bytes, [](const std::string& row) { return ModelCard::Parse("m", row).ok(); });
}

TEST_CASE("a call's cost rounds a fraction up once, and does not overflow") {
  CHECK(CostOf({1, 1, 0}, {1, 0, 1}) == 1);
  CHECK(CostOf({150'000'000, 600'000'000, 75'000'000}, {1'000, 400, 10}) ==
        600 * 150 + 400 * 75 + 10 * 600);
  CHECK(CostOf({kPriceMax, kPriceMax, 0}, {kTokensMax, 0, kTokensMax}) ==
        std::numeric_limits<std::int64_t>::max());
  // More cached tokens than input is all of it.
  CHECK(CostOf({1'000'000, 0, 500'000}, {10, 20, 0}) == 5);
}

TEST_CASE("capabilities have names, and no others") {
  const std::vector<std::string_view> names{"vision", "tools"};
  CHECK(CapabilitiesNamed(names).value() == (kTools | kVision));
  CHECK(NamesOf(kAllCapabilities) ==
        std::vector<std::string_view>{"tools", "vision", "json", "reasoning"});
  const std::vector<std::string_view> unknown{"dreams"};
  CHECK(CapabilitiesNamed(unknown).error().code == base::Code::kBadRequest);
}

TEST_CASE("tallies are read as they were written, and other models share a place") {
  Tallies tallies;
  tallies.decisions = 3;
  tallies.levels = {1, 2, 3, 4};
  tallies.scores[4] = {10, 4.5, 5};
  tallies.judged_quality = 2.5;
  for (std::size_t i = 0; i < kModelsMax + 5; ++i) {
    ++tallies.Of("m" + std::to_string(i)).chosen;
  }
  CHECK(tallies.models.size() == kModelsMax + 1);
  CHECK(tallies.Of(kOtherModel).chosen == 5);
  const std::string bytes = tallies.Format();
  CHECK(Tallies::Parse(bytes).value().Format() == bytes);
  CHECK(Tallies::Parse(bytes).value().scores[4].failed == 5);
  CheckOnlyWhole(bytes, [](const std::string& row) { return Tallies::Parse(row).ok(); });
}

TEST_CASE("the calibration error is the mean distance of scores from what happened") {
  Tallies tallies;
  CHECK(tallies.CalibrationError() == 0);
  tallies.scores[1] = {10, 1.5, 2};  // 0.15 said, 0.2 happened
  tallies.scores[8] = {30, 25.5, 24};
  CHECK(tallies.CalibrationError() == Approx((0.5 + 1.5) / 40));
}

}  // namespace
}  // namespace reprise::routing
