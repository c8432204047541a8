#include <fstream>
#include <iterator>

#include "storage/vector/index.h"
#include "storage/vector/snapshot_file.h"
#include "storage/vector/test_support.h"

namespace reprise::vector {
namespace {

constexpr std::size_t kWidth = 8;
constexpr PartitionId kLarge{1, 1};

// Blocks, a graph with dead nodes, free slots, shared nodes and upper levels.
void Fill(VectorIndex& index, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  for (EntryId id = 0; id < 10; ++id) {
    MustAdd(index, {2, id % 4}, id, RandomVector(random, kWidth), id);
  }
  const Vector same = RandomVector(random, kWidth);
  for (EntryId id = 0; id < 250; ++id) {
    MustAdd(index, kLarge, id, id % 9 == 0 ? same : RandomVector(random, kWidth), 100 + id);
  }
  for (EntryId id = 0; id < 80; ++id) {
    index.Remove(kLarge, id * 2, 1'000 + id);
  }
}

std::string ContentOf(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void Write(const std::string& path, const std::string& content) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(content.data(), static_cast<std::streamsize>(content.size()));
}

}  // namespace

TEST_CASE("a snapshot gives the same answers, and the index goes on from there") {
  const TempDir dir;
  const Encoding encoding = GENERATE(Encoding::kInt8, Encoding::kFloat);
  IndexOptions options = SmallOptions(kWidth, 60);
  options.encoding = encoding;
  VectorIndex index(options);
  Fill(index, 1);
  REQUIRE(index.Stats().graphs == 1);
  REQUIRE(index.Snapshot(dir / "vectors").ok());
  auto loaded = VectorIndex::Load(options, dir / "vectors");
  REQUIRE(loaded.ok());
  VectorIndex& copy = *loaded.value();
  CHECK(copy.AppliedSequence() == 1'079);
  CHECK(copy.entries() == index.entries());
  CHECK(copy.Stats().nodes == index.Stats().nodes);
  CHECK(copy.Stats().dead == index.Stats().dead);
  std::mt19937_64 random(2);
  for (int i = 0; i < 60; ++i) {
    const Vector query = RandomVector(random, kWidth);
    const PartitionId partition = i % 2 == 0 ? kLarge : PartitionId{2, 1};
    const auto expected = index.Search(partition, query, 3).value();
    const auto found = copy.Search(partition, query, 3).value();
    REQUIRE(found.size() == expected.size());
    for (std::size_t j = 0; j < found.size(); ++j) {
      REQUIRE(found[j].similarity == expected[j].similarity);
    }
  }
  for (EntryId id = 0; id < 200; ++id) {
    MustAdd(copy, kLarge, 5'000 + id, RandomVector(random, kWidth), 2'000 + id);
    copy.Remove(kLarge, id, 3'000 + id);
  }
  copy.Purge();
  CHECK(copy.Stats().dead == 0);
  CHECK(copy.Audit(400).unreachable == 0);
  REQUIRE(copy.Snapshot(dir / "vectors").ok());
  CHECK(VectorIndex::Load(options, dir / "vectors").ok());
}

TEST_CASE("a snapshot of another index is refused with a sentence") {
  const TempDir dir;
  const IndexOptions options = SmallOptions(kWidth, 60);
  VectorIndex index(options);
  REQUIRE(index.Snapshot(dir / "empty").ok());
  CHECK(VectorIndex::Load(options, dir / "empty").value()->entries() == 0);
  IndexOptions other = options;
  other.width = 9;
  CHECK(VectorIndex::Load(other, dir / "empty").error().code == base::Code::kCorrupt);
  other = options;
  other.encoding = Encoding::kFloat;
  CHECK(VectorIndex::Load(other, dir / "empty").error().code == base::Code::kCorrupt);
  other = options;
  other.graph.m = 9;
  CHECK(VectorIndex::Load(other, dir / "empty").error().code == base::Code::kCorrupt);
  CHECK(VectorIndex::Load(options, dir / "nowhere").error().code == base::Code::kIo);
  CHECK(index.Snapshot(dir / "nowhere/vectors").error().code == base::Code::kIo);
}

// X6: each flip and each cut is seen.
TEST_CASE("no flipped bit and no missing end of a snapshot goes unseen") {
  const TempDir dir;
  const IndexOptions options = SmallOptions(kWidth, 60);
  VectorIndex index(options);
  Fill(index, 3);
  REQUIRE(index.Snapshot(dir / "vectors").ok());
  const std::string good = ContentOf(dir / "vectors");
  std::mt19937_64 random(4);
  for (int i = 0; i < 60; ++i) {
    std::string bad = good;
    const std::size_t place = i < 30 ? static_cast<std::size_t>(i) * 2 : random() % bad.size();
    bad[place] = static_cast<char>(bad[place] ^ (1 << random() % 8));
    Write(dir / "bad", bad);
    CAPTURE(place);
    const auto loaded = VectorIndex::Load(options, dir / "bad");
    REQUIRE_FALSE(loaded.ok());
    CHECK(loaded.error().code == base::Code::kCorrupt);
  }
  for (int i = 0; i < 20; ++i) {
    Write(dir / "bad",
          good.substr(0, i < 10 ? static_cast<std::size_t>(i) : random() % good.size()));
    REQUIRE_FALSE(VectorIndex::Load(options, dir / "bad").ok());
  }
  Write(dir / "bad", good + "x");
  CHECK_FALSE(VectorIndex::Load(options, dir / "bad").ok());
}

// What a checksum cannot see: content that was wrong when it was written.
// For more of the same: tests/fuzz/vectors_fuzz.cc.
TEST_CASE("content with a right checksum and a wrong link, level, count or entry is never used") {
  const TempDir dir;
  const IndexOptions options = SmallOptions(kWidth, 60);
  VectorIndex index(options);
  Fill(index, 5);
  REQUIRE(index.Snapshot(dir / "vectors").ok());
  const std::string framed = ContentOf(dir / "vectors");
  constexpr std::size_t kHead = 8;
  const std::string content = framed.substr(kHead, framed.size() - 2 * kHead);
  REQUIRE(content.size() < kFrameBytes);
  std::mt19937_64 random(6);
  int refused = 0;
  for (int i = 0; i < 12; ++i) {
    std::string bad = content;
    bad[random() % bad.size()] = static_cast<char>(random());
    auto writer = SnapshotWriter::Create(dir / "bad");
    REQUIRE(writer.ok());
    writer.value().Append(bad.data(), bad.size());
    REQUIRE(writer.value().Finish().ok());
    auto loaded = VectorIndex::Load(options, dir / "bad");
    if (!loaded.ok()) {
      ++refused;
      continue;
    }
    // Harmless, such as another id or another sound link: everything still works.
    for (int j = 0; j < 5; ++j) {
      REQUIRE(loaded.value()->Search(kLarge, RandomVector(random, kWidth), 5).ok());
    }
    static_cast<void>(loaded.value()->Audit(100));
    loaded.value()->Purge();
  }
  CHECK(refused > 0);
}

TEST_CASE("when the snapshot cannot be written the old one stays") {
  const TempDir dir;
  const IndexOptions options = SmallOptions(kWidth, 60);
  VectorIndex index(options);
  MustAdd(index, kLarge, 1, UnitVector(Vector(kWidth, 1)), 7);
  REQUIRE(index.Snapshot(dir / "vectors").ok());
  MustAdd(index, kLarge, 2, UnitVector(Vector(kWidth, 1)), 8);
  std::filesystem::create_directory(dir / "vectors.new");
  CHECK(index.Snapshot(dir / "vectors").error().code == base::Code::kIo);
  CHECK(VectorIndex::Load(options, dir / "vectors").value()->AppliedSequence() == 7);
}

}  // namespace reprise::vector
