#include "server/embed/model_file.h"

#include <bit>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include "server/embed/crc32.h"

namespace reprise::embed {
namespace {

using base::Code;
using base::Error;
using base::Ok;
using base::Result;
using base::Status;

static_assert(std::endian::native == std::endian::little, "sections are used as they are");

constexpr std::string_view kMagic = "RPRUSELT";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kAlignment = 64;

struct Header {
  char magic[8];
  std::uint32_t version;
  std::uint32_t sections;
  std::uint64_t file_bytes;
  std::uint32_t crc;  // of header and table, with this field 0
  std::uint32_t reserved;
  std::uint8_t source_digest[ModelFile::kDigestBytes];
};
static_assert(sizeof(Header) == 64);

struct Row {
  char name[24];  // zeros behind
  std::uint32_t kind;
  std::uint32_t rows;
  std::uint32_t columns;
  std::uint32_t crc;
  std::uint64_t offset;
  std::uint64_t bytes;
  std::uint64_t reserved;
};
static_assert(sizeof(Row) == 64);

template <typename T>
T ReadAt(std::string_view bytes, std::size_t offset) {
  T value{};
  std::memcpy(&value, bytes.data() + offset, sizeof(value));
  return value;
}

Error Corrupt(std::string detail) {
  return {Code::kCorrupt, "model file: " + std::move(detail)};
}

// 0: there is no such kind.
std::size_t ElementBytes(std::uint32_t kind) {
  switch (static_cast<SectionKind>(kind)) {
    case SectionKind::kFloat:
    case SectionKind::kWord:
      return 4;
    case SectionKind::kDouble:
      return 8;
    case SectionKind::kWidePanel:
      return 2;
    case SectionKind::kByte:
    case SectionKind::kPanel:
      return 1;
  }
  return 0;
}

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) {
      ::close(number_);
    }
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }

 private:
  int number_;
};

Error SystemError(std::string_view what, const std::string& path) {
  const int reason = errno;
  return {reason == ENOENT ? Code::kNotFound : Code::kIo,
          std::string(what) + " " + path + ": " + std::strerror(reason)};
}

}  // namespace

void ModelFile::Unmap::operator()(void* address) const {
  ::munmap(address, bytes);
}

Result<ModelFile> ModelFile::Open(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.number() < 0) {
    return SystemError("open", path);
  }
  struct stat status {};
  if (::fstat(file.number(), &status) != 0) {
    return SystemError("stat", path);
  }
  if (!S_ISREG(status.st_mode)) {
    return Error{Code::kIo, path + " is no regular file"};
  }
  const auto bytes = static_cast<std::uint64_t>(status.st_size);
  if (bytes < sizeof(Header) || bytes > kBytesMax) {
    return Corrupt(path + " has " + std::to_string(bytes) + " bytes");
  }
  void* address = ::mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, file.number(), 0);
  if (address == MAP_FAILED) {
    return SystemError("map", path);
  }
  ModelFile model;
  model.mapping_ = std::unique_ptr<void, Unmap>(address, Unmap{bytes});
  model.bytes_ = {static_cast<const char*>(address), bytes};
  if (Status status_of = model.ReadHeader(); !status_of.ok()) {
    return Error{status_of.error().code, path + ": " + status_of.error().detail};
  }
  return model;
}

Result<ModelFile> ModelFile::Of(std::string_view bytes) {
  ENSURE(reinterpret_cast<std::uintptr_t>(bytes.data()) % kAlignment == 0);
  ModelFile model;
  model.bytes_ = bytes;
  RETURN_IF_ERROR(model.ReadHeader());
  return model;
}

Status ModelFile::ReadHeader() {
  if (bytes_.size() < sizeof(Header)) {
    return Corrupt("it is shorter than its header");
  }
  auto header = ReadAt<Header>(bytes_, 0);
  if (std::string_view(header.magic, sizeof(header.magic)) != kMagic) {
    return Corrupt("wrong magic");
  }
  if (header.version != kVersion) {
    return Corrupt("version " + std::to_string(header.version) + ", this program reads version " +
                   std::to_string(kVersion));
  }
  if (header.file_bytes != bytes_.size()) {
    return Corrupt("it has " + std::to_string(bytes_.size()) + " bytes, its header says " +
                   std::to_string(header.file_bytes));
  }
  if (header.sections > kSectionsMax ||
      sizeof(Header) + header.sections * sizeof(Row) > bytes_.size()) {
    return Corrupt("a table of " + std::to_string(header.sections) + " sections does not fit");
  }
  const std::uint32_t expected = std::exchange(header.crc, 0);
  const std::uint32_t crc = Crc32({reinterpret_cast<const char*>(&header), sizeof(header)});
  if (Crc32(bytes_.substr(sizeof(Header), header.sections * sizeof(Row)), crc) != expected) {
    return Corrupt("the checksum of the header does not match");
  }
  sections_.reserve(header.sections);
  for (std::size_t i = 0; i < header.sections; ++i) {
    RETURN_IF_ERROR(ReadSection(i));
  }
  return Ok{};
}

Status ModelFile::ReadSection(std::size_t index) {
  const std::size_t place = sizeof(Header) + index * sizeof(Row);
  const auto row = ReadAt<Row>(bytes_, place);
  const std::string_view name(bytes_.data() + place, ::strnlen(row.name, sizeof(row.name)));
  const auto wrong = [&](std::string_view what) {
    return Corrupt("section " + std::string(name) + ": " + std::string(what));
  };
  const std::size_t element_bytes = ElementBytes(row.kind);
  if (element_bytes == 0) {
    return wrong("kind " + std::to_string(row.kind) + " is unknown");
  }
  // Two 32-bit numbers and at most 8: the product can overflow, the division cannot.
  const std::uint64_t elements = std::uint64_t{row.rows} * row.columns;
  if (elements > kBytesMax || elements * element_bytes != row.bytes) {
    return wrong("its shape does not match its bytes");
  }
  if (row.offset % kAlignment != 0 || row.offset > bytes_.size() ||
      row.bytes > bytes_.size() - row.offset) {
    return wrong("it does not lie inside the file");
  }
  const std::string_view bytes = bytes_.substr(row.offset, row.bytes);
  if (Crc32(bytes) != row.crc) {
    return wrong("its checksum does not match");
  }
  sections_.push_back({name, static_cast<SectionKind>(row.kind), {row.rows, row.columns}, bytes});
  return Ok{};
}

std::span<const std::uint8_t, ModelFile::kDigestBytes> ModelFile::SourceDigest() const {
  const char* digest = bytes_.data() + offsetof(Header, source_digest);
  return std::span<const std::uint8_t, kDigestBytes>(reinterpret_cast<const std::uint8_t*>(digest),
                                                     kDigestBytes);
}

Result<const ModelFile::Section*> ModelFile::Find(std::string_view name, SectionKind kind) const {
  for (const Section& section : sections_) {
    if (section.name == name) {
      if (section.kind != kind) {
        return Corrupt("section " + std::string(name) + " is of another kind");
      }
      return &section;
    }
  }
  return Corrupt("section " + std::string(name) + " is missing");
}

Result<const ModelFile::Section*> ModelFile::Find(std::string_view name, SectionKind kind,
                                                  Shape shape) const {
  ASSIGN_OR_RETURN(const Section* section, Find(name, kind));
  if (section->shape.rows != shape.rows || section->shape.columns != shape.columns) {
    return Corrupt("section " + std::string(name) + " is " + std::to_string(section->shape.rows) +
                   " x " + std::to_string(section->shape.columns) + ", " +
                   std::to_string(shape.rows) + " x " + std::to_string(shape.columns) +
                   " was expected");
  }
  return section;
}

Result<const float*> ModelFile::Floats(std::string_view name, Shape shape) const {
  ASSIGN_OR_RETURN(const Section* section, Find(name, SectionKind::kFloat, shape));
  return reinterpret_cast<const float*>(section->bytes.data());
}

Result<const void*> ModelFile::Panels(std::string_view name, SectionKind kind, Shape shape) const {
  ENSURE(kind == SectionKind::kPanel || kind == SectionKind::kWidePanel);
  ASSIGN_OR_RETURN(const Section* section, Find(name, kind, shape));
  return static_cast<const void*>(section->bytes.data());
}

Result<const std::int32_t*> ModelFile::Words(std::string_view name, Shape shape) const {
  ASSIGN_OR_RETURN(const Section* section, Find(name, SectionKind::kWord, shape));
  return reinterpret_cast<const std::int32_t*>(section->bytes.data());
}

Result<std::span<const double>> ModelFile::Doubles(std::string_view name) const {
  ASSIGN_OR_RETURN(const Section* section, Find(name, SectionKind::kDouble));
  return std::span(reinterpret_cast<const double*>(section->bytes.data()),
                   section->bytes.size() / sizeof(double));
}

Result<std::span<const std::uint32_t>> ModelFile::UnsignedWords(std::string_view name) const {
  ASSIGN_OR_RETURN(const Section* section, Find(name, SectionKind::kWord));
  return std::span(reinterpret_cast<const std::uint32_t*>(section->bytes.data()),
                   section->bytes.size() / sizeof(std::uint32_t));
}

Result<std::string_view> ModelFile::Bytes(std::string_view name) const {
  ASSIGN_OR_RETURN(const Section* section, Find(name, SectionKind::kByte));
  return section->bytes;
}

}  // namespace reprise::embed
