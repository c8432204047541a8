// Owns what is observed: calls, trips and their ends, evidence on its way to the store and to
// people.
#include <algorithm>
#include <utility>

#include "server/control/home.h"

namespace reprise::control {
namespace {

using storage::Family;

constexpr std::int64_t kSaveMs = 10'000;  // evidence is saved this often

}  // namespace

std::string_view NameOf(Event::Kind kind) {
  switch (kind) {
    case Event::Kind::kTripped:
      return "tripped";
    case Event::Kind::kRearmed:
      return "rearmed";
    case Event::Kind::kCooledDown:
      break;
  }
  return "cooled_down";
}

std::vector<Guardrail> Control::Defaults::RulesWith(const Book& book) const {
  std::vector<Guardrail> all;
  const auto contradicts = [&book](const Guardrail& rule) {
    return std::any_of(book.guardrails.begin(), book.guardrails.end(),
                       [&rule](const NamespaceGuardrail& own) {
                         return !own.is_off && own.rule.metric == rule.metric &&
                                own.rule.strategies.Overlaps(rule.strategies);
                       });
  };
  for (const Guardrail& rule : rules) {
    if (book.FindGuardrail(rule.name) == nullptr && !contradicts(rule)) {
      all.push_back(rule);
    }
  }
  for (const NamespaceGuardrail& own : book.guardrails) {
    if (!own.is_off) {
      all.push_back(own.rule);
    }
  }
  return all;
}

void Control::Announce(const Event& event, storage::Transaction& transaction) {
  transaction.OnCommit([this, event] {
    trips_.fetch_add(event.kind == Event::Kind::kTripped ? 1 : 0, std::memory_order_relaxed);
    if (listener_) {
      listener_(event);
    }
  });
}

// Takes them out of the book; what they rested on begins anew.
void Control::End(Home& home, const std::vector<Trip>& trips, Event::Kind kind,
                  storage::Transaction& transaction) {
  if (trips.empty()) {
    return;
  }
  auto book = std::make_shared<Book>(*home.Get());
  for (const Trip& trip : trips) {
    std::erase_if(book->trips,
                  [&trip](const Trip& known) { return known.rule.name == trip.rule.name; });
    transaction.Delete(Family::kMeta, TripRowKey(home.id, trip.rule.name));
    Announce({kind, home.id, trip}, transaction);
  }
  Publish(home, book, transaction);
  base::MutexLock lock(home.mutex);
  for (const Trip& trip : trips) {
    home.watches.Forget(trip.rule.name);
  }
  home.has_unsaved = true;
}

std::vector<Trip> Control::Rearm(storage::NamespaceId id, std::string_view name,
                                 storage::Transaction& transaction) {
  Home* home = Find(id);
  if (home == nullptr) {
    return {};
  }
  std::vector<Trip> trips = home->Get()->trips;
  if (!name.empty()) {
    std::erase_if(trips, [name](const Trip& trip) { return trip.rule.name != name; });
  }
  End(*home, trips, Event::Kind::kRearmed, transaction);
  return trips;
}

Places Control::PlacesOf(const Report& report, const config::Config& config) const {
  Places places;
  const Home* home = Find(report.asker.namespace_id);
  for (const Strategy strategy : config::kStrategies) {
    const std::size_t index = config::IndexOf(strategy);
    const Decision decision = Decide(strategy, report.asker, config);
    Place& place = places[index];
    place.group = decision.group;
    place.is_drawn = decision.is_drawn;
    if (report.in_force.has_value()) {
      const bool is_held_out = report.held_out.Has(strategy) || decision.group == Group::kControl;
      place.group = report.in_force->Has(strategy) ? Group::kTreated
                    : is_held_out                  ? Group::kControl
                                                   : Group::kNone;
      place.is_drawn = decision.is_drawn || !report.held_out.empty();
    }
    if (place.group != Group::kNone) {
      const Switch now = home == nullptr
                             ? Switch()
                             : Switch(home->switches[index].load(std::memory_order_acquire));
      place.unit =
          draw_.HashOf(strategy, report.asker.namespace_id, DrawnOf(now, report.asker).unit);
    }
  }
  return places;
}

Trip Control::Begin(Watches::Tripped found, base::UnixMillis now, const Defaults& defaults,
                    const Book& book) const {
  Trip trip;
  trip.rule = std::move(found.rule);
  trip.strategy = found.strategy;
  trip.at = now;
  const std::int64_t cool_down_ms = defaults.CoolDownOf(trip.rule.name, book);
  trip.ends_at = cool_down_ms > 0 ? now + cool_down_ms : base::UnixMillis{0};
  trip.finding = found.finding;
  return trip;
}

std::vector<Trip> Control::Record(const Report& report, const config::Config& config,
                                  storage::Transaction& transaction) {
  const storage::NamespaceId id = report.asker.namespace_id;
  Home& home = FindOrMake(id);
  const auto defaults = GetDefaults();
  const auto before = home.Get();
  const Places places = PlacesOf(report, config);
  std::vector<Watches::Tripped> found;
  {
    base::MutexLock lock(home.mutex);
    home.Refresh(defaults);
    found = home.watches.Record(
        report.figures, places, defaults->terms,
        [&before](std::string_view rule) { return before->FindTrip(rule) != nullptr; });
    home.has_unsaved = true;
  }
  recorded_.fetch_add(1, std::memory_order_relaxed);
  if (found.empty()) {
    return {};
  }
  auto book = std::make_shared<Book>(*before);
  std::vector<Trip> trips;
  for (Watches::Tripped& tripped : found) {
    trips.push_back(Begin(std::move(tripped), report.figures.now, *defaults, *before));
    const Trip& trip = trips.back();
    transaction.Put(Family::kMeta, TripRowKey(id, trip.rule.name), FormatTrip(trip),
                    storage::kNever);
    book->trips.push_back(trip);
    Announce({Event::Kind::kTripped, id, trip}, transaction);
  }
  Publish(home, book, transaction);
  return trips;
}

void Control::Drop(storage::NamespaceId id, storage::Transaction& transaction) {
  transaction.DeletePrefix(Family::kMeta, RowsPrefix(id));
  Home* home = Find(id);
  if (home == nullptr) {
    return;
  }
  Publish(*home, std::make_shared<const Book>(), transaction);
  base::MutexLock lock(home->mutex);
  home->watches = Watches();
  home->used_book = nullptr;
  home->has_unsaved = false;
}

std::shared_ptr<const Book> Control::BookOf(storage::NamespaceId id) const {
  const Home* home = Find(id);
  return home == nullptr ? std::make_shared<const Book>() : home->Get();
}

std::vector<GuardrailReading> Control::Guardrails(storage::NamespaceId id) const {
  const auto defaults = GetDefaults();
  Home* home = Find(id);
  const auto book = BookOf(id);
  std::vector<GuardrailReading> all;
  const auto add = [&](const Guardrail& rule, bool is_off) {
    GuardrailReading reading;
    reading.rule = rule;
    reading.is_own = book->FindGuardrail(rule.name) != nullptr;
    reading.is_off = is_off;
    reading.cool_down_ms = defaults->CoolDownOf(rule.name, *book);
    if (const Trip* trip = book->FindTrip(rule.name); trip != nullptr) {
      reading.trip = *trip;
    }
    all.push_back(std::move(reading));
  };
  for (const Guardrail& rule : defaults->RulesWith(*book)) {
    add(rule, false);
  }
  for (const NamespaceGuardrail& own : book->guardrails) {
    if (own.is_off) {
      add(own.rule, true);
    }
  }
  // A rule may have gone while its trip holds.
  for (const Trip& trip : book->trips) {
    const bool is_there = std::any_of(all.begin(), all.end(), [&trip](const auto& reading) {
      return reading.rule.name == trip.rule.name;
    });
    if (!is_there) {
      add(trip.rule, true);
    }
  }
  const auto add_monitors = [&all](const Watches& watches) {
    for (GuardrailReading& reading : all) {
      for (const Watches::Watch& watch : watches.all()) {
        if (watch.rule.name == reading.rule.name) {
          reading.monitors = watch.monitors;
        }
      }
    }
  };
  if (home == nullptr) {
    Watches unused;
    unused.Use(defaults->RulesWith(*book));
    add_monitors(unused);
    return all;
  }
  base::MutexLock lock(home->mutex);
  home->Refresh(defaults);
  add_monitors(home->watches);
  return all;
}

Terms Control::CurrentTerms() const {
  return GetDefaults()->terms;
}

ControlStats Control::Stats() const {
  ControlStats stats;
  stats.trips = trips_.load(std::memory_order_relaxed);
  stats.recorded = recorded_.load(std::memory_order_relaxed);
  stats.overrides = overrides_.load(std::memory_order_relaxed);
  for (const auto& [id, home] : homes_.All()) {
    stats.tripped += home->Get()->trips.size();
  }
  return stats;
}

bool Control::NeedsUpkeep(base::UnixMillis now) const {
  const auto is_over = [now](base::UnixMillis ends_at) {
    return ends_at != base::UnixMillis{0} && now >= ends_at;
  };
  for (const auto& [id, home] : homes_.All()) {
    base::MutexLock lock(home->mutex);
    if (home->has_unsaved && now - home->saved_at >= kSaveMs) {
      return true;
    }
    const Book& book = *home->book;
    const bool has_ended =
        std::any_of(book.trips.begin(), book.trips.end(),
                    [&](const Trip& trip) { return is_over(trip.ends_at); }) ||
        std::any_of(book.overrides.begin(), book.overrides.end(),
                    [now](const auto& item) { return item.second.HasExpired(now); });
    if (has_ended) {
      return true;
    }
  }
  return false;
}

void Control::SaveEvidence(Home& home, base::UnixMillis now, storage::Transaction& transaction) {
  std::string row;
  {
    base::MutexLock lock(home.mutex);
    if (!home.has_unsaved) {
      return;
    }
    row = FormatEvidence(home.watches.all());
    home.has_unsaved = false;
    home.saved_at = now;
  }
  transaction.Put(Family::kMeta, EvidenceRowKey(home.id), row, storage::kNever);
  transaction.OnAbort([&home] {
    base::MutexLock lock(home.mutex);
    home.has_unsaved = true;
  });
}

void Control::Upkeep(base::UnixMillis now, storage::Transaction& transaction) {
  for (const auto& [id, home] : homes_.All()) {
    std::vector<Trip> ended = home->Get()->trips;
    std::erase_if(ended, [now](const Trip& trip) {
      return trip.ends_at == base::UnixMillis{0} || now < trip.ends_at;
    });
    End(*home, ended, Event::Kind::kCooledDown, transaction);
    const auto before = home->Get();
    auto book = std::make_shared<Book>(*before);
    std::erase_if(book->overrides, [now](const auto& item) { return item.second.HasExpired(now); });
    if (book->overrides.size() != before->overrides.size()) {
      for (const auto& [key, item] : before->overrides) {
        if (item.HasExpired(now)) {
          transaction.Delete(Family::kMeta, OverrideRowKey(home->id, key.view()));
        }
      }
      Publish(*home, book, transaction);
    }
    bool is_due = false;
    {
      base::MutexLock lock(home->mutex);
      is_due = now - home->saved_at >= kSaveMs;
    }
    if (is_due) {
      SaveEvidence(*home, now, transaction);
    }
  }
}

void Control::Save(storage::Transaction& transaction) {
  for (const auto& [id, home] : homes_.All()) {
    SaveEvidence(*home, transaction.now(), transaction);
  }
}

}  // namespace reprise::control
