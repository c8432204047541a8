// Telemetry: what commands did and how long they took, and the text that Prometheus reads.
//
// Each loop (and each thread that runs commands) writes its own shard without a lock; readers add
// the shards up. Units: microseconds, bytes. Threads: Shard::Record on the shard's own thread, all
// else any. Errors: none. Complexity: Record O(1), about 10 ns; Collect O(shards x commands).
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace reprise::telemetry {

// Log-linear buckets: two for each power of two, from 1 us to 100 s; bucket i counts values below
// UpperMicros(i), the last one everything above. A quantile is at most 50 % too high.
class LatencyHistogram {
 public:
  static constexpr std::size_t kBuckets = 54;
  static std::size_t BucketOf(std::uint64_t micros);
  // The last bucket has no upper bound: the largest integer.
  static std::uint64_t UpperMicros(std::size_t bucket);

  // One writer; readers may run at the same time and see a slightly older state.
  void Record(std::uint64_t micros);

  struct Reading {
    std::array<std::uint64_t, kBuckets> counts{};
    std::uint64_t count = 0;
    std::uint64_t sum_micros = 0;
    void Add(const Reading& other);
    // The upper bound of the bucket in which the share `quantile` (0 to 1) falls; 0 when empty. In
    // the last bucket its lower bound, which is what is known.
    std::uint64_t Quantile(double quantile) const;
  };
  Reading Read() const;

 private:
  std::array<std::atomic<std::uint64_t>, kBuckets> counts_{};
  std::atomic<std::uint64_t> sum_micros_{0};
};

struct CommandReading {
  std::uint64_t calls = 0;
  std::uint64_t errors = 0;
  LatencyHistogram::Reading latency;
};

class Shard {
 public:
  explicit Shard(std::size_t commands);
  // `command` is the index of its row in AllCommands().
  void Record(std::size_t command, std::uint64_t micros, bool error);
  CommandReading Read(std::size_t command) const;

 private:
  struct Slot {
    std::atomic<std::uint64_t> calls{0};
    std::atomic<std::uint64_t> errors{0};
    LatencyHistogram latency;
  };
  std::vector<Slot> slots_;
};

// All shards of one server.
class Telemetry {
 public:
  Telemetry(std::size_t shards, std::size_t commands);
  Shard& shard(std::size_t index) { return *shards_[index]; }
  std::size_t shards() const { return shards_.size(); }
  CommandReading Collect(std::size_t command) const;

 private:
  std::vector<std::unique_ptr<Shard>> shards_;
};

// Prometheus text exposition format 0.0.4. HELP and TYPE are written once for a name and all
// samples of a name stand together, in whatever order they were given; label values are escaped,
// and bytes that are not UTF-8 replaced. Names must be valid and keep their type (ENSURE). Threads:
// one owner.
class MetricsText {
 public:
  using Labels = std::vector<std::pair<std::string_view, std::string_view>>;

  void Counter(std::string_view name, std::string_view help, double value,
               const Labels& labels = {});
  void Gauge(std::string_view name, std::string_view help, double value, const Labels& labels = {});
  // In seconds, as Prometheus asks: name_bucket (one a power of two), name_sum, name_count.
  void Histogram(std::string_view name, std::string_view help,
                 const LatencyHistogram::Reading& reading, const Labels& labels = {});
  // Everything since the last Take.
  std::string Take();

 private:
  struct Family {
    std::string name;
    std::string_view type;
    std::string text;
  };

  std::string& FamilyText(std::string_view name, std::string_view help, std::string_view type);

  std::vector<Family> families_;
};

// What the system says of this process. What cannot be read stays 0.
struct ProcessReading {
  double cpu_user_seconds = 0;
  double cpu_system_seconds = 0;
  std::uint64_t resident_bytes = 0;
  std::uint64_t open_files = 0;
  std::uint64_t open_files_max = 0;
  std::uint64_t threads = 0;
};
ProcessReading ReadProcess();

}  // namespace reprise::telemetry
