#include "server/config/share.h"

#include <charconv>

#include "protocol/base/limits.h"

namespace reprise::config {
namespace {

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t";
  const std::size_t first = text.find_first_not_of(kSpace);
  return first == std::string_view::npos
             ? std::string_view()
             : text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

}  // namespace

std::optional<Share> ParseShare(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    return std::nullopt;
  }
  Share share;
  share.name = Trimmed(text.substr(0, colon));
  const std::string_view digits = Trimmed(text.substr(colon + 1));
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), share.number);
  const bool is_number = parsed.ec == std::errc() && parsed.ptr == digits.data() + digits.size();
  if (!is_number || share.number == 0 || share.number > kShareMax || share.name.empty() ||
      share.name.size() > static_cast<std::size_t>(base::limits::kTagBytes.value)) {
    return std::nullopt;
  }
  return share;
}

}  // namespace reprise::config
