#include "protocol/base/buffer.h"

#include <algorithm>

namespace reprise::base {

void Buffer::Grow(std::size_t bytes) {
  constexpr std::size_t kFirst = 128;  // A short reply; connections double their way up.
  const std::size_t used = size();
  if (begin_ > 0 && capacity_ - used >= bytes && begin_ >= used) {
    std::memcpy(bytes_.get(), bytes_.get() + begin_, used);  // begin_ >= used: no overlap.
  } else {
    const std::size_t wanted = std::max({kFirst, capacity_ * 2, used + bytes});
    std::unique_ptr<char[]> larger(new char[wanted]);  // Not make_unique: that would zero it.
    if (used > 0) {
      std::memcpy(larger.get(), data(), used);
    }
    bytes_ = std::move(larger);
    capacity_ = wanted;
  }
  begin_ = 0;
  end_ = used;
}

}  // namespace reprise::base
