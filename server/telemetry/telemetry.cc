// Owns the counters of commands. Does not own their names (server/commands) nor who writes which
// shard (server/app).
#include "server/telemetry/telemetry.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "protocol/base/ensure.h"

namespace reprise::telemetry {
namespace {

// One writer: a load and a store do what a locked read-modify-write would, at a tenth of its cost.
void AddRelaxed(std::atomic<std::uint64_t>& counter, std::uint64_t amount) {
  counter.store(counter.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
}

}  // namespace

std::size_t LatencyHistogram::BucketOf(std::uint64_t micros) {
  if (micros < 2) {
    return static_cast<std::size_t>(micros);
  }
  const auto power = static_cast<std::size_t>(std::bit_width(micros)) - 1;
  const std::size_t upper_half = (micros >> (power - 1)) & 1U;
  return std::min(2 * power + upper_half, kBuckets - 1);
}

std::uint64_t LatencyHistogram::UpperMicros(std::size_t bucket) {
  if (bucket + 1 >= kBuckets) {
    return std::numeric_limits<std::uint64_t>::max();
  }
  if (bucket < 2) {
    return bucket + 1;
  }
  const std::size_t power = bucket / 2;
  return (bucket % 2 == 0) ? std::uint64_t{3} << (power - 1) : std::uint64_t{2} << power;
}

void LatencyHistogram::Record(std::uint64_t micros) {
  AddRelaxed(counts_[BucketOf(micros)], 1);
  AddRelaxed(sum_micros_, micros);
}

LatencyHistogram::Reading LatencyHistogram::Read() const {
  Reading reading;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    reading.counts[i] = counts_[i].load(std::memory_order_relaxed);
    reading.count += reading.counts[i];
  }
  reading.sum_micros = sum_micros_.load(std::memory_order_relaxed);
  return reading;
}

void LatencyHistogram::Reading::Add(const Reading& other) {
  for (std::size_t i = 0; i < kBuckets; ++i) {
    counts[i] += other.counts[i];
  }
  count += other.count;
  sum_micros += other.sum_micros;
}

std::uint64_t LatencyHistogram::Reading::Quantile(double quantile) const {
  if (count == 0) {
    return 0;
  }
  const double share = std::clamp(quantile, 0.0, 1.0) * static_cast<double>(count);
  const auto rank = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(share)));
  std::uint64_t below = 0;
  for (std::size_t i = 0; i + 1 < kBuckets; ++i) {
    below += counts[i];
    if (below >= rank) {
      return UpperMicros(i);
    }
  }
  return UpperMicros(kBuckets - 2);
}

Shard::Shard(std::size_t commands) : slots_(commands) {}

void Shard::Record(std::size_t command, std::uint64_t micros, bool error) {
  DENSURE(command < slots_.size());
  Slot& slot = slots_[command];
  AddRelaxed(slot.calls, 1);
  if (error) {
    AddRelaxed(slot.errors, 1);
  }
  slot.latency.Record(micros);
}

CommandReading Shard::Read(std::size_t command) const {
  const Slot& slot = slots_.at(command);
  return {slot.calls.load(std::memory_order_relaxed), slot.errors.load(std::memory_order_relaxed),
          slot.latency.Read()};
}

Telemetry::Telemetry(std::size_t shards, std::size_t commands) {
  shards_.reserve(shards);
  for (std::size_t i = 0; i < shards; ++i) {
    shards_.push_back(std::make_unique<Shard>(commands));
  }
}

CommandReading Telemetry::Collect(std::size_t command) const {
  CommandReading sum;
  for (const std::unique_ptr<Shard>& shard : shards_) {
    const CommandReading reading = shard->Read(command);
    sum.calls += reading.calls;
    sum.errors += reading.errors;
    sum.latency.Add(reading.latency);
  }
  return sum;
}

}  // namespace reprise::telemetry
