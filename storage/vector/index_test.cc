#include "storage/vector/index.h"

#include <limits>
#include <malloc.h>

#include "storage/vector/test_support.h"

namespace reprise::vector {
namespace {

constexpr PartitionId kA{1, 1};
constexpr PartitionId kB{1, 2};

double RecallOf(const VectorIndex& index, const Entries& entries, std::mt19937_64& random,
                std::size_t width) {
  constexpr int kQueries = 100;
  constexpr float kRounding = 4e-3F;  // Of two vectors as bytes, this narrow.
  int right = 0;
  for (int i = 0; i < kQueries; ++i) {
    const Vector query = ClusteredVector(random, width);
    const auto found = index.Search(kA, query, 1);
    const float best = CosineOf(entries.at(NearestByScan(entries, query)), query);
    right += CosineOf(entries.at(found.value()[0].id), query) >= best - kRounding ? 1 : 0;
  }
  return static_cast<double>(right) / kQueries;
}

void CheckMatches(const Matches& found, const Entries& entries, const Vector& query) {
  for (const Match& match : found) {
    REQUIRE(entries.count(match.id) == 1);
    REQUIRE(match.similarity == Approx(CosineOf(entries.at(match.id), query)).margin(0.02));
  }
  const float best = CosineOf(entries.at(NearestByScan(entries, query)), query);
  REQUIRE(found[0].similarity == Approx(best).margin(0.02));
}

// As counted by the index, and as the allocator sees it.
void MeasureTinyPartitions(std::uint64_t partitions) {
  constexpr std::uint32_t kWidth = 64;
  constexpr double kBytesMax = kWidth + 64;
  VectorIndex index(SmallOptions(kWidth, 1'000));
  std::mt19937_64 random(17);
  const Vector vector = RandomVector(random, kWidth);
  const auto count = static_cast<double>(partitions);
  const std::size_t before = ::mallinfo2().uordblks;
  for (std::uint64_t i = 0; i < partitions; ++i) {
    MustAdd(index, {i, ~i}, i, vector);
  }
  const std::size_t used = ::mallinfo2().uordblks - before;  // 0 where a sanitizer allocates.
  CHECK(static_cast<double>(index.Stats().bytes) / count <= kBytesMax);
  CHECK(static_cast<double>(used) / count <= kBytesMax);
  for (std::uint64_t i = 0; i < partitions; i += 997) {
    REQUIRE(index.Search({i, ~i}, vector, 4).value().size() == 1);
  }
  for (std::uint64_t i = 0; i < partitions; ++i) {
    index.RemovePartition({i, ~i}, 2);
  }
  CHECK(index.entries() == 0);
  CHECK(index.Stats().partitions == 0);
}

}  // namespace

TEST_CASE("the nearest entries of a partition come best first, and none of another") {
  VectorIndex index(SmallOptions(2, 100));
  MustAdd(index, kA, 1, {1, 0});
  MustAdd(index, kA, 2, {0, 1});
  MustAdd(index, kA, 3, UnitVector({1, 1}));
  MustAdd(index, kB, 4, UnitVector({1, 0.1F}));
  const auto found = index.Search(kA, UnitVector({1, 0.1F}), 2);
  REQUIRE(found.value().size() == 2);
  CHECK(found.value()[0].id == 1);
  CHECK(found.value()[0].similarity == Approx(0.995).margin(1e-3));
  CHECK(found.value()[1].id == 3);
  CHECK(index.Search({9, 9}, Vector{1, 0}, 16).value().empty());
  CHECK(index.Stats().partitions == 2);
}

TEST_CASE("bad vectors and bad k are refused, and nothing is stored") {
  VectorIndex index(SmallOptions(2, 100));
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  for (const Vector& bad :
       {Vector{kNan, 1}, Vector{0, 0}, Vector{1}, Vector{1, 0, 0}, Vector{2, 0}}) {
    CHECK(index.Add(kA, 1, bad, 5).error().code == base::Code::kBadRequest);
    CHECK(index.Search(kA, bad, 1).error().code == base::Code::kBadRequest);
  }
  CHECK(index.Search(kA, Vector{1, 0}, 0).error().code == base::Code::kBadRequest);
  CHECK(index.Search(kA, Vector{1, 0}, 17).error().code == base::Code::kBadRequest);
  CHECK(index.entries() == 0);
  CHECK(index.AppliedSequence() == 0);
}

TEST_CASE("the index refuses more entries than its most, and takes one when one has gone") {
  IndexOptions options = SmallOptions(2, 100);
  options.entries_max = 2;
  VectorIndex index(options);
  MustAdd(index, kA, 1, {1, 0});
  MustAdd(index, kB, 1, {1, 0});
  CHECK(index.Add(kA, 2, Vector{0, 1}, 1).error().code == base::Code::kTooLarge);
  MustAdd(index, kB, 1, {0, 1});
  index.Remove(kB, 1, 1);
  MustAdd(index, kA, 2, {0, 1});
}

TEST_CASE("changes that are in the index already are passed over; the last may be repeated") {
  VectorIndex index(SmallOptions(2, 100));
  MustAdd(index, kA, 1, {1, 0}, 10);
  index.Remove(kA, 1, 9);
  CHECK(index.Contains(kA, 1));
  MustAdd(index, kA, 1, {0, 1}, 10);
  CHECK((*index.VectorOf(kA, 1))[1] == Approx(1));
  index.Remove(kA, 1, 11);
  index.Remove(kA, 1, 11);
  CHECK_FALSE(index.Contains(kA, 1));
  CHECK_FALSE(index.VectorOf(kA, 1).has_value());
  CHECK(index.AppliedSequence() == 11);
  CHECK(index.Stats().partitions == 0);
}

TEST_CASE("a partition above the threshold becomes a graph, and a block again when it shrinks") {
  constexpr std::size_t kWidth = 16;
  VectorIndex index(SmallOptions(kWidth, 50));
  std::mt19937_64 random(5);
  Entries entries;
  for (EntryId id = 1; id <= 250; ++id) {
    entries[id] = ClusteredVector(random, kWidth);
    MustAdd(index, kA, id, entries[id], id);
    const auto self = index.Search(kA, entries[id], 1);
    REQUIRE(self.value()[0].similarity > 0.999F);
  }
  CHECK(index.Stats().graphs == 1);
  CHECK(index.Stats().nodes == 250);
  CHECK(RecallOf(index, entries, random, kWidth) >= 0.99);
  for (EntryId id = 1; id <= 240; ++id) {
    index.Remove(kA, id, 250 + id);
    entries.erase(id);
    REQUIRE_FALSE(index.Contains(kA, id));
  }
  CHECK(index.Stats().graphs == 0);
  CHECK(index.entries() == 10);
  CHECK(RecallOf(index, entries, random, kWidth) == 1.0);
  index.RemovePartition(kA, 1000);
  CHECK(index.Stats().partitions == 0);
  CHECK(index.entries() == 0);
}

// X1. A seed that fails is printed.
TEST_CASE("random changes and searches agree with a map, for several seeds") {
  constexpr std::size_t kWidth = 8;
  const std::uint64_t seed = GENERATE(range(1, 4));
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  VectorIndex index(SmallOptions(kWidth, 30));
  std::map<PartitionId, Entries> model;
  std::vector<Vector> known;
  for (std::uint64_t sequence = 1; sequence <= 600; ++sequence) {
    const PartitionId partition{random() % 3 == 0 ? 1U : 0U, 7};
    Entries& entries = model[partition];
    const EntryId id = random() % 120;
    const auto choice = random() % 100;
    if (choice < 60) {
      const bool is_copy = !known.empty() && random() % 3 == 0;
      const Vector vector = is_copy ? known[random() % known.size()] : RandomVector(random, kWidth);
      known.push_back(vector);
      MustAdd(index, partition, id, vector, sequence);
      entries[id] = vector;
    } else if (choice < 99 || random() % 4 != 0) {
      index.Remove(partition, id, sequence);
      entries.erase(id);
    } else {
      index.RemovePartition(partition, sequence);
      entries.clear();
    }
    REQUIRE(index.Contains(partition, id) == (entries.count(id) == 1));
    if (sequence % 10 == 0 && !entries.empty()) {
      const Vector query = RandomVector(random, kWidth);
      const auto found = index.Search(partition, query, 5).value();
      REQUIRE(found.size() == std::min<std::size_t>(5, entries.size()));
      CheckMatches(found, entries, query);
    }
  }
  std::size_t total = 0;
  for (const auto& [partition, entries] : model) {
    total += entries.size();
    for (const auto& [id, vector] : entries) {
      REQUIRE(CosineOf(*index.VectorOf(partition, id), vector) > 0.999F);
    }
  }
  CHECK(index.entries() == total);
}

// X2 and X3, small: the bars for large graphs stand in bench/vector.
TEST_CASE("recall holds after three times churn, slots are used again, nothing is lost") {
  constexpr std::size_t kWidth = 16;
  const Encoding encoding = GENERATE(Encoding::kInt8, Encoding::kFloat);
  IndexOptions options = SmallOptions(kWidth, 100);
  options.encoding = encoding;
  VectorIndex index(options);
  std::mt19937_64 random(11);
  Entries entries;
  EntryId next = 0;
  for (; next < 200; ++next) {
    entries[next] = ClusteredVector(random, kWidth);
    MustAdd(index, kA, next, entries[next]);
  }
  CHECK(RecallOf(index, entries, random, kWidth) >= 0.99);
  for (int i = 0; i < 600; ++i, ++next) {
    const EntryId gone = entries.begin()->first;
    entries.erase(gone);
    index.Remove(kA, gone, 1);
    entries[next] = ClusteredVector(random, kWidth);
    MustAdd(index, kA, next, entries[next]);
  }
  CHECK(RecallOf(index, entries, random, kWidth) >= 0.985);
  const IndexStats stats = index.Stats();
  CHECK(stats.nodes == 200);
  CHECK(stats.dead < 200 / 3);
  const AuditReport report = index.Audit(200);
  CHECK(report.probed == 200);
  CHECK(report.unreachable <= 1);
  CHECK(report.unreachable == report.repaired);
  index.Purge();
  CHECK(index.Stats().dead == 0);
  CHECK(RecallOf(index, entries, random, kWidth) >= 0.985);
}

TEST_CASE("whole neighbourhoods may go, and others come, without losing what stays") {
  constexpr std::size_t kWidth = 16;
  VectorIndex index(SmallOptions(kWidth, 50));
  std::mt19937_64 random(13);
  const Vector far = RandomVector(random, kWidth);
  EntryId id = 0;
  for (int round = 0; round < 3; ++round) {
    const Vector centre = RandomVector(random, kWidth);
    const EntryId first = id;
    for (; id < first + 150; ++id) {
      Vector vector = centre;
      vector[id % kWidth] += 0.01F * static_cast<float>(id % 89);
      MustAdd(index, kA, id, UnitVector(vector));
    }
    for (EntryId old = first < 150 ? 0 : first - 150; old < first; ++old) {
      index.Remove(kA, old, 1);
    }
    MustAdd(index, kA, 100'000, far);
    REQUIRE(index.Search(kA, far, 1).value()[0].id == 100'000);
    REQUIRE(index.Search(kA, centre, 1).value()[0].similarity > 0.98F);
    FinishMaintenance(index);
    const AuditReport report = index.Audit(400);
    CHECK(report.repaired == report.unreachable);
    CHECK(index.Audit(400).unreachable == 0);
  }
}

TEST_CASE("identical vectors share a node, and each entry is found while it is there") {
  VectorIndex index(SmallOptions(4, 10));
  const auto step = [](EntryId id) {
    const float angle = 0.1F * static_cast<float>(id);
    return Vector{std::cos(angle), std::sin(angle), 0, 0};
  };
  for (EntryId id = 0; id < 30; ++id) {
    MustAdd(index, kA, id, step(id));
  }
  const Vector same = UnitVector({0, 0, 1, 1});
  for (EntryId id = 1'000; id < 2'000; ++id) {
    MustAdd(index, kA, id, same);
  }
  CHECK(index.Stats().nodes == 31);
  CHECK(index.entries() == 1'030);
  CHECK(index.Search(kA, same, 16).value().size() == 16);
  for (EntryId id = 1'000; id < 1'999; ++id) {
    index.Remove(kA, id, 1);
  }
  CHECK(index.Search(kA, same, 1).value()[0].id == 1'999);
  CHECK(index.Search(kA, step(7), 1).value()[0].id == 7);
  index.Remove(kA, 1'999, 1);
  CHECK(index.Stats().nodes == 30);
  for (EntryId id = 0; id < 30; ++id) {
    CHECK(index.Search(kA, step(id), 1).value()[0].id == id);
  }
}

TEST_CASE("a partition of one entry costs at most 64 bytes beside its vector") {
  MeasureTinyPartitions(10'000);
}

TEST_CASE("a hundred thousand partitions of one entry cost at most 64 bytes each", "[.nightly]") {
  MeasureTinyPartitions(100'000);
}

TEST_CASE("what is not kept goes, from blocks, graphs and shared nodes") {
  constexpr std::size_t kWidth = 8;
  VectorIndex index(SmallOptions(kWidth, 50));
  std::mt19937_64 random(19);
  const Vector same = RandomVector(random, kWidth);
  for (EntryId id = 0; id < 200; ++id) {
    MustAdd(index, kA, id, id % 5 == 0 ? same : RandomVector(random, kWidth), 1 + id);
    MustAdd(index, {2, id % 40}, 1'000 + id, RandomVector(random, kWidth), 1 + id);
  }
  const auto is_even = [](PartitionId /*partition*/, EntryId id) { return id % 2 == 0; };
  CHECK(index.Retain(is_even, 300) == 200);
  CHECK(index.Retain(is_even, 301) == 0);
  CHECK(index.entries() == 200);
  CHECK(index.AppliedSequence() == 301);
  for (EntryId id = 0; id < 200; ++id) {
    CHECK(index.Contains(kA, id) == (id % 2 == 0));
    CHECK(index.Contains({2, id % 40}, 1'000 + id) == (id % 2 == 0));
  }
}

TEST_CASE("while rebuilding, what happens meanwhile wins over what a scan finds") {
  VectorIndex index(SmallOptions(2, 10));
  MustAdd(index, kA, 1, {1, 0}, 50);
  index.BeginRebuild();
  CHECK(index.entries() == 0);
  CHECK(index.AppliedSequence() == 0);
  CHECK(index.Snapshot("unused").error().code == base::Code::kUnavailable);
  MustAdd(index, kA, 2, {0, 1}, 61);
  index.Remove(kA, 3, 62);
  index.RemovePartition(kB, 63);
  REQUIRE(index.Backfill(kA, 1, Vector{1, 0}).ok());
  REQUIRE(index.Backfill(kA, 2, Vector{1, 0}).ok());
  REQUIRE(index.Backfill(kA, 3, Vector{1, 0}).ok());
  REQUIRE(index.Backfill(kB, 4, Vector{1, 0}).ok());
  index.EndRebuild(63);
  CHECK(index.AppliedSequence() == 63);
  CHECK(index.entries() == 2);
  CHECK((*index.VectorOf(kA, 2))[1] == Approx(1));
  CHECK_FALSE(index.Contains(kA, 3));
  CHECK_FALSE(index.Contains(kB, 4));
}

}  // namespace reprise::vector
