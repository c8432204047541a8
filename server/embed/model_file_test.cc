#include "server/embed/model_file.h"

#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include <catch2/catch.hpp>

#include "server/embed/crc32.h"
#include "server/embed/use_lite.h"

namespace reprise::embed {
namespace {

constexpr std::size_t kHeaderBytes = 64;
constexpr std::size_t kRowBytes = 64;

template <typename T>
void Put(std::string& bytes, std::size_t offset, T value) {
  std::memcpy(bytes.data() + offset, &value, sizeof(value));
}

// The checksum of header and table, as FORMAT.md has it.
void Seal(std::string& bytes, std::size_t sections) {
  Put(bytes, 24, std::uint32_t{0});
  Put(bytes, 24, Crc32(std::string_view(bytes).substr(0, kHeaderBytes + sections * kRowBytes)));
}

// One section "two" of two floats.
std::string SmallFile() {
  std::string bytes(3 * kHeaderBytes, '\0');
  std::memcpy(bytes.data(), "RPRUSELT", 8);
  Put(bytes, 8, std::uint32_t{1});
  Put(bytes, 12, std::uint32_t{1});
  Put(bytes, 16, std::uint64_t{bytes.size()});
  std::memcpy(bytes.data() + kHeaderBytes, "two", 3);
  Put(bytes, kHeaderBytes + 24, std::uint32_t{1});
  Put(bytes, kHeaderBytes + 28, std::uint32_t{1});
  Put(bytes, kHeaderBytes + 32, std::uint32_t{2});
  Put(bytes, kHeaderBytes + 40, std::uint64_t{128});
  Put(bytes, kHeaderBytes + 48, std::uint64_t{8});
  Put(bytes, 128, 1.5F);
  Put(bytes, 132, -2.0F);
  Put(bytes, kHeaderBytes + 36, Crc32(std::string_view(bytes).substr(128, 8)));
  Seal(bytes, 1);
  return bytes;
}

// Bytes where sections may be used as they lie.
struct Aligned {
  explicit Aligned(std::string_view bytes)
      : memory(static_cast<char*>(std::aligned_alloc(64, (bytes.size() / 64 + 1) * 64)), std::free),
        view(memory.get(), bytes.size()) {
    std::memcpy(memory.get(), bytes.data(), bytes.size());
  }
  std::unique_ptr<char, decltype(&std::free)> memory;
  std::string_view view;
};

std::string Refusal(const std::string& bytes) {
  const Aligned aligned(bytes);
  const auto file = ModelFile::Of(aligned.view);
  REQUIRE(!file.ok());
  CHECK(file.error().code == base::Code::kCorrupt);
  return file.error().detail;
}

TEST_CASE("the checksum is the one of zip") {
  CHECK(Crc32("123456789") == 0xCBF43926U);
  CHECK(Crc32("") == 0);
  CHECK(Crc32("56789", Crc32("1234")) == 0xCBF43926U);
  CHECK(Crc32("The quick brown fox jumps over the lazy dog") == 0x414FA339U);
}

TEST_CASE("sections of a model file are read where they lie") {
  const Aligned aligned(SmallFile());
  const auto file = ModelFile::Of(aligned.view);
  REQUIRE(file.ok());
  const auto two = file.value().Floats("two", {1, 2});
  REQUIRE(two.ok());
  CHECK(two.value()[0] == 1.5F);
  CHECK(two.value()[1] == -2.0F);
}

TEST_CASE("what is asked of a model file and is not there is named") {
  const Aligned aligned(SmallFile());
  const auto file = ModelFile::Of(aligned.view);
  CHECK(file.value().Floats("three", {1, 2}).error().detail.find("three is missing") !=
        std::string::npos);
  CHECK(file.value().Floats("two", {2, 1}).error().detail.find("1 x 2, 2 x 1") !=
        std::string::npos);
  CHECK(file.value().Words("two", {1, 2}).error().detail.find("another kind") != std::string::npos);
  const auto model = UseLite::Of(ModelFile::Of(aligned.view).value(), {});
  REQUIRE(!model.ok());
  CHECK(model.error().detail.find("pieces.text is missing") != std::string::npos);
}

TEST_CASE("a damaged model file is refused, and says what is wrong with it") {
  std::string bytes = SmallFile();
  CHECK(Refusal(bytes.substr(0, 63)).find("shorter than its header") != std::string::npos);
  CHECK(Refusal(bytes.substr(0, 150)).find("150 bytes, its header says 192") != std::string::npos);
  CHECK(Refusal("X" + bytes.substr(1)).find("magic") != std::string::npos);

  Put(bytes, 8, std::uint32_t{2});
  CHECK(Refusal(bytes).find("version 2") != std::string::npos);
  bytes = SmallFile();
  Put(bytes, 12, std::uint32_t{3});
  CHECK(Refusal(bytes).find("table of 3 sections") != std::string::npos);
  bytes = SmallFile();
  bytes[70] = 'x';
  CHECK(Refusal(bytes).find("checksum of the header") != std::string::npos);
  bytes = SmallFile();
  bytes[130] = 'x';
  CHECK(Refusal(bytes).find("section two: its checksum") != std::string::npos);
}

TEST_CASE("a model file whose header lies is refused though its checksum fits") {
  std::string bytes = SmallFile();
  Put(bytes, kHeaderBytes + 24, std::uint32_t{9});
  Seal(bytes, 1);
  CHECK(Refusal(bytes).find("kind 9") != std::string::npos);
  bytes = SmallFile();
  Put(bytes, kHeaderBytes + 32, std::uint32_t{3});
  Seal(bytes, 1);
  CHECK(Refusal(bytes).find("shape") != std::string::npos);
  for (const std::uint64_t offset : {std::uint64_t{130}, std::uint64_t{192}, ~std::uint64_t{63}}) {
    bytes = SmallFile();
    Put(bytes, kHeaderBytes + 40, offset);
    Seal(bytes, 1);
    CHECK(Refusal(bytes).find("inside the file") != std::string::npos);
  }
}

TEST_CASE("a model that is not there, or is a folder, is told apart from a damaged one") {
  const auto absent = UseLite::Open("no/such/model.bin", {});
  REQUIRE(!absent.ok());
  CHECK(absent.error().code == base::Code::kNotFound);
  const auto folder = ModelFile::Open(".");
  REQUIRE(!folder.ok());
  CHECK(folder.error().code == base::Code::kIo);
}

}  // namespace
}  // namespace reprise::embed
