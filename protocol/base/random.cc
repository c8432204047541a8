#include "protocol/base/random.h"

#include <cerrno>
#include <cstring>
#include <sys/random.h>

#include "protocol/base/ensure.h"

namespace reprise::base {

std::string RandomBytes(std::size_t count) {
  std::string bytes(count, '\0');
  std::size_t filled = 0;
  while (filled < count) {
    const ssize_t got = getrandom(bytes.data() + filled, count - filled, 0);
    ENSURE(got > 0 || errno == EINTR);
    filled += got > 0 ? static_cast<std::size_t>(got) : 0;
  }
  return bytes;
}

std::uint64_t RandomSeed() {
  std::uint64_t seed = 0;
  const std::string bytes = RandomBytes(sizeof(seed));
  std::memcpy(&seed, bytes.data(), sizeof(seed));
  return seed;
}

}  // namespace reprise::base
