#include "server/cache/accounts.h"

#include <algorithm>
#include <utility>

namespace reprise::cache {
namespace {

struct Bucket {
  std::int64_t below;
  std::uint64_t Counters::*field;
};
constexpr std::array kAgesMs{Bucket{60'000, &Counters::hits_under_minute_old},
                             Bucket{3'600'000, &Counters::hits_under_hour_old},
                             Bucket{86'400'000, &Counters::hits_under_day_old}};
constexpr std::array kMicros{Bucket{10, &Counters::lookups_under_10_micros},
                             Bucket{100, &Counters::lookups_under_100_micros},
                             Bucket{1'000, &Counters::lookups_under_1_ms},
                             Bucket{10'000, &Counters::lookups_under_10_ms},
                             Bucket{100'000, &Counters::lookups_under_100_ms}};

template <std::size_t kCount>
std::uint64_t Counters::*BucketFor(const std::array<Bucket, kCount>& buckets, std::int64_t number,
                                   std::uint64_t Counters::*beyond) {
  for (const Bucket& bucket : buckets) {
    if (number < bucket.below) {
      return bucket.field;
    }
  }
  return beyond;
}

std::uint64_t Counters::*HitsOf(Tier tier) {
  switch (tier) {
    case Tier::kExact:
      return &Counters::hits_exact;
    case Tier::kNormalized:
      return &Counters::hits_normalized;
    case Tier::kSemantic:
      break;
  }
  return &Counters::hits_semantic;
}

std::uint64_t Counters::*FieldOf(const Decision& decision) {
  switch (decision.kind) {
    case DecisionKind::kHit:
    case DecisionKind::kStale:
      return HitsOf(decision.tier.value_or(Tier::kExact));
    case DecisionKind::kMiss:
      return &Counters::misses;
    case DecisionKind::kBypass:
      return &Counters::bypasses;
    case DecisionKind::kRefused:
      break;
  }
  return &Counters::refused_fills;
}

// The reasons that are counted besides the kind.
std::uint64_t Counters::*FieldOf(Reason reason) {
  switch (reason) {
    case Reason::kWaited:
      return &Counters::followers;
    case Reason::kExpired:
      return &Counters::misses_expired;
    case Reason::kTooOld:
      return &Counters::misses_too_old;
    case Reason::kInvalidated:
      return &Counters::misses_invalidated;
    case Reason::kPolicy:
      return &Counters::misses_by_policy;
    case Reason::kGuarded:
      return &Counters::misses_guarded;
    case Reason::kUnsure:
      return &Counters::misses_unsure;
    case Reason::kBarred:
      return &Counters::misses_barred;
    case Reason::kNoVector:
      return &Counters::misses_no_vector;
    case Reason::kVerify:
      return &Counters::misses_to_verify;
    case Reason::kTemplate:
      return &Counters::misses_template;
    case Reason::kContext:
      return &Counters::misses_context;
    case Reason::kTooLong:
      return &Counters::misses_too_long;
    case Reason::kStored:
    case Reason::kUnknown:
    case Reason::kAskedFor:
    case Reason::kNoAnswer:
    case Reason::kTooLarge:
    case Reason::kNoLease:
      break;
  }
  return nullptr;
}

std::uint64_t NotNegative(std::int64_t number) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(number, 0));
}

// What a decision adds to each of its accounts, worked out once.
class Additions {
 public:
  explicit Additions(const Decision& decision) : decision_(decision), kind_(FieldOf(decision)) {
    if (const auto field = FieldOf(decision.reason); field != nullptr) {
      reason_ = field;
    }
    is_served_ = decision.kind == DecisionKind::kHit || decision.kind == DecisionKind::kStale;
    if (is_served_) {
      age_ = BucketFor(kAgesMs, decision.age_ms, &Counters::hits_older);
    }
    if (decision.micros.has_value()) {
      time_ = BucketFor(kMicros, *decision.micros, &Counters::lookups_longer);
    }
  }

  void AddTo(Counters& counters) const {
    ++(counters.*kind_);
    if (reason_ != nullptr) {
      ++(counters.*reason_);
    }
    if (is_served_) {
      Raise(counters.tokens_saved_in, decision_.worth.tokens_in);
      Raise(counters.tokens_saved_out, decision_.worth.tokens_out);
      Raise(counters.cost_saved_nano, decision_.worth.cost_nano);
      Raise(counters.hit_age_ms, NotNegative(decision_.age_ms));
      ++(counters.*age_);
      counters.stale += decision_.kind == DecisionKind::kStale ? 1 : 0;
    }
    if (time_ != nullptr) {
      Raise(counters.lookup_micros, NotNegative(*decision_.micros));
      ++(counters.*time_);
    }
    if (decision_.waited_ms.has_value()) {
      Raise(counters.follower_wait_ms, NotNegative(*decision_.waited_ms));
    }
    if (decision_.shadow.has_value()) {
      ++counters.shadow_hits;
      Raise(counters.shadow_cost_nano, decision_.shadow->cost_nano);
    }
  }

  bool is_served() const { return is_served_; }

 private:
  using Field = std::uint64_t Counters::*;

  const Decision& decision_;
  Field kind_;
  Field reason_ = nullptr;
  Field age_ = nullptr;
  Field time_ = nullptr;
  bool is_served_ = false;
};

// Where an account of each dimension gets what is not told apart.
std::string_view RestOf(Dimension dimension) {
  switch (dimension) {
    case Dimension::kType:
      return kNoType;
    case Dimension::kModel:
      return kUnknownModel;
    case Dimension::kBot:
      break;
  }
  return kUnnamedBot;
}

}  // namespace

AccountNumber AccountTable::NumberOf(std::string_view name) {
  // Names that differ do so at their ends, mostly ("bot-17"); a wrong guess costs a walk of the
  // map.
  const std::size_t tail = name.size() < 2 ? name.size()
                                           : static_cast<unsigned char>(name.back()) * 31U +
                                                 static_cast<unsigned char>(name[name.size() - 2]);
  AccountNumber& memo = memo_[(tail + name.size()) % kMemoSlots];
  if (memo < accounts_.size() && accounts_[memo]->name == name) {
    return memo;
  }
  if (const auto found = numbers_.find(name); found != numbers_.end()) {
    return memo = found->second;
  }
  const std::size_t reserved = numbers_.contains(kOtherAccount) ? 0 : 1;
  if (accounts_.size() + reserved >= accounts_max_ && name != kOtherAccount) {
    return NumberOf(kOtherAccount);
  }
  accounts_.push_back(std::make_unique<Account>());
  accounts_.back()->name = name;
  memo = static_cast<AccountNumber>(accounts_.size() - 1);
  numbers_.emplace(accounts_.back()->name, memo);
  return memo;
}

Counters& AccountTable::Change(AccountNumber number) {
  accounts_[number]->changed = true;
  return accounts_[number]->counters;
}

Counters AccountTable::Sum() const {
  Counters sum;
  for (const auto& account : accounts_) {
    sum.Add(account->counters);
  }
  return sum;
}

std::vector<AccountStats> AccountTable::All() const {
  std::vector<AccountStats> all;
  all.reserve(accounts_.size());
  for (const auto& account : accounts_) {
    all.push_back({account->name, account->counters});
  }
  return all;
}

std::vector<std::string_view> AccountTable::Names() const {
  std::vector<std::string_view> names;
  names.reserve(accounts_.size());
  for (const auto& account : accounts_) {
    names.emplace_back(account->name);
  }
  return names;
}

std::vector<AccountNumber> AccountTable::TakeChanged() {
  std::vector<AccountNumber> changed;
  for (std::size_t i = 0; i < accounts_.size(); ++i) {
    if (std::exchange(accounts_[i]->changed, false)) {
      changed.push_back(static_cast<AccountNumber>(i));
    }
  }
  return changed;
}

void AccountTable::Load(std::string_view name, const Counters& counters) {
  accounts_[NumberOf(name)]->counters.Add(counters);
}

void AccountTable::Forget() {
  for (const auto& account : accounts_) {
    account->counters = Counters();
    account->changed = false;
  }
}

Accounts::Accounts(LogShare& share, std::uint64_t seed) : log_(share, seed) {}

template <typename Self>
auto& Accounts::TableIn(Self& self, Dimension dimension) {
  switch (dimension) {
    case Dimension::kType:
      return self.types_;
    case Dimension::kModel:
      return self.models_;
    case Dimension::kBot:
      break;
  }
  return self.bots_;
}

const AccountTable& Accounts::in(Dimension dimension) const {
  return TableIn(*this, dimension);
}

template <typename Change>
void Accounts::InEach(AccountNumber type, AccountNumber model, AccountNumber bot,
                      const Change& change) {
  change(types_.Change(type));
  change(models_.Change(model));
  change(bots_.Change(bot));
  dirty_ = true;
}

void Accounts::Count(AccountNumber type, AccountNumber model, const Decision& decision) {
  const AccountNumber bot = bots_.NumberOf(decision.bot);
  const Additions additions(decision);
  InEach(type, model, bot, [&additions](Counters& counters) { additions.AddTo(counters); });
  if (additions.is_served()) {
    CountSaving({type, model, bot, decision.tier.value_or(Tier::kExact)}, decision.worth,
                decision.now);
  }
  const std::uint32_t sample_ppm = log_.Draw();
  if (sample_ppm == 0) {
    return;
  }
  DecisionRecord record;
  record.time = decision.now;
  record.entry = decision.entry;
  record.worth = decision.worth;
  record.sample_ppm = sample_ppm;
  record.type = type;
  record.model = model;
  record.bot = bot;
  record.kind = decision.kind;
  record.tier = decision.tier;
  record.reason = decision.reason;
  log_.Add(record);
}

void Accounts::CountSaving(const Savings::Key& key, const Worth& worth, base::UnixMillis now) {
  Savings::Key place = key;
  if (!savings_.HasRoomFor(key)) {
    place = {types_.NumberOf(kOtherAccount), models_.NumberOf(kOtherAccount),
             bots_.NumberOf(kOtherAccount), key.tier};
  }
  savings_.Add(place, worth, now);
  savings_changed_ = true;
}

std::vector<SavingSum> Accounts::NamedSavings() const {
  std::vector<SavingSum> sums;
  for (const auto& [key, sum] : savings_.All()) {
    sums.push_back({key.tier, std::string(types_.NameOf(key.type)),
                    std::string(models_.NameOf(key.model)), std::string(bots_.NameOf(key.bot)),
                    sum.hits, sum.tokens_in, sum.tokens_out, sum.cost_nano});
  }
  return sums;
}

Accounts::TakenSavings Accounts::TakeSavings() {
  TakenSavings taken{NamedSavings(), life_};
  savings_.Clear();
  savings_changed_ = false;  // whoever takes them deletes the row
  return taken;
}

void Accounts::PutBackSavings(const TakenSavings& taken, base::UnixMillis now) {
  if (taken.life == life_) {
    LoadSavings(taken.sums, now);
    savings_changed_ = true;
    dirty_ = true;
  }
}

void Accounts::LoadSavings(const std::vector<SavingSum>& sums, base::UnixMillis now) {
  for (const SavingSum& sum : sums) {
    savings_.Add(
        {types_.NumberOf(sum.type), models_.NumberOf(sum.model), bots_.NumberOf(sum.bot), sum.tier},
        Savings::Sum{sum.hits, sum.tokens_in, sum.tokens_out, sum.cost_nano}, now);
  }
}

void Accounts::CountStore(AccountNumber type, AccountNumber model, std::string_view bot) {
  InEach(type, model, bots_.NumberOf(bot), [](Counters& counters) { ++counters.stores; });
}

void Accounts::TakeBackStore(AccountNumber type, AccountNumber model, std::string_view bot) {
  InEach(type, model, bots_.NumberOf(bot), [](Counters& counters) {
    counters.stores -= counters.stores > 0 ? 1 : 0;  // Forget may have been there meanwhile.
  });
}

void Accounts::CountEviction(AccountNumber type, AccountNumber model) {
  InEach(type, model, bots_.NumberOf(kServerBot), [](Counters& counters) { ++counters.evictions; });
}

Accounts::Unwritten Accounts::Take() {
  Unwritten unwritten;
  unwritten.life = life_;
  unwritten.log = log_.Take();
  if (!unwritten.log.records.empty()) {
    unwritten.names = {types_.Names(), models_.Names(), bots_.Names()};
  }
  for (const Dimension dimension : kDimensions) {
    AccountTable& table = TableIn(*this, dimension);
    auto& changed = unwritten.changed[static_cast<std::size_t>(dimension)];
    for (const AccountNumber number : table.TakeChanged()) {
      changed.push_back({std::string(table.NameOf(number)), table.at(number)});
    }
  }
  if (std::exchange(savings_changed_, false)) {
    unwritten.savings = NamedSavings();
  }
  dirty_ = false;
  return unwritten;
}

void Accounts::Written(const Unwritten& unwritten) {
  if (unwritten.life != life_) {
    log_.Discard(unwritten.log);
    return;
  }
  log_.Written(unwritten.log);
}

void Accounts::PutBack(Unwritten unwritten) {
  if (unwritten.life != life_) {
    log_.Discard(unwritten.log);
    return;
  }
  for (const Dimension dimension : kDimensions) {
    AccountTable& table = TableIn(*this, dimension);
    for (const AccountStats& account : unwritten.changed[static_cast<std::size_t>(dimension)]) {
      table.Change(table.NumberOf(account.name));
    }
  }
  log_.PutBack(std::move(unwritten.log));
  savings_changed_ = savings_changed_ || unwritten.savings.has_value();
  dirty_ = true;
}

void Accounts::Load(Dimension dimension, std::string_view name, const Counters& counters) {
  TableIn(*this, dimension).Load(name, counters);
}

void Accounts::Balance() {
  Counters most;
  for (const Dimension dimension : kDimensions) {
    const Counters sum = in(dimension).Sum();
    for (const CounterField& row : kCounterFields) {
      most.*row.field = std::max(most.*row.field, sum.*row.field);
    }
  }
  for (const Dimension dimension : kDimensions) {
    AccountTable& table = TableIn(*this, dimension);
    const Counters sum = table.Sum();
    if (sum == most) {
      continue;
    }
    Counters& rest = table.Change(table.NumberOf(RestOf(dimension)));
    for (const CounterField& row : kCounterFields) {
      Raise(rest.*row.field, most.*row.field - sum.*row.field);
    }
    dirty_ = true;
  }
}

void Accounts::Forget() {
  for (const Dimension dimension : kDimensions) {
    TableIn(*this, dimension).Forget();
  }
  log_.Forget();
  savings_.Clear();
  savings_changed_ = false;
  dirty_ = false;
  ++life_;
}

std::string AccountsPrefix(storage::NamespaceId id, Dimension dimension) {
  const std::string home = std::to_string(static_cast<std::uint32_t>(id)) + "/";
  switch (dimension) {
    case Dimension::kType:
      break;
    case Dimension::kModel:
      return "cache_accounts/" + home + "m";
    case Dimension::kBot:
      return "cache_accounts/" + home + "b";
  }
  return CountersPrefix(id);
}

}  // namespace reprise::cache
