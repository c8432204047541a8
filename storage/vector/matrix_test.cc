// Rows X1 to X4 and X6 of the test matrix, in the size of every run: each prints its line of
// figures. Large graphs: bench/vector. X7: threads_test.cc. X5 and X8: tests/fault/vector_index.
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>

#include "storage/vector/index.h"
#include "storage/vector/snapshot_file.h"
#include "storage/vector/test_support.h"

namespace reprise::vector {
namespace {

constexpr PartitionId kA{1, 1};

IndexOptions TinyOptions(std::uint32_t width) {
  IndexOptions options = SmallOptions(width, 12);
  options.graph.m = 4;
  options.graph.ef_construction = 16;
  options.graph.ef_search = 16;
  return options;
}

// One seed of X1: changes and searches beside a map. Answers how many operations were done.
std::uint64_t Walk(std::uint64_t seed) {
  constexpr std::size_t kWidth = 4;
  constexpr std::uint64_t kSteps = 120;
  std::mt19937_64 random(seed);
  IndexOptions options = TinyOptions(kWidth);
  options.graph.seed = seed;
  options.encoding = seed % 4 == 0 ? Encoding::kFloat : Encoding::kInt8;
  VectorIndex index(options);
  Entries entries;
  for (std::uint64_t step = 1; step <= kSteps; ++step) {
    const EntryId id = random() % 40;
    if (random() % 100 < 65) {
      const bool is_copy = !entries.empty() && random() % 4 == 0;
      const Vector vector = is_copy ? entries.begin()->second : RandomVector(random, kWidth);
      MustAdd(index, kA, id, vector, step);
      entries[id] = vector;
    } else {
      index.Remove(kA, id, step);
      entries.erase(id);
    }
    REQUIRE(index.Contains(kA, id) == (entries.count(id) == 1));
    REQUIRE(index.entries() == entries.size());
    const auto found = index.Search(kA, RandomVector(random, kWidth), 4).value();
    REQUIRE(found.size() <= std::min<std::size_t>(4, entries.size()));
    for (const Match& match : found) {
      REQUIRE(entries.count(match.id) == 1);
    }
  }
  return 2 * kSteps;
}

struct Recall {
  double at_one = 0;
  double at_ten = 0;
};

Recall RecallOf(const VectorIndex& index, const Entries& entries, std::mt19937_64& random) {
  constexpr std::size_t kTen = 10;
  constexpr int kQueries = 200;
  Recall recall;
  for (int i = 0; i < kQueries; ++i) {
    const Vector query = ClusteredVector(random, entries.begin()->second.size());
    std::vector<std::pair<float, EntryId>> all;
    for (const auto& [id, vector] : entries) {
      all.emplace_back(-CosineOf(vector, query), id);
    }
    std::partial_sort(all.begin(), all.begin() + kTen, all.end());
    const auto found = index.Search(kA, query, kTen).value();
    for (std::size_t j = 0; j < kTen; ++j) {
      const bool is_found = std::any_of(found.begin(), found.end(), [&](const Match& match) {
        return match.id == all[j].second;
      });
      recall.at_ten += is_found ? 1.0 / (kQueries * kTen) : 0;
      recall.at_one += is_found && j == 0 ? 1.0 / kQueries : 0;
    }
  }
  return recall;
}

// Probes all and repairs; then nothing may be out of reach.
AuditReport RepairedOf(VectorIndex& index) {
  constexpr std::uint32_t kAll = 10'000;
  FinishMaintenance(index);
  const AuditReport report = index.Audit(kAll);
  CHECK(report.repaired == report.unreachable);
  CHECK(index.Audit(kAll).unreachable == 0);
  return report;
}

void PrintRepairs(const char* load, const AuditReport& report) {
  std::printf("X2 load=%s probed=%lu unreachable=%luppm repaired=%lu ok\n", load,
              static_cast<unsigned long>(report.probed),
              static_cast<unsigned long>(report.UnreachablePerMillion()),
              static_cast<unsigned long>(report.repaired));
}

std::string ContentOf(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void Write(const std::string& path, const std::string& content) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(content.data(), static_cast<std::streamsize>(content.size()));
}

// The most that this process has mapped at once.
std::uint64_t AddressSpacePeakKib() {
  std::ifstream status("/proc/self/status");
  std::string word;
  std::uint64_t kib = 0;
  while (status >> word) {
    if (word == "VmPeak:") {
      status >> kib;
    }
  }
  return kib;
}

}  // namespace

TEST_CASE("X1: random changes of 200 seeds agree with a map") {
  constexpr std::uint64_t kSeeds = 200;
  std::uint64_t operations = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    CAPTURE(seed);
    operations += Walk(seed);
  }
  std::printf("X1 seeds=%lu ops=%lu ok\n", static_cast<unsigned long>(kSeeds),
              static_cast<unsigned long>(operations));
}

TEST_CASE("X2 and X3: ten times churned, everything is found and recall has not fallen") {
  constexpr std::size_t kWidth = 16;
  constexpr EntryId kEntries = 400;
  constexpr EntryId kChurn = 10;
  VectorIndex index(SmallOptions(kWidth, 100));
  std::mt19937_64 random(21);
  Entries entries;
  EntryId next = 0;
  const auto add = [&] {
    entries[next] = ClusteredVector(random, kWidth);
    MustAdd(index, kA, next, entries[next]);
    ++next;
  };
  while (next < kEntries) {
    add();
  }
  FinishMaintenance(index);
  const Recall fresh = RecallOf(index, entries, random);
  while (next < kEntries * (1 + kChurn)) {
    auto gone = entries.begin();
    std::advance(gone, random() % entries.size());
    index.Remove(kA, gone->first, 1);
    entries.erase(gone);
    add();
  }
  FinishMaintenance(index);
  const Recall churned = RecallOf(index, entries, random);
  PrintRepairs("churn", RepairedOf(index));
  constexpr double kRecallMin = 0.98;
  constexpr double kDropMax = 0.005 + 0.01;  // Two of 200 queries are chance.
  CHECK(churned.at_one >= kRecallMin);
  CHECK(churned.at_ten >= kRecallMin);
  CHECK(fresh.at_one - churned.at_one <= kDropMax);
  std::printf("X3 entries=%lu recall fresh=%.3f/%.3f churned=%.3f/%.3f ok\n",
              static_cast<unsigned long>(kEntries), fresh.at_one, fresh.at_ten, churned.at_one,
              churned.at_ten);
}

TEST_CASE("X2: a crowd of equal vectors that comes first hides no later one") {
  constexpr std::size_t kWidth = 8;
  VectorIndex index(SmallOptions(kWidth, 50));
  std::mt19937_64 random(22);
  const Vector same = RandomVector(random, kWidth);
  EntryId id = 0;
  for (; id < 1'000; ++id) {
    MustAdd(index, kA, id, same);
  }
  for (; id < 1'300; ++id) {
    MustAdd(index, kA, id, RandomVector(random, kWidth));
  }
  PrintRepairs("duplicates", RepairedOf(index));
}

// Not the same bytes, so each has a node of its own, and all would rather link to each other.
TEST_CASE("X2: a crowd of nearly equal vectors hides none, neither before nor after it") {
  constexpr std::size_t kWidth = 32;
  VectorIndex index(SmallOptions(kWidth, 50));
  std::mt19937_64 random(26);
  const Vector centre = RandomVector(random, kWidth);
  EntryId id = 0;
  Entries others;
  const auto add_others = [&] {
    for (const EntryId end = id + 150; id < end; ++id) {
      others[id] = RandomVector(random, kWidth);
      MustAdd(index, kA, id, others[id]);
    }
  };
  add_others();
  for (const EntryId end = id + 700; id < end; ++id) {
    Vector vector = centre;
    const Vector noise = RandomVector(random, kWidth);
    for (std::size_t i = 0; i < kWidth; ++i) {
      vector[i] += 0.02F * noise[i];
    }
    MustAdd(index, kA, id, UnitVector(vector));
  }
  add_others();
  CHECK(index.Stats().nodes > 900);
  PrintRepairs("crowd", RepairedOf(index));
  for (const auto& [other, vector] : others) {
    REQUIRE(index.Search(kA, vector, 1).value()[0].id == other);
  }
}

TEST_CASE("X2: what comes after all have gone is found") {
  constexpr std::size_t kWidth = 8;
  VectorIndex index(SmallOptions(kWidth, 50));
  std::mt19937_64 random(23);
  EntryId id = 0;
  AuditReport report;
  for (int round = 0; round < 3; ++round) {
    const EntryId first = id;
    for (; id < first + 300; ++id) {
      MustAdd(index, kA, id, RandomVector(random, kWidth));
    }
    report += RepairedOf(index);
    for (EntryId gone = first; gone < id; ++gone) {
      index.Remove(kA, gone, 1);
    }
    CHECK(index.entries() == 0);
    CHECK(index.Search(kA, RandomVector(random, kWidth), 1).value().empty());
  }
  PrintRepairs("all_gone", report);
}

TEST_CASE("X4: vectors that no search could compare are refused, and nothing is stored") {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInf = std::numeric_limits<float>::infinity();
  constexpr float kTiny = std::numeric_limits<float>::denorm_min();
  constexpr float kHuge = std::numeric_limits<float>::max();
  const std::vector<Vector> all_bad = {{kNan, 0, 0},
                                       {1, 0, kNan},
                                       {kInf, 0, 0},
                                       {0, -kInf, 0},
                                       {kInf, -kInf, kNan},
                                       {0, 0, 0},
                                       {-0.0F, 0, 0},
                                       {kTiny, 0, 0},
                                       {1e-20F, 0, 0},
                                       {kTiny, kTiny, kTiny},
                                       {kHuge, 0, 0},
                                       {kHuge, kHuge, 1},
                                       {2, 0, 0},
                                       {1, 0},
                                       {1, 0, 0, 0},
                                       {0.5F, 0.5F, 0},
                                       {}};
  int refused = 0;
  for (const Encoding encoding : {Encoding::kInt8, Encoding::kFloat}) {
    IndexOptions options = SmallOptions(3, 10);
    options.encoding = encoding;
    VectorIndex index(options);
    for (const Vector& bad : all_bad) {
      const base::Status added = index.Add(kA, 1, bad, 1);
      const auto found = index.Search(kA, bad, 1);
      REQUIRE_FALSE(added.ok());
      REQUIRE_FALSE(found.ok());
      CHECK(added.error().code == base::Code::kBadRequest);
      CHECK(found.error().code == base::Code::kBadRequest);
      ++refused;
    }
    CHECK(index.entries() == 0);
    // A number that is next to nothing is no reason to refuse.
    MustAdd(index, kA, 1, {1, kTiny, -kTiny});
  }
  std::printf("X4 refused=%d/%zu ok\n", refused, 2 * all_bad.size());
}

TEST_CASE("X6: 2,000 changed bits are all seen") {
  const TempDir dir;
  constexpr std::size_t kWidth = 4;
  constexpr int kFlips = 2'000;
  const IndexOptions options = TinyOptions(kWidth);
  VectorIndex index(options);
  std::mt19937_64 random(24);
  for (EntryId id = 0; id < 100; ++id) {
    MustAdd(index, kA, id, RandomVector(random, kWidth));
    MustAdd(index, {2, id % 9}, id, RandomVector(random, kWidth));
  }
  REQUIRE(index.Snapshot(dir / "vectors").ok());
  const std::string good = ContentOf(dir / "vectors");
  int detected = 0;
  for (int i = 0; i < kFlips; ++i) {
    std::string bad = good;
    const std::size_t bit = random() % (8 * bad.size());
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
    Write(dir / "bad", bad);
    const auto loaded = VectorIndex::Load(options, dir / "bad");
    CAPTURE(bit);
    REQUIRE_FALSE(loaded.ok());
    detected += loaded.error().code == base::Code::kCorrupt ? 1 : 0;
  }
  CHECK(detected == kFlips);
  std::printf("X6 flips=%d detected=%d crashes=0 ok\n", kFlips, detected);
}

// A sparse file is free of cost for who makes it: what it claims must not be.
TEST_CASE("X6: memory follows what a snapshot holds, not what it counts") {
  const TempDir dir;
  const IndexOptions options = TinyOptions(4);
  VectorIndex index(options);
  std::mt19937_64 random(25);
  for (EntryId id = 0; id < 100; ++id) {
    MustAdd(index, kA, id, RandomVector(random, 4));
  }
  REQUIRE(index.Stats().graphs == 1);
  REQUIRE(index.Snapshot(dir / "vectors").ok());
  std::string content = ContentOf(dir / "vectors");
  constexpr std::size_t kFrameHead = 8;
  constexpr std::size_t kSlotsAt = 48 + 24;  // Behind the file's head and the partition's.
  std::uint32_t slots = 0;
  std::memcpy(&slots, &content[kFrameHead + kSlotsAt], sizeof(slots));
  REQUIRE(slots >= 100);
  slots = 500'000'000;
  std::memcpy(&content[kFrameHead + kSlotsAt], &slots, sizeof(slots));
  auto writer = SnapshotWriter::Create(dir / "bad");
  REQUIRE(writer.ok());
  writer.value().Append(&content[kFrameHead], content.size() - 2 * kFrameHead);
  REQUIRE(writer.value().Finish().ok());
  std::filesystem::resize_file(dir / "bad", std::uint64_t{1} << 40U);
  const std::uint64_t before = AddressSpacePeakKib();
  const auto loaded = VectorIndex::Load(options, dir / "bad");
  const std::uint64_t after = AddressSpacePeakKib();
  REQUIRE_FALSE(loaded.ok());
  CHECK(loaded.error().code == base::Code::kCorrupt);
  constexpr std::uint64_t kKibMax = 16U << 10U;
  CHECK(after - before <= kKibMax);
}

}  // namespace reprise::vector
