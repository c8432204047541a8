// Words: a prompt cut into words, each with a hash that means the same for ever.
//
// A word is a run of letters and digits; what is not ASCII counts as a letter. Small and capital
// ASCII letters are the same. Stored weights are found by these hashes: they must not change
// (FORMAT.md). Of a text beyond kTextBytesMax its beginning and its end are looked at, half of the
// bound each, for questions stand at either end.
//
// Threads: any, pure. Units: bytes. Errors: none; bytes that are no UTF-8 are letters like others.
// Complexity: O(bytes looked at). Limits: kTextBytesMax, kWordBytesMax (a longer run is cut).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace reprise::routing {

inline constexpr std::size_t kTextBytesMax = 16'384;
inline constexpr std::size_t kWordBytesMax = 64;

struct Word {
  std::uint64_t hash = 0;
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  std::uint16_t cues = 0;  // lexicon.h
  bool all_digits = false;
  bool all_ascii = false;

  std::size_t size() const { return end - begin; }
};

constexpr char SmallLetter(char byte) {
  return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte + ('a' - 'A')) : byte;
}
constexpr bool IsDigit(char byte) {
  return byte >= '0' && byte <= '9';
}
constexpr bool IsWordByte(char byte) {
  const char small = SmallLetter(byte);
  return (small >= 'a' && small <= 'z') || IsDigit(byte) ||
         static_cast<unsigned char>(byte) >= 0x80;
}

// Of the word in small letters: FNV-1a, 64 bit.
constexpr std::uint64_t HashOfWord(std::string_view word) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char byte : word) {
    hash = (hash ^ static_cast<unsigned char>(SmallLetter(byte))) * 0x100000001b3U;
  }
  return hash;
}

// Mixes all bits into all bits (the finalizer of SplitMix64).
constexpr std::uint64_t Mix(std::uint64_t value) {
  value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9U;
  value = (value ^ (value >> 27U)) * 0x94d049bb133111ebU;
  return value ^ (value >> 31U);
}

// What is looked at; `scratch` holds it where it is not the text itself.
std::string_view Excerpt(std::string_view text, std::string& scratch);
// Replaces `words`, whose memory is reused.
void SplitWords(std::string_view text, std::vector<Word>& words);

}  // namespace reprise::routing
