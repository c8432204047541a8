#include "storage/engine/room.h"

#include <algorithm>

#include "protocol/base/limits.h"
#include "storage/engine/data_dir.h"
#include "storage/engine/file.h"

namespace reprise::storage {
namespace {

// Others write to the same disk too: it is looked at again after this much at the latest.
constexpr std::uint64_t kBudgetBytesMax = 16 * base::kMiB;
// Log and table, and a little for their frames, indexes and filters.
constexpr std::uint64_t kCopies = 3;
constexpr std::uint64_t kUnknown = std::uint64_t{1} << 62;

}  // namespace

bool Room::Take(std::uint64_t bytes) {
  if (bytes > budget_) {
    return false;
  }
  budget_ -= bytes;
  return true;
}

void Room::Look(std::uint64_t unflushed, std::uint64_t wanted) {
  const auto space = SpaceAt(path_);
  if (!space.ok()) {
    budget_ = std::max(kBudgetBytesMax, wanted);
    available_ = kUnknown;
    kept_ = 0;
    return;
  }
  available_ = space.value().available_bytes;
  const std::uint64_t floor = DataDir::ReserveBytes(space.value()) + kCopies * unflushed;
  const std::uint64_t room = available_ > floor ? (available_ - floor) / kCopies : 0;
  budget_ = std::min(room, std::max(kBudgetBytesMax, wanted));
  kept_ = floor + kCopies * budget_;
}

}  // namespace reprise::storage
