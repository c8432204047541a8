// Peer: one blocking connection to a server, for measuring single calls.
//
// Units: none. Threads: one owner. Errors: whatever is not an answer ends the program, with a line
// that says why. Limits: the server's.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bench/load/address.h"

namespace reprise::wire {
class Writer;
}

namespace reprise::bench {

// What one call of the cache was answered.
struct CacheAnswer {
  std::string status;
  std::string tier;
};

// The parameters of a call, one encoded array.
using WriteParams = std::function<void(wire::Writer&)>;

std::string EncodeCall(std::string_view method, const WriteParams& params);
// CACHE.FETCH that only looks. `vector` empty: the server embeds.
std::string FetchCall(std::string_view prompt, std::span<const float> vector);
std::string StoreCall(std::string_view prompt, std::string_view answer,
                      std::span<const float> vector);

class Peer {
 public:
  explicit Peer(const Address& address);

  void Send(std::string_view frames);
  // The encoded result of the next answer; valid until the next call.
  std::string_view Receive();
  std::string_view Call(std::string_view frame) {
    Send(frame);
    return Receive();
  }

 private:
  Descriptor socket_;
  std::string read_;
  std::size_t taken_ = 0;
};

CacheAnswer ReadCacheAnswer(std::string_view result);
// A whole number of the map inside the map that the result is: INFO semantic.
std::uint64_t ReadInner(std::string_view result, std::string_view name);

}  // namespace reprise::bench
