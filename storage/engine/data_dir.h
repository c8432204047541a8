// DataDir: one data directory on disk: who holds it, which format it has, and room for bad days.
//
//   VERSION    the format of the directory          db/         the database
//   LOCK       held while open; the holder's pid    backups/    where BACKUP writes by default
//   watermark  see watermark.h                      ballast     space to give back on a full disk
//   wal-as-found/   write-ahead log with a gap, kept for the operator
//
// Units: bytes. Errors: kIo (cannot be made, read, is in use or holds somebody's files), kCorrupt
// (VERSION is missing or newer). Threads: Open once; the rest from one thread at a time. Lifetime:
// the destructor lets go of the lock. FORMAT.md specifies the files.
#pragma once

#include <cstdint>
#include <string>

#include "protocol/base/result.h"
#include "storage/engine/file.h"

namespace reprise::storage {

inline constexpr std::uint64_t kFormatVersion = 1;

class DataDir {
 public:
  static base::Result<DataDir> Open(const std::string& dir);

  std::string DatabasePath() const { return dir_ + "/db"; }
  std::string WatermarkPath() const { return dir_ + "/watermark"; }
  std::string BackupsPath() const { return dir_ + "/backups"; }
  std::string KeptLogsPath() const { return dir_ + "/wal-as-found"; }
  const std::string& path() const { return dir_; }

  // Writes a VERSION file, for a backup that is to be a data directory of its own.
  static base::Status WriteVersion(const std::string& dir);

  // Keeps a few MiB that ReleaseBallast gives back when the disk is full. Does nothing where there
  // is no room for it.
  void KeepBallast();
  void ReleaseBallast();

  // Writes stop when less than this is free: a flush of memory must still find room.
  static std::uint64_t ReserveBytes(const DiskSpace& space);

 private:
  DataDir(std::string dir, File lock) : dir_(std::move(dir)), lock_(std::move(lock)) {}

  std::string BallastPath() const { return dir_ + "/ballast"; }

  std::string dir_;
  File lock_;
};

}  // namespace reprise::storage
