// Random bytes from the system, for secrets and seeds. Everything else takes a seeded generator.
//
// Threads: any. Errors: none; a system without randomness ends the process. Complexity: one system
// call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace reprise::base {

std::string RandomBytes(std::size_t count);
std::uint64_t RandomSeed();

}  // namespace reprise::base
