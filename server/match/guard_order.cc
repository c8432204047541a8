// Owns the roles of words around the words that give a direction.
#include "server/match/guard_order.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

namespace reprise::match {
namespace {

// Words around a word of direction, nearest first.
struct Link {
  std::string_view relation;  // canonical: "to" also stands for into and a turned from
  std::vector<std::size_t> left;
  std::vector<std::size_t> right;
};

// Those who do and those to whom it is done.
bool Carries(const Word& word) {
  return word.IsContent() || word.kind != Kind::kPlain || word.canon == "i" || word.canon == "you";
}

// "when", "if": another clause, though no comma may stand there.
bool BeginsClause(const Word& word) {
  constexpr std::string_view kWords[] = {"when", "if", "because", "while", "that", "where"};
  return std::find(std::begin(kWords), std::end(kWords), word.folded) != std::end(kWords);
}

std::vector<std::size_t> Before(const Words& words, std::size_t at, std::size_t most) {
  std::vector<std::size_t> found;
  for (std::size_t i = at; i-- > 0 && found.size() < most && !BeginsClause(words.list[i]);) {
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
    if (words.list[i].Is(mark::kClause) || BeginsClause(words.list[i])) {
      break;
    }
    if (Carries(words.list[i])) {
      found.push_back(i);
    }
  }
  return found;
}

// "to skip": what follows is a verb, not where something goes.
bool IsInfinitive(const Words& words, std::size_t at) {
  constexpr std::string_view kVerbs[] = {"be",   "do",   "have",  "make",   "get",  "let",
                                         "see",  "find", "keep",  "use",    "tell", "say",
                                         "take", "give", "avoid", "prevent"};
  return at + 1 < words.list.size() && std::find(std::begin(kVerbs), std::end(kVerbs),
                                                 words.list[at + 1].folded) != std::end(kVerbs);
}

// "must not be connected until": not before.
bool IsUnderNot(const Words& words, std::size_t at) {
  for (std::size_t i = at; i-- > 0;) {
    if (words.list[i].Has(trait::kNegation)) {
      return true;
    }
    if (words.list[i].Is(mark::kClause)) {
      return false;
    }
  }
  return false;
}

// "before or after": both.
bool IsEither(const Words& words, std::size_t at) {
  const auto is_or = [&](std::size_t near) {
    return near < words.list.size() &&
           (words.list[near].folded == "or" || words.list[near].folded == "and");
  };
  return is_or(at + 1) || is_or(at - 1);
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
      links.push_back({"to", std::move(origin), std::move(target)});
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

// Words around which an exchange of the nearest two says something else.
bool IsPlainRelation(std::string_view folded) {
  constexpr std::string_view kRelations[] = {"of",      "on",     "onto",  "behind", "for",
                                             "through", "by",     "as",    "given",  "under",
                                             "with",    "inside", "above", "below",  "against"};
  return std::find(std::begin(kRelations), std::end(kRelations), folded) != std::end(kRelations);
}

std::vector<Link> LinksOf(const Words& words) {
  std::vector<Link> links;
  const bool replaces =
      HasWord(words, "replace") || HasWord(words, "swap") || HasWord(words, "exchange");
  for (std::size_t i = 0; i < words.list.size() && links.size() < kLinksMax; ++i) {
    const std::string& folded = words.list[i].folded;
    if (IsEither(words, i) || (folded == "to" && IsInfinitive(words, i))) {
      continue;
    }
    if (folded == "to" || folded == "into" || (folded == "in" && IsConversion(words, i))) {
      links.push_back({"to", Before(words, i, 2), Behind(words, i, 2)});
    } else if (folded == "from") {
      AddFrom(words, i, links);
      links.push_back({"from", Before(words, i, 1), Behind(words, i, 1)});
    } else if (folded == "than" || folded == "over") {
      links.push_back({"than", Before(words, i, 4), Behind(words, i, 4)});
    } else if (folded == "until" && IsUnderNot(words, i)) {
      links.push_back({"before", Behind(words, i, 3), Before(words, i, 3)});
    } else if (folded == "before" || folded == "until") {
      links.push_back({"before", Before(words, i, 3), Behind(words, i, 3)});
    } else if (folded == "after" || folded == "since") {
      links.push_back({"before", Behind(words, i, 3), Before(words, i, 3)});
    } else if (folded == "instead") {
      links.push_back({"instead", Before(words, i, 3), Behind(words, i, 3)});
    } else if ((folded == "with" || folded == "by" || folded == "for") && replaces) {
      links.push_back({"with", Before(words, i, 2), Behind(words, i, 2)});
    } else if (IsPlainRelation(folded)) {
      links.push_back({folded, Before(words, i, 1), Behind(words, i, 1)});
    }
  }
  return links;
}

bool ArePartners(const Pairing& pairing, std::size_t stored, std::size_t asked) {
  return pairing.stored.partner[stored] == static_cast<std::int32_t>(asked) ||
         pairing.asked.partner[asked] == static_cast<std::int32_t>(stored);
}

// Whether a word of one has its partner in the other.
bool Meets(const Pairing& pairing, const std::vector<std::size_t>& stored,
           const std::vector<std::size_t>& asked) {
  return std::any_of(stored.begin(), stored.end(), [&](std::size_t one) {
    return std::any_of(asked.begin(), asked.end(),
                       [&](std::size_t other) { return ArePartners(pairing, one, other); });
  });
}

// The word of one that has its partner in the other.
std::optional<std::size_t> Meeting(const Pairing& pairing, const std::vector<std::size_t>& stored,
                                   const std::vector<std::size_t>& asked) {
  const auto met = std::find_if(stored.begin(), stored.end(),
                                [&](std::size_t one) { return Meets(pairing, {one}, asked); });
  return met == stored.end() ? std::nullopt : std::optional(*met);
}

// "a string to an integer in Java" and "an integer to a string in Java": two words have changed
// places, whatever else stands around them.
bool IsCrossed(const Pairing& pairing, const Link& here, const Link& there) {
  const auto to_right = Meeting(pairing, here.left, there.right);
  const auto to_left = Meeting(pairing, here.right, there.left);
  return here.relation == there.relation && to_right.has_value() && to_left.has_value() &&
         !Meets(pairing, {*to_right}, there.left) && !Meets(pairing, {*to_left}, there.right);
}

bool IsStraight(const Pairing& pairing, const Link& here, const Link& there) {
  return here.relation == there.relation && Meets(pairing, here.left, there.left) &&
         Meets(pairing, here.right, there.right);
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
  // "before entering and after leaving": the other one is its counterpart.
  const auto has_straight = [&](const Link& one) {
    return one.relation == "before" &&
           std::any_of(there.begin(), there.end(),
                       [&](const Link& other) { return IsStraight(pairing, one, other); });
  };
  for (const Link& one : here) {
    for (const Link& other : there) {
      if (IsCrossed(pairing, one, other) && !has_straight(one)) {
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
  bool by = false;
  bool linked = false;  // a preposition stands between the word and what follows
};

constexpr std::size_t kRoleReach = 2;
constexpr double kRolesShare = 0.75;  // below it, a turn is another wording

bool IsParticiple(const Words& words, std::size_t at) {
  const std::string_view folded = words.list[at].folded;
  const std::string_view verb = folded.substr(0, folded.find('_'));
  return verb.ends_with("ed") || verb.ends_with("en") || verb.ends_with("ght");
}

// "is the strength measured": a form of "be" in front of a participle.
bool IsPassive(const Words& words, std::size_t at) {
  const bool by = at + 1 < words.list.size() && words.list[at + 1].folded == "by";
  if (!by && !IsParticiple(words, at)) {
    return false;
  }
  for (std::size_t i = at; i-- > 0 && i + 7 > at;) {
    if (words.list[i].canon == "be" || words.list[i].folded == "gets" ||
        words.list[i].folded == "get") {
      return true;
    }
  }
  return false;
}

Roles RolesOf(const Words& words, std::size_t at) {
  Roles roles{Before(words, at, kRoleReach), Behind(words, at, kRoleReach), false, false, false};
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
    roles.by = roles.by || words.list[i].folded == "by";
  }
  roles.linked = at + 1 < words.list.size() &&
                 (IsPlainRelation(words.list[at + 1].folded) || words.list[at + 1].folded == "to");
  roles.passive = IsPassive(words, at) || (roles.by && IsParticiple(words, at));
  roles.by = roles.by && roles.passive;
  return roles;
}

// Keywords stand in any order; roles need a sentence.
bool IsSentence(const Words& words) {
  return words.asks != Asks::kNothing ||
         std::any_of(words.list.begin(), words.list.end(), [](const Word& word) {
           return word.canon == "i" || word.canon == "you" || word.Has(trait::kPerson);
         });
}

// The same word between the same two, the other way round; or the same way round but passive.
std::optional<Exchange> FindCrossedRoles(const Pairing& pairing) {
  const Side& side = pairing.stored;
  if (!IsSentence(*side.words) || !IsSentence(*pairing.asked.words)) {
    return std::nullopt;
  }
  for (std::size_t i = 0; i < side.size(); ++i) {
    const bool verb =
        side.bond[i] == Bond::kSame && side.At(i).kind == Kind::kPlain && side.At(i).IsContent();
    if (!verb) {
      continue;
    }
    const Roles here = RolesOf(*side.words, i);
    const Roles there = RolesOf(*pairing.asked.words, static_cast<std::size_t>(side.partner[i]));
    const bool crossed =
        IsCrossed(pairing, {"", here.left, here.right}, {"", there.left, there.right});
    const bool straight =
        Meets(pairing, here.left, there.left) && Meets(pairing, here.right, there.right);
    const bool exchanged = crossed && here.passive == there.passive && here.linked == there.linked;
    const bool turned =
        straight && !crossed && here.by != there.by && here.passive != there.passive;
    if (exchanged || turned) {
      return Exchange{Show(*side.words, {"to", here.left, here.right}),
                      Show(*pairing.asked.words, {"to", there.left, there.right})};
    }
  }
  return std::nullopt;
}

// What "from" (or "to", "into") points at when the text has no arrow of the other direction.
std::vector<std::size_t> Targets(const Words& words, bool from) {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < words.list.size() && found.size() < kLinksMax; ++i) {
    const std::string& folded = words.list[i].folded;
    const bool is_from = folded == "from";
    const bool is_to = folded == "to" || folded == "into" || folded == "onto";
    if (from ? is_to : is_from) {
      return {};
    }
    if (from ? is_from : is_to) {
      const auto next = Behind(words, i, 1);
      found.insert(found.end(), next.begin(), next.end());
    }
  }
  return found;
}

// "from French" and "into French".
std::optional<Exchange> FindTurnedArrow(const Pairing& pairing) {
  const Words& stored = *pairing.stored.words;
  const Words& asked = *pairing.asked.words;
  if (Meets(pairing, Targets(stored, true), Targets(asked, false))) {
    return Exchange{"from", "to"};
  }
  if (Meets(pairing, Targets(stored, false), Targets(asked, true))) {
    return Exchange{"to", "from"};
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
    return one.relation == "than" &&
           std::any_of(there.begin(), there.end(),
                       [&](const Link& other) { return IsCrossed(pairing, one, other); });
  });
}

}  // namespace

bool HasTimeLinksAlike(const Pairing& pairing) {
  const auto here = LinksOf(*pairing.stored.words);
  const auto there = LinksOf(*pairing.asked.words);
  return std::any_of(here.begin(), here.end(), [&](const Link& one) {
    return one.relation == "before" &&
           std::any_of(there.begin(), there.end(), [&](const Link& other) {
             return other.relation == "before" && Meets(pairing, one.left, other.left) &&
                    Meets(pairing, one.right, other.right);
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
  if (found.has_value() || PairedShare(pairing) < kRolesShare) {
    return found;
  }
  found = FindCrossedRoles(pairing);
  return found.has_value() ? found : FindTurnedArrow(pairing);
}

}  // namespace reprise::match
