// X7: one writer, several readers. Under the thread sanitizer this is the proof of the locking.
// Each test prints its line of figures.
#include <array>
#include <atomic>
#include <cstdio>
#include <thread>

#include "protocol/base/clock.h"
#include "storage/vector/index.h"
#include "storage/vector/test_support.h"

namespace reprise::vector {
namespace {

constexpr std::size_t kWidth = 8;
constexpr PartitionId kPartition{3, 4};

struct Read {
  int searches = 0;
  int wrong = 0;  // Answers with no unit similarity, or searches that failed.
};

Read ReadUntil(const VectorIndex& index, const std::atomic<bool>& stop, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  Read read;
  while (!stop.load()) {
    const auto found = index.Search(kPartition, RandomVector(random, kWidth), 3);
    ++read.searches;
    read.wrong += found.ok() ? 0 : 1;
    if (found.ok()) {
      for (const Match& match : found.value()) {
        read.wrong += match.similarity < 1.01F && match.similarity > -1.01F ? 0 : 1;
        static_cast<void>(index.VectorOf(kPartition, match.id));
      }
    }
    static_cast<void>(index.Contains(kPartition, random() % 200));
    static_cast<void>(index.Stats());
  }
  return read;
}

// Two readers, until they are asked what they have read.
class Readers {
 public:
  explicit Readers(const VectorIndex& index) {
    for (std::size_t i = 0; i < threads_.size(); ++i) {
      threads_[i] = std::thread([this, &index, i] { reads_[i] = ReadUntil(index, stop_, i + 1); });
    }
  }
  ~Readers() { Join(); }
  Readers(const Readers&) = delete;
  Readers& operator=(const Readers&) = delete;
  Readers(Readers&&) = delete;
  Readers& operator=(Readers&&) = delete;

  // Checks and prints.
  void Finish(const char* load, int changes) {
    Join();
    Read all;
    for (const Read& read : reads_) {
      all.searches += read.searches;
      all.wrong += read.wrong;
    }
    CHECK(all.wrong == 0);
    std::printf("X7 load=%s changes=%d searches=%d wrong=%d %s\n", load, changes, all.searches,
                all.wrong, all.wrong == 0 ? "ok" : "FAILED");
  }

 private:
  void Join() {
    stop_ = true;
    for (std::thread& thread : threads_) {
      if (thread.joinable()) {
        thread.join();
      }
    }
  }

  std::atomic<bool> stop_{false};
  std::array<Read, 2> reads_;
  std::array<std::thread, 2> threads_;
};

constexpr int kChanges = 400;

void Change(VectorIndex& index, const std::string& path, std::mt19937_64& random) {
  for (int i = 0; i < kChanges; ++i) {
    const EntryId id = random() % 200;
    if (random() % 5 < 3) {
      MustAdd(index, kPartition, id, RandomVector(random, kWidth));
    } else {
      index.Remove(kPartition, id, 1);
    }
    if (i % 200 == 199) {
      REQUIRE(index.Snapshot(path).ok());
      static_cast<void>(index.Audit(50));
      index.Purge();
    }
    static_cast<void>(index.Maintain(2));
  }
}

}  // namespace

TEST_CASE("X7: readers beside a writer that adds, removes, sweeps, audits and saves") {
  const TempDir dir;
  VectorIndex index(SmallOptions(kWidth, 50));
  Readers readers(index);
  std::mt19937_64 random(9);
  Change(index, dir / "vectors", random);
  index.RemovePartition(kPartition, 1);
  Change(index, dir / "vectors", random);
  readers.Finish("churn", 2 * kChanges);
}

TEST_CASE("X7: readers beside a graph that grows out of its memory") {
  constexpr int kEntries = 2'000;  // The first memory holds 1,024, the next 1,536.
  IndexOptions options = SmallOptions(kWidth, 50);
  options.graph.m = 4;
  options.graph.ef_construction = 16;
  VectorIndex index(options);
  Readers readers(index);
  std::mt19937_64 random(10);
  for (EntryId id = 0; id < kEntries; ++id) {
    MustAdd(index, kPartition, id, RandomVector(random, kWidth));
  }
  readers.Finish("growth", kEntries);
}

TEST_CASE("X7: the first insertion beside readers, many times") {
  constexpr int kRoundsMin = 100;
  constexpr int kRoundsMax = 2'000;  // Fewer where a sanitizer makes each of them slow.
  constexpr std::int64_t kBudgetNanos = 3'000 * base::kNanosPerMilli;
  VectorIndex index(SmallOptions(kWidth, 2));
  Readers readers(index);
  std::mt19937_64 random(11);
  const base::SystemClock clock;
  const base::Nanos end = clock.Elapsed() + kBudgetNanos;
  int rounds = 0;
  while (rounds < kRoundsMin || (rounds < kRoundsMax && clock.Elapsed() < end)) {
    for (EntryId id = 0; id < 5; ++id) {
      MustAdd(index, kPartition, id, RandomVector(random, kWidth));
    }
    index.RemovePartition(kPartition, 1);
    ++rounds;
  }
  readers.Finish("first", rounds);
}

}  // namespace reprise::vector
