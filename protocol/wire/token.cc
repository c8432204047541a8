#include "protocol/wire/token.h"

#include <array>
#include <bit>

namespace reprise::wire {
namespace {

// How a first byte above 0xc0 continues: the kind, and the bytes of number or length behind it.
struct Shape {
  Kind kind;
  std::uint8_t number_bytes;
  bool valid;
};

constexpr std::array<Shape, 32> kShapes{{
    {Kind::kNil, 0, true},  {Kind::kNil, 0, false},  {Kind::kBool, 0, true},
    {Kind::kBool, 0, true}, {Kind::kBin, 1, true},   {Kind::kBin, 2, true},
    {Kind::kBin, 4, true},  {Kind::kExt, 1, true},   {Kind::kExt, 2, true},
    {Kind::kExt, 4, true},  {Kind::kFloat, 4, true}, {Kind::kFloat, 8, true},
    {Kind::kUint, 1, true}, {Kind::kUint, 2, true},  {Kind::kUint, 4, true},
    {Kind::kUint, 8, true}, {Kind::kInt, 1, true},   {Kind::kInt, 2, true},
    {Kind::kInt, 4, true},  {Kind::kInt, 8, true},   {Kind::kExt, 0, true},
    {Kind::kExt, 0, true},  {Kind::kExt, 0, true},   {Kind::kExt, 0, true},
    {Kind::kExt, 0, true},  {Kind::kStr, 1, true},   {Kind::kStr, 2, true},
    {Kind::kStr, 4, true},  {Kind::kArray, 2, true}, {Kind::kArray, 4, true},
    {Kind::kMap, 2, true},  {Kind::kMap, 4, true},
}};

constexpr std::uint8_t kFirstShape = 0xc0;
constexpr std::uint8_t kFirstFixExt = 0xd4;
constexpr std::uint8_t kLastFixExt = 0xd8;

std::uint64_t BigEndian(const char* bytes, std::size_t count) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < count; ++i) {
    number = number << 8U | static_cast<std::uint8_t>(bytes[i]);
  }
  return number;
}

// The same number with the sign of its highest byte spread to 64 bits.
std::uint64_t SignExtend(std::uint64_t number, std::size_t bytes) {
  const std::uint64_t shift = 64 - 8 * bytes;
  return static_cast<std::uint64_t>(static_cast<std::int64_t>(number << shift) >>
                                    static_cast<std::int64_t>(shift));
}

void SetNumber(std::uint64_t number, std::size_t bytes, Token& token) {
  switch (token.kind) {
    case Kind::kUint:
      token.bits = number;
      break;
    case Kind::kInt:
      token.bits = SignExtend(number, bytes);
      if (token.AsInt() >= 0) {
        token.kind = Kind::kUint;  // One spelling of each number for all who compare kinds.
      }
      break;
    case Kind::kFloat:
      token.bits = bytes == 8 ? number
                              : std::bit_cast<std::uint64_t>(static_cast<double>(
                                    std::bit_cast<float>(static_cast<std::uint32_t>(number))));
      break;
    case Kind::kNil:
    case Kind::kBool:
    case Kind::kStr:
    case Kind::kBin:
    case Kind::kArray:
    case Kind::kMap:
    case Kind::kExt:
      token.length = static_cast<std::uint32_t>(number);
      break;
  }
}

// One-byte headers: fixint, fixmap, fixarray, fixstr.
bool ReadFix(std::uint8_t first, Token& token) {
  token.header_bytes = 1;
  if (first < 0x80) {
    token.kind = Kind::kUint;
    token.bits = first;
  } else if (first < 0x90) {
    token.kind = Kind::kMap;
    token.length = first & 0x0fU;
  } else if (first < 0xa0) {
    token.kind = Kind::kArray;
    token.length = first & 0x0fU;
  } else if (first < kFirstShape) {
    token.kind = Kind::kStr;
    token.length = first & 0x1fU;
  } else if (first >= 0xe0) {
    token.kind = Kind::kInt;
    token.bits = SignExtend(first, 1);
  } else {
    return false;
  }
  return true;
}

}  // namespace

std::string_view NameOf(Kind kind) {
  constexpr std::array<std::string_view, 10> kNames{"nil", "bool", "uint",  "int", "float",
                                                    "str", "bin",  "array", "map", "ext"};
  return kNames[static_cast<std::size_t>(kind)];
}

double Token::AsDouble() const {
  return std::bit_cast<double>(bits);
}

TokenState ReadToken(std::string_view bytes, Token& token) {
  token = Token{};
  if (bytes.empty()) {
    token.header_bytes = 1;
    return TokenState::kIncomplete;
  }
  const auto first = static_cast<std::uint8_t>(bytes[0]);
  if (ReadFix(first, token)) {
    return TokenState::kOk;
  }
  const Shape shape = kShapes[first - kFirstShape];
  if (!shape.valid) {
    return TokenState::kInvalid;
  }
  token.kind = shape.kind;
  const bool extension = shape.kind == Kind::kExt;
  token.header_bytes = static_cast<std::uint8_t>(1 + shape.number_bytes + (extension ? 1 : 0));
  if (bytes.size() < token.header_bytes) {
    return TokenState::kIncomplete;
  }
  if (shape.kind == Kind::kBool) {
    token.bits = first & 1U;
  } else if (first >= kFirstFixExt && first <= kLastFixExt) {
    token.length = 1U << (first - kFirstFixExt);
  } else if (shape.number_bytes > 0) {
    SetNumber(BigEndian(bytes.data() + 1, shape.number_bytes), shape.number_bytes, token);
  }
  if (extension) {
    token.extension_type = static_cast<std::int8_t>(bytes[token.header_bytes - 1U]);
  }
  return TokenState::kOk;
}

}  // namespace reprise::wire
