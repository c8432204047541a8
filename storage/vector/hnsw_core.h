// HnswCore: the memory of a graph and the two algorithms that hnswlib is used for, the search of
// the ground level and the choice of neighbours. The only file that sees hnswlib.
//
// Owns nodes by slot number: links, item, id of the entry. Does not own which slots are in use, and
// decides nothing: graph.h does. Levels are 0 (ground) to kLevelMax.
// Threads: as the caller locks; searches of several threads may run at a time. Errors: none.
// Lifetime: spans and pointers end with the next Grow, links with the next SetLinks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "storage/vector/codec.h"
#include "storage/vector/match.h"

namespace reprise::vector {

inline constexpr int kLevelMax = 15;

struct Candidate {
  float distance = 0;
  std::uint32_t slot = 0;
};
using Candidates = std::vector<Candidate>;

class HnswCore {
 public:
  // At most `m` links on the upper levels, twice as many on the ground.
  HnswCore(const Codec& codec, std::uint32_t m);
  ~HnswCore();
  HnswCore(const HnswCore&) = delete;
  HnswCore& operator=(const HnswCore&) = delete;
  HnswCore(HnswCore&&) = delete;
  HnswCore& operator=(HnswCore&&) = delete;

  std::uint32_t capacity() const { return capacity_; }
  void Grow(std::uint32_t slots);
  std::size_t node_bytes() const { return node_bytes_; }
  std::size_t UpperBytes(int level) const { return upper_bytes_ * static_cast<std::size_t>(level); }
  std::uint32_t m() const { return m_; }
  std::uint32_t LinksMax(int level) const { return level == 0 ? 2 * m_ : m_; }

  // A node that has no links yet, on the levels 0 to `level`.
  void Create(std::uint32_t slot, int level, EntryId id, const char* item);
  // Nothing of the node is left in memory.
  void Erase(std::uint32_t slot, int level);

  // The whole node as it is in memory, and its links on the upper levels: for snapshots.
  char* Node(std::uint32_t slot) const { return nodes_ + slot * node_bytes_; }
  char* Upper(std::uint32_t slot) const;
  char* AllocateUpper(std::uint32_t slot, int level);

  const char* Item(std::uint32_t slot) const { return Node(slot) + item_offset_; }
  EntryId Id(std::uint32_t slot) const {
    EntryId id = 0;
    std::memcpy(&id, Node(slot) + id_offset_, sizeof(id));
    return id;
  }
  void SetId(std::uint32_t slot, EntryId id) const {
    std::memcpy(Node(slot) + id_offset_, &id, sizeof(id));
  }
  // A dead node is walked through, but never found.
  bool IsDead(std::uint32_t slot) const { return (Node(slot)[kMarkOffset] & kDeadMark) != 0; }
  void MarkDead(std::uint32_t slot) const { Node(slot)[kMarkOffset] |= kDeadMark; }

  std::span<const std::uint32_t> Links(std::uint32_t slot, int level) const {
    const char* list = List(slot, level);
    std::uint16_t count = 0;
    std::memcpy(&count, list, sizeof(count));
    return {reinterpret_cast<const std::uint32_t*>(list) + 1, count};
  }
  // At most LinksMax(level).
  void SetLinks(std::uint32_t slot, int level, std::span<const std::uint32_t> links);

  float Distance(const char* item, std::uint32_t slot) const {
    return codec_.Distance(item, Item(slot));
  }

  // Down from `from` to `to` (exclusive), greedily; `entry` is a node of level `from`.
  std::uint32_t Descend(std::uint32_t entry, const char* item, int from, int to) const;
  // The nearest living nodes that a beam of width `ef` meets, nearest first.
  Candidates Search(std::uint32_t entry, const char* item, int level, std::size_t ef) const;
  // The `count` of the candidates that lie in different directions (all, when they are fewer).
  Candidates Choose(const Candidates& candidates, std::size_t count) const;

 private:
  class Hnsw;
  static constexpr std::size_t kMarkOffset = 2;
  static constexpr char kDeadMark = 1;

  char* List(std::uint32_t slot, int level) const {
    return level == 0 ? Node(slot) : Upper(slot) + UpperBytes(level - 1);
  }
  Candidates SearchUpper(std::uint32_t entry, const char* item, int level, std::size_t ef) const;

  const Codec& codec_;
  std::uint32_t m_;
  std::uint32_t capacity_ = 0;
  std::size_t node_bytes_;
  std::size_t upper_bytes_;
  std::size_t item_offset_;
  std::size_t id_offset_;
  char* nodes_ = nullptr;
  std::unique_ptr<Hnsw> hnsw_;
};

}  // namespace reprise::vector
