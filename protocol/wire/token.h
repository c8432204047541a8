// Token: the first MessagePack value header in some bytes, read without taking memory.
//
// Everything in this module that reads MessagePack stands on ReadToken; it is the one place that
// knows the byte values of the format (msgpack spec, 2013 edition, all types). Threads: any.
// Errors: kInvalid for 0xc1, kIncomplete when the header is cut. Complexity: O(1).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace reprise::wire {

enum class Kind : std::uint8_t { kNil, kBool, kUint, kInt, kFloat, kStr, kBin, kArray, kMap, kExt };

std::string_view NameOf(Kind kind);

struct Token {
  Kind kind = Kind::kNil;
  std::int8_t extension_type = 0;
  std::uint8_t header_bytes = 0;
  std::uint32_t length =
      0;                   // bytes of str, bin, ext behind the header; items of array; pairs of map
  std::uint64_t bits = 0;  // kBool 0/1, kUint, kInt as two's complement, kFloat as a double's bits

  std::int64_t AsInt() const { return static_cast<std::int64_t>(bits); }
  double AsDouble() const;
  bool IsContainer() const { return kind == Kind::kArray || kind == Kind::kMap; }
  bool HasBody() const { return kind == Kind::kStr || kind == Kind::kBin || kind == Kind::kExt; }
};

enum class TokenState : std::uint8_t { kOk, kIncomplete, kInvalid };

// On kIncomplete `token.header_bytes` says how many bytes the header needs; the rest is unset.
TokenState ReadToken(std::string_view bytes, Token& token);

}  // namespace reprise::wire
