#include "server/rate/lease.h"

#include <charconv>

namespace reprise::rate {
namespace {

constexpr std::size_t kDigits = 16;
constexpr int kBase = 16;

}  // namespace

std::string TextOf(LeaseId id) {
  constexpr std::string_view kHex = "0123456789abcdef";
  auto number = static_cast<std::uint64_t>(id);
  std::string text(kDigits, '0');
  for (auto digit = text.rbegin(); digit != text.rend(); ++digit) {
    *digit = kHex[number & 15U];
    number >>= 4U;
  }
  return text;
}

std::optional<LeaseId> LeaseIdFrom(std::string_view text) {
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, problem] = std::from_chars(text.data(), end, number, kBase);
  if (text.size() != kDigits || problem != std::errc{} || rest != end) {
    return std::nullopt;
  }
  return LeaseId{number};
}

}  // namespace reprise::rate
