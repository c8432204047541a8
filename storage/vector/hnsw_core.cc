#include "storage/vector/hnsw_core.h"

#include <algorithm>
#include <cstdlib>
#include <hnswlib/hnswlib.h>
#include <queue>

#include "protocol/base/ensure.h"
#include "storage/vector/mapped_region.h"

namespace reprise::vector {
namespace {

// hnswlib wants to know how long an item is and how two of them compare.
class Space final : public hnswlib::SpaceInterface<float> {
 public:
  explicit Space(const Codec& codec) : codec_(codec) {}
  std::size_t get_data_size() override { return codec_.item_bytes(); }
  hnswlib::DISTFUNC<float> get_dist_func() override { return Distance; }
  void* get_dist_func_param() override { return const_cast<Codec*>(&codec_); }

 private:
  static float Distance(const void* a, const void* b, const void* codec) {
    return static_cast<const Codec*>(codec)->Distance(static_cast<const char*>(a),
                                                      static_cast<const char*>(b));
  }

  const Codec& codec_;
};

using Base = hnswlib::HierarchicalNSW<float>;
using Pair = std::pair<float, hnswlib::tableint>;
using Heap = std::priority_queue<Pair, std::vector<Pair>, Base::CompareByFirst>;

// A heap gives the farthest first.
Candidates Sorted(Heap& heap) {
  Candidates sorted(heap.size());
  for (auto candidate = sorted.rbegin(); candidate != sorted.rend(); ++candidate) {
    *candidate = {heap.top().first, heap.top().second};
    heap.pop();
  }
  return sorted;
}

// A list of visited nodes, borrowed for one search.
class Visited {
 public:
  explicit Visited(hnswlib::VisitedListPool& pool)
      : pool_(pool), list_(pool.getFreeVisitedList()) {}
  ~Visited() { pool_.releaseVisitedList(list_); }
  Visited(const Visited&) = delete;
  Visited& operator=(const Visited&) = delete;
  Visited(Visited&&) = delete;
  Visited& operator=(Visited&&) = delete;

  bool Enter(std::uint32_t slot) {
    return std::exchange(list_->mass[slot], list_->curV) != list_->curV;
  }

 private:
  hnswlib::VisitedListPool& pool_;
  hnswlib::VisitedList* list_;
};

}  // namespace

// hnswlib's own insertion, deletion, files and locks are not used (notes/0001): the base class is
// given memory of ours, and its destructor finds nothing to free.
class HnswCore::Hnsw final : public Base {
 public:
  Hnsw(std::unique_ptr<Space> space, std::uint32_t m)
      : Base(space.get(), 1, m, m, 0), space_(std::move(space)) {
    std::free(data_level0_memory_);
    std::free(linkLists_);
    data_level0_memory_ = nullptr;
    linkLists_ = nullptr;
    std::vector<std::mutex>().swap(link_list_locks_);
    std::vector<std::mutex>().swap(link_list_update_locks_);
  }
  ~Hnsw() override {
    for (std::uint32_t slot = 0; slot < capacity_; ++slot) {
      std::free(linkLists_[slot]);
    }
    data_level0_memory_ = nullptr;
    linkLists_ = nullptr;
  }
  Hnsw(const Hnsw&) = delete;
  Hnsw& operator=(const Hnsw&) = delete;
  Hnsw(Hnsw&&) = delete;
  Hnsw& operator=(Hnsw&&) = delete;

  void Grow(std::uint32_t slots) {
    nodes_.Grow(slots * size_data_per_element_);
    upper_.Grow(slots * sizeof(char*));
    data_level0_memory_ = nodes_.data();
    linkLists_ = reinterpret_cast<char**>(upper_.data());
    delete visited_list_pool_;
    visited_list_pool_ = new hnswlib::VisitedListPool(1, static_cast<int>(slots));
    max_elements_ = slots;
    capacity_ = slots;
  }

 private:
  std::unique_ptr<Space> space_;
  MappedRegion nodes_;
  MappedRegion upper_;
  std::uint32_t capacity_ = 0;
};

HnswCore::HnswCore(const Codec& codec, std::uint32_t m)
    : codec_(codec), m_(m), hnsw_(std::make_unique<Hnsw>(std::make_unique<Space>(codec), m)) {
  node_bytes_ = hnsw_->size_data_per_element_;
  upper_bytes_ = hnsw_->size_links_per_element_;
  item_offset_ = hnsw_->offsetData_;
  id_offset_ = hnsw_->label_offset_;
}

HnswCore::~HnswCore() = default;

void HnswCore::Grow(std::uint32_t slots) {
  if (slots > capacity_) {
    hnsw_->Grow(slots);
    nodes_ = hnsw_->data_level0_memory_;
    capacity_ = slots;
  }
}

char* HnswCore::Upper(std::uint32_t slot) const {
  return hnsw_->linkLists_[slot];
}

char* HnswCore::AllocateUpper(std::uint32_t slot, int level) {
  ENSURE(hnsw_->linkLists_[slot] == nullptr && level >= 1);
  hnsw_->linkLists_[slot] = static_cast<char*>(std::calloc(UpperBytes(level), 1));
  ENSURE(hnsw_->linkLists_[slot] != nullptr);
  return hnsw_->linkLists_[slot];
}

void HnswCore::Create(std::uint32_t slot, int level, EntryId id, const char* item) {
  std::memset(Node(slot), 0, item_offset_);
  std::memcpy(Node(slot) + item_offset_, item, codec_.item_bytes());
  SetId(slot, id);
  if (level > 0) {
    AllocateUpper(slot, level);
  }
}

void HnswCore::Erase(std::uint32_t slot, int level) {
  std::memset(Node(slot), 0, node_bytes_);
  if (level > 0) {
    std::free(hnsw_->linkLists_[slot]);
    hnsw_->linkLists_[slot] = nullptr;
  }
}

void HnswCore::SetLinks(std::uint32_t slot, int level, std::span<const std::uint32_t> links) {
  ENSURE(links.size() <= LinksMax(level));
  char* list = List(slot, level);
  const auto count = static_cast<std::uint16_t>(links.size());
  std::memcpy(list, &count, sizeof(count));
  if (!links.empty()) {
    std::memcpy(list + sizeof(std::uint32_t), links.data(), links.size_bytes());
  }
}

std::uint32_t HnswCore::Descend(std::uint32_t entry, const char* item, int from, int to) const {
  std::uint32_t nearest = entry;
  float distance = Distance(item, entry);
  for (int level = from; level > to; --level) {
    for (bool is_closer = true; is_closer;) {
      is_closer = false;
      for (const std::uint32_t link : Links(nearest, level)) {
        const float other = Distance(item, link);
        if (other < distance) {
          distance = other;
          nearest = link;
          is_closer = true;
        }
      }
    }
  }
  return nearest;
}

Candidates HnswCore::Search(std::uint32_t entry, const char* item, int level,
                            std::size_t ef) const {
  if (level > 0) {
    return SearchUpper(entry, item, level, ef);
  }
  Heap found = hnsw_->searchBaseLayerST<true>(entry, item, ef);
  return Sorted(found);
}

// As the ground level, for the few nodes above it (hnswlib's needs a lock for each node).
Candidates HnswCore::SearchUpper(std::uint32_t entry, const char* item, int level,
                                 std::size_t ef) const {
  Visited visited(*hnsw_->visited_list_pool_);
  Heap nearest;
  std::priority_queue<Pair, std::vector<Pair>, std::greater<>> open;
  const auto offer = [&](std::uint32_t slot) {
    const float distance = Distance(item, slot);
    if (nearest.size() >= ef && distance >= nearest.top().first) {
      return;
    }
    open.emplace(distance, slot);
    if (!IsDead(slot)) {
      nearest.emplace(distance, slot);
    }
    if (nearest.size() > ef) {
      nearest.pop();
    }
  };
  visited.Enter(entry);
  offer(entry);
  while (!open.empty()) {
    const auto [distance, slot] = open.top();
    if (nearest.size() >= ef && distance > nearest.top().first) {
      break;
    }
    open.pop();
    for (const std::uint32_t link : Links(slot, level)) {
      if (visited.Enter(link)) {
        offer(link);
      }
    }
  }
  return Sorted(nearest);
}

Candidates HnswCore::Choose(const Candidates& candidates, std::size_t count) const {
  Heap heap;
  for (const Candidate& candidate : candidates) {
    heap.emplace(candidate.distance, candidate.slot);
  }
  hnsw_->getNeighborsByHeuristic2(heap, count);
  return Sorted(heap);
}

}  // namespace reprise::vector
