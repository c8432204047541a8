// What the tests of this module share: made-up vectors in clusters, a directory that goes away, the
// nearest entries by brute force.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <system_error>
#include <unistd.h>
#include <vector>

#include <catch2/catch.hpp>

#include "storage/engine/test_support.h"
#include "storage/vector/index.h"

namespace reprise::vector {

using storage::TempDir;

using Vector = std::vector<float>;

inline Vector UnitVector(Vector vector) {
  float squared = 0;
  for (const float number : vector) {
    squared += number * number;
  }
  for (float& number : vector) {
    number /= std::sqrt(squared);
  }
  return vector;
}

inline Vector RandomVector(std::mt19937_64& random, std::size_t width) {
  std::normal_distribution<float> normal;
  Vector vector(width);
  for (float& number : vector) {
    number = normal(random);
  }
  return UnitVector(vector);
}

// Of one of a few clusters, as sentences lie.
inline Vector ClusteredVector(std::mt19937_64& random, std::size_t width) {
  constexpr std::uint64_t kClusters = 20;
  std::mt19937_64 cluster(random() % kClusters + 1000);
  Vector vector = RandomVector(cluster, width);
  const Vector noise = RandomVector(random, width);
  for (std::size_t i = 0; i < width; ++i) {
    vector[i] += 0.7F * noise[i];
  }
  return UnitVector(vector);
}

inline float CosineOf(const Vector& a, const Vector& b) {
  float sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    sum += a[i] * b[i];
  }
  return sum;
}

using Entries = std::map<EntryId, Vector>;

inline EntryId NearestByScan(const Entries& entries, const Vector& query) {
  return std::max_element(entries.begin(), entries.end(),
                          [&](const auto& a, const auto& b) {
                            return CosineOf(a.second, query) < CosineOf(b.second, query);
                          })
      ->first;
}

inline void MustAdd(VectorIndex& index, PartitionId partition, EntryId id, const Vector& vector,
                    std::uint64_t sequence = 1) {
  const base::Status status = index.Add(partition, id, vector, sequence);
  if (!status.ok()) {
    FAIL(status.error().detail);
  }
}

inline IndexOptions SmallOptions(std::uint32_t width, std::uint32_t exact_below) {
  IndexOptions options;
  options.width = width;
  options.exact_below = exact_below;
  options.graph.ef_construction = 48;
  options.graph.m = 8;
  return options;
}

inline void FinishMaintenance(VectorIndex& index) {
  while (index.Maintain(1000)) {
  }
}

}  // namespace reprise::vector
