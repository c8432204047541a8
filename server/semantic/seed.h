// Seed: a random number for what strangers must not foresee. Threads: any. Errors: none.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>

#include "protocol/base/random.h"

namespace reprise::semantic {

inline std::uint64_t RandomSeed() {
  std::uint64_t number = 0;
  const std::string bytes = base::RandomBytes(sizeof(number));
  std::memcpy(&number, bytes.data(), sizeof(number));
  return number;
}

}  // namespace reprise::semantic
