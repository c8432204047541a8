#include "protocol/wire/reader.h"

#include <limits>
#include <string>

namespace reprise::wire {
namespace {

base::Error Truncated() {
  return {base::Code::kBadRequest, "the MessagePack value is cut short"};
}

base::Error Unexpected(std::string_view expected, Kind found) {
  return {base::Code::kBadRequest,
          "expected " + std::string(expected) + ", found " + std::string(NameOf(found))};
}

}  // namespace

base::Result<Kind> Reader::Peek() const {
  Token token;
  if (ReadToken(Rest(), token) != TokenState::kOk) {
    return Truncated();
  }
  return token.kind;
}

base::Result<Token> Reader::Next() {
  Token token;
  if (ReadToken(Rest(), token) != TokenState::kOk) {
    return Truncated();
  }
  const std::size_t body = token.HasBody() ? token.length : 0;
  if (Rest().size() - token.header_bytes < body) {
    return Truncated();
  }
  position_ += token.header_bytes + body;
  return token;
}

base::Result<Token> Reader::Expect(Kind kind) {
  ASSIGN_OR_RETURN(const Token token, Next());
  if (token.kind != kind) {
    return Unexpected(NameOf(kind), token.kind);
  }
  return token;
}

base::Result<std::string_view> Reader::Body(const Token& token) {
  return bytes_.substr(position_ - token.length, token.length);
}

base::Result<bool> Reader::Bool() {
  ASSIGN_OR_RETURN(const Token token, Expect(Kind::kBool));
  return token.bits != 0;
}

base::Result<std::int64_t> Reader::Int() {
  ASSIGN_OR_RETURN(const Token token, Next());
  if (token.kind != Kind::kInt && token.kind != Kind::kUint) {
    return Unexpected("an integer", token.kind);
  }
  if (token.kind == Kind::kUint &&
      token.bits > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) {
    return base::Error{base::Code::kBadRequest,
                       "the integer " + std::to_string(token.bits) + " is above 2^63-1"};
  }
  return token.AsInt();
}

base::Result<std::uint64_t> Reader::Uint() {
  ASSIGN_OR_RETURN(const Token token, Next());
  if (token.kind != Kind::kUint) {
    return Unexpected("a non-negative integer", token.kind);
  }
  return token.bits;
}

base::Result<double> Reader::Double() {
  ASSIGN_OR_RETURN(const Token token, Next());
  switch (token.kind) {
    case Kind::kFloat:
      return token.AsDouble();
    case Kind::kUint:
      return static_cast<double>(token.bits);
    case Kind::kInt:
      return static_cast<double>(token.AsInt());
    case Kind::kNil:
    case Kind::kBool:
    case Kind::kStr:
    case Kind::kBin:
    case Kind::kArray:
    case Kind::kMap:
    case Kind::kExt:
      break;
  }
  return Unexpected("a number", token.kind);
}

base::Result<std::string_view> Reader::Str() {
  ASSIGN_OR_RETURN(const Token token, Expect(Kind::kStr));
  return Body(token);
}

base::Result<std::string_view> Reader::Text() {
  ASSIGN_OR_RETURN(const Token token, Next());
  if (token.kind != Kind::kStr && token.kind != Kind::kBin) {
    return Unexpected("str or bin", token.kind);
  }
  return Body(token);
}

base::Result<std::uint32_t> Reader::Array() {
  ASSIGN_OR_RETURN(const Token token, Expect(Kind::kArray));
  return token.length;
}

base::Result<std::uint32_t> Reader::Map() {
  ASSIGN_OR_RETURN(const Token token, Expect(Kind::kMap));
  return token.length;
}

base::Result<std::string_view> Reader::Raw() {
  const std::size_t start = position_;
  std::uint64_t pending = 1;
  while (pending > 0) {
    ASSIGN_OR_RETURN(const Token token, Next());
    --pending;
    if (token.IsContainer()) {
      pending += std::uint64_t{token.length} * (token.kind == Kind::kMap ? 2U : 1U);
    }
  }
  return bytes_.substr(start, position_ - start);
}

}  // namespace reprise::wire
