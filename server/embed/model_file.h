// ModelFile: a file of named tables of numbers, mapped into memory. FORMAT.md has the bytes.
//
// Every byte is checked before any is used: magic, version, length, the checksum of the header and
// of each section, and that sections lie inside the file. What a section means is up to its reader.
//
// Errors: kNotFound when there is no such file, kIo when it cannot be read, kCorrupt naming what is
// wrong. Threads: const, any. Lifetime: views live as long as the file. Units: bytes, and elements
// of the section's kind. Complexity: Open reads all once; the rest O(sections). Limits: kBytesMax,
// kSectionsMax. The file must not be changed while it is mapped: writers rename a new one over it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/result.h"

namespace reprise::embed {

// Format: append, never renumber.
enum class SectionKind : std::uint32_t {
  kFloat = 1,
  kDouble = 2,
  kWord = 3,  // 32-bit integers
  kByte = 4,
  kPanel = 5,      // int8 in panels, see FORMAT.md
  kWidePanel = 6,  // int16 in panels
};

struct Shape {
  std::size_t rows = 0;
  std::size_t columns = 0;
};

class ModelFile {
 public:
  static constexpr std::size_t kBytesMax = std::size_t{1} << 30U;
  static constexpr std::size_t kSectionsMax = 1024;
  static constexpr std::size_t kDigestBytes = 32;

  static base::Result<ModelFile> Open(const std::string& path);
  // The same checks on bytes in memory, aligned to 64, which must outlive the file.
  static base::Result<ModelFile> Of(std::string_view bytes);

  // SHA-256 of what the file was made of.
  std::span<const std::uint8_t, kDigestBytes> SourceDigest() const;

  // kCorrupt when there is no section of this name, kind and shape.
  base::Result<const float*> Floats(std::string_view name, Shape shape) const;
  base::Result<const void*> Panels(std::string_view name, SectionKind kind, Shape shape) const;
  base::Result<const std::int32_t*> Words(std::string_view name, Shape shape) const;
  // One row of any length.
  base::Result<std::span<const double>> Doubles(std::string_view name) const;
  base::Result<std::span<const std::uint32_t>> UnsignedWords(std::string_view name) const;
  base::Result<std::string_view> Bytes(std::string_view name) const;

 private:
  struct Section {
    std::string_view name;
    SectionKind kind = SectionKind::kByte;
    Shape shape;
    std::string_view bytes;
  };
  struct Unmap {
    std::size_t bytes;
    void operator()(void* address) const;
  };

  ModelFile() = default;

  base::Status ReadHeader();
  base::Status ReadSection(std::size_t index);
  base::Result<const Section*> Find(std::string_view name, SectionKind kind) const;
  base::Result<const Section*> Find(std::string_view name, SectionKind kind, Shape shape) const;

  std::unique_ptr<void, Unmap> mapping_;  // null when the bytes are somebody else's
  std::string_view bytes_;
  std::vector<Section> sections_;
};

}  // namespace reprise::embed
