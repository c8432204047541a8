// How a stream of events ended. Threads: values. Errors: none.
#pragma once

#include <cstdint>
#include <string>

namespace reprise::cache {

enum class StreamEnd : std::uint8_t {
  kUnknown,        // plain texts: they have no mark of the end
  kComplete,       // the API said that this was all of it
  kCut,            // it did not
  kUpstreamError,  // the API sent an error
};

struct StreamEnding {
  StreamEnd end = StreamEnd::kUnknown;
  std::string why{};  // of kCut and kUpstreamError: a sentence for people
};

}  // namespace reprise::cache
