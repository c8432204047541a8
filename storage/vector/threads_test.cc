// X7: one writer, several readers. Under the thread sanitizer this is the proof of the locking.
#include <atomic>
#include <thread>

#include "storage/vector/index.h"
#include "storage/vector/test_support.h"

namespace reprise::vector {
namespace {

constexpr std::size_t kWidth = 8;
constexpr PartitionId kPartition{3, 4};

// Hands back how many answers were wrong: no unit similarity, or a search that failed.
int ReadUntil(const VectorIndex& index, const std::atomic<bool>& stop, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  int wrong = 0;
  while (!stop.load()) {
    const auto found = index.Search(kPartition, RandomVector(random, kWidth), 3);
    wrong += found.ok() ? 0 : 1;
    if (found.ok()) {
      for (const Match& match : found.value()) {
        wrong += match.similarity < 1.01F && match.similarity > -1.01F ? 0 : 1;
        static_cast<void>(index.VectorOf(kPartition, match.id));
      }
    }
    static_cast<void>(index.Contains(kPartition, random() % 200));
    static_cast<void>(index.Stats());
  }
  return wrong;
}

void Change(VectorIndex& index, const std::string& path, std::mt19937_64& random) {
  for (int i = 0; i < 400; ++i) {
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

TEST_CASE("readers beside a writer that adds, removes, grows, sweeps, audits and saves") {
  const TempDir dir;
  VectorIndex index(SmallOptions(kWidth, 50));
  std::atomic<bool> stop{false};
  std::atomic<int> wrong{0};
  std::vector<std::thread> readers;
  for (std::uint64_t seed = 1; seed <= 2; ++seed) {
    readers.emplace_back([&, seed] { wrong += ReadUntil(index, stop, seed); });
  }
  std::mt19937_64 random(9);
  Change(index, dir / "vectors", random);
  index.RemovePartition(kPartition, 1);
  Change(index, dir / "vectors", random);
  stop = true;
  for (std::thread& reader : readers) {
    reader.join();
  }
  CHECK(wrong == 0);
}

TEST_CASE("the first insertion beside readers, many times") {
  VectorIndex index(SmallOptions(kWidth, 2));
  std::atomic<bool> stop{false};
  std::atomic<int> wrong{0};
  std::thread reader([&] { wrong += ReadUntil(index, stop, 5); });
  std::mt19937_64 random(10);
  for (int i = 0; i < 100; ++i) {
    for (EntryId id = 0; id < 6; ++id) {
      MustAdd(index, kPartition, id, RandomVector(random, kWidth));
    }
    index.RemovePartition(kPartition, 1);
  }
  stop = true;
  reader.join();
  CHECK(wrong == 0);
}

}  // namespace reprise::vector
