#include "server/routing/space.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace reprise::routing {
namespace {

constexpr std::uint8_t kVersion = 1;

// Failures count half after ten minutes: a model that nobody asks any more is tried again.
constexpr double kHealthHalfLifeMs = 600'000;
constexpr double kHealthStart = 5;     // calls that a good record is given in advance
constexpr double kLatencyShare = 0.1;  // of the latest call in the mean

double Faded(double sum, std::int64_t ms) {
  return sum * std::exp2(-static_cast<double>(std::max<std::int64_t>(ms, 0)) / kHealthHalfLifeMs);
}

}  // namespace

Space::Space(const Learner::Settings& settings, std::uint64_t seed)
    : learner_(settings), random_(seed) {}

std::optional<std::size_t> Space::ColumnOf(std::string_view model) const {
  const auto found = std::find(columns_.begin(), columns_.end(), model);
  return found == columns_.end()
             ? std::nullopt
             : std::optional(static_cast<std::size_t>(found - columns_.begin()));
}

std::uint8_t Space::TypeOf(std::string_view type) const {
  const auto found = std::find(types_.begin(), types_.end(), type);
  return found == types_.end() ? kNoType : static_cast<std::uint8_t>(found - types_.begin());
}

std::uint8_t Space::TypeFor(std::string_view type) {
  if (type.empty()) {
    return kNoType;
  }
  const std::uint8_t known = TypeOf(type);
  if (known != kNoType || types_.size() >= kTypesMax) {
    return known;
  }
  types_.emplace_back(type);
  return static_cast<std::uint8_t>(types_.size() - 1);
}

double Space::FailureShare(const Health& health, base::UnixMillis now) {
  const std::int64_t ms = now - health.at;
  const double calls = Faded(health.calls, ms) + kHealthStart;
  return Faded(health.failures, ms) / calls;
}

std::vector<Expected> Space::Ask(const Query& query) const {
  base::ReadLock lock(mutex_);
  const Nearby nearby = learner_.Look(query.input);
  const std::vector<Estimate> estimates = learner_.Predict(query.input, nearby, TypeOf(query.type));
  std::vector<Expected> expected;
  expected.reserve(query.cards.size());
  for (std::size_t i = 0; i < query.cards.size(); ++i) {
    const ModelCard& card = query.cards[i];
    const auto column = ColumnOf(card.name);
    Expected one;
    one.estimate =
        column.has_value() ? estimates[*column] : Learner::Before(query.input, query.strengths[i]);
    one.latency_ms = card.latency_ms;
    if (const auto health = health_.find(card.name); health != health_.end()) {
      one.failure_share = FailureShare(health->second, query.now);
      one.latency_ms =
          health->second.latency_ms > 0 ? std::llround(health->second.latency_ms) : card.latency_ms;
    }
    expected.push_back(one);
  }
  return expected;
}

std::vector<NearCase> Space::NearCases(const Input& input, std::size_t count) const {
  base::ReadLock lock(mutex_);
  Nearby nearby = learner_.Look(input);
  std::sort(nearby.found.begin(), nearby.found.end(),
            [](const Neighbour& a, const Neighbour& b) { return a.similarity > b.similarity; });
  std::vector<NearCase> cases;
  for (const Neighbour& neighbour : nearby.found) {
    if (cases.size() == count) {
      break;
    }
    cases.push_back({numbers_[neighbour.slot], neighbour.similarity});
  }
  return cases;
}

LinearTerms Space::Explain(const Input& input, std::span<const std::uint32_t> grams,
                           std::string_view model) const {
  base::ReadLock lock(mutex_);
  LinearTerms terms;
  terms.grams.resize(grams.size());
  const auto column = ColumnOf(model);
  if (!column.has_value()) {
    return terms;
  }
  terms.mean = learner_.MeanOf(*column);
  for (std::size_t i = 0; i < grams.size(); ++i) {
    terms.grams[i] = static_cast<double>(
        learner_.hashed().GramTerm(grams[i], *column, input.features.grams.size()));
  }
  for (std::size_t i = 0; i < kLinearFigures; ++i) {
    terms.figures[i] =
        static_cast<double>(learner_.hashed().FigureTerm(i, input.sparse.figures[i], *column));
  }
  return terms;
}

std::optional<double> Space::PriceFor(double share) const {
  base::MutexLock lock(tallies_mutex_);
  return pacing_.PriceFor(share);
}

void Space::AddPace(double tips_at, bool is_cheap) {
  base::MutexLock lock(tallies_mutex_);
  pacing_.Add(tips_at, is_cheap);
}

double Space::Draw() {
  base::MutexLock lock(tallies_mutex_);
  return std::uniform_real_distribution<double>(0, 1)(random_);
}

void Space::Count(const std::function<void(Tallies&)>& change) {
  base::MutexLock lock(tallies_mutex_);
  change(tallies_);
}

Tallies Space::ReadTallies() const {
  base::MutexLock lock(tallies_mutex_);
  return tallies_;
}

void Space::SetTallies(Tallies tallies) {
  base::MutexLock lock(tallies_mutex_);
  tallies_ = std::move(tallies);
}

// A model that has no column gets a new one, or that of a model that is in no list any more.
std::size_t Space::ColumnFor(const Lesson& lesson) {
  if (const auto known = ColumnOf(lesson.label.model); known.has_value()) {
    return *known;
  }
  if (columns_.size() < kColumnsMax) {
    columns_.push_back(lesson.label.model);
    return learner_.AddColumn(static_cast<double>(lesson.label.strength));
  }
  const auto gone = std::find_if(columns_.begin(), columns_.end(), [&](const std::string& model) {
    return lesson.cards == nullptr || FindCard(*lesson.cards, model) == nullptr;
  });
  const auto column = static_cast<std::size_t>((gone == columns_.end() ? columns_.begin() : gone) -
                                               columns_.begin());
  columns_[column] = lesson.label.model;
  learner_.ResetColumn(column, static_cast<double>(lesson.label.strength));
  return column;
}

std::uint32_t Space::SlotFor(std::uint64_t number) {
  std::uint32_t slot = 0;
  if (!free_slots_.empty()) {
    slot = free_slots_.back();
    free_slots_.pop_back();
    numbers_[slot] = number;
  } else {
    slot = static_cast<std::uint32_t>(numbers_.size());
    numbers_.push_back(number);
  }
  slots_[number] = slot;
  return slot;
}

bool Space::Learn(const Input& input, const Lesson& lesson) {
  base::WriteLock lock(mutex_);
  const std::size_t column = ColumnFor(lesson);
  const bool has_changed = learner_.Learn(
      input, {lesson.label.event, TypeFor(lesson.type), column, lesson.label.quality});
  if (!input.features.has_place()) {
    return has_changed;
  }
  const auto known = slots_.find(lesson.number);
  const std::uint32_t slot = known != slots_.end() ? known->second : SlotFor(lesson.number);
  if (known == slots_.end()) {
    learner_.Place(slot, input.features, lesson.label.event);
  }
  learner_.Note(slot, column, lesson.label.quality);
  return has_changed;
}

void Space::Forget(std::uint64_t number) {
  base::WriteLock lock(mutex_);
  if (const auto slot = slots_.find(number); slot != slots_.end()) {
    learner_.Forget(slot->second);
    free_slots_.push_back(slot->second);
    slots_.erase(slot);
  }
}

void Space::Place(std::uint64_t number, const OutcomeRow& row) {
  base::WriteLock lock(mutex_);
  if (!row.features.has_place() || row.labels.empty()) {
    return;
  }
  const std::uint64_t learned = learner_.event();
  if (row.labels.front().event > learned) {
    return;  // Learn will place it.
  }
  const std::uint32_t slot = SlotFor(number);
  learner_.Place(slot, row.features, row.labels.front().event);
  for (const Label& label : row.labels) {
    const auto column = ColumnOf(label.model);
    if (column.has_value() && label.event <= learned) {
      learner_.Note(slot, *column, label.quality);
    }
  }
}

void Space::NoteUsage(const Usage& usage) {
  base::WriteLock lock(mutex_);
  const auto found = health_.find(usage.model);
  if (found == health_.end() && health_.size() >= 2 * kColumnsMax) {
    return;
  }
  Health& health = found != health_.end() ? found->second : health_[std::string(usage.model)];
  const std::int64_t ms = usage.at - health.at;
  health.calls = Faded(health.calls, ms) + 1;
  health.failures = Faded(health.failures, ms) + (usage.failed ? 1 : 0);
  health.at = usage.at;
  if (usage.latency_ms.has_value() && !usage.failed) {
    const auto latency = static_cast<double>(*usage.latency_ms);
    health.latency_ms = health.latency_ms == 0
                            ? latency
                            : health.latency_ms + kLatencyShare * (latency - health.latency_ms);
  }
}

std::uint64_t Space::learned_event() const {
  base::ReadLock lock(mutex_);
  return learner_.event();
}

std::uint64_t Space::drifts() const {
  base::ReadLock lock(mutex_);
  return learner_.drifts();
}

std::uint64_t Space::outcomes_of(std::string_view model) const {
  base::ReadLock lock(mutex_);
  const auto column = ColumnOf(model);
  return column.has_value() ? learner_.OutcomesOf(*column) : 0;
}

std::size_t Space::bytes() const {
  constexpr std::size_t kSlotBytes = 64;  // of a node and a bucket of `slots_`, and of `numbers_`
  base::ReadLock lock(mutex_);
  return sizeof(*this) + learner_.bytes() + numbers_.size() * kSlotBytes;
}

std::string Space::Save() const {
  base::ReadLock lock(mutex_);
  std::string bytes;
  AppendNumber(kVersion, bytes);
  for (const std::vector<std::string>* const names : {&columns_, &types_}) {
    AppendNumber(static_cast<std::uint8_t>(names->size()), bytes);
    for (const std::string& name : *names) {
      AppendName(name, bytes);
    }
  }
  learner_.Save(bytes);
  return bytes;
}

bool Space::Load(std::string_view bytes) {
  Cursor cursor(bytes);
  if (cursor.Take<std::uint8_t>() != kVersion) {
    return false;
  }
  std::array<std::vector<std::string>, 2> names;
  for (std::vector<std::string>& list : names) {
    const std::size_t count = cursor.Take<std::uint8_t>();
    for (std::size_t i = 0; i < count && !cursor.failed(); ++i) {
      list.emplace_back(cursor.TakeName());
    }
  }
  base::WriteLock lock(mutex_);
  if (names[1].size() > kTypesMax || !learner_.Load(cursor) || !cursor.Complete() ||
      names[0].size() != learner_.columns()) {
    learner_ = Learner(learner_.settings());
    return false;
  }
  columns_ = std::move(names[0]);
  types_ = std::move(names[1]);
  return true;
}

}  // namespace reprise::routing
