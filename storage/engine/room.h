// Room: how much may be written before the disk is looked at again.
//
// A write is refused ahead of a full disk, because the library does not always find back from one
// (notes/0006-full-disk.md). What is written now needs room twice: in the log, and in a table when
// memory is flushed.
//
// Units: bytes. Threads: one. Errors: none; a filesystem that cannot be asked counts as roomy,
// since the write itself will tell.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

namespace reprise::storage {

class Room {
 public:
  // `path` is any place on the filesystem that is written to.
  explicit Room(std::string path) : path_(std::move(path)) {}

  // Whether `bytes` more may be written; they then count as written. False: look again, or refuse.
  bool Take(std::uint64_t bytes);
  // Asks the filesystem. `unflushed`: what stands in memory and has to find room as tables;
  // `wanted`: what the next Take will ask for.
  void Look(std::uint64_t unflushed, std::uint64_t wanted);

  // As of the last look.
  std::uint64_t available() const { return available_; }
  // What must stay free for a flush of all memory, now and until the next look.
  std::uint64_t kept() const { return kept_; }

 private:
  const std::string path_;
  std::uint64_t budget_ = 0;
  std::uint64_t available_ = 0;
  std::uint64_t kept_ = 0;
};

}  // namespace reprise::storage
