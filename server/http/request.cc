#include "server/http/request.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <http_parser.h>

namespace reprise::http {

namespace {

constexpr int kBadRequest = 400;
constexpr int kVersionNotSupported = 505;
constexpr std::string_view kLineEnd = "\r\n";

char Lower(char character) {
  return character >= 'A' && character <= 'Z' ? static_cast<char>(character - 'A' + 'a')
                                              : character;
}

bool EqualIgnoringCase(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return Lower(x) == Lower(y); });
}

bool IsDigit(char character) {
  return character >= '0' && character <= '9';
}

// The `tchar` of RFC 9110.
bool IsTokenCharacter(char character) {
  const char lower = Lower(character);
  return (lower >= 'a' && lower <= 'z') || IsDigit(character) ||
         std::string_view("!#$%&'*+-.^_`|~").find(character) != std::string_view::npos;
}

std::string_view Trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

Request Refused(int status, std::string_view why) {
  Request request;
  request.status = status;
  request.why = why;
  return request;
}

struct Headers {
  int hosts = 0;
  int lengths = 0;
  int encodings = 0;
  std::string_view host;
  std::string_view length;
};

// Debian builds the parser without its strict mode, in which it takes spaces inside names, so the
// lines are checked here first. Empty when all is well.
std::string_view CheckLines(std::string_view lines, Headers& headers) {
  while (lines != kLineEnd) {
    const std::size_t end = lines.find(kLineEnd);
    const std::string_view line = lines.substr(0, end);
    lines.remove_prefix(end + kLineEnd.size());
    const std::size_t colon = line.find(':');
    const std::string_view name = line.substr(0, colon);
    if (colon == std::string_view::npos || name.empty() ||
        !std::all_of(name.begin(), name.end(), IsTokenCharacter)) {
      return "a header line is malformed";
    }
    const std::string_view value = Trim(line.substr(colon + 1));
    if (EqualIgnoringCase(name, "host")) {
      ++headers.hosts;
      headers.host = value;
    } else if (EqualIgnoringCase(name, "content-length")) {
      ++headers.lengths;
      headers.length = value;
    } else if (EqualIgnoringCase(name, "transfer-encoding")) {
      ++headers.encodings;
    }
  }
  return {};
}

// What says how long a request is must say it once and plainly.
std::string_view CheckFraming(const Headers& headers) {
  if (headers.encodings > 0) {
    return "Transfer-Encoding is not served here";
  }
  if (headers.lengths > 1) {
    return "more than one Content-Length";
  }
  if (headers.lengths == 1 &&
      (headers.length.empty() ||
       !std::all_of(headers.length.begin(), headers.length.end(), IsDigit))) {
    return "Content-Length is not a number";
  }
  return {};
}

// The request line has exactly three parts with one space between them, and a visible target.
bool IsPlainRequestLine(std::string_view line) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) {
    return false;
  }
  const std::string_view target = line.substr(first + 1, last - first - 1);
  return std::all_of(target.begin(), target.end(),
                     [](char character) { return character > ' ' && character < '\x7f'; });
}

int AppendTarget(http_parser* parser, const char* at, std::size_t length) {
  static_cast<std::string*>(parser->data)->append(at, length);
  return 0;
}

}  // namespace

bool HeadScanner::Accept(unsigned char byte) {
  if (after_return_) {
    after_return_ = false;
    if (byte != '\n') {
      return false;
    }
    complete_ = line_bytes_ == 1;  // the CR alone
    line_bytes_ = 0;
    return true;
  }
  const bool control = (byte < ' ' && byte != '\t' && byte != '\r') || byte == 0x7f;
  const bool folded = line_bytes_ == 0 && (byte == ' ' || byte == '\t');
  // MessagePack, TLS and most of what is not HTTP ends here.
  const bool begins_badly = at_ == 0 && (byte < 'A' || byte > 'Z');
  if (control || folded || begins_badly) {
    return false;
  }
  ++line_bytes_;
  after_return_ = byte == '\r';
  return true;
}

HeadScanner::Outcome HeadScanner::Scan(std::string_view bytes) {
  while (!complete_ && at_ < bytes.size()) {
    if (!Accept(static_cast<unsigned char>(bytes[at_]))) {
      return Outcome::kMalformed;
    }
    ++at_;
  }
  return complete_ ? Outcome::kComplete : Outcome::kIncomplete;
}

Request ReadHead(std::string_view head) {
  const std::size_t line_end = head.find(kLineEnd);
  Headers headers;
  if (!IsPlainRequestLine(head.substr(0, line_end))) {
    return Refused(kBadRequest, "the request line is malformed");
  }
  if (const auto why = CheckLines(head.substr(line_end + kLineEnd.size()), headers); !why.empty()) {
    return Refused(kBadRequest, why);
  }
  if (const auto why = CheckFraming(headers); !why.empty()) {
    return Refused(kBadRequest, why);
  }
  if (headers.hosts != 1) {
    return Refused(kBadRequest, "exactly one Host header is needed");
  }
  std::string target;
  http_parser parser;
  http_parser_init(&parser, HTTP_REQUEST);
  parser.data = &target;
  http_parser_settings settings;
  http_parser_settings_init(&settings);
  settings.on_url = AppendTarget;
  const std::size_t taken = http_parser_execute(&parser, &settings, head.data(), head.size());
  if (HTTP_PARSER_ERRNO(&parser) != HPE_OK || taken != head.size()) {
    return Refused(kBadRequest, http_errno_description(HTTP_PARSER_ERRNO(&parser)));
  }
  if (parser.http_major != 1 || parser.http_minor > 1) {
    return Refused(kVersionNotSupported, "the versions served are HTTP/1.0 and HTTP/1.1");
  }
  Request request;
  request.method = parser.method == HTTP_GET    ? Method::kGet
                   : parser.method == HTTP_HEAD ? Method::kHead
                                                : Method::kOther;
  const bool served = request.method != Method::kOther;
  if (served && (target.front() != '/' || target.find('#') != std::string::npos)) {
    return Refused(kBadRequest, "the target must be a path");
  }
  request.path = target.substr(0, target.find('?'));
  request.host = headers.host;
  request.has_body =
      headers.length.find_first_not_of('0') != std::string_view::npos;  // A number, not 0.
  request.keep_alive = http_should_keep_alive(&parser) != 0;
  return request;
}

bool IsHostAllowed(std::string_view host, std::span<const std::string> allowed) {
  constexpr std::array<std::string_view, 3> kLoopback{"localhost", "127.0.0.1", "[::1]"};
  constexpr std::size_t kPortDigitsMax = 5;
  std::string_view name = host;
  const std::size_t bracket = host.find(']');
  const std::size_t colon = host.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (colon != std::string_view::npos) {
    const std::string_view port = host.substr(colon + 1);
    if (port.size() > kPortDigitsMax || !std::all_of(port.begin(), port.end(), IsDigit)) {
      return false;
    }
    name = host.substr(0, colon);
  }
  const auto same = [name](std::string_view candidate) {
    return EqualIgnoringCase(name, candidate);
  };
  return std::any_of(kLoopback.begin(), kLoopback.end(), same) ||
         std::any_of(allowed.begin(), allowed.end(), same);
}

}  // namespace reprise::http
