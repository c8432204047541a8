// ModelFile and Pieces: a model's file as it comes from the disk. A target for libFuzzer.
//
// Checksums are put right first, or nothing behind them would ever be reached. A file that is
// taken has sections inside its bytes (the sanitizers look), and a vocabulary that is taken cuts
// any text into tokens that lie in it, one behind the other.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#include "protocol/base/ensure.h"
#include "server/embed/crc32.h"
#include "server/embed/model_file.h"
#include "server/embed/pieces.h"
#include "server/embed/use_lite.h"

namespace {

using reprise::embed::Crc32;
using reprise::embed::ModelFile;
using reprise::embed::Pieces;

constexpr std::size_t kRowBytes = 64;
constexpr std::size_t kAlignment = 64;

template <typename T>
T At(const char* bytes, std::size_t offset) {
  T value{};
  std::memcpy(&value, bytes + offset, sizeof(value));
  return value;
}

template <typename T>
void Put(char* bytes, std::size_t offset, T value) {
  std::memcpy(bytes + offset, &value, sizeof(value));
}

// As the writer of such a file would have it: length and checksums.
void Seal(char* bytes, std::size_t size) {
  const std::size_t sections = At<std::uint32_t>(bytes, 12);
  if (size < (sections + 1) * kRowBytes) {
    return;
  }
  Put(bytes, 16, std::uint64_t{size});
  for (std::size_t i = 1; i <= sections; ++i) {
    const auto offset = At<std::uint64_t>(bytes, i * kRowBytes + 40);
    const auto length = At<std::uint64_t>(bytes, i * kRowBytes + 48);
    if (offset <= size && length <= size - offset) {
      // A table that holds its own checksum cannot be put right; it is refused.
      Put(bytes, i * kRowBytes + 36, Crc32({bytes + offset, length}));
    }
  }
  Put(bytes, 24, std::uint32_t{0});
  Put(bytes, 24, Crc32({bytes, (sections + 1) * kRowBytes}));
}

void CheckTokens(const Pieces& pieces, std::string_view text) {
  reprise::embed::PieceScratch scratch;
  std::vector<reprise::embed::Token> tokens;
  if (!pieces.Cut(text, 128, scratch, tokens).ok()) {
    return;
  }
  ENSURE(tokens.size() <= 128);
  std::size_t end = 0;
  for (const auto& token : tokens) {
    ENSURE(token.begin <= token.end && token.end <= text.size() && token.end >= end);
    end = token.end;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < kRowBytes) {
    return 0;
  }
  const std::size_t rounded = (size + kAlignment - 1) / kAlignment * kAlignment;
  const std::unique_ptr<char, decltype(&std::free)> bytes(
      static_cast<char*>(std::aligned_alloc(kAlignment, rounded)), &std::free);
  std::memcpy(bytes.get(), data, size);
  Seal(bytes.get(), size);
  auto file = ModelFile::Of({bytes.get(), size});
  if (!file.ok()) {
    ENSURE(!file.error().detail.empty());
    return 0;
  }
  const auto text = file.value().Bytes("pieces.text");
  const auto ends = file.value().UnsignedWords("pieces.end");
  const auto scores = file.value().Doubles("pieces.score");
  if (text.ok() && ends.ok() && scores.ok()) {
    const auto pieces = Pieces::Of({text.value(), ends.value(), scores.value()});
    if (pieces.ok()) {
      CheckTokens(pieces.value(), "What is a cache, and why?  \u65e5\u672c");
      CheckTokens(pieces.value(), text.value());
    }
  }
  ENSURE(
      !reprise::embed::UseLite::Of(std::move(file).value(), {}).ok());  // it is too small for one
  return 0;
}
