// The index as a file. Bytes: FORMAT.md.
#include <algorithm>
#include <cstring>
#include <string>

#include "storage/vector/index.h"
#include "storage/vector/snapshot_file.h"

namespace reprise::vector {
namespace {

constexpr std::uint64_t kMagic = 0x3130544345565052ULL;  // "RPVECT01"
constexpr std::uint32_t kVersion = 1;

enum class Kind : std::uint32_t { kBlock = 1, kGraph = 2 };

struct Head {
  std::uint64_t magic = kMagic;
  std::uint32_t version = kVersion;
  std::uint32_t encoding = 0;
  std::uint32_t width = 0;
  std::uint32_t m = 0;
  std::uint64_t applied = 0;
  std::uint64_t partitions = 0;
  std::uint64_t entries = 0;
};
static_assert(sizeof(Head) == 48, "written as it is");

struct PartitionHead {
  PartitionId id;
  Kind kind = Kind::kBlock;
  std::uint32_t count = 0;  // Of a block's entries.
};
static_assert(sizeof(PartitionHead) == 24, "written as it is");

std::string ProblemWith(const Head& head, const IndexOptions& options) {
  if (head.magic != kMagic) {
    return "it is no snapshot";
  }
  if (head.version != kVersion) {
    return "it has version " + std::to_string(head.version);
  }
  if (head.width != options.width) {
    return "its vectors have width " + std::to_string(head.width);
  }
  if (head.encoding != static_cast<std::uint32_t>(options.encoding)) {
    return "its vectors are encoded in another way";
  }
  return head.m == options.graph.m ? "" : "its nodes have room for another number of links";
}

}  // namespace

base::Status VectorIndex::Snapshot(const std::string& path) const {
  if (rebuilding()) {
    return base::Error{base::Code::kUnavailable, "the index is being rebuilt"};
  }
  ASSIGN_OR_RETURN(SnapshotWriter out, SnapshotWriter::Create(path));
  Head head;
  head.encoding = static_cast<std::uint32_t>(options_.encoding);
  head.width = options_.width;
  head.m = options_.graph.m;
  head.applied = AppliedSequence();
  head.partitions = partitions_.size();
  head.entries = entries();
  out.AppendNumber(head);
  for (std::uint32_t number = 0; number < blocks_.size(); ++number) {
    const FlatBlock* block = blocks_[number].get();
    if (block == nullptr) {
      continue;
    }
    const Graph* graph = GraphOf(number);
    if (graph != nullptr) {
      out.AppendNumber(PartitionHead{block->partition(), Kind::kGraph, 0});
      graph->Save(out);
      continue;
    }
    out.AppendNumber(PartitionHead{block->partition(), Kind::kBlock, block->count()});
    for (std::uint32_t i = 0; i < block->count(); ++i) {
      out.AppendNumber(block->Id(i));
      out.Append(block->Item(i, codec_.item_bytes()), codec_.item_bytes());
    }
  }
  return out.Finish();
}

base::Result<std::unique_ptr<VectorIndex>> VectorIndex::Load(const IndexOptions& options,
                                                             const std::string& path) {
  ASSIGN_OR_RETURN(SnapshotReader in, SnapshotReader::Open(path));
  Head head;
  RETURN_IF_ERROR(in.ReadNumber(head));
  const std::string problem = ProblemWith(head, options);
  if (!problem.empty()) {
    return in.Corrupt(problem);
  }
  auto index = std::make_unique<VectorIndex>(options);
  for (std::uint64_t i = 0; i < head.partitions; ++i) {
    RETURN_IF_ERROR(index->LoadPartition(in));
  }
  RETURN_IF_ERROR(in.ExpectEnd());
  if (index->entries() != head.entries) {
    return in.Corrupt("it counts " + std::to_string(head.entries) + " entries and holds " +
                      std::to_string(index->entries()));
  }
  index->applied_ = head.applied;
  return index;
}

base::Status VectorIndex::LoadPartition(SnapshotReader& in) {
  PartitionHead head;
  RETURN_IF_ERROR(in.ReadNumber(head));
  if (Find(head.id).has_value()) {
    return in.Corrupt("a partition appears twice");
  }
  if (head.kind == Kind::kBlock) {
    return LoadBlock(in, head.id, head.count);
  }
  if (head.kind != Kind::kGraph) {
    return in.Corrupt("a partition of no known kind");
  }
  GraphOptions options = options_.graph;
  options.seed = Mix(options.seed + seeds_);
  ++seeds_;
  ASSIGN_OR_RETURN(std::shared_ptr<Graph> graph, Graph::Load(codec_, options, in));
  const std::uint32_t number = FindOrMake(head.id);
  SetBlock(number, FlatBlock::Make(head.id, 0, codec_.item_bytes()));
  entries_ += graph->entries();
  graphs_[number] = std::move(graph);
  return base::Ok{};
}

base::Status VectorIndex::LoadBlock(SnapshotReader& in, PartitionId partition,
                                    std::uint32_t count) {
  RETURN_IF_ERROR(in.ExpectRoomFor(count, sizeof(EntryId) + codec_.item_bytes()));
  if (count == 0) {
    return in.Corrupt("a partition without entries");
  }
  Item item(codec_.item_bytes());
  BlockPtr block = FlatBlock::Make(partition, count, item.size());
  std::set<EntryId> ids;
  for (std::uint32_t i = 0; i < count; ++i) {
    EntryId id = 0;
    RETURN_IF_ERROR(in.ReadNumber(id));
    RETURN_IF_ERROR(in.Read(item.data(), item.size()));
    if (!codec_.IsItem(item.data()) || !ids.insert(id).second) {
      return in.Corrupt("an entry of a small partition");
    }
    block->Append(id, item.data(), item.size());
  }
  SetBlock(FindOrMake(partition), std::move(block));
  entries_ += count;
  return base::Ok{};
}

}  // namespace reprise::vector
