// What reprise-server ends with, for scripts and service managers. Threads: constants.
#pragma once

namespace reprise::app {

inline constexpr int kStopped = 0;           // as asked
inline constexpr int kBadConfiguration = 2;  // flags or configuration
inline constexpr int kBadDirectory = 3;      // in use, unreadable, damaged, watermark gap, newer
inline constexpr int kBadAddress = 4;        // an address cannot be bound
inline constexpr int kStartFailed = 5;       // anything else

}  // namespace reprise::app
