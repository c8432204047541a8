// Address: what a bind address is. Private to server/config. Threads: any. Errors: absence.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <optional>
#include <string>

namespace reprise::config {

// Absent when `address` is neither an IPv4 or IPv6 address in numbers nor "localhost".
inline std::optional<bool> IsLoopback(const std::string& address) {
  if (address == "localhost") {
    return true;
  }
  in_addr four{};
  if (inet_pton(AF_INET, address.c_str(), &four) == 1) {
    return (ntohl(four.s_addr) >> 24U) == 127U;
  }
  in6_addr six{};
  if (inet_pton(AF_INET6, address.c_str(), &six) == 1) {
    const bool is_mapped = IN6_IS_ADDR_V4MAPPED(&six);
    return IN6_IS_ADDR_LOOPBACK(&six) || (is_mapped && six.s6_addr[12] == 127);
  }
  return std::nullopt;
}

}  // namespace reprise::config
