// Numbers as people read them: 12,345; 1.5 MiB; 3 min 20 s.
//
// Threads: any. Errors: none.
#pragma once

#include <cstdint>
#include <string>

namespace reprise::client {

std::string WithCommas(std::uint64_t number);
std::string ShortCount(double number);  // 999, 12.3k, 4.5M
std::string ShortBytes(std::uint64_t bytes);
std::string ShortTime(std::int64_t ms);

}  // namespace reprise::client
