#include "server/jobs/ids.h"

#include <charconv>

namespace reprise::jobs {
namespace {

constexpr std::string_view kDigits = "0123456789abcdef";
constexpr unsigned kBitsOfDigit = 4;

void AppendHex(std::uint64_t number, std::string& out) {
  for (std::size_t digit = kTicketBytes; digit-- > 0;) {
    out.push_back(kDigits[number >> (kBitsOfDigit * digit) & 15U]);
  }
}

// Lower case only: each number has one text.
std::optional<std::uint64_t> ParseHex(std::string_view text) {
  if (text.size() != kTicketBytes || text.find_first_not_of(kDigits) != std::string_view::npos) {
    return std::nullopt;
  }
  std::uint64_t number = 0;
  constexpr int kBase = 16;
  std::from_chars(text.data(), text.data() + text.size(), number, kBase);
  return number;
}

}  // namespace

std::string TicketText(TaskId id) {
  std::string text;
  AppendHex(ToInt(id), text);
  return text;
}

std::optional<TaskId> ParseTicket(std::string_view text) {
  const auto number = ParseHex(text);
  return number.has_value() ? std::optional(TaskId{*number}) : std::nullopt;
}

std::string LeaseText(const LeaseToken& token) {
  std::string text;
  AppendHex(ToInt(token.id), text);
  AppendHex(token.nonce, text);
  return text;
}

std::optional<LeaseToken> ParseLease(std::string_view text) {
  if (text.size() != kLeaseTokenBytes) {
    return std::nullopt;
  }
  const auto id = ParseHex(text.substr(0, kTicketBytes));
  const auto nonce = ParseHex(text.substr(kTicketBytes));
  if (!id.has_value() || !nonce.has_value()) {
    return std::nullopt;
  }
  return LeaseToken{LeaseId{*id}, *nonce};
}

}  // namespace reprise::jobs
