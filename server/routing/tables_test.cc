// The bounded tables in memory: decisions, conversations, and who gives when they are full.
#include <catch2/catch.hpp>

#include "server/routing/conversations.h"
#include "server/routing/decisions.h"
#include "server/routing/shares.h"

namespace reprise::routing {
namespace {

constexpr storage::NamespaceId kHome{1};
constexpr storage::NamespaceId kOther{2};
constexpr base::UnixMillis kNow{1'000'000};

Decision DecisionOf(storage::NamespaceId id, base::UnixMillis at = kNow) {
  Decision decision;
  decision.namespace_id = id;
  decision.at = at;
  decision.chosen = "cheap";
  return decision;
}

TEST_CASE("whoever holds most gives, and nobody gives before all is full") {
  Shares shares({.own_max = 4, .total_max = 5});
  for (int i = 0; i < 3; ++i) {
    shares.Add(kHome);
  }
  CHECK_FALSE(shares.WhoGives(kHome).has_value());
  shares.Add(kHome);
  CHECK(shares.WhoGives(kHome) == kHome);  // Its own bound.
  shares.Add(kOther);
  CHECK(shares.WhoGives(kOther) == kHome);
  shares.Remove(kHome, 4);
  CHECK_FALSE(shares.WhoGives(kOther).has_value());
  CHECK(shares.total() == 1);
}

TEST_CASE("a decision is found by its number, in its namespace, in its time") {
  Decisions decisions;
  const std::uint64_t number = decisions.Remember(DecisionOf(kHome), 1'000);
  CHECK(number != 0);
  CHECK(decisions.Find(kHome, number, kNow + 1'000, 1'000)->chosen == "cheap");
  CHECK_FALSE(decisions.Find(kHome, number, kNow + 1'001, 1'000).has_value());
  CHECK_FALSE(decisions.Find(kOther, number, kNow, 1'000).has_value());
  CHECK_FALSE(decisions.Find(kHome, number + 1, kNow, 1'000).has_value());
}

TEST_CASE("old decisions and those of a dropped namespace go") {
  Decisions decisions;
  decisions.Remember(DecisionOf(kHome), 1'000);
  decisions.Remember(DecisionOf(kOther), 1'000);
  const auto later = decisions.Remember(DecisionOf(kHome, kNow + 5'000), 1'000);
  CHECK(decisions.size() == 2);
  decisions.DropNamespace(kHome);
  CHECK(decisions.size() == 1);
  CHECK_FALSE(decisions.Find(kHome, later, kNow + 5'000, 1'000).has_value());
}

TEST_CASE("what was noted of a decision can be taken back") {
  Decisions decisions;
  const std::uint64_t number = decisions.Remember(DecisionOf(kHome), 1'000);
  decisions.Note(number, "cheap", 7);
  decisions.Note(number, "dear", 7);
  CHECK(decisions.Find(kHome, number, kNow, 1'000)->judged.size() == 2);
  decisions.TakeBack(number, "dear", 0);
  CHECK(decisions.Find(kHome, number, kNow, 1'000)->judged == std::vector<std::string>{"cheap"});
  CHECK(decisions.Find(kHome, number, kNow, 1'000)->outcome == 0);
}

TEST_CASE("of too many conversations the one not used for longest goes") {
  Conversations conversations;
  for (std::size_t i = 0; i < kConversationsMax; ++i) {
    conversations.Note(kHome, "c" + std::to_string(i), {"cheap", 1, kNow});
  }
  conversations.Note(kHome, "c0", {"dear", 2, kNow});
  conversations.Note(kHome, "new", {"cheap", 1, kNow});
  CHECK(conversations.Find(kHome, "c0")->model == "dear");
  CHECK_FALSE(conversations.Find(kHome, "c1").has_value());
  CHECK(conversations.Find(kHome, "new").has_value());
  CHECK_FALSE(conversations.Find(kOther, "c0").has_value());
  conversations.DropNamespace(kHome);
  CHECK_FALSE(conversations.Find(kHome, "c0").has_value());
}

}  // namespace
}  // namespace reprise::routing
