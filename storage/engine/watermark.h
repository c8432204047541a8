// Watermark: a small file that remembers how far the database was known to be on the medium.
//
// RocksDB opens a write-ahead log with a damaged middle as if its end had been reached; only a
// number kept elsewhere can tell that acknowledged writes are missing. Two slots are written in
// turn, each with a generation and a checksum, so that a torn write leaves the other one.
//
// Units: sequence numbers of the engine, UnixMillis. Threads: any; writes are serialised. Errors:
// kIo; kCorrupt when the file is there but neither slot is whole. Lifetime: keeps the file open.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "protocol/base/clock.h"
#include "protocol/base/mutex.h"
#include "protocol/base/result.h"
#include "storage/engine/file.h"

namespace reprise::storage {

struct WatermarkState {
  std::uint64_t durable_sequence = 0;
  base::UnixMillis high_water{0};  // the deletion clock when it was written
  bool operator==(const WatermarkState&) const = default;
};

class Watermark {
 public:
  struct Opened;

  // Opens or makes the file. The state is absent when the file is new, as in a restored copy.
  static base::Result<Opened> Open(const std::string& path, bool accept_damage);

  Watermark(File file, std::string path, std::uint64_t generation)
      : file_(std::move(file)), path_(std::move(path)), generation_(generation) {}

  // On the medium when it answers. Never goes back: an older sequence than the last written keeps
  // that one, except for the first write after Open, which states what recovery found.
  base::Status Write(WatermarkState state);

 private:
  const File file_;
  const std::string path_;
  base::Mutex mutex_;
  std::uint64_t generation_ GUARDED_BY(mutex_);
  std::uint64_t highest_ GUARDED_BY(mutex_) = 0;
};

struct Watermark::Opened {
  std::unique_ptr<Watermark> watermark;
  std::optional<WatermarkState> state;
};

}  // namespace reprise::storage
