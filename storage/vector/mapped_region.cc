#include "storage/vector/mapped_region.h"

#include <sys/mman.h>

#include "protocol/base/ensure.h"

namespace reprise::vector {

MappedRegion::~MappedRegion() {
  if (data_ != nullptr) {
    ::munmap(data_, bytes_);
  }
}

void MappedRegion::Grow(std::size_t bytes) {
  constexpr std::size_t kPage = 4096;
  bytes = (bytes + kPage - 1) / kPage * kPage;
  if (bytes <= bytes_) {
    return;
  }
  void* memory = data_ == nullptr ? ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
                                  : ::mremap(data_, bytes_, bytes, MREMAP_MAYMOVE);
  ENSURE(memory != MAP_FAILED);
  data_ = static_cast<char*>(memory);
  bytes_ = bytes;
}

}  // namespace reprise::vector
