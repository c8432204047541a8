#include "bench/traces/replay.h"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include "server/cache/index.h"

namespace reprise::bench {
namespace {

constexpr std::uint32_t kNever = std::numeric_limits<std::uint32_t>::max();

// Spreads the numbers of questions as the cache's keyed hash would.
std::uint64_t Mix(std::uint64_t number) {
  number = (number + 1) * 0x9e3779b97f4a7c15U;
  number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9U;
  number = (number ^ (number >> 27)) * 0x94d049bb133111ebU;
  return number ^ (number >> 31);
}

// For each request, the next one for the same question.
std::vector<std::uint32_t> NextRequests(const Load& load) {
  std::vector<std::uint32_t> next(load.trace.size(), kNever);
  std::vector<std::uint32_t> last(load.answers.size(), kNever);
  for (std::size_t i = load.trace.size(); i-- > 0;) {
    next[i] = std::exchange(last[load.trace[i]], static_cast<std::uint32_t>(i));
  }
  return next;
}

// A span from one request to the next for the same question.
struct Span {
  double worth = 0;
  double room = 0;
};

double Best(std::vector<Span>& spans, double room) {
  std::sort(spans.begin(), spans.end(),
            [](const Span& a, const Span& b) { return a.worth * b.room > b.worth * a.room; });
  double sum = 0;
  for (const Span& span : spans) {
    if (span.room >= room) {
      return sum + span.worth * room / span.room;
    }
    sum += span.worth;
    room -= span.room;
  }
  return sum;
}

}  // namespace

Saved Unbounded(const Load& load) {
  Saved saved;
  std::vector<bool> known(load.answers.size());
  for (const std::uint32_t question : load.trace) {
    if (known[question]) {
      saved.hits += 1;
      saved.nano += static_cast<double>(load.answers[question].cost_nano);
    }
    known[question] = true;
  }
  return saved;
}

Saved Replay(const Load& load, config::EvictionPolicy policy, const cache::Room& bound) {
  constexpr base::UnixMillis kNow{0};
  cache::Index index;
  index.SetPolicy(policy);
  Saved saved;
  for (const std::uint32_t question : load.trace) {
    const Answer& answer = load.answers[question];
    const cache::KeyHash hash{0, Mix(question)};
    if (const cache::SlotNumber found = index.FindExact(hash); found != cache::kNoSlot) {
      index.Touch(found);
      saved.hits += 1;
      saved.nano += static_cast<double>(answer.cost_nano);
      continue;
    }
    while (const auto excess = Excess(index.held() + cache::Room{1, answer.bytes}, bound)) {
      const cache::SlotNumber victim = index.Victim(*excess, kNow);
      if (victim == cache::kNoSlot) {
        break;
      }
      index.Remove(victim);
    }
    cache::Slot slot;
    slot.exact = hash;
    slot.normalized = hash;
    slot.bytes = answer.bytes;
    slot.worth.cost_nano = answer.cost_nano;
    slot.expires_at = kNow + 1;
    index.Insert(slot);
  }
  return saved;
}

double BeladyHits(const Load& load, std::uint64_t entries_max) {
  const std::vector<std::uint32_t> next = NextRequests(load);
  std::set<std::uint32_t> kept;  // by the request that each is kept for
  double hits = 0;
  for (std::uint32_t i = 0; i < load.trace.size(); ++i) {
    hits += kept.erase(i) > 0 ? 1 : 0;
    if (next[i] == kNever) {
      continue;
    }
    kept.insert(next[i]);
    if (kept.size() > entries_max) {
      kept.erase(std::prev(kept.end()));
    }
  }
  return hits;
}

Saved UpperBound(const Load& load, const cache::Room& bound) {
  const std::vector<std::uint32_t> next = NextRequests(load);
  const auto best = [&](bool money) {
    std::vector<Span> spans;
    for (std::size_t i = 0; i < next.size(); ++i) {
      if (next[i] != kNever) {
        const Answer& answer = load.answers[load.trace[i]];
        const double length = static_cast<double>(next[i]) - static_cast<double>(i);
        spans.push_back({money ? static_cast<double>(answer.cost_nano) : 1.0,
                         bound.bytes == 0 ? length : length * answer.bytes});
      }
    }
    const auto room = static_cast<double>(bound.bytes == 0 ? bound.entries : bound.bytes);
    return Best(spans, room * static_cast<double>(next.size()));
  };
  return {best(false), best(true)};
}

}  // namespace reprise::bench
