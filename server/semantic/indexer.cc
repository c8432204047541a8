#include "server/semantic/indexer.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "server/semantic/long_text.h"

namespace reprise::semantic {
namespace {

using base::Code;

constexpr std::size_t kBatch = 64;      // entries that one transaction writes
constexpr std::size_t kPassBatch = 16;  // of old ones: new ones wait no longer than for these
constexpr int kFailuresInRow = 3;       // then the embedder is left alone for a while
constexpr int kTriesMax = 5;
constexpr std::int64_t kPauseMs = 1'000;
constexpr std::int64_t kPauseMsMax = 30'000;
constexpr int kPausesMax = 5;                  // of which each is twice as long as the one before
constexpr std::int64_t kLookAgainMs = 60'000;  // for vectors that only callers can give
constexpr std::int64_t kMeasureMs = 5'000;

base::Nanos After(base::Nanos now, std::int64_t ms) {
  return now + ms * base::kNanosPerMilli;
}

}  // namespace

std::int64_t Filling::left_ms() const {
  constexpr double kMillisPerSecond = 1'000;
  return per_second > 0
             ? static_cast<std::int64_t>(static_cast<double>(left) / per_second * kMillisPerSecond)
             : 0;
}

void Indexer::Enqueue(Entry entry) {
  {
    base::MutexLock lock(mutex_);
    if (queue_.size() >= kQueueMax) {
      starts_over_ = true;
      return;
    }
    queue_.push_back(std::move(entry));
  }
  wake_.notify_one();
}

void Indexer::StartOver() {
  {
    base::MutexLock lock(mutex_);
    starts_over_ = true;
  }
  Wake();
}

void Indexer::Wait(std::int64_t ms) {
  base::MutexLock lock(mutex_);
  if (queue_.empty() && !woken_) {
    wake_.wait_for(mutex_, std::chrono::milliseconds(ms));
  }
  woken_ = false;
}

void Indexer::Wake() {
  {
    base::MutexLock lock(mutex_);
    woken_ = true;
  }
  wake_.notify_one();
}

Filling Indexer::filling() const {
  Filling filling;
  const Pass pass = pass_.load(std::memory_order_relaxed);
  filling.is_loading = pass == Pass::kLoad;
  filling.is_embedding = pass == Pass::kEmbed;
  filling.total = total_.load(std::memory_order_relaxed);
  filling.left = left_.load(std::memory_order_relaxed);
  filling.per_second = per_second_.load(std::memory_order_relaxed);
  return filling;
}

std::uint64_t Indexer::queued() const {
  base::MutexLock lock(mutex_);
  return queue_.size() + waiting_.load(std::memory_order_relaxed);
}

void Indexer::Replace(VectorSpace* retiring) {
  retiring_ = retiring;
  replaces_ = true;
}

void Indexer::EndReplace() {
  retiring_ = nullptr;
  replaces_ = false;
}

bool Indexer::Step() {
  TakeQueue();
  const base::Nanos now = clock_.Elapsed();
  const bool is_paused = now < pause_until_;
  if (pass_ == Pass::kNone && replaces_ && !is_filled_ && now >= look_again_at_) {
    StartOver();
    TakeQueue();
  }
  bool has_worked = true;
  if (!fresh_.empty() && !is_paused) {
    Embed(fresh_, kBatch);
  } else if (pass_ == Pass::kLoad) {
    StepLoad();
  } else if (!is_paused) {
    has_worked = StepEmbed();
  } else {
    has_worked = false;
  }
  waiting_ = fresh_.size() + later_.size();
  return has_worked;
}

void Indexer::TakeQueue() {
  base::MutexLock lock(mutex_);
  while (!queue_.empty() && fresh_.size() < kBatch) {
    fresh_.push_back({std::move(queue_.front())});
    queue_.pop_front();
  }
  waiting_ = fresh_.size() + later_.size();  // Also while they are worked on.
  if (queue_.empty() && starts_over_) {
    starts_over_ = false;
    pass_ = Pass::kLoad;
    cursor_ = 0;
    page_.clear();
    later_.clear();  // the pass finds them
    total_ = 0;
    left_ = 0;
  }
}

void Indexer::StepLoad() {
  if (page_.empty() && !ReadPage()) {
    EndPass();
  }
  for (std::size_t i = 0; pass_ == Pass::kLoad && i < kBatch && !page_.empty(); ++i) {
    Load(page_.front().entry);
    page_.pop_front();
  }
}

bool Indexer::StepEmbed() {
  if (page_.empty() && pass_ == Pass::kEmbed && ReadPage()) {
    return true;
  }
  if (!page_.empty() || !later_.empty()) {
    Embed(page_.empty() ? later_ : page_, kPassBatch);
    Measure();
    return true;
  }
  if (pass_ == Pass::kEmbed) {
    EndPass();
    return true;
  }
  return false;
}

// False at the end.
bool Indexer::ReadPage() {
  std::vector<Entry> entries;
  const bool more = owner_.list(cursor_, entries);
  for (Entry& entry : entries) {
    if (pass_ == Pass::kLoad || !current_.Contains(entry)) {
      page_.push_back({std::move(entry), true});
    }
  }
  return more;
}

void Indexer::EndPass() {
  if (pass_ == Pass::kLoad && DropOrphans() > 0) {
    // Once more, for an entry that was listed nowhere because a namespace went meanwhile.
    cursor_ = 0;
    total_ = 0;
    left_ = 0;
    return;
  }
  if (pass_ == Pass::kEmbed || left_ == 0) {
    is_filled_ = true;
    left_ = 0;
    pass_ = Pass::kNone;
    return;
  }
  is_filled_ = false;
  if (current_.embedding().IsClient()) {  // Only callers can give what is lacking.
    is_filled_ = !replaces_;
    look_again_at_ = After(clock_.Elapsed(), kLookAgainMs);
    pass_ = Pass::kNone;
    return;
  }
  cursor_ = 0;
  per_second_ = 0;
  measured_at_ = clock_.Elapsed();
  measured_left_ = left_;
  pass_ = Pass::kEmbed;
}

std::uint64_t Indexer::DropOrphans() {
  const std::uint64_t old = retiring_ == nullptr ? 0 : retiring_->DropOrphans();
  return old + current_.DropOrphans();
}

// What a row has; the retiring space answers for the rest.
void Indexer::Load(const Entry& entry) {
  ++total_;
  current_.Keep(entry.id);
  if (retiring_ != nullptr) {
    retiring_->Keep(entry.id);
  }
  if (!owner_.is_live(entry)) {
    return;
  }
  bool has_vector = current_.Contains(entry);
  if (!has_vector) {
    if (const auto stored = current_.Stored(entry, clock_.Now()); stored.has_value()) {
      Insert(entry, *stored);
      has_vector = true;
    }
  }
  if (has_vector) {
    if (retiring_ != nullptr && retiring_->Contains(entry)) {
      retiring_->Remove(entry.partition, entry.id);
    }
    return;
  }
  ++left_;
  if (retiring_ != nullptr && !retiring_->Contains(entry)) {
    if (const auto stored = retiring_->Stored(entry, clock_.Now()); stored.has_value()) {
      (void)retiring_->Insert(entry, *stored).ok();  // Else it is found when it is embedded.
    }
  }
}

// What has a row is read; the rest is embedded, and gets its rows in one transaction. When nothing
// but failures comes, the embedder is left alone for a while.
void Indexer::Embed(std::deque<Item>& from, std::size_t entries_max) {
  Made made;
  int failures = 0;
  const std::size_t count = std::min(entries_max, from.size());
  for (std::size_t i = 0; i < count && failures < kFailuresInRow; ++i) {
    Item item = std::move(from.front());
    from.pop_front();
    failures = EmbedOne(std::move(item), made) ? 0 : failures + 1;
  }
  Write(made);
  if (failures == 0) {
    pauses_ = 0;
  } else if (made.empty()) {
    pause_until_ = After(clock_.Elapsed(), std::min(kPauseMs << pauses_, kPauseMsMax));
    pauses_ = std::min(pauses_ + 1, kPausesMax);
  }
}

// False: its embedder does not answer.
bool Indexer::EmbedOne(Item item, Made& made) {
  if (!owner_.is_live(item.entry) || current_.Contains(item.entry)) {
    Settle(item);
    return true;
  }
  if (const auto stored = current_.Stored(item.entry, clock_.Now()); stored.has_value()) {
    Insert(item.entry, *stored);
    Settle(item);
    return true;
  }
  auto vector = Make(item.entry);
  if (!vector.ok() && vector.error().code == Code::kUnavailable) {
    Postpone(std::move(item));
    return false;
  }
  if (!vector.ok()) {
    failed_.fetch_add(1, std::memory_order_relaxed);
  }
  if (vector.ok() && vector.value().has_value()) {
    made.emplace_back(std::move(item), *std::move(vector).value());
  } else {
    Settle(item);
  }
  return true;
}

void Indexer::Write(const Made& made) {
  if (made.empty()) {
    return;
  }
  const base::Status written = store_.Run([&](storage::Transaction& transaction) -> base::Status {
    for (const auto& [item, vector] : made) {
      if (owner_.is_live(item.entry)) {
        current_.Put(item.entry, PackedVector::Of(vector), transaction);
      }
    }
    return base::Ok{};
  });
  (void)written.ok();  // Refused: it is embedded again after a restart.
  for (const auto& [item, vector] : made) {
    if (owner_.is_live(item.entry)) {
      Insert(item.entry, vector);
    }
    Settle(item);
  }
}

base::Result<std::optional<embed::Vector>> Indexer::Make(const Entry& entry) const {
  if (current_.embedding().IsClient()) {
    return std::optional<embed::Vector>{};
  }
  const auto prompt = owner_.prompt_of(entry);
  if (!prompt.has_value()) {
    return std::optional<embed::Vector>{};
  }
  ASSIGN_OR_RETURN(const VectorsPtr vectors,
                   EmbedWhole(current_.embedding(), {entry.partition.namespace_id, *prompt}));
  return std::optional(vectors->vector);
}

// Tries count only while the embedder makes other vectors, of lookups too: it is the text, then.
void Indexer::Postpone(Item item) {
  const std::uint64_t embedded = current_.embedding().embedded();
  item.tries += embedded != item.embedded ? 1 : 0;
  item.embedded = embedded;
  if (item.tries >= kTriesMax || later_.size() >= kQueueMax) {
    failed_.fetch_add(1, std::memory_order_relaxed);
    Settle(item);
    return;
  }
  later_.push_back(std::move(item));
}

void Indexer::Settle(const Item& item) {
  if (item.is_counted && left_ > 0) {
    --left_;
  }
}

void Indexer::Insert(const Entry& entry, const embed::Vector& vector) {
  if (!current_.Insert(entry, vector).ok()) {
    failed_.fetch_add(1, std::memory_order_relaxed);
  } else if (retiring_ != nullptr) {
    retiring_->Remove(entry.partition, entry.id);
  }
}

void Indexer::Measure() {
  const base::Nanos now = clock_.Elapsed();
  const std::int64_t passed = now - measured_at_;
  constexpr std::int64_t kFirst = 200 * base::kNanosPerMilli;
  const bool is_due = passed >= kMeasureMs * base::kNanosPerMilli;
  if (!is_due && (per_second_ > 0 || passed < kFirst)) {
    return;
  }
  constexpr double kNanosPerSecond = 1e9;
  const std::uint64_t left = left_;
  per_second_ = static_cast<double>(measured_left_ - std::min(left, measured_left_)) *
                kNanosPerSecond / static_cast<double>(passed);
  if (is_due) {
    measured_at_ = now;
    measured_left_ = left;
  }
}

}  // namespace reprise::semantic
