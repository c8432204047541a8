// Owns the roles of words around the words that give a direction.
#include "server/match/guard_order.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

namespace reprise::match {
namespace {

enum class Relation : std::uint8_t { kTo, kThan, kBefore, kInstead, kWith };

// Words around a word of direction, nearest first.
struct Link {
  Relation relation;
  std::vector<std::size_t> left;
  std::vector<std::size_t> right;
};

bool Carries(const Word& word) {
  return word.IsContent() || word.kind != Kind::kPlain || word.Has(trait::kPerson);
}

std::vector<std::size_t> Before(const Words& words, std::size_t at, std::size_t most) {
  std::vector<std::size_t> found;
  for (std::size_t i = at; i-- > 0 && found.size() < most;) {
    if (Carries(words.list[i]) && !words.list[i].Has(trait::kRank)) {
      found.push_back(i);
    }
    if (words.list[i].Is(mark::kClause)) {
      break;
    }
  }
  return found;
}

std::vector<std::size_t> Behind(const Words& words, std::size_t at, std::size_t most) {
  std::vector<std::size_t> found;
  for (std::size_t i = at + 1; i < words.list.size() && found.size() < most; ++i) {
    if (words.list[i].Is(mark::kClause)) {
      break;
    }
    if (Carries(words.list[i])) {
      found.push_back(i);
    }
  }
  return found;
}

bool HasWord(const Words& words, std::string_view canon) {
  return std::any_of(words.list.begin(), words.list.end(),
                     [&](const Word& word) { return word.canon == canon; });
}

// "to Y from X" is "from X to Y".
void AddFrom(const Words& words, std::size_t at, std::vector<Link>& links) {
  for (std::size_t i = at; i-- > 0 && i + 5 > at;) {
    if (words.list[i].folded == "to") {
      auto target = Behind(words, i, 1);
      auto origin = Behind(words, at, 1);
      links.push_back({Relation::kTo, std::move(origin), std::move(target)});
      return;
    }
  }
}

// "10 usd in eur".
bool IsConversion(const Words& words, std::size_t at) {
  constexpr std::uint32_t kMeasure = trait::kUnit | trait::kCurrency;
  return at > 0 && at + 1 < words.list.size() && words.list[at - 1].Has(kMeasure) &&
         words.list[at + 1].Has(kMeasure);
}

std::vector<Link> LinksOf(const Words& words) {
  std::vector<Link> links;
  const bool replaces =
      HasWord(words, "replace") || HasWord(words, "swap") || HasWord(words, "exchange");
  for (std::size_t i = 0; i < words.list.size() && links.size() < kLinksMax; ++i) {
    const std::string& folded = words.list[i].folded;
    if (folded == "to" || folded == "into" || (folded == "in" && IsConversion(words, i))) {
      links.push_back({Relation::kTo, Before(words, i, 2), Behind(words, i, 2)});
    } else if (folded == "from") {
      AddFrom(words, i, links);
    } else if (folded == "than" || folded == "over") {
      links.push_back({Relation::kThan, Before(words, i, 4), Behind(words, i, 4)});
    } else if (folded == "before" || folded == "until") {
      links.push_back({Relation::kBefore, Before(words, i, 3), Behind(words, i, 3)});
    } else if (folded == "after" || folded == "since") {
      links.push_back({Relation::kBefore, Behind(words, i, 3), Before(words, i, 3)});
    } else if (folded == "instead") {
      links.push_back({Relation::kInstead, Before(words, i, 3), Behind(words, i, 3)});
    } else if ((folded == "with" || folded == "by" || folded == "for") && replaces) {
      links.push_back({Relation::kWith, Before(words, i, 2), Behind(words, i, 2)});
    }
  }
  return links;
}

// Whether a word of `from` has its partner in `to`.
bool Reaches(const Side& side, const std::vector<std::size_t>& from,
             const std::vector<std::size_t>& to) {
  return std::any_of(from.begin(), from.end(), [&](std::size_t index) {
    const std::int32_t partner = side.partner[index];
    return partner != kNobody &&
           std::find(to.begin(), to.end(), static_cast<std::size_t>(partner)) != to.end();
  });
}

bool IsCrossed(const Side& side, const Link& here, const Link& there) {
  return here.relation == there.relation && Reaches(side, here.left, there.right) &&
         Reaches(side, here.right, there.left);
}

std::string Show(const Words& words, const Link& link) {
  std::string shown;
  for (auto item = link.left.rbegin(); item != link.left.rend(); ++item) {
    shown += words.list[*item].folded + " ";
  }
  shown += ">";
  for (const std::size_t index : link.right) {
    shown += " " + words.list[index].folded;
  }
  return shown;
}

std::optional<Exchange> FindCrossedLink(const Pairing& pairing) {
  const auto here = LinksOf(*pairing.stored.words);
  if (here.empty()) {
    return std::nullopt;
  }
  const auto there = LinksOf(*pairing.asked.words);
  for (const Link& one : here) {
    for (const Link& other : there) {
      if (IsCrossed(pairing.stored, one, other)) {
        return Exchange{Show(*pairing.stored.words, one), Show(*pairing.asked.words, other)};
      }
    }
  }
  return std::nullopt;
}

// The nearest carriers on both sides of a verb-like word, and whether "by" stands behind it.
struct Roles {
  std::vector<std::size_t> left;
  std::vector<std::size_t> right;
  bool passive = false;
};

Roles RolesOf(const Words& words, std::size_t at) {
  Roles roles{Before(words, at, 1), Behind(words, at, 1), false};
  const auto is_choice = [&](std::size_t index) {
    const std::string& folded = words.list[index].folded;
    return folded == "or" || folded == "and" || folded == "but" || folded == "vs" ||
           folded == "versus";
  };
  for (std::size_t i = at > 3 ? at - 3 : 0; i <= at + 3 && i < words.list.size(); ++i) {
    if (is_choice(i)) {
      return {};
    }
  }
  for (std::size_t i = at + 1; i < words.list.size() && i <= at + 2; ++i) {
    roles.passive = roles.passive || words.list[i].folded == "by";
  }
  return roles;
}

// The same word between the same two, the other way round; or the same way round but passive.
std::optional<Exchange> FindCrossedRoles(const Pairing& pairing) {
  const Side& side = pairing.stored;
  for (std::size_t i = 0; i < side.size(); ++i) {
    const bool verb =
        side.bond[i] == Bond::kSame && side.At(i).kind == Kind::kPlain && side.At(i).IsContent();
    if (!verb) {
      continue;
    }
    const Roles here = RolesOf(*side.words, i);
    const Roles there = RolesOf(*pairing.asked.words, static_cast<std::size_t>(side.partner[i]));
    const bool crossed =
        Reaches(side, here.left, there.right) && Reaches(side, here.right, there.left);
    const bool straight =
        Reaches(side, here.left, there.left) && Reaches(side, here.right, there.right);
    if ((crossed && here.passive == there.passive) || (straight && here.passive != there.passive)) {
      return Exchange{Show(*side.words, {Relation::kTo, here.left, here.right}),
                      Show(*pairing.asked.words, {Relation::kTo, there.left, there.right})};
    }
  }
  return std::nullopt;
}

bool HasOppositeRanks(const Pairing& pairing) {
  for (const Word& one : pairing.stored.words->list) {
    for (const Word& other : pairing.asked.words->list) {
      if (one.Has(trait::kRank) && other.Has(trait::kRank) && AreOpposite(one.canon, other.canon)) {
        return true;
      }
    }
  }
  return false;
}

bool CrossesThan(const Pairing& pairing) {
  const auto here = LinksOf(*pairing.stored.words);
  const auto there = LinksOf(*pairing.asked.words);
  return std::any_of(here.begin(), here.end(), [&](const Link& one) {
    return one.relation == Relation::kThan &&
           std::any_of(there.begin(), there.end(),
                       [&](const Link& other) { return IsCrossed(pairing.stored, one, other); });
  });
}

}  // namespace

bool HasTimeLinksAlike(const Pairing& pairing) {
  const auto here = LinksOf(*pairing.stored.words);
  const auto there = LinksOf(*pairing.asked.words);
  return std::any_of(here.begin(), here.end(), [&](const Link& one) {
    return one.relation == Relation::kBefore &&
           std::any_of(there.begin(), there.end(), [&](const Link& other) {
             return other.relation == Relation::kBefore &&
                    Reaches(pairing.stored, one.left, other.left) &&
                    Reaches(pairing.stored, one.right, other.right);
           });
  });
}

bool IsTurnedTwice(const Pairing& pairing) {
  return HasOppositeRanks(pairing) && CrossesThan(pairing);
}

std::optional<Exchange> FindExchange(const Pairing& pairing) {
  if (IsTurnedTwice(pairing)) {
    return std::nullopt;
  }
  auto found = FindCrossedLink(pairing);
  return found.has_value() ? found : FindCrossedRoles(pairing);
}

}  // namespace reprise::match
