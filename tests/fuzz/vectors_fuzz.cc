// A snapshot of the vector index with right checksums and any content. A target for libFuzzer.
//
// It must hold that: it is refused with a sentence, or everything works on what was loaded. The
// input changes places of a good snapshot: three bytes of place, one of value, again and again.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <unistd.h>
#include <vector>

#include "protocol/base/ensure.h"
#include "storage/vector/index.h"
#include "storage/vector/snapshot_file.h"

namespace {

using reprise::vector::IndexOptions;
using reprise::vector::PartitionId;
using reprise::vector::SnapshotWriter;
using reprise::vector::VectorIndex;

constexpr PartitionId kPartition{1, 2};
constexpr std::size_t kWidth = 4;
constexpr std::size_t kFrameHead = 8;

IndexOptions Options() {
  IndexOptions options;
  options.width = kWidth;
  options.exact_below = 20;
  options.graph.m = 4;
  options.graph.ef_construction = 16;
  options.graph.ef_search = 16;
  return options;
}

std::vector<float> VectorOf(std::mt19937_64& random) {
  std::normal_distribution<float> normal;
  std::vector<float> vector(kWidth);
  float squared = 0;
  for (float& number : vector) {
    number = normal(random) + 0.01F;
    squared += number * number;
  }
  for (float& number : vector) {
    number /= std::sqrt(squared);
  }
  return vector;
}

// On a file system in memory: syncing costs nothing there.
std::string PathOfFile() {
  return "/dev/shm/reprise-fuzz-vectors-" + std::to_string(::getpid());
}

// Without frames.
std::string GoodContent() {
  VectorIndex index(Options());
  std::mt19937_64 random(1);
  const std::vector<float> same = VectorOf(random);
  for (std::uint64_t id = 0; id < 60; ++id) {
    ENSURE(index.Add(kPartition, id, id % 7 == 0 ? same : VectorOf(random), 1).ok());
    ENSURE(index.Add({3, id % 5}, id, VectorOf(random), 1).ok());
  }
  for (std::uint64_t id = 0; id < 20; ++id) {
    index.Remove(kPartition, id * 2, 1);
  }
  ENSURE(index.Snapshot(PathOfFile()).ok());
  std::ifstream file(PathOfFile(), std::ios::binary);
  const std::string framed{std::istreambuf_iterator<char>(file), {}};
  return framed.substr(kFrameHead, framed.size() - 2 * kFrameHead);
}

void Use(VectorIndex& index) {
  std::mt19937_64 random(2);
  for (std::uint64_t id = 100; id < 110; ++id) {
    ENSURE(index.Search(kPartition, VectorOf(random), 3).ok());
    ENSURE(index.Add(kPartition, id, VectorOf(random), index.AppliedSequence()).ok());
    index.Remove(kPartition, id - 99, index.AppliedSequence());
  }
  static_cast<void>(index.Audit(20));
  index.Purge();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::string good = GoodContent();
  std::string content = good;
  for (std::size_t i = 0; i + 4 <= size; i += 4) {
    const std::size_t place = data[i] | data[i + 1] << 8U | data[i + 2] << 16U;
    content[place % content.size()] = static_cast<char>(data[i + 3]);
  }
  auto writer = SnapshotWriter::Create(PathOfFile());
  ENSURE(writer.ok());
  writer.value().Append(content.data(), content.size());
  ENSURE(writer.value().Finish().ok());
  auto loaded = VectorIndex::Load(Options(), PathOfFile());
  if (loaded.ok()) {
    Use(*loaded.value());
  } else {
    ENSURE(!loaded.error().detail.empty());
  }
  std::filesystem::remove(PathOfFile());
  return 0;
}
