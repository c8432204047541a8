// Reader: walks over MessagePack bytes that are all there, copying nothing.
//
// Reads are typed; a value of another kind is an error that says what was expected and what was
// found. Threads: one owner. Lifetime: views point into the bytes given to the constructor. Errors:
// kBadRequest. Complexity: O(1) a read, O(bytes skipped) for Skip and Raw.
#pragma once

#include <cstdint>
#include <string_view>

#include "protocol/base/result.h"
#include "protocol/wire/token.h"

namespace reprise::wire {

class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  bool AtEnd() const { return position_ == bytes_.size(); }
  // The rest that has not been read.
  std::string_view Rest() const { return bytes_.substr(position_); }

  // The next value's kind, without moving.
  base::Result<Kind> Peek() const;

  base::Result<bool> Bool();
  base::Result<std::int64_t> Int();
  base::Result<std::uint64_t> Uint();
  base::Result<double> Double();          // integers convert
  base::Result<std::string_view> Str();   // str only
  base::Result<std::string_view> Text();  // str or bin
  base::Result<std::uint32_t> Array();    // the number of items that follow
  base::Result<std::uint32_t> Map();      // the number of pairs that follow
  base::Result<Token> Next();             // any header; the body of str, bin, ext is skipped

  // The bytes of the whole next value.
  base::Result<std::string_view> Raw();

 private:
  base::Result<Token> Expect(Kind kind);
  base::Result<std::string_view> Body(const Token& token);

  std::string_view bytes_;
  std::size_t position_ = 0;
};

}  // namespace reprise::wire
