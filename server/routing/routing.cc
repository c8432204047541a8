// Routing: opening, namespaces, what Tick writes, what is told.
#include "server/routing/routing.h"

#include <algorithm>
#include <set>
#include <utility>

namespace reprise::routing {
namespace {

using storage::Family;

constexpr std::string_view kTallyRows = "routing_tallies/";
constexpr std::string_view kWeightRows = "routing_weights/";
constexpr std::size_t kChunkBytes = std::size_t{512} << 10U;
constexpr std::size_t kNamespaceBytes = 4;
// Weights are written when so many labels are not in them; a start learns at most that many again.
constexpr std::uint64_t kUnsavedMax = 1'000;
// Fewer wait, but not for ever.
constexpr std::uint64_t kUnsavedSome = 64;
constexpr int kWaitedMax = 300;  // ticks
// Without weights that can be used, the newest labels are learned again.
constexpr std::size_t kRelearnedMax = 20'000;
constexpr double kMillion = 1'000'000;

std::string RowsOf(std::string_view rows, storage::NamespaceId id) {
  const auto prefix = storage::PrefixOf(id);
  return std::string(rows).append(prefix.data(), prefix.size());
}

std::string ChunkKey(storage::NamespaceId id, std::size_t chunk) {
  constexpr unsigned kByteBits = 8;
  std::string key = RowsOf(kWeightRows, id);
  key.push_back(static_cast<char>((chunk >> kByteBits) & 0xFFU));
  key.push_back(static_cast<char>(chunk & 0xFFU));
  return key;
}

// Of a key whose first `prefix` bytes are one of the names above.
std::optional<storage::NamespaceId> NamespaceIn(std::string_view key, std::size_t prefix) {
  if (key.size() < prefix + kNamespaceBytes) {
    return std::nullopt;
  }
  std::uint32_t number = 0;
  for (const char byte : key.substr(prefix, kNamespaceBytes)) {
    number = (number << 8U) | static_cast<unsigned char>(byte);
  }
  return storage::NamespaceId{number};
}

bool IsDue(std::uint64_t unsaved, int waited, bool all) {
  return unsaved >= kUnsavedMax || (unsaved > 0 && all) || waited > kWaitedMax;
}

// Adds the namespaces that have rows of this name.
base::Status FindNamespaces(const storage::Store& store, std::string_view rows,
                            std::set<storage::NamespaceId>& found) {
  // Behind all rows of one namespace: no key goes on so.
  const std::string kBehind(16, '\xff');
  std::string after;
  for (bool more = true; more;) {
    more = false;
    RETURN_IF_ERROR(store.Scan({.family = Family::kMeta, .prefix = rows, .after = after},
                               storage::kNever, [&](const storage::ScanRow& row) {
                                 const auto id = NamespaceIn(row.key, rows.size());
                                 more = id.has_value();
                                 if (more) {
                                   found.insert(*id);
                                   after = RowsOf(rows, *id) + kBehind;
                                 }
                                 return false;
                               }));
  }
  return base::Ok{};
}

}  // namespace

Routing::Routing(storage::Store& store, const config::RoutingOptions& options, std::uint64_t seed)
    : store_(store),
      settings_{.good_enough = static_cast<double>(options.good_enough_ppm) / kMillion},
      seed_(seed),
      outcomes_({static_cast<std::size_t>(base::limits::kRoutingOutcomes.ceiling),
                 static_cast<std::size_t>(options.total_outcomes_max)}) {}

base::Result<std::unique_ptr<Routing>> Routing::Load(storage::Store& store,
                                                     const config::RoutingOptions& options,
                                                     std::uint64_t seed) {
  std::unique_ptr<Routing> routing(new Routing(store, options, seed));
  RETURN_IF_ERROR(routing->catalogue_.Load(store));
  RETURN_IF_ERROR(routing->LoadSpaces());
  return routing;
}

base::Status Routing::LoadSpaces() {
  std::set<storage::NamespaceId> found;
  for (const std::string_view rows : {kTallyRows, kWeightRows, kOutcomeRows}) {
    RETURN_IF_ERROR(FindNamespaces(store_, rows, found));
  }
  for (const storage::NamespaceId id : found) {
    RETURN_IF_ERROR(LoadSpace(id));
  }
  return base::Ok{};
}

base::Status Routing::LoadSpace(storage::NamespaceId id) {
  const HomePtr home = FindOrMake(id);
  std::string weights;
  RETURN_IF_ERROR(
      store_.Scan({.family = Family::kMeta, .prefix = RowsOf(kWeightRows, id), .after = ""},
                  storage::kNever, [&](const storage::ScanRow& row) {
                    weights.append(row.value);
                    ++home->chunks;
                    return true;
                  }));
  // Weights of another version are learned anew from the outcomes.
  (void)(weights.empty() || home->space.Load(weights));
  ASSIGN_OR_RETURN(const auto tallies, store_.Get(Family::kMeta, RowsOf(kTallyRows, id),
                                                  storage::kNever, storage::ReadMode::kDisk));
  if (tallies.has_value()) {
    ASSIGN_OR_RETURN(Tallies parsed, Tallies::Parse(tallies->value()));
    home->space.SetTallies(std::move(parsed));
  }
  return LoadOutcomes(id, *home);
}

base::Status Routing::LoadOutcomes(storage::NamespaceId id, Home& home) {
  const std::uint64_t learned = home.space.learned_event();
  base::Status status = base::Ok{};
  std::vector<std::pair<std::uint64_t, OutcomeRow>> unlearned;
  const auto visit = [&](const storage::ScanRow& row) {
    const auto number = NumberOfOutcome(row.key);
    auto outcome = OutcomeRow::Parse(row.value);
    if (!number.ok() || !outcome.ok()) {
      status = number.ok() ? std::move(outcome).error() : number.error();
      return false;
    }
    home.numbers.push_back(number.value());
    home.next_number = number.value() + 1;
    outcomes_.Add(id);
    home.space.Place(number.value(), outcome.value());
    std::uint64_t last = 0;
    for (const Label& label : outcome.value().labels) {
      last = std::max(last, label.event);
    }
    home.next_event = std::max(home.next_event, last + 1);
    if (last > learned) {
      unlearned.emplace_back(number.value(), std::move(outcome).value());
    }
    return true;
  };
  RETURN_IF_ERROR(store_.Scan({.family = Family::kMeta, .prefix = OutcomesPrefix(id), .after = ""},
                              storage::kNever, visit));
  RETURN_IF_ERROR(status);
  home.next_event = std::max(home.next_event, learned + 1);
  home.outcomes = home.numbers.size();
  Relearn(home, std::move(unlearned), *Models(id));
  return base::Ok{};
}

// In the order in which they were learned.
void Routing::Relearn(Home& home, std::vector<std::pair<std::uint64_t, OutcomeRow>> rows,
                      const Cards& cards) const {
  struct Step {
    std::uint64_t event;
    std::size_t row;
    std::size_t label;
  };
  const std::uint64_t learned = home.space.learned_event();
  std::vector<Step> steps;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const std::vector<Label>& labels = rows[row].second.labels;
    for (std::size_t label = 0; label < labels.size(); ++label) {
      if (labels[label].event > learned) {
        steps.push_back({labels[label].event, row, label});
      }
    }
  }
  std::sort(steps.begin(), steps.end(),
            [](const Step& a, const Step& b) { return a.event < b.event; });
  if (steps.size() > kRelearnedMax) {
    steps.erase(steps.begin(), steps.end() - static_cast<std::ptrdiff_t>(kRelearnedMax));
  }
  for (const Step& step : steps) {
    const auto& [number, row] = rows[step.row];
    home.space.Learn(reader_.Expand(row.features),
                     {number, row.type, row.labels[step.label], &cards});
  }
  home.unsaved = steps.size();
}

Routing::HomePtr Routing::Find(storage::NamespaceId id) const {
  base::MutexLock lock(mutex_);
  const auto found = homes_.find(id);
  return found == homes_.end() ? nullptr : found->second;
}

Routing::HomePtr Routing::FindOrMake(storage::NamespaceId id) {
  base::MutexLock lock(mutex_);
  HomePtr& home = homes_[id];
  if (home == nullptr) {
    home = std::make_shared<Home>(settings_, seed_ + static_cast<std::uint32_t>(id));
  }
  return home;
}

void Routing::DropNamespace(storage::NamespaceId id, storage::Transaction& transaction) {
  catalogue_.DropNamespace(id, transaction);
  transaction.DeletePrefix(Family::kMeta, OutcomesPrefix(id));
  transaction.DeletePrefix(Family::kMeta, RowsOf(kWeightRows, id));
  transaction.Delete(Family::kMeta, RowsOf(kTallyRows, id));
  conversations_.DropNamespace(id);
  decisions_.DropNamespace(id);
  outcomes_.Remove(id, outcomes_.of(id));
  base::MutexLock lock(mutex_);
  homes_.erase(id);
}

bool Routing::HasUnwritten(bool all) {
  base::MutexLock lock(mutex_);
  bool has_some = false;
  for (const auto& [id, home] : homes_) {
    const std::uint64_t unsaved = home->unsaved;
    home->waited = unsaved >= kUnsavedSome ? home->waited + 1 : 0;
    has_some = has_some || home->has_new_tallies || IsDue(unsaved, home->waited, all);
  }
  return has_some;
}

void Routing::Write(bool all, storage::Transaction& transaction) {
  std::map<storage::NamespaceId, HomePtr> homes;
  {
    base::MutexLock lock(mutex_);
    homes = homes_;
  }
  bool has_written = false;
  for (const auto& [id, home] : homes) {
    if (home->has_new_tallies.exchange(false)) {
      transaction.Put(Family::kMeta, RowsOf(kTallyRows, id), home->space.ReadTallies().Format(),
                      storage::kNever);
      transaction.OnAbort([home = home] { home->has_new_tallies = true; });
    }
    // One at a time: others wait for the writer.
    if (IsDue(home->unsaved, home->waited, all) && (all || !has_written)) {
      WriteWeights(id, home, transaction);
      has_written = true;
    }
  }
}

void Routing::WriteWeights(storage::NamespaceId id, const HomePtr& home,
                           storage::Transaction& transaction) {
  const std::uint64_t unsaved = home->unsaved;
  const std::string saved = home->space.Save();
  const std::string_view weights = saved;
  std::size_t chunks = 0;
  for (; chunks * kChunkBytes < weights.size(); ++chunks) {
    transaction.Put(Family::kMeta, ChunkKey(id, chunks),
                    weights.substr(chunks * kChunkBytes, kChunkBytes), storage::kNever);
  }
  for (std::size_t gone = chunks; gone < home->chunks; ++gone) {
    transaction.Delete(Family::kMeta, ChunkKey(id, gone));
  }
  home->chunks = std::max(home->chunks, chunks);
  transaction.OnCommit([home, unsaved] { home->unsaved -= unsaved; });
}

RoutingStats Routing::Stats(storage::NamespaceId id, const config::RoutingOptions& options) const {
  RoutingStats stats;
  stats.outcomes_max = static_cast<std::uint64_t>(options.outcomes_max);
  const HomePtr home = Find(id);
  if (home == nullptr) {
    return stats;
  }
  stats.tallies = home->space.ReadTallies();
  stats.outcomes = home->outcomes;
  stats.drifts = home->space.drifts();
  stats.memory_bytes = home->space.bytes();
  for (const ModelCard& card : *Models(id)) {
    stats.learned[card.name] = home->space.outcomes_of(card.name);
  }
  return stats;
}

}  // namespace reprise::routing
