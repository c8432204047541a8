#include "server/text/nfkc.h"

#include <cstddef>
#include <utf8proc.h>

#include "protocol/base/ensure.h"
#include "server/text/code_points.h"
#include "server/text/normalize.h"
#include "server/text/utf8.h"

namespace reprise::text {
namespace {

// Nothing composes it with what stands before it, and no mark is ordered across it. What follows
// others inside a composition, but for marks, is of three kinds in Unicode: vowels and finals of
// Hangul, and signs that extend a grapheme.
bool BeginsAnew(utf8proc_int32_t decomposed) {
  const utf8proc_property_t* property = utf8proc_get_property(decomposed);
  switch (property->boundclass) {
    case UTF8PROC_BOUNDCLASS_EXTEND:
    case UTF8PROC_BOUNDCLASS_SPACINGMARK:
    case UTF8PROC_BOUNDCLASS_V:
    case UTF8PROC_BOUNDCLASS_T:
    case UTF8PROC_BOUNDCLASS_ZWJ:
      return false;
    default:
      return property->combining_class == 0;
  }
}

// What is composed apart from the rest, and the bytes that it came from.
class Segments {
 public:
  explicit Segments(std::vector<NfkcCodePoint>& out) : out_(out) {}

  void Add(char32_t code_point, std::size_t begin, std::size_t end) {
    constexpr auto kDecompose =
        static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT);
    parts_.clear();
    AppendDecomposed(code_point, kDecompose, parts_);
    if (parts_.empty() || BeginsAnew(parts_.front())) {
      Finish(begin);
    }
    pending_.insert(pending_.end(), parts_.begin(), parts_.end());
    end_ = end;
  }

  void Finish(std::size_t next_begin) {
    OrderAndCompose(pending_);
    for (const utf8proc_int32_t code_point : pending_) {
      out_.push_back({static_cast<char32_t>(code_point), static_cast<std::uint32_t>(begin_),
                      static_cast<std::uint32_t>(end_)});
    }
    pending_.clear();
    begin_ = next_begin;
  }

 private:
  std::vector<NfkcCodePoint>& out_;
  CodePoints pending_;
  CodePoints parts_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace

base::Status Nfkc(std::string_view text, std::vector<NfkcCodePoint>& out) {
  ENSURE(text.size() < UINT32_MAX);
  out.clear();
  Segments segments(out);
  bool all_ascii = true;  // so far
  for (std::size_t offset = 0; offset < text.size();) {
    const auto byte = static_cast<std::uint8_t>(text[offset]);
    if (all_ascii && byte < 0x80) {
      const bool joins =
          offset + 1 < text.size() && static_cast<std::uint8_t>(text[offset + 1]) >= 0x80;
      if (!joins) {
        const auto begin = static_cast<std::uint32_t>(offset);
        out.push_back({byte, begin, begin + 1});
        ++offset;
        continue;
      }
    }
    if (all_ascii) {
      all_ascii = false;
      segments.Finish(offset);
    }
    const CodePoint next = FirstCodePoint(text.substr(offset));
    if (next.bytes == 0) {
      return CheckUtf8(text);
    }
    segments.Add(next.value, offset, offset + next.bytes);
    offset += next.bytes;
  }
  segments.Finish(text.size());
  return base::Ok{};
}

}  // namespace reprise::text
