#include "client/cli/element.h"

#include <algorithm>

#include "client/cli/entry_source.h"
#include "protocol/wire/json.h"

namespace reprise::client {

using base::Code;
using base::Error;

Error TooLong(std::string_view what) {
  return {Code::kTooLarge, std::string(what) + " has more than " + std::to_string(kEntryBytesMax) +
                               " bytes, which no request may have"};
}

Error CannotRead(const Chunks& chunks) {
  return {Code::kIo, "the file cannot be read at byte " + std::to_string(chunks.offset())};
}

base::Result<base::Value> ReadElement(std::string_view text) {
  auto value = wire::FromJson(text);
  if (value.ok() || value.error().code == Code::kTooLarge) {
    return value;
  }
  constexpr std::string_view kOneLine = "at line 1, ";
  std::string detail = value.error().detail;
  if (const std::size_t at = detail.find(kOneLine); at != std::string::npos) {
    detail.replace(at, kOneLine.size(), "at ");
  }
  return Error{Code::kBadRequest, "not JSON: " + detail};
}

Line ReadLine(Chunks& chunks) {
  Line line;
  line.is_end = true;
  for (std::string_view seen = chunks.Peek(1); !seen.empty(); seen = chunks.Peek(1)) {
    line.is_end = false;
    const std::size_t end = seen.find('\n');
    const std::size_t count = std::min(end, seen.size());
    line.too_long = line.too_long || line.text.size() + count > kEntryBytesMax;
    if (!line.too_long) {
      line.text.append(seen.substr(0, count));
    }
    chunks.Consume(end == std::string_view::npos ? count : count + 1);
    if (end != std::string_view::npos) {
      break;
    }
  }
  return line;
}

}  // namespace reprise::client
