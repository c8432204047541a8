#include "client/cpp/options.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace reprise::client {
namespace {

constexpr std::uint16_t kDefaultPort = 7377;
constexpr std::size_t kUnixPathBytesMax = 107;  // sockaddr_un, less the final zero

// What has no effect on the server, so that doing it twice cannot be told from doing it once.
constexpr std::array<std::string_view, 37> kReading{
    "GET",          "MGET",           "EXISTS",        "TTL",           "SCAN",
    "PING",         "ECHO",           "HELLO",         "INFO",          "STATS",
    "SLOWLOG",      "VERIFY",         "CACHE.TYPES",   "CACHE.LOOKUP",  "CACHE.STATS",
    "COMMAND.LIST", "CONFIG.GET",     "COMMAND.DOCS",  "CLIENT.LIST",   "KEY.LIST",
    "LIMIT.PEEK",   "NAMESPACE.LIST", "BUDGET.STATUS", "CACHE.LOG",     "PRICE.LIST",
    "PRICE.QUOTE",  "SPEND.REPORT",   "SPEND.VERIFY",  "STRATEGY.LIST", "GUARDRAIL.STATUS",
    "LIMIT.LIST",   "ROUTE.MODELS",   "ROUTE.SCORE",   "ROUTE.STATS",   "BATCH.RESULT",
    "BATCH.STATS",  "BATCH.CLASSIFY"};

base::Error Bad(std::string detail) {
  return {base::Code::kBadRequest, std::move(detail)};
}

char ToUpper(char letter) {
  return letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter;
}

bool EqualsIgnoringCase(std::string_view text, std::string_view upper) {
  return std::equal(text.begin(), text.end(), upper.begin(), upper.end(),
                    [](char a, char b) { return ToUpper(a) == b; });
}

base::Result<std::uint16_t> ParsePort(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (failure != std::errc{} || end != text.data() + text.size() || port == 0) {
    return Bad("port '" + std::string(text) + "' is not a number from 1 to 65535");
  }
  return port;
}

base::Status ParseHostAndPort(std::string_view text, Address& address) {
  std::string_view host = text;
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) {
      return Bad("address '" + std::string(text) + "' has no closing bracket");
    }
    host = text.substr(1, close - 1);
    port = text.substr(close + 1);
  } else if (const std::size_t colon = text.rfind(':'); colon != std::string_view::npos) {
    if (text.find(':') != colon) {
      return Bad("an IPv6 address stands in brackets: [" + std::string(text) + "]:7377");
    }
    host = text.substr(0, colon);
    port = text.substr(colon);
  }
  if (host.empty()) {
    return Bad("address '" + std::string(text) +
               "' names no host; use host:port, unix:/path or tls://host:port");
  }
  address.host = host;
  address.port = kDefaultPort;
  if (port.empty()) {
    return base::Ok{};
  }
  if (port.front() != ':') {
    return Bad("address '" + std::string(text) + "' has text between the host and its port");
  }
  ASSIGN_OR_RETURN(address.port, ParsePort(port.substr(1)));
  return base::Ok{};
}

base::Status CheckPin(std::string_view pin) {
  std::size_t digits = 0;
  for (const char letter : pin) {
    const char upper = ToUpper(letter);
    const bool is_digit = (upper >= '0' && upper <= '9') || (upper >= 'A' && upper <= 'F');
    if (!is_digit && letter != ':') {
      return Bad("tls.pinned_sha256 has a character that is no hex digit");
    }
    digits += is_digit ? 1 : 0;
  }
  if (digits != 64) {
    return Bad("tls.pinned_sha256 has " + std::to_string(digits) + " hex digits and needs 64");
  }
  return base::Ok{};
}

base::Status CheckPositive(std::string_view name, std::int64_t value) {
  if (value > 0) {
    return base::Ok{};
  }
  return Bad(std::string(name) + " is " + std::to_string(value) + " and must be above 0");
}

}  // namespace

base::Result<Address> ParseAddress(std::string_view text) {
  constexpr std::string_view kUnixPrefix = "unix:";
  constexpr std::string_view kTlsPrefix = "tls://";
  constexpr std::string_view kTcpPrefix = "tcp://";
  Address address;
  if (text.starts_with(kUnixPrefix)) {
    address.transport = Transport::kUnix;
    text.remove_prefix(kUnixPrefix.size());
    address.path = text.starts_with("//") ? text.substr(2) : text;
    if (address.path.empty() || address.path.size() > kUnixPathBytesMax) {
      return Bad("the path of a Unix socket has 1 to 107 bytes");
    }
    return address;
  }
  if (text.starts_with(kTlsPrefix)) {
    address.transport = Transport::kTls;
    text.remove_prefix(kTlsPrefix.size());
  } else if (text.starts_with(kTcpPrefix)) {
    text.remove_prefix(kTcpPrefix.size());
  }
  RETURN_IF_ERROR(ParseHostAndPort(text, address));
  return address;
}

std::string ToString(const Address& address) {
  if (address.transport == Transport::kUnix) {
    return "unix:" + address.path;
  }
  const bool is_ipv6 = address.host.find(':') != std::string::npos;
  return (address.transport == Transport::kTls ? "tls://" : "") +
         (is_ipv6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

base::Status Options::Check() const {
  RETURN_IF_ERROR(ParseAddress(address));
  RETURN_IF_ERROR(CheckPositive("connect_timeout_ms", connect_timeout_ms));
  RETURN_IF_ERROR(CheckPositive("request_timeout_ms", request_timeout_ms));
  RETURN_IF_ERROR(CheckPositive("attempts_max", attempts_max));
  RETURN_IF_ERROR(
      CheckPositive("response_bytes_max", static_cast<std::int64_t>(response_bytes_max)));
  RETURN_IF_ERROR(CheckPositive("reconnect.first_delay_ms", reconnect.first_delay_ms));
  RETURN_IF_ERROR(CheckPositive("reconnect.failures_to_open", reconnect.failures_to_open));
  if (reconnect.max_delay_ms < reconnect.first_delay_ms) {
    return Bad("reconnect.max_delay_ms is below reconnect.first_delay_ms");
  }
  if (!tls.pinned_sha256.empty()) {
    RETURN_IF_ERROR(CheckPin(tls.pinned_sha256));
  }
  return base::Ok{};
}

bool ReadsOnly(std::string_view method) {
  return std::any_of(kReading.begin(), kReading.end(),
                     [method](std::string_view name) { return EqualsIgnoringCase(method, name); });
}

std::string_view NameOf(Circuit circuit) {
  switch (circuit) {
    case Circuit::kClosed:
      return "closed";
    case Circuit::kOpen:
      return "open";
    case Circuit::kHalfOpen:
      return "half-open";
  }
  return "closed";
}

}  // namespace reprise::client
