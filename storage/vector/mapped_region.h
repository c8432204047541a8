// MappedRegion: memory that grows without copying: pages are moved, not bytes, and pages that were
// never touched cost nothing. New bytes are zero.
//
// Units: bytes. Threads: as the caller locks. Errors: a system without memory ends the process.
#pragma once

#include <cstddef>

namespace reprise::vector {

class MappedRegion {
 public:
  MappedRegion() = default;
  ~MappedRegion();
  MappedRegion(const MappedRegion&) = delete;
  MappedRegion& operator=(const MappedRegion&) = delete;
  MappedRegion(MappedRegion&&) = delete;
  MappedRegion& operator=(MappedRegion&&) = delete;

  // To at least `bytes`; data() may change.
  void Grow(std::size_t bytes);
  char* data() const { return data_; }

 private:
  char* data_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace reprise::vector
