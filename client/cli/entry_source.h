// EntrySource: the entries of a file that is imported, one by one, as CACHE.IMPORT takes them.
//
// Reads as a stream: memory is one entry, whatever the size of the file or of a broken line in it.
// What is wrong with one entry is told as the item's; only what hides where the next one begins
// ends the reading. README.md in this folder describes the formats.
//
// Threads: one owner. Errors of Next: kBadRequest (the rest cannot be understood), kIo (cannot be
// read). Complexity: O(bytes). Lifetime: the stream outlives the source. Limits: an entry has at
// most kEntryBytesMax bytes, as text or as MessagePack.
#pragma once

#include <cstdint>
#include <istream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/base/limits.h"
#include "protocol/base/result.h"
#include "protocol/base/value.h"

namespace reprise::client {

inline constexpr auto kEntryBytesMax = static_cast<std::size_t>(base::limits::kFrameBytes.ceiling);

enum class FileFormat : std::uint8_t { kJsonLines, kMessagePack, kGptCache };
std::string_view NameOf(FileFormat format);
std::optional<FileFormat> FormatNamed(std::string_view name);

struct Item {
  std::string place;  // "line 12" or "byte 345", where it begins
  std::string entry;  // MessagePack of a map
  std::optional<base::Error> bad;
};

// Where to go on: behind an item.
struct Position {
  std::uint64_t offset = 0;  // bytes
  std::uint64_t line = 0;    // line ends before it
  bool in_list = false;      // inside the array of a GPTCache list
};

class EntrySource {
 public:
  virtual ~EntrySource() = default;
  // Absent at the end.
  virtual base::Result<std::optional<Item>> Next() = 0;
  // Behind what Next has answered.
  virtual Position position() const = 0;
};

// `start.offset` bytes of the stream have been read. `defaults` are added to each entry of a
// GPTCache list: type, identity.
std::unique_ptr<EntrySource> OpenSource(FileFormat format, std::istream& stream,
                                        const Position& start, base::Value::Map defaults = {});

}  // namespace reprise::client
