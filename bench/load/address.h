// Address: where the server under test listens, and connecting to it.
//
// Errors: kBadRequest (not an address), kUnavailable (nobody listens, with the system's reason).
// Threads: any.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "protocol/base/result.h"

namespace reprise::bench {

// A file descriptor that closes itself.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor();

  int number() const { return number_; }
  bool IsOpen() const { return number_ >= 0; }
  void Close();

 private:
  int number_ = -1;
};

struct Address {
  std::string host;  // empty: `port` is a path
  std::string port;  // or the path of a Unix socket
};

// "host:port", "[v6]:port", "unix:PATH", or a path that begins with / or a dot.
base::Result<Address> ParseAddress(std::string_view text);

// A connected, non-blocking socket, without Nagle's delay.
base::Result<Descriptor> Connect(const Address& address);

}  // namespace reprise::bench
