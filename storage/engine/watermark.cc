#include "storage/engine/watermark.h"

#include <algorithm>
#include <array>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "storage/engine/little_endian.h"

namespace reprise::storage {
namespace {

// One slot to a 4 KiB sector, so that writing one cannot tear the other.
constexpr off_t kSlotStride = 4096;
constexpr std::size_t kSlotBytes = 40;
constexpr std::uint64_t kMagic = 0x31304B524D505257ULL;  // "WRPMRK01"
constexpr std::uint64_t kSlots = 2;

struct Slot {
  std::uint64_t generation = 0;
  WatermarkState state;
};

using SlotBytes = std::array<char, kSlotBytes>;

SlotBytes Encode(const Slot& slot) {
  SlotBytes bytes{};
  StoreLittleEndian(kMagic, bytes.data());
  StoreLittleEndian(slot.generation, bytes.data() + 8);
  StoreLittleEndian(slot.state.durable_sequence, bytes.data() + 16);
  StoreLittleEndian(static_cast<std::uint64_t>(base::ToInt(slot.state.high_water)),
                    bytes.data() + 24);
  StoreLittleEndian(XXH3_64bits(bytes.data(), 32), bytes.data() + 32);
  return bytes;
}

std::optional<Slot> Decode(const SlotBytes& bytes) {
  if (LoadLittleEndian(bytes.data()) != kMagic ||
      LoadLittleEndian(bytes.data() + 32) != XXH3_64bits(bytes.data(), 32)) {
    return std::nullopt;
  }
  Slot slot;
  slot.generation = LoadLittleEndian(bytes.data() + 8);
  slot.state.durable_sequence = LoadLittleEndian(bytes.data() + 16);
  slot.state.high_water =
      base::UnixMillis{static_cast<std::int64_t>(LoadLittleEndian(bytes.data() + 24))};
  return slot;
}

off_t OffsetOf(std::uint64_t generation) {
  return static_cast<off_t>(generation % kSlots) * kSlotStride;
}

std::optional<Slot> ReadNewest(const File& file) {
  std::optional<Slot> newest;
  for (std::uint64_t i = 0; i < kSlots; ++i) {
    SlotBytes bytes{};
    if (::pread(file.descriptor(), bytes.data(), bytes.size(), OffsetOf(i)) !=
        static_cast<ssize_t>(bytes.size())) {
      continue;
    }
    const std::optional<Slot> slot = Decode(bytes);
    if (slot.has_value() && (!newest.has_value() || slot->generation > newest->generation)) {
      newest = slot;
    }
  }
  return newest;
}

}  // namespace

// The file appears whole or not at all: a crash while it is made must not look like damage.
base::Result<Watermark::Opened> Watermark::Open(const std::string& path, bool accept_damage) {
  if (!PathExists(path)) {
    const SlotBytes unused = Encode({0, {}});
    std::string blank(unused.data(), unused.size());
    blank.resize(static_cast<std::size_t>(kSlotStride) * kSlots);
    RETURN_IF_ERROR(WriteWhole(path, blank));
  }
  ASSIGN_OR_RETURN(File file, File::Open(path, O_RDWR));
  const std::optional<Slot> newest = ReadNewest(file);
  if (!newest.has_value() && !accept_damage) {
    return base::Error{base::Code::kCorrupt,
                       path +
                           " is damaged, so it cannot be told whether acknowledged writes are "
                           "missing; restore a backup, or start once with --accept-loss"};
  }
  const std::uint64_t generation = newest.has_value() ? newest->generation : 0;
  Opened opened;
  opened.watermark = std::make_unique<Watermark>(std::move(file), path, generation);
  if (generation > 0) {
    opened.state = newest->state;
  }
  return opened;
}

base::Status Watermark::Write(WatermarkState state) {
  base::MutexLock lock(mutex_);
  highest_ = std::max(highest_, state.durable_sequence);
  state.durable_sequence = highest_;
  const SlotBytes bytes = Encode({generation_ + 1, state});
  if (::pwrite(file_.descriptor(), bytes.data(), bytes.size(), OffsetOf(generation_ + 1)) !=
      static_cast<ssize_t>(bytes.size())) {
    return SystemError("cannot write", path_);
  }
  if (::fdatasync(file_.descriptor()) != 0) {
    return SystemError("cannot sync", path_);
  }
  ++generation_;
  return base::Ok{};
}

}  // namespace reprise::storage
