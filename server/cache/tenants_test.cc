// Two namespaces that ask and answer the same questions: nothing of one ever reaches the other.
//
// Every value carries a canary: whose it is, and for which identity and question. A walk of random
// operations keeps a model of what must be found, and looks for canaries of others in all that it
// is given. Then each check that keeps them apart is tried alone, on rows that were forged as if
// two hashes had met. tests/mutants takes the checks out one by one and expects this file to fail.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <random>
#include <tuple>

#include <catch2/catch.hpp>

#include "protocol/wire/decode.h"
#include "protocol/wire/json.h"
#include "server/cache/cache.h"

namespace reprise::cache {
namespace {

using storage::NamespaceId;

constexpr NamespaceId kOne{1};
constexpr NamespaceId kTwo{2};

// The prompts of a class are one question in the tier `normalized`.
constexpr std::array<std::array<std::string_view, 2>, 4> kPrompts{
    {{"What is RAII?", "what is raii"},
     {"What is RAID?", "what is RAID"},
     {"2+2?", " 2+2 "},
     {"2+3?", "2+3"}}};
constexpr std::array<std::string_view, 3> kIdentities{"", R"({"model": "a"})", R"({"model": "b"})"};
constexpr std::array<std::string_view, 3> kTypes{"general", "research", "factLookup"};
constexpr std::array<std::string_view, 2> kTags{"x", "y"};

struct Where {
  std::uint32_t home = 1;
  std::size_t identity = 0;
  std::size_t kind = 0;      // which question
  std::size_t spelling = 0;  // of it

  std::string_view Prompt() const { return kPrompts.at(kind).at(spelling); }
  std::string Canary() const {
    return "canary of " + std::to_string(home) + ", identity " + std::to_string(identity) +
           ", question " + std::to_string(kind) + ", ";
  }
  bool operator<(const Where& other) const {
    return std::tie(home, identity, kind, spelling) <
           std::tie(other.home, other.identity, other.kind, other.spelling);
  }
};

std::string Packed(std::string_view json) {
  return json.empty() ? std::string() : wire::Encode(wire::FromJson(json).value());
}

std::string TextIn(std::string_view response) {
  return std::string(wire::Decode(response).value().AsText().value());
}

struct Bench {
  Bench() {
    storage::StoreOptions store_options;
    store_options.engine = storage::EngineKind::kMemory;
    store = storage::Store::OpenWithClock(store_options, clock).value();
    for (config::QueryType& type : options.types) {
      type.ttl_ms = 1'000'000'000;  // Nothing is missed because of its age.
    }
    Reload();
  }
  void Reload() { cache = Cache::Load(*store, {kOne, kTwo}, clock).value(); }

  template <typename Body>
  void Write(const Body& body) const {
    REQUIRE(store
                ->Run([&](storage::Transaction& transaction) -> base::Status {
                  body(transaction);
                  return base::Ok{};
                })
                .ok());
  }
  Question Asked(const Where& where) const {
    return {NamespaceId{where.home}, where.Prompt(), identities.at(where.identity), "general"};
  }
  Stored Put(const Question& question, const Answer& answer) const {
    std::optional<Stored> stored;
    Write([&](storage::Transaction& transaction) {
      stored = cache->Store(question, answer, options, transaction).value();
    });
    return *stored;
  }
  std::optional<Found> Look(const Question& question) const {
    const storage::View view(*store, clock.Now(), storage::ReadMode::kDisk);
    auto outcome = cache->Lookup(question, {}, options, view);
    REQUIRE(outcome.ok());
    return std::move(outcome).value().found;
  }

  base::FakeClock clock;
  config::CacheOptions options;
  std::array<std::string, kIdentities.size()> identities{
      Packed(kIdentities[0]), Packed(kIdentities[1]), Packed(kIdentities[2])};
  std::unique_ptr<storage::Store> store;
  std::unique_ptr<Cache> cache;
};

struct Entry {
  std::string text;
  std::size_t type = 0;
  std::size_t tag = 0;
  std::string model;
};

class Walk;

// Somebody who waits, and knows what it may be given.
class Follower final : public Waiter {
 public:
  Follower(Walk& walk, const Where& where) : walk_(walk), where_(where) {}
  void Wake(const Wakeup& wakeup) override;
  void Chunk(std::uint32_t index, std::string_view chunk) override;

 private:
  Walk& walk_;
  const Where where_;
};

class Walk {
 public:
  explicit Walk(std::uint64_t seed) : chance_(seed) {}

  void Step() {
    const Where where = Anywhere();
    switch (Below(20)) {
      case 0:
      case 1:
      case 2:
        return Put(where);
      case 3:
      case 4:
      case 5:
      case 6:
      case 7:
      case 8:
        return Look(where);
      case 9:
      case 10:
      case 11:
        return Fetch(where);
      case 12:
      case 13:
      case 14:
        return UseLease();
      case 15:
        return Steal();
      case 16:
        return Invalidate(where);
      case 17:
        return Remove(where);
      case 18:
        return Below(20) == 0 ? DropAll(where) : Look(where);
      default:
        return Below(50) == 0 ? Restart() : Look(where);
    }
  }

  // What is stored under the prefix of a namespace is its own.
  void ReadAllRows() {
    for (const std::uint32_t home : {1U, 2U}) {
      const auto prefix = storage::PrefixOf(NamespaceId{home});
      const std::string foreign = "canary of " + std::to_string(3 - home);
      const storage::ScanRequest all{.family = storage::Family::kEntries,
                                     .prefix = {prefix.data(), prefix.size()},
                                     .after = ""};
      REQUIRE(bench_.store
                  ->Scan(all, storage::kNever,
                         [&](const storage::ScanRow& row) {
                           ++rows_;
                           leaks_ += row.value.find(foreign) != std::string_view::npos ? 1U : 0U;
                           return true;
                         })
                  .ok());
    }
    foreign_ += bench_.cache->Total().foreign_bodies;
  }

  void Judge(const Where& where, std::string_view response) {
    ++answers_;
    leaks_ += TextIn(response).starts_with(where.Canary()) ? 0U : 1U;
  }
  void Took(const Where& where, const Lease& lease) { leases_.push_back({where, lease.token}); }

  std::size_t leaks() const { return leaks_; }
  std::size_t lost() const { return lost_; }
  std::size_t stolen() const { return stolen_; }
  std::size_t answers() const { return answers_; }
  std::size_t rows() const { return rows_; }
  std::uint64_t foreign() const { return foreign_; }

 private:
  struct Holding {
    Where where;
    std::string token;
  };

  std::size_t Below(std::size_t bound) { return chance_() % bound; }
  Where Anywhere() {
    return {1 + static_cast<std::uint32_t>(Below(2)), Below(kIdentities.size()),
            Below(kPrompts.size()), Below(2)};
  }
  std::string NewText(const Where& where) { return where.Canary() + std::to_string(++made_); }

  // Stores an answer and notes what is in it.
  Stored Store(const Where& where, const std::string& text) {
    const Entry entry{text, Below(kTypes.size()), Below(kTags.size()),
                      "m" + std::to_string(Below(2))};
    const std::string response = wire::Encode(base::Value(text));
    const std::string tags = wire::Encode(base::Value::Array{kTags.at(entry.tag)});
    Question question = bench_.Asked(where);
    question.type = kTypes.at(entry.type);
    known_[where] = entry;
    return bench_.Put(question, {response, entry.model, tags, {}, {1, 2, 3}});
  }

  void Put(const Where& where) { (void)Store(where, NewText(where)); }

  void Look(const Where& where) {
    const auto found = bench_.Look(bench_.Asked(where));
    if (found.has_value()) {
      Judge(where, found->body.response);
    }
    const auto known = known_.find(where);
    if (known == known_.end()) {
      return;
    }
    lost_ += found.has_value() && TextIn(found->body.response) == known->second.text ? 0U : 1U;
  }

  void Fetch(const Where& where) {
    FlightQuestion question =
        bench_.cache->Ask(bench_.Asked(where), Tier::kNormalized, bench_.options).value();
    JoinRequest request;
    request.owner = 1 + Below(5);
    request.may_lead = Below(5) != 0;
    request.wants_chunks = Below(2) == 0;
    request.lease_ms = 60'000;
    const auto lease = bench_.cache->flights().Join(std::move(question), request,
                                                    std::make_shared<Follower>(*this, where));
    if (lease.ok() && lease.value().has_value()) {
      Took(where, *lease.value());
    }
  }

  void UseLease() {
    if (leases_.empty()) {
      return;
    }
    const std::size_t which = Below(leases_.size());
    const Holding holding = leases_[which];
    const NamespaceId home{holding.where.home};
    Flights& flights = bench_.cache->flights();
    const std::string text = NewText(holding.where);
    const std::size_t what = Below(3);
    if (what == 0) {  // Its connection may have gone, or the namespace was emptied.
      (void)flights.Append(home, holding.token, wire::Encode(base::Value(text)), 1'000'000).ok();
      return;
    }
    leases_.erase(leases_.begin() + static_cast<std::ptrdiff_t>(which));
    if (what == 1) {
      (void)flights.Abandon(home, holding.token).ok();
      return;
    }
    if (!flights.BeginFill(home, holding.token).ok()) {
      return;
    }
    const Stored stored = Store(holding.where, text);
    auto filled = std::make_shared<Filled>();
    filled->exact = stored.exact;
    filled->id = stored.id;
    filled->response = wire::Encode(base::Value(text));
    flights.EndFill(holding.token, filled);
  }

  // A lease that another namespace holds is none.
  void Steal() {
    if (leases_.empty()) {
      return;
    }
    const Holding& holding = leases_[Below(leases_.size())];
    const NamespaceId other{3 - holding.where.home};
    Flights& flights = bench_.cache->flights();
    stolen_ += flights.Renew(other, holding.token).ok() ? 1U : 0U;
    stolen_ += flights.Append(other, holding.token, "\xc0", 1'000'000).ok() ? 1U : 0U;
    stolen_ += flights.BeginFill(other, holding.token).ok() ? 1U : 0U;
    stolen_ += flights.Abandon(other, holding.token).ok() ? 1U : 0U;
    stolen_ += flights.Fail(other, holding.token, "e", 1000).ok() ? 1U : 0U;
  }

  template <typename Test>
  void Forget(std::uint32_t home, const Test& test) {
    std::erase_if(known_,
                  [&](const auto& item) { return item.first.home == home && test(item.second); });
  }

  void Invalidate(const Where& where) {
    const std::string model = "m" + std::to_string(Below(2));
    Label label{LabelKind::kModel, model};
    if (Below(2) == 0) {
      label = {LabelKind::kTag, kTags.at(Below(kTags.size()))};
    } else if (Below(2) == 0) {
      label = {LabelKind::kType, kTypes.at(Below(kTypes.size()))};
    }
    bench_.Write([&](storage::Transaction& transaction) {
      bench_.cache->Invalidate(NamespaceId{where.home}, label, transaction);
    });
    Forget(where.home, [&](const Entry& entry) {
      return label.kind == LabelKind::kModel ? entry.model == label.name
             : label.kind == LabelKind::kTag ? kTags.at(entry.tag) == label.name
                                             : kTypes.at(entry.type) == label.name;
    });
  }

  void Remove(const Where& where) {
    bench_.Write([&](storage::Transaction& transaction) {
      REQUIRE(bench_.cache->Remove(bench_.Asked(where), bench_.options, transaction).ok());
    });
    known_.erase(where);
  }

  void DropAll(const Where& where) {
    bench_.Write([&](storage::Transaction& transaction) {
      bench_.cache->Drop(NamespaceId{where.home}, Below(2) == 0, transaction);
    });
    Forget(where.home, [](const Entry&) { return true; });
  }

  void Restart() {
    ReadAllRows();
    bench_.cache->flights().DropAll();
    leases_.clear();
    bench_.Reload();
  }

  std::mt19937_64 chance_;
  Bench bench_;
  std::map<Where, Entry> known_;
  std::vector<Holding> leases_;
  std::size_t made_ = 0;
  std::size_t leaks_ = 0;
  std::size_t lost_ = 0;
  std::size_t stolen_ = 0;
  std::size_t answers_ = 0;
  std::size_t rows_ = 0;
  std::uint64_t foreign_ = 0;
};

void Follower::Wake(const Wakeup& wakeup) {
  if (wakeup.kind == Wakeup::Kind::kFilled) {
    walk_.Judge(where_, wakeup.filled->response);
  } else if (wakeup.kind == Wakeup::Kind::kLease) {
    walk_.Took(where_, wakeup.lease);
  }
}

void Follower::Chunk(std::uint32_t /*index*/, std::string_view chunk) {
  walk_.Judge(where_, chunk);
}

std::size_t Operations() {
  const char* asked = std::getenv("REPRISE_TENANT_OPERATIONS");
  return asked != nullptr ? std::strtoull(asked, nullptr, 10) : 5'000;
}

TEST_CASE("in a random walk of two namespaces nothing of one reaches the other") {
  constexpr std::uint64_t kSeed = 20'260'301;
  Walk walk(kSeed);
  const std::size_t operations = Operations();
  for (std::size_t i = 0; i < operations; ++i) {
    walk.Step();
  }
  walk.ReadAllRows();
  std::printf("canary ops=%zu answers=%zu rows=%zu leaks=%zu lost=%zu seed=%llu\n", operations,
              walk.answers(), walk.rows(), walk.leaks(), walk.lost(),
              static_cast<unsigned long long>(kSeed));
  CHECK(walk.leaks() == 0);
  CHECK(walk.lost() == 0);
  CHECK(walk.stolen() == 0);
  CHECK(walk.foreign() == 0);
  CHECK(walk.answers() > operations / 10);
}

// What a forged row says instead of what was stored.
struct Forged {
  NamespaceId home = kOne;
  std::string_view identity{};
  std::string_view prompt = "What is RAII?";
};

// Stores an answer, then replaces its large row as if the hash of another question had met this
// one.
std::string Served(const Bench& bench, const Forged& forged, std::string_view asked_prompt) {
  const std::string response = wire::Encode(base::Value("secret"));
  const Stored stored = bench.Put({kOne, "What is RAII?", "", ""}, {response, "", "", {}, {}});
  const Body body{forged.home, stored.id, forged.identity, forged.prompt, response, "", ""};
  bench.Write([&](storage::Transaction& transaction) {
    transaction.Put(storage::Family::kEntries, ViewOf(BodyKey(kOne, stored.exact)),
                    FormatBody(body), stored.expires_at);
  });
  const auto found = bench.Look({kOne, asked_prompt, "", ""});
  return found.has_value() ? TextIn(found->body.response) : "miss";
}

TEST_CASE("a row of another namespace is not served where it should not be, and is counted") {
  const Bench bench;
  CHECK(Served(bench, {}, "What is RAII?") == "secret");
  CHECK(bench.cache->Total().foreign_bodies == 0);
  CHECK(Served(bench, {.home = kTwo}, "What is RAII?") == "miss");
  CHECK(bench.cache->Stats(kOne).foreign_bodies >= 1);
}

TEST_CASE("an answer whose stored identity is another one is not served") {
  const Bench bench;
  CHECK(Served(bench, {.identity = "\xa1i"}, "What is RAII?") == "miss");
  CHECK(Served(bench, {.identity = "\xa1i"}, "what is raii") == "miss");
}

TEST_CASE("an answer whose stored prompt is another one is not served, in either tier") {
  const Bench bench;
  CHECK(Served(bench, {.prompt = "what is raii"}, "what is raii") == "secret");  // normalized
  CHECK(Served(bench, {.prompt = "Delete it?"}, "What is RAII?") == "miss");
  CHECK(Served(bench, {.prompt = "Delete it?"}, "what is raii") == "miss");
}

TEST_CASE("each field that keeps questions apart is in both of their keys") {
  const KeyHasher hasher(std::string(KeyHasher::kSecretBytes, 's'));
  CHECK(hasher.Exact(kOne, "i", "p") != hasher.Exact(kTwo, "i", "p"));
  CHECK(hasher.Exact(kOne, "i", "p") != hasher.Exact(kOne, "j", "p"));
  CHECK(hasher.Exact(kOne, "i", "p") != hasher.Exact(kOne, "i", "q"));
  CHECK(hasher.Normalized(kOne, "i", "p") != hasher.Normalized(kTwo, "i", "p"));
  CHECK(hasher.Normalized(kOne, "i", "p") != hasher.Normalized(kOne, "j", "p"));
  CHECK(hasher.Normalized(kOne, "i", "p") != hasher.Normalized(kOne, "i", "q"));
}

}  // namespace
}  // namespace reprise::cache
